"""Recording what goes into the pooling layers of a model, and what comes out."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphpool_sanity.analysis.variance import homogeneity
from graphpool_sanity.interface.graphs import Graphs
from graphpool_sanity.interface.inputs import call_model, read_input
from graphpool_sanity.interface.outputs import read_output
from graphpool_sanity.nulls.registry import Layers, pooling_layers


class Embeddings(NamedTuple):
    """The embeddings of the nodes of a batch of graphs, one graph after the other."""

    x: Tensor
    """[n, F]."""
    batch: Tensor
    """[n], the graph of each node, sorted."""
    num_graphs: int

    @property
    def counts(self) -> Tensor:
        """[B], the number of nodes of each graph."""
        return torch.bincount(self.batch, minlength=self.num_graphs)

    def of(self, graph: int) -> Tensor:
        """[n_g, F], the embeddings of one graph.

        Raises:
            ValueError: if there is no such graph.
        """
        if not 0 <= graph < self.num_graphs:
            raise ValueError(f"graph must lie in [0, {self.num_graphs}), got {graph}")
        return self.x[self.batch == graph]


class LayerActivations(NamedTuple):
    """The node embeddings before and after one call of a pooling layer."""

    before: Embeddings
    after: Embeddings


@dataclass(frozen=True)
class Activations:
    """The node embeddings around each pooling layer of a model, for one batch of graphs."""

    layers: dict[str, LayerActivations]
    """By the layer's name in the model, in the order of the calls; the second call of a layer is
    ``"name (2)"``."""

    def stages(self) -> dict[str, Embeddings]:
        """The embeddings ``"before name"`` and ``"after name"``, in the order of the calls."""
        return {
            f"{when} {name}": embeddings
            for name, layer in self.layers.items()
            for when, embeddings in layer._asdict().items()
        }

    def homogeneity(self) -> dict[str, float]:
        """Of each stage the share of variance that lies within graphs: :func:`homogeneity`."""
        return {stage: homogeneity(e.x, e.batch) for stage, e in self.stages().items()}

    @staticmethod
    def concat(parts: Sequence["Activations"]) -> "Activations":
        """The activations of several batches as those of one, graph after graph.

        Raises:
            ValueError: if there are none, or the calls recorded are not the same in all.
        """
        names = [list(part.layers) for part in parts]
        if not parts or any(other != names[0] for other in names):
            raise ValueError(f"parts must be one or more recordings of the same calls, got {names}")
        return Activations(
            {
                name: LayerActivations(
                    _concat([part.layers[name].before for part in parts]),
                    _concat([part.layers[name].after for part in parts]),
                )
                for name in names[0]
            }
        )


def _concat(parts: Sequence[Embeddings]) -> Embeddings:
    batches, num_graphs = [], 0
    for part in parts:
        batches.append(part.batch + num_graphs)
        num_graphs += part.num_graphs
    return Embeddings(torch.cat([part.x for part in parts]), torch.cat(batches), num_graphs)


def record_activations(model: nn.Module, data: object, layers: Layers | None = None) -> Activations:
    """The node embeddings that go into each pooling layer of a model, and that come out.

    The model is run once, in evaluation mode and without gradient; then all its modules are in
    the mode in which they were. Embeddings are copies, without padding, each graph's together.
    What goes in is what is pooled: a layer's argument ``z`` if it is given one, else ``x``.

    Args:
        model: Any module.
        data: What the model takes: a batch of graphs, or a tuple of positional arguments, or a
            dict of keyword arguments.
        layers: The layers to record, by name in the model, class or themselves; all pooling layers,
            as :func:`~graphpool_sanity.randomize` finds them, if ``None``.

    Raises:
        ValueError: if the model has no such layer, none is called, or one takes or returns
            nothing that can be read as embeddings.

    Section 3, *Pooling learns approximately homogeneous node representations*, of Mesquita,
    Souza, Kaski, NeurIPS 2020.

    >>> from torch_geometric.data import Data
    >>> from graphpool_sanity import MemoryPool
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.pool = MemoryPool(4, 8, heads=2, num_clusters=3)
    ...     def forward(self, data):
    ...         return self.pool(data.x, data.batch)[0].mean(1)
    >>> activations = record_activations(Net(), Data(x=torch.randn(5, 4)))
    >>> before, after = activations.layers["pool"]
    >>> before.x.shape, after.x.shape, after.counts
    (torch.Size([5, 4]), torch.Size([3, 8]), tensor([3]))
    """
    recorder = _Recorder(_num_graphs(data))
    modes = {module: module.training for module in model.modules()}
    with torch.no_grad(), ExitStack() as stack:
        stack.callback(_restore, modes)
        for path, layer in pooling_layers(model, layers).items():
            name = path or type(layer).__name__
            enter, leave = partial(recorder.enter, name), partial(recorder.leave, name)
            stack.enter_context(layer.register_forward_pre_hook(enter, with_kwargs=True))
            stack.enter_context(layer.register_forward_hook(leave, with_kwargs=True))
        model.eval()
        _call(model, data)
    if not recorder.calls:
        raise ValueError("model must call a pooling layer by its forward, but called none")
    return recorder.activations()


class _Recorder:
    """The hooks, and what they have seen."""

    def __init__(self, num_graphs: int) -> None:
        self.num_graphs = num_graphs
        self.entered: list[tuple[Graphs, Embeddings]] = []
        self.calls: list[tuple[str, LayerActivations]] = []

    def enter(
        self, name: str, layer: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        given = read_input(layer, args, kwargs, self.num_graphs)
        self.num_graphs = given.size
        self.entered.append((given, _embeddings(given)))

    def leave(
        self,
        name: str,
        layer: nn.Module,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        out: object,
    ) -> None:
        given, before = self.entered.pop()
        after = read_output(layer, out, given).graphs
        self.num_graphs = after.size
        self.calls.append((name, LayerActivations(before, _embeddings(after))))

    def activations(self) -> Activations:
        """All calls, with as many graphs in each: some may not show empty ones at the end."""
        layers: dict[str, LayerActivations] = {}
        times: dict[str, int] = {}
        for name, call in self.calls:
            times[name] = times.get(name, 0) + 1
            key = name if times[name] == 1 else f"{name} ({times[name]})"
            full = (e._replace(num_graphs=self.num_graphs) for e in call)
            layers[key] = LayerActivations(*full)
        return Activations(layers)


def _embeddings(graphs: Graphs) -> Embeddings:
    """Copies of the nodes without padding, those of each graph together."""
    x, batch = graphs.x.detach().flatten(0, -2), graphs.batch_vector
    if graphs.mask is not None:
        real = graphs.mask.flatten()
        x, batch = x[real], batch[real]
    order = batch.argsort(stable=True)
    return Embeddings(x[order], batch[order], graphs.size)


def _restore(modes: Mapping[nn.Module, bool]) -> None:
    for module, training in modes.items():
        module.training = training


def _call(model: nn.Module, data: object) -> None:
    if isinstance(data, dict):
        model(**data)
    elif isinstance(data, tuple):
        model(*data)
    elif isinstance(data, Batch):
        call_model(model, data)
    else:
        model(data)


def _num_graphs(data: object) -> int:
    """How many graphs the data says it has."""
    number = getattr(data, "num_graphs", None)
    return number if isinstance(number, int) else 0
