"""What models and pooling layers are given, by the names of their parameters."""

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MethodType
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.typing import Adj, SparseTensor
from torch_geometric.utils import to_dense_adj, to_dense_batch

from graphpool_sanity.interface.graphs import (
    MATRICES,
    NAMES,
    ROLES,
    Graphs,
    as_graphs,
    batch_of_list,
    edges_of,
    is_list_of_features,
    one_each,
)
from graphpool_sanity.interface.outputs import Pooled, by_name, read_output


def parameters(call: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function, or of a module's ``forward``."""
    call = getattr(call, "_orig_mod", call)  # of a compiled module
    return dict(inspect.signature(call.forward if isinstance(call, nn.Module) else call).parameters)


def call_model(model: Callable[..., Any], batch: Batch) -> Any:  # noqa: ANN401
    """What a model returns for a batch: for its fields, if it names x, and edges or batch.

    What it sets on the batch (``data.x = conv(data.x)``) is set on a copy.

    >>> from torch_geometric.data import Data
    >>> batch = Batch.from_data_list([Data(torch.ones(2, 3), torch.zeros(2, 0).long())])
    >>> call_model(lambda data: data.num_graphs, batch)
    1
    >>> call_model(lambda x, edge_index, batch: x.shape, batch)
    torch.Size([2, 3])
    """
    roles = {ROLES.get(name) for name in parameters(model)}
    if "x" in roles and roles & {"edges", "batch"}:
        return call_on_fields(model, batch)
    return model(copy.copy(batch))


def call_on_fields(call: Callable[..., Any], batch: Batch, padding: int = 0) -> Any:  # noqa: ANN401
    """What a callable returns for the fields of a batch that its parameters name.

    As PyG stores them; or padded to [B, N, ...], with ``padding`` rows beyond the largest graph,
    for a callable that names ``adj`` or ``mask`` and neither ``edge_index`` nor ``batch``. What it
    needs and the batch lacks is ``None``.
    """
    wanted = parameters(call)
    held = dict(batch.to_dict(), batch_size=batch.num_graphs, num_nodes=batch.num_nodes)
    if _takes_padded(wanted):
        held = _padded(batch, padding)
    elif padding:
        held["max_num_nodes"] = padded_mask(batch, padding).size(1)
    by_role = {ROLES[name]: value for name, value in held.items() if name in ROLES}
    by_role.pop("weight", None)  # attributes are not handed over as weights, nor weights as these
    given: dict[str, Any] = {}
    for name, parameter in wanted.items():
        value = held.get(name, by_role.get(ROLES.get(name, "")))
        if value is not None or (name in ROLES and parameter.default is parameter.empty):
            given[name] = value
    return call(**given)


def _takes_padded(names: Iterable[str]) -> bool:
    names = set(names)
    matrix = not names.isdisjoint(MATRICES) and names.isdisjoint(NAMES["batch"])
    return "edge_index" not in names and (matrix or not names.isdisjoint(NAMES["mask"]))


def padded_mask(batch: Batch, padding: int = 0) -> Tensor:
    """[B, N], which rows are nodes, ``padding`` more than the largest graph has."""
    count = batch.ptr.diff()
    width = int(count.max()) + padding
    return torch.arange(width, device=count.device) < count.view(-1, 1)


def _padded(batch: Batch, padding: int) -> dict[str, Any]:
    """The fields of nodes as [B, N, ...], ``adj`` [B, N, N] and ``mask`` [B, N]."""
    mask = padded_mask(batch, padding)
    held: dict[str, Any] = {
        key: to_dense_batch(value, batch.batch, 0, mask.size(1), batch.num_graphs)[0]
        for key, value in batch.to_dict().items()
        if key != "batch" and batch.is_node_attr(key)
    }
    size = (mask.size(1), batch.num_graphs)
    adj = to_dense_adj(batch.edge_index, batch.batch, batch.get("edge_weight"), *size)
    return held | {"mask": mask, "adj": adj if batch.x is None else adj.to(batch.x.dtype)}


class LayerCall:
    """How a pooling layer is called, read once from the signature of its ``forward``.

    Its nulls are called likewise, whatever their own signatures look like. A layer that names
    ``batch`` and yet takes padded graphs alone says so by an attribute ``dense_only``.

    Raises:
        ValueError: if the layer names no features, or neither edges nor batch.

    >>> from torch_geometric.nn import TopKPooling
    >>> edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    >>> graphs = Graphs(torch.ones(4, 2), 2, edges, batch=torch.tensor([0, 0, 1, 1]))
    >>> pool = TopKPooling(2)
    >>> pooled = LayerCall(pool)(pool, graphs)
    >>> pooled.graphs.x.shape, pooled.graphs.batch.tolist(), list(pooled.choice)
    (torch.Size([2, 2]), [0, 1], ['perm'])
    """

    def __init__(self, layer: nn.Module) -> None:
        self.parameters = parameters(layer)
        roles = {ROLES.get(name) for name in self.parameters}
        self.has_edges = "edges" in roles
        is_dense = "batch" not in roles and not {*MATRICES}.isdisjoint(self.parameters)
        self.is_dense = getattr(layer, "dense_only", False) or is_dense
        if "x" not in roles or not roles & {"edges", "batch"}:
            raise ValueError(
                "layer.forward must name x and one of edge_index, adj and batch (or h, X, A, "
                "graph_indicator and the like), got "
                f"{type(layer).__name__}.forward({', '.join(self.parameters)})"
            )

    def __call__(self, layer: nn.Module, graphs: Graphs) -> Pooled:
        """What the layer, or its null, makes of the graphs.

        Raises:
            ValueError: if the layer returns what cannot be read.
        """
        graphs = graphs.dense() if self.is_dense else graphs
        held = dict(graphs._asdict())
        held["size"] = None if graphs.is_dense else graphs.size
        given: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            role = ROLES.get(name)
            if role in held:
                value = self._edges(graphs, parameter) if role == "edges" else held[role]
                value = one_each(value) if role == "weight" and "weight" in name else value
                if value is not None or parameter.default is parameter.empty:
                    given[name] = value
        if {"edge_attr", "edge_weight"} <= given.keys():  # PyG's layers take the one or the other
            del given["edge_weight"]
        pooled = read_output(layer, layer(**given), graphs, self.has_edges)
        return pooled._replace(graphs=_with_empty_graphs(pooled.graphs, graphs))

    def _edges(self, graphs: Graphs, parameter: inspect.Parameter) -> Adj | None:
        wanted = set(get_args(parameter.annotation) or (parameter.annotation,)) - {type(None)}
        if graphs.is_dense or graphs.edges is None or wanted != {SparseTensor}:
            return graphs.edges
        edge_index, weight = edges_of(graphs)
        weight = one_each(weight)
        weight = graphs.x.new_ones(edge_index.size(1)) if weight is None else weight
        sizes = (len(graphs.x), len(graphs.x))
        return SparseTensor.from_edge_index(edge_index, weight, sparse_sizes=sizes)


def _with_empty_graphs(pooled: Graphs, given: Graphs) -> Graphs:
    """Padded graphs with zeros for those without nodes at the end, where a layer left them out."""
    lost = given.size - len(pooled.x)
    if not pooled.is_dense or lost <= 0 or len(pooled.x) != len(given.batch_vector.bincount()):
        return pooled

    def filled(part: Tensor) -> Tensor:
        return torch.cat([part, part.new_zeros(lost, *part.shape[1:])])

    edges, mask = (None if part is None else filled(part) for part in (pooled.edges, pooled.mask))
    return pooled._replace(x=filled(pooled.x), edges=edges, mask=mask)


@lru_cache(maxsize=256)
def _of_method(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a method, which takes a tenth of a millisecond to read."""
    return inspect.signature(MethodType(function, object()))


def read_input(
    layer: nn.Module, args: tuple[object, ...], kwargs: Mapping[str, object], size: int
) -> Graphs:
    """What a layer was given to pool: ``z`` if it was given one, else x, else what came first.

    Raises:
        ValueError: if there are no features, or no telling to which graphs they belong.
    """
    function = getattr(layer.forward, "__func__", None)
    signature = inspect.signature(layer.forward) if function is None else _of_method(function)
    given: dict[str, Any] = dict(signature.bind(*args, **kwargs).arguments)
    for name, parameter in signature.parameters.items():
        if name in given and parameter.kind is parameter.VAR_POSITIONAL:
            given = {"x": next(iter(given[name]), None)} | given
        elif name in given and parameter.kind is parameter.VAR_KEYWORD:
            given |= given[name]
    first = next(iter(given.values()), None)
    held = by_name(first)
    if held is None:  # no batch of graphs
        held = {ROLES[name]: value for name, value in given.items() if name in ROLES}
        held = {"x": first} | held
        held["x"] = held["x"] if given.get("z") is None else given["z"]
    where = f"the input of {type(layer).__name__}"
    if is_list_of_features(held["x"]):
        held["batch"] = batch_of_list(held["x"])
        held["x"], size = torch.cat(list(held["x"])), len(held["x"])
    size = held.get("size") or size
    graphs = as_graphs(where, held["x"], held.get("batch"), held.get("mask"), size)
    return graphs._replace(edges=held.get("edges"))
