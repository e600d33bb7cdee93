"""Graphs looked at once, before anything runs: the first one at fault is named."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset

from graphpool_sanity.training.store import Store, store_of

LEAST = 10
"""Graphs that an 80/10/10 split needs."""

Graphs: TypeAlias = "InMemoryDataset | Sequence[Data]"

_OF_EDGES = ("edge_attr", "edge_weight")


class Values(NamedTuple):
    """What all graphs have, end to end."""

    x: Tensor
    edge_index: Tensor
    y: Tensor
    """[B], or [B, T] of several targets."""
    of_edges: dict[str, Tensor]
    """``edge_attr`` and ``edge_weight``, where there are any."""
    nodes: Tensor
    """[B], of each graph."""
    edges: Tensor
    """[B], of each graph."""


def looked_at(graphs: Graphs) -> tuple[Values, Store | None]:
    """What the graphs have, if each is one, and their store, if they have one.

    Raises:
        ValueError: naming the first graph at fault.
    """
    if len(graphs) < LEAST:
        raise ValueError(f"dataset must have {LEAST} graphs or more, got {len(graphs)}")
    collated = isinstance(graphs, InMemoryDataset) and _fault(graphs[0]) is None
    store = store_of(graphs) if collated else None
    if store is None:
        listed = [graphs[i] for i in range(len(graphs))]
        _check_alike(listed)
        store = store_of(graphs)
        values = _of_list(listed) if store is None else _of_store(store)
    else:  # all are like the first, but for the sizes of their attributes
        values = _of_store(store)
        wrong = store.sizes("y") != store.sizes("y")[0]
        for key in values.of_edges:
            wrong |= store.sizes(key) != values.edges
        if store.num_nodes is not None:
            wrong |= store.num_nodes != values.nodes
        for first in wrong.nonzero()[:1].flatten().tolist():
            fault = _fault(graphs[first]) or _fault_of_targets(graphs[first], graphs[0])
            raise ValueError(f"dataset[{first}] must {fault}")
    _check_edges(values)
    _check_finite("x", values.x, values.nodes)
    for key, value in values.of_edges.items():
        _check_finite(key, value, values.edges)
    return values, store


def _of_store(store: Store) -> Values:
    values = store.values
    return Values(
        values["x"],
        values["edge_index"],
        _targets(values["y"].reshape(store.sizes("x").numel(), -1)),
        {key: values[key] for key in _OF_EDGES if key in values},
        store.sizes("x"),
        store.sizes("edge_index"),
    )


def _of_list(graphs: Sequence[Data]) -> Values:
    had = [key for key in _OF_EDGES if isinstance(graphs[0].get(key), Tensor)]
    return Values(
        x=torch.cat([graph.x for graph in graphs]),
        edge_index=torch.cat([graph.edge_index for graph in graphs], dim=1),
        y=_targets(torch.stack([graph.y.reshape(-1) for graph in graphs])),
        of_edges={key: torch.cat([graph[key] for graph in graphs]) for key in had},
        nodes=torch.tensor([graph.x.size(0) for graph in graphs]),
        edges=torch.tensor([graph.edge_index.size(1) for graph in graphs]),
    )


def _targets(y: Tensor) -> Tensor:
    """[B, T], or [B] if there is one of each graph."""
    return y.squeeze(1) if y.size(1) == 1 else y


def _check_alike(graphs: Sequence[Data]) -> None:
    for i, graph in enumerate(graphs):
        fault = _fault(graph) or _fault_of_targets(graph, graphs[0])
        if fault:
            raise ValueError(f"dataset[{i}] must {fault}")
    had = [set(graph.keys()) for graph in graphs]
    for key in sorted(set.union(*had) - set.intersection(*had)):
        lacking = next(i for i, keys in enumerate(had) if key not in keys)
        raise ValueError(
            f"dataset must have {key} in all graphs or in none, got none in dataset[{lacking}]"
        )
    for key in ("x", *(key for key in _OF_EDGES if key in had[0])):
        widths = sorted({tuple(graph[key].shape[1:]) for graph in graphs})
        if len(widths) > 1:
            got = [width[0] if len(width) == 1 else list(width) for width in widths]
            raise ValueError(f"dataset must have {key} of one width, got {got} columns")


def _fault(graph: object) -> str | None:
    """What a graph must have or be and has or is not."""
    if not isinstance(graph, Data):
        return f"be a torch_geometric.data.Data, got {type(graph).__name__}"
    for key, wanted in (("x", "node features x"), ("edge_index", "edges"), ("y", "a target y")):
        if not isinstance(graph.get(key), Tensor):
            return f"have {wanted}, got none ({key} is {type(graph.get(key)).__name__})"
    if graph.x.dim() != 2:
        return f"have x of shape [n, F], got {list(graph.x.shape)}"
    if graph.num_nodes != graph.x.size(0):
        return f"have x of its {graph.num_nodes} nodes, got {list(graph.x.shape)}"
    if graph.y.numel() == 0 or graph.y.dim() > 2 or graph.y.shape[:-1].numel() > 1:
        return f"have targets y of shape [1, T], got {list(graph.y.shape)}"
    return _fault_of_edges(graph)


def _fault_of_targets(graph: Data, first: Data) -> str | None:
    wanted = first.y.numel()
    if graph.y.numel() == wanted:
        return None
    many = "one target y" if wanted == 1 else f"{wanted} targets y"
    return f"have {many}, got y of shape {list(graph.y.shape)}: dataset[0] has {wanted}"


def _fault_of_edges(graph: Data) -> str | None:
    edges = graph.edge_index
    if edges.dim() != 2 or edges.size(0) != 2:
        return f"have edge_index of shape [2, e], got {list(edges.shape)}"
    if edges.is_floating_point() or edges.dtype == torch.bool:
        return f"have edge_index of integers, got {edges.dtype}"
    for key in _OF_EDGES:
        value = graph.get(key)
        if isinstance(value, Tensor) and list(value.shape[:1]) != [edges.size(1)]:
            return f"have {key} of its {edges.size(1)} edges, got {list(value.shape)}"
    return None


def _check_edges(values: Values) -> None:
    size = values.nodes.repeat_interleave(values.edges).to(values.edge_index.device)
    ends = values.edge_index
    wrong = ((ends < 0) | (ends >= size)).any(0)
    if wrong.any():
        edge = int(wrong.nonzero()[0])
        raise ValueError(
            f"dataset[{_graph_of(edge, values.edges)}] must have edge_index in [0, "
            f"{int(size[edge])}), which are its nodes, got the edge {ends[:, edge].tolist()}"
        )


def _check_finite(key: str, value: Tensor, sizes: Tensor) -> None:
    wrong = ~value.isfinite().flatten(1).all(1) if value.dim() > 1 else ~value.isfinite()
    if wrong.any():
        row = int(wrong.nonzero()[0])
        raise ValueError(
            f"dataset[{_graph_of(row, sizes)}] must have finite {key}, got NaN or infinity"
        )


def check_categories(
    key: str, value: Tensor, sizes: Tensor, categories: tuple[int, ...] | None
) -> None:
    """Raise a ``ValueError`` where a column has a value that is none of its categories."""
    if categories is None:
        return
    if value.shape[1:] != (len(categories),):
        raise ValueError(
            f"dataset must have {key} of {len(categories)} categories, got {list(value.shape[1:])}"
        )
    wrong = ((value < 0) | (value >= torch.tensor(categories, device=value.device))).any(1)
    if wrong.any():
        row = int(wrong.nonzero()[0])
        raise ValueError(
            f"dataset[{_graph_of(row, sizes)}] must have {key} below {list(categories)}, got "
            f"{value[row].tolist()}"
        )


def _graph_of(row: int, sizes: Tensor) -> int:
    """The graph that has a row of what all graphs have, end to end."""
    return int(torch.searchsorted(sizes.cumsum(0), row, right=True))
