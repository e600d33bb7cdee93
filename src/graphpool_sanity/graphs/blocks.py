"""Products over the nodes of each graph, without padding to the largest graph."""

from typing import NamedTuple

import torch
from torch import Tensor

from graphpool_sanity.numerics import widen


class Blocks(NamedTuple):
    """Nodes laid out in short blocks, each with nodes of one graph.

    At most 1.5 N + 8 B rows, however unequal the graphs, and no transfer from the device.
    """

    num_graphs: int
    length: int
    """How many rows each block has; those without a node are zero."""
    row: Tensor
    """[N], the row of each node."""
    owner: Tensor
    """[M], the graph of each block; blocks without a node belong to the first."""

    @property
    def num_rows(self) -> int:
        """How many rows all blocks have."""
        return self.owner.numel() * self.length

    def lay_out(self, y: Tensor) -> Tensor:
        """The rows of nodes [N, D], as rows of blocks."""
        return y.new_zeros(self.num_rows, y.size(1)).index_copy_(0, self.row, y)

    def pool(self, s: Tensor, y: Tensor) -> Tensor:
        """[B, K, D], Sᵀ Y of each graph, by one batched product over rows of blocks."""
        s, y = (rows.view(-1, self.length, rows.size(1)) for rows in (s, y))
        parts = s.transpose(1, 2) @ y
        pooled = widen(parts).new_zeros(self.num_graphs, *parts.shape[1:])
        return pooled.index_add_(0, self.owner, widen(parts)).to(parts.dtype)


def cut_into_blocks(batch: Tensor, num_graphs: int) -> Blocks:
    """Blocks for nodes of the graphs ``batch`` [N], sorted."""
    num_nodes = batch.numel()
    length = min(max(num_nodes // max(2 * num_graphs, 1), 8), 64)
    bounds = torch.searchsorted(batch, torch.arange(num_graphs + 1, device=batch.device))
    used = (bounds.diff() + (length - 1)) // length
    shift = (used.cumsum(0) - used) * length - bounds[:-1]
    row = torch.arange(num_nodes, device=batch.device) + shift.index_select(0, batch)
    enough = num_graphs + num_nodes // length  # the exact number would cost a transfer
    owner = batch.new_zeros(enough).index_copy_(0, row // length, batch)
    return Blocks(num_graphs, length, row, owner)
