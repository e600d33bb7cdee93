"""Reading a graph: any adjacency in, checked once, and the same kind out again."""

from numbers import Integral
from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.typing import Adj, SparseTensor
from torch_geometric.utils import to_torch_coo_tensor, to_torch_csc_tensor, to_torch_csr_tensor


class Graph(NamedTuple):
    """A checked batch of graphs, as the selectors see it."""

    edge_index: Tensor
    """[2, E], int64."""
    num_nodes: int
    batch: Tensor
    """[N], the graph of each node, sorted."""
    position: Tensor
    """[N], the index of each node within its graph."""
    num_graphs: int
    largest: int
    """The number of nodes of the largest graph."""
    has_loops: bool
    edge_weight: Tensor | None = None
    """[E], heavier edges are matched first."""

    def node_index(self) -> tuple[Tensor, Tensor, None]:
        """The graph [N] and the position within it [N] of each row of a selection."""
        return self.batch, self.position, None


def read_graph(
    edge_index: Tensor,
    num_nodes: int,
    batch: Tensor | None = None,
    edge_weight: Tensor | None = None,
    batch_size: int | None = None,
    name: str = "edge_index",
) -> Graph:
    """Check shapes on the host and all values in one transfer from the device.

    ``batch_size`` is the number of graphs, where the last ones may have no nodes; ``name`` is what
    errors call the edges.

    Raises:
        ValueError: on a wrong shape or type, indices out of range, a batch that is unsorted,
            negative, of the wrong length or of more graphs than ``batch_size``, an edge between
            two graphs, weights that are NaN or do not fit the edges, or under ``torch.jit.trace``.
    """
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        raise ValueError(
            "torch.jit.trace must not meet sparse graphs: it would keep the sizes and the clusters "
            "of this one batch; torch.compile takes them"
        )
    _check_shapes(name, edge_index.size(1), num_nodes, edge_weight)
    if batch is not None:
        check_batch_shape(batch, num_nodes)
    index = torch.arange(num_nodes, device=edge_index.device)
    if batch is None:
        batch = torch.zeros_like(index)
    if num_nodes == 0:
        num_graphs = at_least("batch_size", 0, batch_size)
        return Graph(edge_index, 0, batch, index, num_graphs, 0, False, edge_weight)

    step = batch.diff()
    start = torch.zeros_like(index)
    torch.mul(index[1:], step != 0, out=start[1:])
    position = index - start.cummax(0).values
    facts = {
        "first": batch[0],
        "last": batch[-1],
        "furthest": position.max(),
        "unsorted": (step < 0).any(),
    }
    if edge_index.size(1) > 0:
        inside = edge_index.clamp(0, num_nodes - 1)
        row, col = inside.unbind()
        facts["outside"] = (edge_index != inside).any()
        facts["loops"] = (row == col).any()
        facts["across"] = (batch.index_select(0, row) != batch.index_select(0, col)).any()
    if edge_weight is not None:
        facts["nan"] = edge_weight.isnan().any()
    values = torch.stack([fact.long() for fact in facts.values()]).tolist()  # the one transfer
    seen = dict(zip(facts, values, strict=True))
    _check_values(name, seen, edge_index, num_nodes)
    return Graph(
        edge_index,
        num_nodes,
        batch,
        position,
        num_graphs=at_least("batch_size", seen["last"] + 1, batch_size),
        largest=seen["furthest"] + 1,
        has_loops=bool(seen.get("loops")),
        edge_weight=edge_weight,
    )


def _check_values(name: str, seen: dict[str, int], edge_index: Tensor, num_nodes: int) -> None:
    check_batch_order(seen["first"], bool(seen["unsorted"]))
    if seen.get("outside"):
        raise ValueError(
            f"{name} must lie in [0, {num_nodes}) for {num_nodes} nodes, "
            f"got values from {edge_index.min()} to {edge_index.max()}"
        )
    if seen.get("across"):
        raise ValueError(f"{name} must join nodes of one graph, got an edge between two graphs")
    if seen.get("nan"):
        raise ValueError("edge_weight must be comparable, got NaN")


def _check_shapes(name: str, num_edges: int, num_nodes: int, edge_weight: Tensor | None) -> None:
    if not isinstance(num_nodes, Integral) or num_nodes < 0:
        raise ValueError(f"num_nodes must be an int of 0 or more, got {num_nodes!r}")
    if num_nodes == 0 and num_edges > 0:
        raise ValueError(f"{name} must be empty without nodes, got {num_edges} edges")
    if edge_weight is not None and list(edge_weight.shape) != [num_edges]:
        raise ValueError(
            f"edge_weight must have shape [{num_edges}], one entry per edge, "
            f"got {list(edge_weight.shape)}"
        )


def check_tensors(**given: object) -> None:
    """Raise a ``ValueError`` that names the first that is neither a tensor nor ``None``."""
    for name, value in given.items():
        if value is not None and not isinstance(value, Tensor):
            raise ValueError(f"{name} must be a torch.Tensor, got {type(value).__name__}")


