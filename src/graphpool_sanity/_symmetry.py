"""Calls of a layer or model on the same graphs in other orders, and how far outputs differ."""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphpool_sanity.interface.graphs import Graphs, edges_of, is_edges
from graphpool_sanity.interface.inputs import call_on_fields, padded_mask, parameters
from graphpool_sanity.interface.outputs import by_name, read_output
from graphpool_sanity.modules import copied, fork_rng

_PROJECTIONS = 8  # random directions along which bags of features are compared, beside the axes

Readings = dict[str, dict[Hashable, Tensor]]
"""For each way to read an output its parts, under keys that do not change with the batch."""


class Variation(NamedTuple):
    """A batch of the original graphs, rearranged."""

    batch: Batch
    """Its ``original`` [N] tells which node of the original batch each node is."""
    graphs: Sequence[int]
    """Which graph of the original batch each graph is."""
    name: str = ""
    padding: int = 0

    @property
    def mask(self) -> Tensor:
        """[B, N], which rows in dense form are nodes."""
        return padded_mask(self.batch, self.padding)


def call_on(call: Callable[..., Any], on: Variation, seed: int) -> object:
    """What ``call`` returns for the fields that it names, or else for the batch itself."""
    if isinstance(call, nn.Module):
        call = copied(call)
    with torch.no_grad(), fork_rng(seed):
        if {"x", "edge_index", "adj"} & parameters(call).keys():
            return call_on_fields(call, on.batch, on.padding)
        return call(on.batch)


def outputs(
    call: Callable[..., Any], out: object, on: Variation, name: str = "output"
) -> Iterator[tuple[str, Readings]]:
    """All tensors in ``out`` by name, each with the ways to read it."""
    if isinstance(out, Tensor):
        yield name, _read_tensor(out.to_dense(), on)
        return
    named = by_name(out)
    parts = named if named is not None else out
    first = (named["x"], named.get("edges")) if named else parts[:2] if _is_row(parts) else ()
    if _is_pooled_graph(*first):
        batch = on.batch
        x = batch.original.view(-1, 1).double() if batch.x is None else batch.x
        given = Graphs(x, len(on.graphs), batch.edge_index, batch.edge_attr, batch.batch)
        pooled = read_output(call, out, given)
        yield name, {"bags": _bags(pooled.graphs, on)}
        for loss, value in pooled.losses.items():
            yield f"{name}[{loss!r}]", _read_tensor(value, on)
    elif isinstance(parts, dict) or _is_row(parts):
        for key, part in parts.items() if isinstance(parts, dict) else enumerate(parts):
            yield from outputs(call, part, on, f"{name}[{key!r}]")


def _is_row(parts: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(parts, tuple | list)


def _read_tensor(out: Tensor, on: Variation) -> Readings:
    size = len(on.graphs)
    readings: Readings = {}
    if out.shape[:1] == (size,):
        readings["graphs"] = dict(zip(on.graphs, out, strict=True))
    else:
        readings["whole" if out.dim() else "number"] = {frozenset(on.graphs): out}
    if out.shape[:2] == on.mask.shape:
        out = out[on.mask]
    if out.shape[:1] == on.batch.original.shape:
        rows = out[(on.batch.batch * len(out) + on.batch.original).argsort()]
        per_graph = rows.split(on.batch.ptr.diff().tolist())
        readings["nodes"] = dict(zip(on.graphs, per_graph, strict=True))
    return readings


def _is_pooled_graph(x: object = None, edges: object = None) -> bool:
    """Whether these are nodes of all graphs, one after the other, and their edges."""
    return isinstance(x, Tensor) and x.dim() == 2 and is_edges(edges)


def _bags(graphs: Graphs, on: Variation) -> dict[Hashable, Tensor]:
    """For each graph the bags of its nodes [x_c] and of its edges [x_c, x_d, e_cd]."""
    x, batch = graphs.x, graphs.batch_vector
    (row, col), attr = edges_of(graphs)
    attrs = [] if attr is None else [attr[:, None].flatten(1).to(x.dtype)]
    edges = torch.cat([x[row], x[col], *attrs], dim=1)
    bags: dict[Hashable, Tensor] = {}
    for i, graph in enumerate(on.graphs):
        bags[graph, "nodes"] = _sorted_projections(x[batch == i])
        bags[graph, "edges"] = _sorted_projections(edges[batch[row] == i])
    return bags


def _sorted_projections(bag: Tensor) -> Tensor:
    """Rows in any order give the same, and enough projections tell different bags apart."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(bag.size(1), _PROJECTIONS, generator=generator, dtype=torch.double)
    directions = (directions / directions.norm(dim=0)).to(bag.device)
    return torch.cat([bag, (bag.double() @ directions).to(bag.dtype)], dim=1).sort(0).values


def difference(a: Readings, b: Readings, atol: float | None) -> tuple[float, float]:
    """The largest error in common parts and its limit, in the reading that brings them closest."""
    worst = []
    for kind in a.keys() & b.keys():
        common = a[kind].keys() & b[kind].keys()
        errors = [_error(a[kind][key], b[kind][key], atol) for key in common]
        worst += [max(errors, key=_excess)] if errors else []
    incomparable = 0.0 if "number" in a else math.inf  # a loss over other graphs may differ
    return min(worst, default=(incomparable, 0.0))


def _error(a: Tensor, b: Tensor, atol: float | None) -> tuple[float, float]:
    if a.shape != b.shape:
        return math.inf, 0.0
    if a.numel() == 0:
        return 0.0, 0.0
    if atol is None:
        eps = torch.finfo(a.dtype).eps if a.is_floating_point() else 0.0
        atol = eps**0.7 * max(1.0, float(a.abs().max()) if eps else 0.0)
    gap = torch.where(a == b, 0.0, (a.double() - b.double()).abs())
    return float(gap.nan_to_num(math.inf).max()), atol


def _excess(error: tuple[float, float]) -> float:
    return error[0] - error[1]
