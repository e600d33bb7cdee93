"""Calling whatever pools, and reading what it returns so that two calls can be compared."""

import copy
import inspect
import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.typing import SparseTensor
from torch_geometric.utils import to_dense_adj, to_dense_batch

from graphpool_sanity.graphs.graph import unpack

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
    def width(self) -> int:
        """How many rows each graph has in dense form."""
        return int(self.batch.ptr.diff().max()) + self.padding

    @property
    def mask(self) -> Tensor:
        """[B, width], which rows in dense form are nodes."""
        count = self.batch.ptr.diff()
        return torch.arange(self.width, device=count.device) < count.view(-1, 1)


def parameters(call: Callable[..., Any]) -> set[str]:
    """The names of the parameters of a function, or of a module's ``forward``."""
    call = getattr(call, "_orig_mod", call)  # of a compiled module
    return set(inspect.signature(call.forward if isinstance(call, nn.Module) else call).parameters)


def call_on(call: Callable[..., Any], on: Variation, seed: int) -> object:
    """What ``call`` returns for the fields that it names, or else for the batch itself."""
    names = parameters(call)
    is_dense = {"adj", "mask"} & names and "edge_index" not in names
    fields = _dense_fields(on) if is_dense else _sparse_fields(on)
    if isinstance(call, nn.Module):
        call = copy.deepcopy(call)
    cuda = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    generators = [torch.default_generator, *(torch.cuda.default_generators[i] for i in cuda)]
    with torch.no_grad(), torch.random.fork_rng(cuda):
        for generator in generators:
            generator.manual_seed(seed)
        if {"x", "edge_index", "adj"} & names:
            return call(**{name: fields[name] for name in names & fields.keys()})
        return call(on.batch)


def _sparse_fields(on: Variation) -> dict[str, Any]:
    batch = on.batch
    fields = {"num_nodes": batch.num_nodes, "batch_size": batch.num_graphs, **batch.to_dict()}
    return fields | ({"max_num_nodes": on.width} if on.padding else {})


def _dense_fields(on: Variation) -> dict[str, Any]:
    """The fields of nodes as [B, N, ...], ``adj`` [B, N, N] and ``mask`` [B, N]."""
    batch, size = on.batch, (on.width, on.batch.num_graphs)
    fields = {
        key: to_dense_batch(value, batch.batch, 0, *size)[0]
        for key, value in batch.to_dict().items()
        if key != "batch" and batch.is_node_attr(key)
    }
    adj = to_dense_adj(batch.edge_index, batch.batch, batch.get("edge_weight"), *size)
    adj = adj if batch.x is None else adj.to(batch.x.dtype)
    return fields | {"adj": adj, "mask": on.mask}


def outputs(out: object, on: Variation, name: str = "output") -> Iterator[tuple[str, Readings]]:
    """All tensors in ``out`` by name, each with the ways to read it."""
    if isinstance(out, Data):
        out = (out.x, out.edge_index, out.edge_attr, out.batch)
    if isinstance(out, Tensor):
        yield name, _read_tensor(out.to_dense(), on)
    elif isinstance(out, tuple | list) and _is_pooled_graph(*out[:2]):
        yield name, _read_pooled_graph(out, on)
    elif isinstance(out, dict | tuple | list):
        items = out.items() if isinstance(out, dict) else enumerate(out)
        for key, part in items:
            yield from outputs(part, on, f"{name}[{key!r}]")


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


def _is_pooled_graph(x: object = None, adj: object = None) -> bool:
    if not (isinstance(x, Tensor) and x.dim() == 2 and isinstance(adj, Tensor | SparseTensor)):
        return False
    sparse = not isinstance(adj, Tensor) or adj.layout != torch.strided
    return sparse or (adj.dtype == torch.long and adj.dim() == 2 and adj.size(0) == 2)


def _read_pooled_graph(out: Sequence[Any], on: Variation) -> Readings:
    """For each graph the bags of its nodes [x_c] and of its edges [x_c, x_d, e_cd]."""
    x, (edge_index, attr) = out[0], unpack(out[1], len(out[0]))
    rest = [part for part in out[2:] if isinstance(part, Tensor)]
    batches = [part for part in rest if part.dtype == torch.long and part.shape == x.shape[:1]]
    third = rest[0] if rest and rest[0] is out[2] else None
    if attr is None and third is not None and third.shape[:1] == edge_index.shape[1:]:
        others = [part for part in batches if part is not third]
        if others or not batches:  # what could be either is the batch only if nothing else is
            attr, batches = third, others
    batch = batches[0] if batches else x.new_zeros(len(x), dtype=torch.long)

    attrs = [] if attr is None else [attr[:, None].flatten(1).to(x.dtype)]
    edges = torch.cat([x[edge_index[0]], x[edge_index[1]], *attrs], dim=1)
    batch_of_edges = batch[edge_index[0]]
    bags: dict[Hashable, Tensor] = {}
    for i, graph in enumerate(on.graphs):
        bags[graph, "nodes"] = _sorted_projections(x[batch == i])
        bags[graph, "edges"] = _sorted_projections(edges[batch_of_edges == i])
    return {"bags": bags}


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
