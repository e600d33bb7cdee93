"""What a layer does to one small graph, drawn from what the layer returns."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import molecule
import networkx as nx
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Wedge
from numpy.typing import NDArray
from torch import Tensor, nn

from graphpool_sanity import PoolOutput, SoftPoolOutput

Points = NDArray[np.float64]

COLORS = [plt.get_cmap("tab10")(i) for i in (0, 1, 2, 3, 4, 6, 8, 9, 5, 7)]
GREY = "0.55"
NODE = 0.2
"""The radius of a node."""


def hard(pool: nn.Module) -> Figure:
    """The pairs that a hard layer selects, and the graph that is left."""
    edges, points = molecule.edge_index(), molecule.positions()
    out: PoolOutput = pool.eval()(torch.from_numpy(points).float(), edges)
    clusters = out.cluster.numpy()
    centres = _spread([points[clusters == c].mean(0) for c in range(len(out.x))], out.edge_index)

    figure, (before, after) = _panels("select", "coarsen")
    draw_pairs(before, points, edges, clusters)
    _draw_edges(after, centres, out.edge_index)
    _draw_nodes(after, centres, np.eye(len(centres)), NODE * 1.3)
    return figure


def draw_pairs(ax: Axes, points: Points, edges: Tensor, clusters: NDArray[np.int64]) -> None:
    """A graph, its nodes in the colours of their clusters, with a band along each pair."""
    ax.set_axis_off()
    ax.set_aspect("equal")
    _draw_edges(ax, points, edges)
    for c in range(clusters.max() + 1):
        pair = points[clusters == c]
        ax.plot(*pair.T, color=COLORS[c], lw=11, alpha=0.4, solid_capstyle="round")
    _draw_nodes(ax, points, np.eye(clusters.max() + 1)[clusters])


def soft(pool: nn.Module, steps: int = 0) -> Figure:
    """The shares that a soft layer gives to its clusters, and the graph of the clusters.

    A layer that learns is first trained on its own two losses for so many ``steps``.
    """
    edges, points = molecule.edge_index(), molecule.positions()
    x = torch.from_numpy(points).float()
    adj = torch.zeros(len(x), len(x)).index_put_(tuple(edges), torch.ones(()))
    shares: list[Tensor] = []
    select = pool.get_submodule("select")
    select.register_forward_hook(lambda *call: shares.append(call[-1].detach()))

    def losses() -> Tensor:
        out: SoftPoolOutput = pool(x, adj)
        return out.graph_loss + out.assignment_loss

    _train(pool, losses, steps)
    out = pool.eval()(x, adj)
    s, pooled = shares[-1].view(len(x), -1).numpy(), out.adj[0].detach().numpy()

    figure, (before, matrix, after) = _panels("select", "S", "coarsen")
    _draw_edges(before, points, edges)
    _draw_nodes(before, points, s)
    _draw_matrix(matrix, s)
    corners = _corners(len(pooled))
    for i, j in zip(*np.triu_indices(len(pooled), 1), strict=True):
        width = 12 * pooled[i, j] / pooled.max()
        after.plot(*corners[[i, j]].T, color=GREY, lw=width, zorder=0)
    _draw_nodes(after, corners, np.eye(len(pooled)), NODE * 1.3)
    return figure


def memory(pool: nn.Module, steps: int = 500) -> Figure:
    """The shares that a memory layer gives to its keys, which lie among the features.

    The layer is first trained to give back the features of the nodes from those of the clusters.
    """
    edges, points = molecule.edge_index(), molecule.positions()
    x = torch.from_numpy(points).float()

    def loss() -> Tensor:
        pooled, s = pool(x)
        return (s @ pooled - x).square().mean()

    _train(pool, loss, steps)
    s = pool.eval()(x)[1][0].detach().numpy()

    figure, (before, matrix) = _panels("select", "S")
    _draw_edges(before, points, edges)
    _draw_nodes(before, points, s)
    for head in getattr(pool, "k", torch.empty(0)):
        for color, key in zip(COLORS, head.detach().numpy(), strict=False):
            before.plot(*key, "*", color=color, markersize=17, markeredgecolor=GREY)
    _draw_matrix(matrix, s)
    return figure


def _train(pool: nn.Module, loss: Callable[[], Tensor], steps: int) -> None:
    if steps == 0:  # of a layer that learns nothing
        return
    optimizer = torch.optim.Adam(pool.parameters(), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def _spread(centres: list[Points], edges: Tensor) -> Points:
    """Places for the clusters, near their centres and apart from one another."""
    graph = nx.Graph(edges.t().tolist())
    graph.add_nodes_from(range(len(centres)))
    places = nx.kamada_kawai_layout(graph, pos=dict(enumerate(centres)), scale=2)
    return np.array([places[c] for c in range(len(centres))])


def _panels(*titles: str) -> tuple[Figure, list[Axes]]:
    narrow = [0.45 if title == "S" else 1 for title in titles]
    figure, axes = plt.subplots(
        1,
        len(titles),
        figsize=(3.6 * sum(narrow), 3.4),
        width_ratios=narrow,
        layout="constrained",
    )
    figure.patch.set_alpha(0)
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, color="0.35")
        ax.set_axis_off()
        if title != "S":
            ax.set_aspect("equal")
            ax.margins(0.12)
    return figure, list(axes)


def _draw_edges(ax: Axes, points: Points, edges: Tensor) -> None:
    for i, j in edges[:, edges[0] < edges[1]].t().tolist():
        ax.plot(*points[[i, j]].T, color=GREY, lw=1.8, zorder=0)


def _draw_nodes(ax: Axes, points: Points, shares: Points, radius: float = NODE) -> None:
    """Each node as a pie of its clusters."""
    for point, share in zip(points, shares, strict=True):
        ends = 90 - 360 * np.concatenate([[0], share.cumsum()])
        for c in np.flatnonzero(share > 1e-3):
            ax.add_patch(Wedge(point, radius, ends[c + 1], ends[c], color=COLORS[c], lw=0))
    ax.update_datalim(np.concatenate([points - radius, points + radius]))
    ax.autoscale_view()


def _draw_matrix(ax: Axes, s: Points) -> None:
    """Nodes by clusters, each column in the colour of its cluster."""
    paint = np.array(COLORS)[: s.shape[1], :3]
    ax.imshow(1 - s[:, :, None] * (1 - paint), aspect="auto", interpolation="nearest")
    ax.set_axis_on()
    ax.set_xlabel("cluster")
    ax.set_ylabel("node")
    ax.set_xticks([])
    ax.set_yticks([])


def _corners(count: int) -> Points:
    angles = np.pi / 2 - 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
