"""Any graphs of the user's as a benchmark: the task read off the targets, faults named."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset
from torch_geometric.utils import degree

from graphpool_sanity.datasets.looked_at import Graphs, check_categories, looked_at
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.faults import nearest
from graphpool_sanity.training.store import Store
from graphpool_sanity.training.tasks import TASKS, Task

Features = Literal["constant", "degree"]
FEATURES: tuple[Features, ...] = ("constant", "degree")
"""What may stand for the features of nodes that have none."""

_MOST_CATEGORIES = 4096
"""Integers with more values than these, of all columns together, are numbers."""


def as_benchmark(
    graphs: Sequence[Data],
    task: Task | None = None,
    name: str | None = None,
    features: Features = "constant",
    embed: bool = False,
) -> Benchmark:
    """A PyG dataset, or a list of ``Data``, as a benchmark with a seeded 80/10/10 split.

    Features become float32 where they are not, and targets the type that the task needs. Without a
    task, integer targets are classes and floating point targets numbers, but several targets of 0,
    1 and NaN (missing) are binary. All values are looked at once.

    Args:
        graphs: Each with ``x`` [n, F], ``edge_index`` [2, e] and targets ``y`` [1] or [1, T].
        task: ``"classification"``, ``"regression"``, or ``"binary"`` (targets 0 and 1, a logit for
            each, area under the ROC curve).
        name: The benchmark's name; the dataset's, or its class's, if ``None``.
        features: What nodes get if they have no ``x``: a one, or their degree.
        embed: Whether integers from 0 in ``x`` and ``edge_attr`` are categories, for embeddings.

    Raises:
        ValueError: on anything that is no such graphs, naming the first graph at fault: an edge
            to a node that is not there, features or targets that are not finite, an attribute
            that only some graphs have; on fewer than 10 graphs; on classes that are not numbered
            from 0, or only one of them.
    """
    if not hasattr(graphs, "__len__") or not hasattr(graphs, "__getitem__"):
        raise ValueError(
            "dataset must be a Benchmark, a known name, a PyG dataset or a list of Data, got "
            f"{type(graphs).__name__}"
        )
    if features not in FEATURES:
        raise ValueError(
            f"features must be one of {', '.join(FEATURES)}, got {features!r}"
            f"{nearest(features, FEATURES)}"
        )
    name = name or getattr(graphs, "name", None) or type(graphs).__name__
    lacks = _lacks_features(graphs)
    graphs = [_filled(graph, features) for graph in graphs] if lacks else graphs
    values, store = looked_at(graphs)
    task = _task_of(values.y) if task is None else task
    check_task(task)
    y = _checked_targets(values.y, task)
    if task == "classification" and y.unique().numel() <= int(y.max()):
        raise ValueError(
            f"y must be classes numbered from 0, got {y.unique().tolist()[:5]}: number them by "
            "y.unique(return_inverse=True)[1]"
        )
    atoms = _categories_of(values.x) if embed else None
    bonds = _categories_of(values.of_edges.get("edge_attr")) if embed else None
    kind = torch.float32 if atoms is None else torch.int64
    number = y.size(1) if y.dim() == 2 else 1
    return Benchmark(
        str(name),
        _converted(graphs, store, _Form(kind, y.dtype, number, bonds is not None)),
        task,
        int(y.max()) + 1 if task == "classification" else number,
        node_categories=atoms,
        edge_categories=bonds,
        features=features if lacks else None,
    )


def check_task(task: str) -> None:
    """Raise a ``ValueError`` for a task that there is not."""
    if task not in TASKS:
        raise ValueError(
            f"task must be one of {', '.join(TASKS)}, got {task!r}{nearest(task, TASKS)}"
        )


def checked(benchmark: Benchmark) -> Benchmark:
    """A benchmark, if its graphs are what it says they are; edges become int64.

    Raises:
        ValueError: naming the first graph at fault, or targets that the task does not have.
    """
    values, store = looked_at(benchmark.graphs)
    kind = torch.float32 if benchmark.node_categories is None else torch.int64
    if values.x.dtype != kind:
        found = ((i, graph.x.dtype) for i, graph in enumerate(benchmark.graphs))
        i, got = next((i, dtype) for i, dtype in found if dtype != kind)
        raise ValueError(f"dataset[{i}] must have x of type {kind}, got {got}")
    check_categories("x", values.x, values.nodes, benchmark.node_categories)
    if benchmark.edge_categories is not None:
        if "edge_attr" not in values.of_edges:
            raise ValueError("dataset must have edge_attr for its edge_categories, got none")
        bonds = values.of_edges["edge_attr"]
        check_categories("edge_attr", bonds, values.edges, benchmark.edge_categories)
    y, right = values.y, _checked_targets(values.y, benchmark.task)
    if y.dtype != right.dtype:
        raise ValueError(f"y must be {right.dtype} for task={benchmark.task!r}, got {y.dtype}")
    if benchmark.task == "classification" and int(y.max()) >= benchmark.out_channels:
        raise ValueError(
            f"y must be classes below out_channels={benchmark.out_channels}, got {int(y.max())}"
        )
    number = y.size(1) if y.dim() == 2 else 1
    if benchmark.task != "classification" and number != benchmark.out_channels:
        raise ValueError(f"y must have out_channels={benchmark.out_channels} targets, got {number}")
    form = _Form(kind, y.dtype, number, benchmark.edge_categories is not None)
    graphs = _converted(benchmark.graphs, store, form)
    return benchmark if graphs is benchmark.graphs else replace(benchmark, graphs=graphs)


def _lacks_features(graphs: Sequence[Data]) -> bool:
    """Whether nodes have no features, and can be given some once and for all."""
    if len(graphs) == 0 or getattr(graphs, "transform", None) is not None:
        return False
    first = graphs[0]
    if not isinstance(first, Data) or not isinstance(first.get("edge_index"), Tensor):
        return False
    x = first.get("x")
    return x is None or (isinstance(x, Tensor) and x.dim() == 2 and x.size(1) == 0)


def _filled(graph: Data, features: Features) -> Data:
    """A graph with a feature of each node, if it has none."""
    if not isinstance(graph, Data) or (graph.get("x") is not None and graph.x.numel()):
        return graph
    graph, size = copy.copy(graph), int(graph.num_nodes or 0)
    ends = graph.edge_index[1] if isinstance(graph.get("edge_index"), Tensor) else torch.tensor([])
    one = torch.ones(size) if features == "constant" else degree(ends.long(), size)
    graph.x = one.view(-1, 1)
    return graph


def _categories_of(value: Tensor | None) -> tuple[int, ...] | None:
    """How many values each column of integers has; ``None`` if these are numbers."""
    if value is None or value.is_floating_point() or value.numel() == 0 or value.min() < 0:
        return None
    sizes = tuple((value.view(len(value), -1).amax(0).long() + 1).tolist())
    return sizes if sum(sizes) <= _MOST_CATEGORIES else None


def _task_of(y: Tensor) -> Task:
    if y.dim() == 2 and ((y == 0) | (y == 1) | y.isnan()).all():
        return "binary"
    return "regression" if y.is_floating_point() else "classification"


def _checked_targets(y: Tensor, task: Task) -> Tensor:
    """The targets in the type that the task's loss takes; of several, some may be missing."""
    several = y.dim() == 2
    if task == "classification" and several:
        raise ValueError(
            f"dataset must have one target y for task='classification', got {y.size(1)}: those "
            "of 0 and 1 are task='binary', numbers are task='regression'"
        )
    wrong = y.isinf() if several else ~y.isfinite()
    if wrong.any():
        first = int(wrong.nonzero()[0][0])
        raise ValueError(
            f"y must be finite, got NaN or infinity in dataset[{first}]: drop graphs without a "
            "target"
        )
    if several and y.isnan().all(0).any():
        missing = int(y.isnan().all(0).nonzero()[0])
        raise ValueError(f"y must have some of each target, got none of target {missing}")
    if task == "regression":
        return y.float()
    classes = y[~y.isnan()].unique().tolist()
    if len(classes) < 2:
        raise ValueError(f"y must have two classes or more, got {classes} only")
    if task == "binary" and classes != [0, 1]:
        raise ValueError(f"y must be 0 or 1 for task='binary', got {classes[:5]}")
    if classes[0] < 0 or any(value != int(value) for value in classes):
        raise ValueError(f"y must be classes numbered from 0, got {classes[:5]}")
    return y.float() if task == "binary" else y.long()


