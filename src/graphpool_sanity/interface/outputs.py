"""What pooling layers return, told by names where there are any, else by type and shape.

An index of nodes is told from the batch by the input: where ``batch[perm]`` is another index that
was returned, that other one is the batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor
from torch_geometric.typing import Adj

from graphpool_sanity.graphs.graph import unpack
from graphpool_sanity.interface.graphs import ROLES, Graphs, as_graphs, is_edges, is_features, seen

_LAYOUTS: dict[int, list[tuple[str, ...]]] = {
    1: [("x",)],
    2: [("x", "edges"), ("x", "s"), ("edges", "x"), ("s", "x")],
    3: [("x", "edges", "s"), ("s", "x", "edges"), ("x", "s", "edges")],
}
"""In which order dense layers return tensors of three dimensions, by their number."""

_CHOICE = ("perm", "cluster", "s", "select_output")


class Pooled(NamedTuple):
    """What a pooling layer returned."""

    graphs: Graphs
    losses: dict[str, Tensor]
    """Its auxiliary losses []."""
    choice: dict[str, Any]
    """Of ``perm``, ``cluster``, ``s``, ``select_output`` what tells who is pooled with whom."""


def by_name(out: object) -> dict[str, Any] | None:
    """What names tell of an output with names (an object with ``x``, a named tuple, a mapping)."""
    held: Mapping[str, Any]
    if isinstance(out, Mapping):
        held = out
    elif is_dataclass(out) and not isinstance(out, type):
        held = {field.name: getattr(out, field.name) for field in fields(out)}
    elif hasattr(out, "_asdict"):
        held = out._asdict()
    elif hasattr(out, "x") and not isinstance(out, Tensor):
        names = ("x", "edge_index", "edge_attr", "edge_weight", "batch", "mask", "so", "loss")
        held = {name: getattr(out, name, None) for name in names}
    else:
        return None
    told: dict[str, Any] = {}
    for name, value in held.items():
        role = ROLES.get(name, name)
        told[role] = value if told.get(role) is None else told[role]
    return told if "x" in told else None


def read_output(
    layer: Callable[..., Any], out: object, given: Graphs, has_edges: bool = True
) -> Pooled:
    """What a layer returned for some graphs, whatever the order.

    Args:
        layer: The layer; its ``kl_loss(S)``, if it has one, counts among the losses.
        out: ``(x, edge_index, ...)``, ``(x, adj, ...)``, ``(S, x, adj, ...)``, ``(x, S)``,
            ``(x, batch)``, or anything that names its parts.
        given: What it was given.
        has_edges: Whether the layer takes edges; one that does not returns no adjacency.

    Raises:
        ValueError: if there are no features, or it is ambiguous to which graphs they belong.
    """
    where = f"the output of {type(layer).__name__}"
    parts: list[Any] = [*out] if isinstance(out, tuple | list) else [out]
    told = by_name(out)
    losses = dict(_losses(dict(enumerate(parts)) if told is None else told))
    if told is None:
        told = _by_type(where, parts, given, has_edges)
    choice = {name: told[name] for name in _CHOICE if told.get(name) is not None}
    kl_loss = getattr(layer, "kl_loss", None)
    if "s" in choice and callable(kl_loss):
        losses.setdefault("kl_loss", kl_loss(choice["s"]))
    batch = told.get("batch")
    if batch is None and isinstance(choice.get("perm"), Tensor):
        batch = given.batch_vector[choice["perm"]]
    graphs = as_graphs(where, told.get("x"), batch, told.get("mask"), given.size)
    edges, weight = told.get("edges"), told.get("weight")
    if edges is not None and not graphs.is_dense:
        edges, value = _unpacked(edges, len(graphs.x))
        weight = weight if value is None else value
    return Pooled(graphs._replace(edges=edges, weight=weight), losses, choice)


def _unpacked(edges: Adj, num_nodes: int) -> tuple[Tensor, Tensor | None]:
    """Edges [2, E] of int64, and the values of a sparse adjacency."""
    if isinstance(edges, Tensor) and edges.dtype == torch.int32:
        edges = edges.long()
    return unpack(edges, num_nodes)


def _losses(held: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Floating point numbers [] among the parts, and in mappings among them."""
    for name, value in held.items():
        if isinstance(value, Tensor) and value.dim() == 0 and value.is_floating_point():
            yield f"{prefix}{name}", value
        elif isinstance(value, Mapping):
            yield from _losses(value, f"{prefix}{name}.")


def _by_type(where: str, parts: Sequence[Any], given: Graphs, has_edges: bool) -> dict[str, Any]:
    """Roles of the parts of an output without names."""
    features = [part for part in parts if is_features(part)]
    padded = [part for part in features if part.dim() == 3]
    flat = [part for part in features if part.dim() == 2]
    if padded:
        return _padded_by_type(where, parts, padded, has_edges)
    if has_edges and given.size == 1 and len(flat) > 1 and not any(map(is_edges, parts)):
        alone = [part.unsqueeze(0) if is_features(part) else part for part in parts]
        return _by_type(where, alone, given, has_edges)  # one graph, as dense layers take it
    x, edges = next(iter(flat), None), next(filter(is_edges, parts), None)
    if x is None:
        raise ValueError(f"{where} must hold embeddings [N, F] or [B, N, F], got {seen(parts)}")
    rest = [part for part in parts if part is not x and part is not edges]
    num_edges = 0 if edges is None else _unpacked(edges, len(x))[0].size(1)
    if _is_integer_attribute(rest, num_edges, given.weight):
        return {"x": x, "edges": edges, "weight": rest[0]} | _indices(where, rest[1:], x, given)
    told = {"x": x, "edges": edges} | _indices(where, rest, x, given)
    return told if edges is None else told | {"weight": _weight(rest, told, num_edges)}


