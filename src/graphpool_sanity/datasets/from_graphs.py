"""Any graphs of the user's as a benchmark: the task read off the targets, faults named."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset

from graphpool_sanity.datasets.looked_at import Graphs, check_categories, looked_at
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.store import Store
from graphpool_sanity.training.tasks import TASKS, Task


def as_benchmark(
    graphs: Sequence[Data], task: Task | None = None, name: str | None = None
) -> Benchmark:
    """A PyG dataset, or a list of ``Data``, as a benchmark with a seeded 80/10/10 split.

    Features become float32 where they are not, and targets [1] of each graph the type that the
    task needs. Without a task, integer targets are classes and floating point targets numbers.
    All values are looked at once.

    Args:
        graphs: Each with ``x`` [n, F], ``edge_index`` [2, e] and one target ``y``.
        task: ``"classification"``, ``"regression"``, or ``"binary"`` (targets 0 and 1, one logit,
            area under the ROC curve).
        name: The benchmark's name; the dataset's, or its class's, if ``None``.

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
    values, store = looked_at(graphs)
    name = name or getattr(graphs, "name", None) or type(graphs).__name__
    task = _task_of(values.y) if task is None else task
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    y = _checked_targets(values.y, task)
    if task == "classification" and y.unique().numel() <= int(y.max()):
        raise ValueError(
            f"y must be classes numbered from 0, got {y.unique().tolist()[:5]}: number them by "
            "y.unique(return_inverse=True)[1]"
        )
    graphs = _converted(graphs, store, torch.float32, y.dtype)
    out_channels = int(y.max()) + 1 if task == "classification" else 1
    return Benchmark(str(name), graphs, task, out_channels)


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
    graphs = _converted(benchmark.graphs, store, kind, y.dtype)
    return benchmark if graphs is benchmark.graphs else replace(benchmark, graphs=graphs)


def _task_of(y: Tensor) -> Task:
    return "regression" if y.is_floating_point() else "classification"


def _checked_targets(y: Tensor, task: Task) -> Tensor:
    """The targets in the type that the task's loss takes."""
    if not y.isfinite().all():
        first = int((~y.isfinite()).nonzero()[0])
        raise ValueError(
            f"y must be finite, got NaN or infinity in dataset[{first}]: drop graphs without a "
            "target"
        )
    if task == "regression":
        return y.float()
    classes = y.unique().tolist()
    if len(classes) < 2:
        raise ValueError(f"y must have two classes or more, got {classes} only")
    if task == "binary" and classes != [0, 1]:
        raise ValueError(f"y must be 0 or 1 for task='binary', got {classes[:5]}")
    if classes[0] < 0 or any(value != int(value) for value in classes):
        raise ValueError(f"y must be classes numbered from 0, got {classes[:5]}")
    return y.float() if task == "binary" else y.long()


def _converted(
    graphs: Graphs, store: Store | None, features: torch.dtype, targets: torch.dtype
) -> Graphs:
    """The graphs with features and targets [1] of these types and edges of int64."""
    if store is None:
        seen = [graphs[i] for i in range(len(graphs))]
        if all(_is_right(graph, features, targets) for graph in seen):
            return graphs
        converted = _Converted(graphs, features, targets)
        return list(converted) if isinstance(graphs, list | tuple) else converted
    if isinstance(graphs, InMemoryDataset) and _is_right(graphs[0], features, targets):
        return graphs
    values = store.values
    right = {
        "x": values["x"].to(features),
        "edge_index": values["edge_index"].long(),
        "y": values["y"].reshape(-1).to(targets),
    }
    return store._replace(values=values | right).as_dataset()


def _is_right(graph: Data, features: torch.dtype, targets: torch.dtype) -> bool:
    kinds = (graph.x.dtype, graph.edge_index.dtype, graph.y.dtype, graph.y.shape)
    return kinds == (features, torch.int64, targets, (1,))


class _Converted(Sequence[Data]):
    """Graphs that are converted at each access, as they may be others each time."""

    def __init__(self, graphs: Graphs, features: torch.dtype, targets: torch.dtype) -> None:
        self.graphs, self.features, self.targets = graphs, features, targets

    def __len__(self) -> int:
        return len(self.graphs)

    def __getitem__(self, i: int) -> Data:  # type: ignore[override]  # no slices
        graph = copy.copy(self.graphs[i])
        graph.x, graph.edge_index = graph.x.to(self.features), graph.edge_index.long()
        graph.y = graph.y.reshape(1).to(self.targets)
        return graph
