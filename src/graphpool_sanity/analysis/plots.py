"""Figures of node embeddings before and after pooling, and of how homogeneous they are."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from graphpool_sanity.analysis.activations import Activations
from graphpool_sanity.analysis.picture import Picture


def plot_activations(activations: Activations, graphs: Sequence[int] = (0, 1, 2)) -> Figure:
    """Embeddings before and after each pooling layer, as images of nodes by channels.

    A row of images is a graph; above each is its number of nodes in brackets. Each image has a
    colour range of its own, dark for low values: colours tell how homogeneous a matrix is, and
    nothing across matrices. All images are of one size, whatever their number of nodes.

    Raises:
        ValueError: if no graph is named, or one that there is not.

    Figures 5, 6 and S2 to S13 of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> import torch
    >>> from graphpool_sanity.analysis.activations import Embeddings, LayerActivations
    >>> embeddings = Embeddings(torch.eye(3), torch.tensor([0, 0, 1]), num_graphs=2)
    >>> layers = {"pool": LayerActivations(embeddings, embeddings)}
    >>> [axes.get_title() for axes in plot_activations(Activations(layers), graphs=[1]).axes]
    ['before pool\\n[1]', 'after pool\\n[1]']
    """
    if len(graphs) == 0:
        raise ValueError("graphs must name at least one graph, got none")
    stages = activations.stages()
    size = (0.6 + 1.5 * len(stages), 0.4 + 1.5 * len(graphs))
    figure = Picture(figsize=size, layout="constrained")
    grid = figure.subplots(len(graphs), len(stages), squeeze=False)
    for graph, row in zip(graphs, grid, strict=True):
        row[0].set_ylabel(f"graph {graph}")
        for axes, (stage, embeddings) in zip(row, stages.items(), strict=True):
            heading = f"{stage}\n" if axes in grid[0] else ""
            _draw(axes, embeddings.of(graph), heading)
    return figure


def _draw(axes: Axes, x: Tensor, heading: str) -> None:
    axes.set_title(f"{heading}[{len(x)}]", fontsize="medium")
    axes.set_xticks([])
    axes.set_yticks([])
    if x.numel() > 0:
        axes.imshow(x.float().cpu().numpy(), aspect="auto", interpolation="nearest")


def plot_homogeneity(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """The share of variance within graphs from stage to stage, one line for each model.

    Args:
        shares: For each model the share at each stage, in order, as from
            :meth:`Activations.homogeneity`.

    Raises:
        ValueError: if there is no share.

    >>> figure = plot_homogeneity({"gmn": {"before pool": 0.8, "after pool": 0.1}})
    >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
    ['before pool', 'after pool']
    """
    stages = list(dict.fromkeys(stage for model in shares.values() for stage in model))
    if not stages:
        raise ValueError("shares must hold at least one share, got none")
    figure = Picture(figsize=(2.5 + 0.9 * len(stages), 3.6), layout="constrained")
    axes = figure.subplots()
    for name, model in shares.items():
        places = [stages.index(stage) for stage in model]
        axes.plot(places, list(model.values()), "o-", label=name, alpha=0.8)
    axes.set_xticks(range(len(stages)), stages, rotation=30, ha="right")
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of variance within graphs")
    axes.legend(fontsize="small")
    return figure
