"""Every kind of adjacency that a pooling layer takes."""

from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.typing import Adj, SparseTensor
from torch_geometric.utils import coalesce

Make = Callable[[Tensor, Tensor, int], Adj]


def edge_index(index: Tensor, value: Tensor, size: int) -> Tensor:
    return index


def by_row(index: Tensor, value: Tensor, size: int) -> EdgeIndex:
    index = coalesce(index, num_nodes=size)
    return EdgeIndex(index, sparse_size=(size, size), sort_order="row")


def by_column_int32(index: Tensor, value: Tensor, size: int) -> EdgeIndex:
    index = coalesce(index, num_nodes=size, sort_by_row=False).int()
    return EdgeIndex(index, sparse_size=(size, size), sort_order="col")


def undirected(index: Tensor, value: Tensor, size: int) -> EdgeIndex:
    index = coalesce(torch.cat([index, index.flip(0)], dim=1), num_nodes=size)
    return EdgeIndex(index, sparse_size=(size, size), sort_order="row", is_undirected=True)


def sparse_tensor(index: Tensor, value: Tensor, size: int) -> SparseTensor:
    return SparseTensor(row=index[0], col=index[1], value=value, sparse_sizes=(size, size))


def sparse_tensor_without_values(index: Tensor, value: Tensor, size: int) -> SparseTensor:
    return SparseTensor(row=index[0], col=index[1], sparse_sizes=(size, size))


def coo(index: Tensor, value: Tensor, size: int) -> Tensor:
    return coo_uncoalesced(index, value, size).coalesce()


def coo_uncoalesced(index: Tensor, value: Tensor, size: int) -> Tensor:
    index = torch.stack(index.unbind())  # some PyTorch dislikes the strides of a transposed one
    return torch.sparse_coo_tensor(index, value, (size, size))


def csr(index: Tensor, value: Tensor, size: int) -> Tensor:
    return coo(index, value, size).to_sparse_csr()


def csc(index: Tensor, value: Tensor, size: int) -> Tensor:
    return coo(index, value, size).to_sparse_csc()


needs_torch_sparse = pytest.mark.skipif(
    find_spec("torch_sparse") is None, reason="needs torch-sparse"
)
KINDS = [
    edge_index,
    by_row,
    by_column_int32,
    undirected,
    pytest.param(sparse_tensor, marks=needs_torch_sparse),
    pytest.param(sparse_tensor_without_values, marks=needs_torch_sparse),
    coo,
    coo_uncoalesced,
    csr,
    csc,
]
every_kind = pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)


def as_dense(adj: Adj, size: int) -> Tensor:
    """The matrix [size, size] of an adjacency; where it has no values, the number of edges."""
    if isinstance(adj, SparseTensor):
        row, col, value = adj.coo()
        adj = torch.stack([row, col])
    elif adj.layout != torch.strided:
        return adj.to_dense().double()
    else:
        adj, value = (adj.as_tensor() if isinstance(adj, EdgeIndex) else adj).long(), None
    ones = torch.ones(adj.size(1), dtype=torch.double)
    dense = torch.zeros(size, size, dtype=torch.double)
    return dense.index_put(tuple(adj), ones if value is None else value.double(), accumulate=True)
