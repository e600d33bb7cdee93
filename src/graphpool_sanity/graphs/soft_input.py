"""What soft pooling takes: dense or sparse graphs, recognised and checked."""

import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.typing import Adj
from torch_geometric.utils import scatter

from graphpool_sanity.graphs.graph import check_tensors, read_graph, unpack
from graphpool_sanity.graphs.soft_coarsen import DenseGraphs, SoftGraphs, SparseGraphs


def read_soft_graphs(
    x: Tensor,
    adj: Adj,
    mask: Tensor | None = None,
    batch: Tensor | None = None,
    z: Tensor | None = None,
    batch_size: int | None = None,
) -> SoftGraphs:
    """The graphs of a dense batch (x, adj, mask) or of a sparse one (x, adj, batch, batch_size).

    Integers [2, 2] beside two nodes are an edge_index, as [2, E] is, unless a mask or x [B, N, F]
    tells that they are an adjacency.

    Dense shapes and types are checked on the host alone, so that ``torch.compile`` sees no branch
    on data.

    Raises:
        ValueError: on a wrong shape or type, naming the argument, and on a malformed sparse graph.
    """
    check_tensors(mask=mask, batch=batch, z=z)
    if not x.is_floating_point():
        raise ValueError(f"x must be a floating point tensor, got {x.dtype}")
    if z is not None and z.shape[:-1] != x.shape[:-1]:
        raise ValueError(
            f"z must have the shape of x but for the last dimension, {list(x.shape[:-1])} + [F'], "
            f"got {list(z.shape)}"
        )
    z = x if z is None else z
    if _is_sparse(adj, x, mask):
        return _read_sparse(x, adj, mask, batch, z, batch_size)
    for name, value in (("batch", batch), ("batch_size", batch_size)):
        if value is not None:
            raise ValueError(
                f"{name} must be None beside a dense adjacency, whose padding is in mask"
            )
    return _read_dense(x, adj, mask, z)


def _is_sparse(adj: Adj, x: Tensor, mask: Tensor | None) -> bool:
    if not isinstance(adj, Tensor) or isinstance(adj, EdgeIndex) or adj.layout != torch.strided:
        return True
    if (x.dim() == 3 or mask is not None) and adj.shape == (2, 2) and x.size(-2) == 2:
        return False
    return adj.dtype == torch.long and adj.dim() == 2 and adj.size(0) == 2


def _read_sparse(
    x: Tensor,
    adj: Adj,
    mask: Tensor | None,
    batch: Tensor | None,
    z: Tensor,
    batch_size: int | None,
) -> SparseGraphs:
    if x.dim() != 2:
        raise ValueError(f"x must have shape [N, F] beside a sparse adj, got {list(x.shape)}")
    if mask is not None:
        raise ValueError("mask must be None beside a sparse adj, whose graphs are told by batch")
    edge_index, weight = unpack(adj, x.size(0), name="adj")
    if weight is not None:
        if weight.dim() != 1:
            raise ValueError(f"adj must hold one value per edge, got {list(weight.shape)}")
        weight = weight.to(x.dtype)
    graph = read_graph(edge_index, x.size(0), batch, batch_size=batch_size, name="adj")
    sizes = scatter(torch.ones_like(graph.batch), graph.batch, 0, graph.num_graphs)
    return SparseGraphs(x, z, graph, weight, sizes)


def _read_dense(x: Tensor, adj: Tensor, mask: Tensor | None, z: Tensor) -> DenseGraphs:
    if x.dim() == 2:  # a batch of one
        x, z = x.unsqueeze(0), z.unsqueeze(0)
    if x.dim() != 3:
        raise ValueError(f"x must have shape [B, N, F] or [N, F], got {list(x.shape)}")
    num_graphs, size = x.shape[:2]
    adj = adj.unsqueeze(0) if adj.dim() == 2 else adj
    if adj.shape != (num_graphs, size, size):
        raise ValueError(
            f"adj must have shape {[num_graphs, size, size]} beside x of shape {list(x.shape)}, "
            f"or be sparse (an int64 edge_index [2, E], say), got {adj.dtype} of {list(adj.shape)}"
        )
    adj = adj.to(x.dtype)
    if mask is None:
        sizes = torch.full((num_graphs,), size, device=x.device)
        return DenseGraphs(x, z, adj, None, sizes, size)
    mask = mask.unsqueeze(0) if mask.dim() == 1 else mask
    if mask.shape != (num_graphs, size):
        raise ValueError(f"mask must have shape {[num_graphs, size]}, got {list(mask.shape)}")
    mask = mask.bool()
    padding = ~mask.unsqueeze(-1)
    clean = x.masked_fill(padding, 0)
    z = clean if z is x else z.masked_fill(padding, 0)
    adj = adj.masked_fill(padding | padding.transpose(1, 2), 0)
    return DenseGraphs(clean, z, adj, mask, mask.sum(1), size)