def _is_integer_attribute(rest: Sequence[Any], num_edges: int, given: Tensor | None) -> bool:
    """Whether integers directly behind the edges, of which there are some, are their attributes."""
    if given is None or given.is_floating_point() or not _is_index(rest[0], num_edges):
        return False
    return any(isinstance(part, Tensor) and part.dtype == torch.int64 for part in rest[1:])


def _padded_by_type(
    where: str, parts: Sequence[Any], padded: Sequence[Tensor], has_edges: bool
) -> dict[str, Any]:
    """Roles of [B, K, F], [B, K, K] and [B, N, K], and of the mask [B, K]."""
    layouts = [
        dict(zip(layout, padded, strict=True))
        for layout in _LAYOUTS.get(len(padded), [])
        if has_edges or "edges" not in layout
    ]
    fitting = [told for told in layouts if _fits(**told)]
    if len(fitting) > 1:  # sizes that happen to be equal
        fitting = [told for told in fitting if "s" not in told or _is_assignment(told["s"])]
    if not fitting:
        raise ValueError(
            f"{where} must hold (x, adj, ...), (x, adj, S), (S, x, adj, ...) or (x, S), "
            f"got {seen(parts)}"
        )
    told: dict[str, Any] = fitting[0]
    rows = told["x"].shape[:2]
    masks = (part for part in parts if isinstance(part, Tensor) and part.shape == rows)
    return told | {"mask": next((m for m in masks if ((m == 0) | (m == 1)).all()), None)}


def _fits(x: Tensor, edges: Tensor | None = None, s: Tensor | None = None) -> bool:
    size, clusters = x.shape[:2]
    square = edges is None or edges.shape == (size, clusters, clusters)
    return square and (s is None or (s.size(0), s.size(2)) == (size, clusters))


def _is_assignment(s: Tensor) -> bool:
    """Whether rows are shares: they sum to one, or to zero on padding."""
    total = s.sum(-1)
    return bool((s >= 0).all() and (((total - 1).abs() < 1e-2) | (total == 0)).all())


def _indices(where: str, rest: Sequence[Any], x: Tensor, given: Graphs) -> dict[str, Any]:
    """The batch [C], and what tells the choice: the nodes kept [C] or the cluster of each [N]."""
    index, size = given.batch_vector, given.size
    own = [part.long() for part in rest if _is_index(part, len(x))]
    of_nodes = [part.long() for part in rest if _is_index(part, len(index))]
    batches = [part for part in own if _lies_below(part, size)]
    if len(batches) > 1:
        others = [*own, *of_nodes]
        agreeing = [b for b in batches if any(_agree(b, o, index) for o in others if o is not b)]
        batches = agreeing or batches
    if any(not torch.equal(batches[0], other) for other in batches[1:]):
        raise ValueError(f"{where} is ambiguous: which of {seen(rest)} is the batch?")
    batch = next(iter(batches), None)
    perms = [part for part in own if part is not batch and _lies_below(part, len(index))]
    if batch is None:
        batch = index[perms[0]] if perms else index if len(index) == len(x) else None
    told = {"batch": batch, "perm": next(iter(perms), None)}
    clusters = [part for part in of_nodes if len(index) != len(x) and _lies_below(part, len(x))]
    return told | {"cluster": next(iter(clusters), None)}


def _agree(batch: Tensor, other: Tensor, index: Tensor) -> bool:
    """Whether another index is of nodes of these graphs, or of the clusters of all nodes."""
    of_nodes = other.shape == batch.shape and _lies_below(other, len(index))
    if of_nodes and torch.equal(index[other], batch):
        return True
    of_clusters = other.shape == index.shape and _lies_below(other, len(batch))
    return of_clusters and torch.equal(batch[other], index)


def _weight(rest: Sequence[Any], told: Mapping[str, Any], num_edges: int) -> Tensor | None:
    """What has an entry for each edge, directly behind the edges or further on.

    Where there are as many edges as nodes, what comes after kept nodes is their score.
    """
    known = [told[name] for name in ("batch", "perm", "cluster") if told[name] is not None]
    found = [
        part
        for part in rest
        if isinstance(part, Tensor)
        and part.dim() in (1, 2)
        and len(part) == num_edges
        and part.dtype != torch.bool
        and not any(part.shape == other.shape and torch.equal(part, other) for other in known)
    ]
    if num_edges != len(told["x"]) or (found and found[0] is rest[0]):
        return next(iter(found), None)
    behind = [part for part in found if part.dim() == 1 and part.is_floating_point()]
    ended = told["perm"] is not None or (len(rest) > 0 and rest[0] is None)
    return None if ended else next(iter(behind), None)


def _is_index(value: object, length: int) -> TypeGuard[Tensor]:
    is_integer = isinstance(value, Tensor) and value.dtype in (torch.int64, torch.int32)
    return is_integer and value.shape == (length,)  # type: ignore[attr-defined]


def _lies_below(index: Tensor, limit: int) -> bool:
    if not len(index):
        return True
    least, most = index.aminmax()
    return bool(least >= 0) and bool(most < limit)