def check_features(x: object, channels: int | None = None) -> None:
    """Raise a ``ValueError`` unless ``x`` is a tensor, and has the channels of the layer."""
    if not isinstance(x, Tensor):
        raise ValueError(f"x must be a torch.Tensor, got {type(x).__name__}")
    if channels is not None and x.shape[-1:] != (channels,):
        raise ValueError(f"x must have {channels} channels, got {list(x.shape)}")


def check_batch_shape(batch: Tensor, num_nodes: int) -> None:
    """Raise a ``ValueError`` unless ``batch`` holds one integer for each node."""
    check_tensors(batch=batch)
    if batch.dtype != torch.long or list(batch.shape) != [num_nodes]:
        raise ValueError(
            f"batch must be an int64 tensor of shape [{num_nodes}], one entry per node, "
            f"got {batch.dtype} of shape {list(batch.shape)}"
        )


def check_batch_order(first: int, unsorted: bool) -> None:
    """Raise a ``ValueError`` if a batch vector is unsorted or starts below zero."""
    if unsorted:
        raise ValueError("batch must be sorted, got a decreasing one")
    if first < 0:
        raise ValueError(f"batch must not be negative, got {first}")


def at_least(name: str, needed: int, given: int | None) -> int:
    """A size that the user gave, or what the batch needs; a ``ValueError`` if that is more."""
    if given is not None and (isinstance(given, bool) or not isinstance(given, Integral)):
        raise ValueError(f"{name} must be an int or None, got {type(given).__name__}")
    if given is not None and given < needed:
        raise ValueError(f"{name} must be at least {needed} for this batch, got {given}")
    return needed if given is None else int(given)


def unpack(
    adj: Adj,
    num_nodes: int,
    edge_attr: Tensor | None = None,
    edge_weight: Tensor | None = None,
    name: str = "edge_index",
) -> tuple[Tensor, Tensor | None]:
    """``(edge_index, edge_attr)`` of any adjacency that PyG knows.

    Takes a [2, E] tensor, an ``EdgeIndex``, a ``torch_sparse.SparseTensor`` or a ``torch.sparse``
    COO, CSR or CSC matrix. The values of a sparse matrix are its edge attributes; attributes or
    weights given apart belong to a [2, E] tensor, whose edges have an order. ``name`` is what
    errors call the adjacency.
    """
    check_tensors(edge_attr=edge_attr, edge_weight=edge_weight)
    if isinstance(adj, EdgeIndex):
        adj = adj.as_tensor().long()
    if isinstance(adj, Tensor) and adj.layout == torch.strided:
        if adj.dim() != 2 or adj.size(0) != 2 or adj.dtype != torch.long:
            raise ValueError(
                f"{name} must be an int64 tensor of shape [2, E], "
                f"got {adj.dtype} of shape {list(adj.shape)}"
            )
        if edge_attr is not None and (edge_attr.dim() == 0 or edge_attr.size(0) != adj.size(1)):
            raise ValueError(
                f"edge_attr must have shape [{adj.size(1)}] or [{adj.size(1)}, D], "
                f"one entry per edge, got {list(edge_attr.shape)}"
            )
        return adj, edge_attr
    if not isinstance(adj, Tensor | SparseTensor):
        raise ValueError(
            f"{name} must be a [2, E] tensor, an EdgeIndex, a SparseTensor or a torch.sparse "
            f"matrix, got {type(adj).__name__}"
        )
    size = adj.shape if isinstance(adj, Tensor) else adj.sizes()
    if list(size[:2]) != [num_nodes, num_nodes]:
        raise ValueError(
            f"{name} must be of size {num_nodes} x {num_nodes} as a sparse adjacency of "
            f"{num_nodes} nodes, got {list(size)}"
        )
    for other, value in (("edge_attr", edge_attr), ("edge_weight", edge_weight)):
        if value is not None:
            raise ValueError(f"{other} must be None beside a sparse adjacency and its own values")
    if not isinstance(adj, Tensor):
        row, col, value = adj.coo()
        return torch.stack([row, col]), value
    coo = adj.to_sparse().coalesce()
    return coo.indices(), coo.values()


def repack(like: Adj, edge_index: Tensor, edge_attr: Tensor | None, num_nodes: int) -> Adj:
    """The inverse of :func:`unpack`: a new graph as the kind of adjacency that ``like`` is."""
    size = (num_nodes, num_nodes)
    if isinstance(like, EdgeIndex):
        return EdgeIndex(
            edge_index.to(like.dtype),
            sparse_size=size,
            sort_order="row",
            is_undirected=like.is_undirected,
        )
    if isinstance(like, SparseTensor):
        return SparseTensor(
            row=edge_index[0],
            col=edge_index[1],
            value=edge_attr,
            sparse_sizes=size,
            is_sorted=True,
            trust_data=True,
        )
    if like.layout == torch.sparse_coo:
        return to_torch_coo_tensor(edge_index, edge_attr, size, is_coalesced=True)
    if like.layout == torch.sparse_csr:
        return to_torch_csr_tensor(edge_index, edge_attr, size, is_coalesced=True)
    if like.layout == torch.sparse_csc:
        return to_torch_csc_tensor(edge_index, edge_attr, size)  # sorts by column
    return edge_index