class _Form(NamedTuple):
    """What a benchmark's graphs are to be made of."""

    features: torch.dtype
    targets: torch.dtype
    number: int
    """Of targets."""
    embeds_edges: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the targets of one graph, and behind the number of graphs that of all."""
        return () if self.number == 1 else (self.number,)

    def fits(self, graph: Data) -> bool:
        """Whether a graph has this form."""
        kinds = (graph.x.dtype, graph.edge_index.dtype, graph.y.dtype, graph.y.shape)
        bonds = graph.edge_attr if self.embeds_edges else None
        return kinds == (self.features, torch.int64, self.targets, (1, *self.shape)) and (
            bonds is None or (bonds.dtype == torch.int64 and bonds.dim() == 2)
        )

    def of(self, values: dict[str, Tensor], size: int) -> dict[str, Tensor]:
        """What ``size`` graphs have, in this form."""
        found = {
            "x": values["x"].to(self.features),
            "edge_index": values["edge_index"].long(),
            "y": values["y"].reshape(size, *self.shape).to(self.targets),
        }
        if self.embeds_edges:
            bonds = values["edge_attr"]
            found["edge_attr"] = bonds.long().view(len(bonds), -1)
        return found


def _converted(graphs: Graphs, store: Store | None, form: _Form) -> Graphs:
    """The graphs in a form; as they are, if they have it."""
    if store is None:
        seen = [graphs[i] for i in range(len(graphs))]
        if all(form.fits(graph) for graph in seen):
            return graphs
        converted = _Converted(graphs, form)
        return list(converted) if isinstance(graphs, list | tuple) else converted
    if isinstance(graphs, InMemoryDataset) and form.fits(graphs[0]):
        return graphs
    size = store.sizes("y").numel()
    values, slices = store.values | form.of(store.values, size), dict(store.slices)
    slices["y"] = torch.arange(size + 1)
    return store._replace(values=values, slices=slices).as_dataset()


class _Converted(Sequence[Data]):
    """Graphs that are converted at each access, as they may be others each time."""

    def __init__(self, graphs: Graphs, form: _Form) -> None:
        self.graphs, self.form = graphs, form

    def __len__(self) -> int:
        return len(self.graphs)

    def __getitem__(self, i: int) -> Data:  # type: ignore[override]  # no slices
        graph = copy.copy(self.graphs[i])
        for key, value in self.form.of(graph.to_dict(), 1).items():
            graph[key] = value
        return graph
