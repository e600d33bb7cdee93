"""Graphs on their way through a model, as edges or as padded matrices, whichever a layer takes."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import GraphConv, global_mean_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch


class Graphs(NamedTuple):
    """A batch of graphs: its nodes end to end with edges, or padded with matrices."""

    x: Tensor
    """[N, F], or padded [B, N, F]."""
    size: int
    """The number of graphs B."""
    adj: Tensor | None
    """Edges [2, E]; or [B, N, N], or ``None`` where a layer left nothing but nodes."""
    weight: Tensor | None = None
    """[E], of the edges."""
    batch: Tensor | None = None
    """[N], the graph of each node, if they are end to end."""
    mask: Tensor | None = None
    """[B, N], which rows are nodes, if they are padded; ``None`` if all are."""

    @property
    def is_dense(self) -> bool:
        """Whether the nodes are padded."""
        return self.x.dim() == 3

    def dense(self) -> "Graphs":
        """The same graphs, padded."""
        if self.is_dense or self.adj is None:
            return self
        x, mask = to_dense_batch(self.x, self.batch, batch_size=self.size)
        adj = to_dense_adj(self.adj, self.batch, self.weight, x.size(1), self.size)
        return Graphs(x, self.size, adj.to(x.dtype), mask=mask)

    def mean(self) -> Tensor:
        """[B, F], the mean over the nodes of each graph; 0 for a graph without nodes."""
        if not self.is_dense:
            return global_mean_pool(self.x, self.batch, self.size)
        if self.mask is None:
            return self.x.mean(1)
        mask = self.mask.unsqueeze(-1).to(self.x.dtype)
        return (self.x * mask).sum(1) / mask.sum(1).clamp(min=1)


def read_graphs(data: Data, x: Tensor) -> Graphs:
    """The graphs of a PyG batch (or of one graph) with node features ``x``."""
    batch = data.batch
    if batch is None:
        batch = x.new_zeros(x.size(0), dtype=torch.long)
    return Graphs(x, getattr(data, "num_graphs", 1), data.edge_index, batch=batch)


class Conv(GraphConv):
    """:class:`~torch_geometric.nn.GraphConv` on graphs in either form, with the same weights."""

    def on(self, graphs: Graphs) -> Graphs:
        """The graphs with ReLU of the convolved features."""
        if not graphs.is_dense:
            x = self(graphs.x, graphs.adj, graphs.weight)
        else:
            adj, old = graphs.adj, graphs.x
            heard = torch.zeros_like(old) if adj is None else adj.transpose(1, 2) @ old
            x = self.lin_rel(heard) + self.lin_root(old)
            x = x if graphs.mask is None else x * graphs.mask.unsqueeze(-1)
        return graphs._replace(x=x.relu())
