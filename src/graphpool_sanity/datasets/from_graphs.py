"""Any graphs of the user's as a benchmark: the task read off the targets, faults named."""

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.tasks import TASKS, Task

_LEAST = 10
"""Graphs that an 80/10/10 split needs."""


def as_benchmark(
    graphs: Sequence[Data], task: Task | None = None, name: str | None = None
) -> Benchmark:
    """A PyG dataset, or a list of ``Data``, as a benchmark with a seeded 80/10/10 split.

    Features become float32 where they are not, and targets [1] of each graph the type that the
    task needs. Without a task, integer targets are classes and floating point targets numbers.

    Args:
        graphs: Each with ``x`` [n, F], ``edge_index`` [2, e] and one target ``y``.
        task: ``"classification"``, ``"regression"``, or ``"binary"`` (targets 0 and 1, one logit,
            area under the ROC curve).
        name: The benchmark's name; the dataset's, or its class's, if ``None``.

    Raises:
        ValueError: on anything that is no such graphs, naming the first graph at fault; on fewer
            than 10 graphs; on classes that are not numbered from 0, or only one of them.
    """
    if not hasattr(graphs, "__len__") or not hasattr(graphs, "__getitem__"):
        raise ValueError(
            "dataset must be a Benchmark, a known name, a PyG dataset or a list of Data, got "
            f"{type(graphs).__name__}"
        )
    if len(graphs) < _LEAST:
        raise ValueError(f"dataset must have {_LEAST} graphs or more, got {len(graphs)}")
    listed = [graphs[i] for i in range(len(graphs))]
    _check_graphs(listed)
    y = torch.cat([graph.y.reshape(1) for graph in listed])
    name = name or getattr(graphs, "name", None) or type(graphs).__name__
    task = _task_of(y) if task is None else task
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    y = _checked_targets(y, task)
    kinds = {(g.x.dtype, g.edge_index.dtype, g.y.dtype, g.y.shape) for g in listed}
    if kinds != {(torch.float32, torch.int64, y.dtype, (1,))}:
        graphs = [_with(graph, target) for graph, target in zip(listed, y.split(1), strict=True)]
    out_channels = int(y.max()) + 1 if task == "classification" else 1
    return Benchmark(str(name), graphs, task, out_channels)


def checked(benchmark: Benchmark) -> Benchmark:
    """A benchmark, if its graphs are what it says they are; edges become int64.

    Raises:
        ValueError: naming the first graph at fault, or targets that the task does not have.
    """
    graphs = [benchmark.graphs[i] for i in range(len(benchmark.graphs))]
    if len(graphs) < _LEAST:
        raise ValueError(f"dataset must have {_LEAST} graphs or more, got {len(graphs)}")
    _check_graphs(graphs)
    kind = torch.float32 if benchmark.node_categories is None else torch.int64
    for i, graph in enumerate(graphs):
        if graph.x.dtype != kind:
            raise ValueError(f"dataset[{i}] must have x of type {kind}, got {graph.x.dtype}")
    y = torch.cat([graph.y.reshape(1) for graph in graphs])
    right = _checked_targets(y, benchmark.task)
    if y.dtype != right.dtype:
        raise ValueError(f"y must be {right.dtype} for task={benchmark.task!r}, got {y.dtype}")
    if benchmark.task == "classification" and int(y.max()) >= benchmark.out_channels:
        raise ValueError(
            f"y must be classes below out_channels={benchmark.out_channels}, got {int(y.max())}"
        )
    if all(graph.edge_index.dtype == torch.int64 for graph in graphs):
        return benchmark
    return replace(benchmark, graphs=[_with(graph) for graph in graphs])


def _check_graphs(graphs: Sequence[Data]) -> None:
    for i, graph in enumerate(graphs):
        fault = _fault(graph)
        if fault:
            raise ValueError(f"dataset[{i}] must {fault}")
    widths = sorted({graph.x.size(1) for graph in graphs})
    if len(widths) > 1:
        raise ValueError(f"dataset must have x of one width, got {widths} columns")
    with_attributes = [graph.get("edge_attr") is not None for graph in graphs]
    if len(set(with_attributes)) > 1:
        raise ValueError(
            "dataset must have edge_attr in all graphs or in none, got none in "
            f"dataset[{with_attributes.index(False)}]"
        )


def _fault(graph: object) -> str | None:
    """What a graph must have or be and has or is not."""
    if not isinstance(graph, Data):
        return f"be a torch_geometric.data.Data, got {type(graph).__name__}"
    for key, wanted in (("x", "node features x"), ("edge_index", "edges"), ("y", "a target y")):
        if not isinstance(graph.get(key), Tensor):
            return f"have {wanted}, got none ({key} is {type(graph.get(key)).__name__})"
    if graph.x.dim() != 2:
        return f"have x of shape [n, F], got {list(graph.x.shape)}"
    if graph.y.numel() != 1:
        return f"have one target y, got y of shape {list(graph.y.shape)}: keep one of them"
    edges = graph.edge_index
    if edges.dim() != 2 or edges.size(0) != 2:
        return f"have edge_index of shape [2, e], got {list(edges.shape)}"
    if edges.is_floating_point() or edges.dtype == torch.bool:
        return f"have edge_index of integers, got {edges.dtype}"
    return None


def _task_of(y: Tensor) -> Task:
    return "regression" if y.is_floating_point() else "classification"


def _checked_targets(y: Tensor, task: Task) -> Tensor:
    """The targets in the type that the task's loss takes."""
    if not y.isfinite().all():
        raise ValueError("y must be finite, got NaN or infinity: drop graphs without a target")
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


def _with(graph: Data, target: Tensor | None = None) -> Data:
    """A graph with edges of int64; with a target, and its features in float32, if one is given."""
    graph = copy.copy(graph)
    graph.edge_index = graph.edge_index.long()
    if target is not None:
        graph.x, graph.y = graph.x.float(), target
    return graph
