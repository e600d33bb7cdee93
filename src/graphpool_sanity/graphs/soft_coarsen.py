"""Soft coarsening: a batch of graphs, dense or sparse, that answers the same questions.

The assignment S [.., K] gives each node its share in each cluster, and is zero on padding.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import coalesce, scatter

from graphpool_sanity.graphs.blocks import cut_into_blocks
from graphpool_sanity.graphs.graph import Graph
from graphpool_sanity.numerics import widen


class Coarse(NamedTuple):
    """The coarsened graphs, and how much their clusters overlap."""

    x: Tensor
    """[B, K, F'], Sᵀ Z."""
    adj: Tensor
    """[B, K, K], Sᵀ A S."""
    overlap: Tensor
    """[B, K, K], Sᵀ S."""


class DenseGraphs(NamedTuple):
    """Graphs padded to one size; all is zero on padding."""

    x: Tensor
    """[B, N, F]."""
    z: Tensor
    """[B, N, F'], the embeddings to pool."""
    adj: Tensor
    """[B, N, N]."""
    mask: Tensor | None
    """[B, N], true for real nodes; no padding if ``None``."""
    sizes: Tensor
    """[B], the number of nodes of each graph."""
    max_num_nodes: int
    """How many nodes each padded graph has."""

    def dense(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """What a dense graph network takes: features, adjacency, mask."""
        return self.x, self.adj, self.mask

    def node_index(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """The graph, the position within it, and whether it is a node, of each row of S."""
        num_graphs, width = self.x.shape[:2]
        row = torch.arange(num_graphs * width, device=self.x.device)
        return row // width, row % width, None if self.mask is None else self.mask.flatten()

    def mask_padding(self, s: Tensor) -> Tensor:
        """``s`` [B, N, K], zero on padding."""
        return s if self.mask is None else s.masked_fill(~self.mask.unsqueeze(-1), 0)

    def rows(self, matrix: Tensor) -> Tensor:
        """[B, N, K], row i of ``matrix`` for node i of each graph."""
        (num_graphs, size), limit = self.x.shape[:2], matrix.size(0)
        position = torch.arange(size, device=matrix.device)
        if size > limit:
            last = position + 1 if self.mask is None else (position + 1) * self.mask
            _check_fits(last.expand(num_graphs, -1).amax(1), limit)
            position = position.clamp(max=limit - 1)
        return matrix.index_select(0, position).expand(num_graphs, -1, -1)

    def square_norm(self) -> Tensor:
        """The sum of all squared entries of A."""
        return _square_norm(self.adj)

    def volumes(self, s: Tensor) -> Tensor:
        """[B], the trace of Sᵀ D S, where D holds the degrees."""
        degree = widen(self.adj).sum(2)
        return (degree * widen(s).square().sum(2)).sum(1)

    def coarsen(self, s: Tensor) -> Coarse:
        """Sᵀ Z, Sᵀ A S and Sᵀ S of each graph."""
        shares = s.transpose(1, 2)
        return Coarse(shares @ self.z, shares @ (self.adj @ s), shares @ s)


class SparseGraphs(NamedTuple):
    """Graphs one after the other; nothing is ever of the size of A."""

    x: Tensor
    """[N, F]."""
    z: Tensor
    """[N, F'], the embeddings to pool."""
    graph: Graph
    weight: Tensor | None
    """[E], the entries of A, ones if ``None``; those of duplicate edges add."""
    sizes: Tensor
    """[B], the number of nodes of each graph."""

    def dense(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """A dense graph network cannot take these graphs."""
        raise ValueError(
            "adj must be a dense adjacency [B, N, N] where the assignment comes from "
            "gnn(x, adj, mask), got a sparse one"
        )

    @property
    def max_num_nodes(self) -> int:
        """The number of nodes of the largest graph."""
        return self.graph.largest

    def node_index(self) -> tuple[Tensor, Tensor, None]:
        """The graph, and the position within it, of each row of S: all are nodes."""
        return self.graph.batch, self.graph.position, None

    def mask_padding(self, s: Tensor) -> Tensor:
        """``s`` [N, K]: there is no padding."""
        return s

    def rows(self, matrix: Tensor) -> Tensor:
        """[N, K], row i of ``matrix`` for node i of each graph."""
        if self.graph.largest > matrix.size(0):
            _check_fits(self.sizes, matrix.size(0))
        return matrix.index_select(0, self.graph.position)

    def square_norm(self) -> Tensor:
        """The sum of all squared entries of A."""
        edge_index, num_nodes, weight = self.graph.edge_index, self.graph.num_nodes, self.weight
        if weight is None:
            weight = self.x.new_ones(edge_index.size(1))
        entry = edge_index[0] * num_nodes + edge_index[1]
        if (entry[1:] <= entry[:-1]).any():
            weight = coalesce(edge_index, weight, num_nodes)[1]
        return _square_norm(weight)

    def volumes(self, s: Tensor) -> Tensor:
        """[B], the trace of Sᵀ D S, where D holds the degrees."""
        source = self.graph.edge_index[0]
        share = widen(s).square().sum(1).index_select(0, source)
        if self.weight is not None:
            share = share * self.weight
        batch = self.graph.batch.index_select(0, source)
        return scatter(share, batch, 0, self.graph.num_graphs)

    def coarsen(self, s: Tensor) -> Coarse:
        """Sᵀ Z, Sᵀ A S and Sᵀ S of each graph."""
        source, target = self.graph.edge_index
        blocks = cut_into_blocks(self.graph.batch, self.graph.num_graphs)
        near = s.index_select(0, target)
        if self.weight is not None:
            near = near * self.weight.unsqueeze(1)
        near = scatter(near, blocks.row.index_select(0, source), 0, blocks.num_rows)
        z, s = blocks.lay_out(self.z), blocks.lay_out(s)
        return Coarse(blocks.pool(s, z), blocks.pool(s, near), blocks.pool(s, s))


SoftGraphs = DenseGraphs | SparseGraphs


def _square_norm(t: Tensor) -> Tensor:
    return torch.linalg.vector_norm(t, dtype=widen(t).dtype).square()


def _check_fits(sizes: Tensor, limit: int) -> None:
    size, graph = (int(value) for value in sizes.max(0))
    if size > limit:
        raise ValueError(f"graph {graph} of the batch has {size} nodes, max_num_nodes is {limit}")


def normalise_adj(adj: Tensor) -> Tensor:
    r"""Drop self-loops and weigh by degrees: :math:`\hat{a}_{kl} = a_{kl} / \sqrt{d_k d_l}`.

    Dense [B, K, K]. Clusters of degree zero stay without edges, and those of less than a millionth
    of an edge fade towards that: else gradients overflow where the assignments of two pools in a
    row saturate.

    >>> normalise_adj(torch.tensor([[[5.0, 2.0], [2.0, 7.0]]])).round(decimals=4)
    tensor([[[0., 1.],
             [1., 0.]]])
    """
    loops = torch.eye(adj.size(-1), dtype=torch.bool, device=adj.device)
    proper = widen(adj).masked_fill(loops, 0)
    degree = proper.sum(2, keepdim=True)
    scale = (degree > 0) * degree.clamp(min=1e-6).rsqrt()
    return (proper * scale * scale.transpose(1, 2)).to(adj.dtype)
