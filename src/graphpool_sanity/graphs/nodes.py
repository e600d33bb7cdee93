"""What pools without edges takes: the nodes of a batch of graphs, recognised and checked."""

from typing import NamedTuple

import torch
from torch import Tensor

from graphpool_sanity.graphs.blocks import cut_into_blocks
from graphpool_sanity.graphs.graph import (
    at_least,
    check_batch_order,
    check_batch_shape,
    check_tensors,
)

_SLACK = 4  # padding to so many times the nodes costs less than cutting them into blocks


class Nodes(NamedTuple):
    """The nodes of a batch of graphs, one graph after the other."""

    x: Tensor
    """[n, F]."""
    batch: Tensor
    """[n], the graph of each node, sorted."""
    dense_index: Tensor
    """[n], the row of each node if all graphs are padded, in ascending order."""
    num_graphs: int
    max_num_nodes: int
    """The rows of each padded graph."""
    mask: Tensor | None = None
    """[n], which rows are nodes; all if ``None``. Compiled code cannot leave out the others."""

    def mask_padding(self, s: Tensor) -> Tensor:
        """``s`` [n, K], zero where there is no node."""
        return s if self.mask is None else s.masked_fill(~self.mask.unsqueeze(1), 0)

    def rows(self, matrix: Tensor) -> Tensor:
        """[n, K], row i of ``matrix`` for position i of each graph."""
        position, limit = self.dense_index % self.max_num_nodes, matrix.size(0)
        if self.max_num_nodes <= limit:
            return matrix.index_select(0, position)
        end = position + 1 if self.mask is None else (position + 1) * self.mask
        if (end > limit).any():
            last = end.argmax()
            raise ValueError(
                f"graph {self.batch[last]} of the batch has {end[last]} nodes, "
                f"max_num_nodes is {limit}"
            )
        return matrix.index_select(0, position.clamp(max=limit - 1))

    def node_index(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """The graph, the position within it, and whether it is a node, of each row."""
        return self.batch, self.dense_index % self.max_num_nodes, self.mask

    def pad(self, y: Tensor) -> Tensor:
        """[B, N, D], the rows of ``y`` [n, D] padded with zeros."""
        size = self.num_graphs * self.max_num_nodes
        if self.dense_index.numel() < size:
            y = y.new_zeros(size, y.size(1)).index_copy_(0, self.dense_index, y)
        return y.contiguous().view(self.num_graphs, self.max_num_nodes, y.size(1))

    def pool(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """Sᵀ X of each graph [B, K, F], and S padded [B, N, K]."""
        padded = self.pad(s)
        if self.num_graphs * self.max_num_nodes <= _SLACK * self.x.size(0):
            return torch.bmm(padded.transpose(1, 2), self.pad(self.x)), padded
        blocks = cut_into_blocks(self.batch, self.num_graphs)
        return blocks.pool(blocks.lay_out(s), blocks.lay_out(self.x)), padded


def read_nodes(
    x: Tensor,
    batch: Tensor | None = None,
    mask: Tensor | None = None,
    max_num_nodes: int | None = None,
    batch_size: int | None = None,
) -> Nodes:
    """The nodes of a sparse batch (x [N, F], batch) or of a dense one (x [B, N, F], mask).

    Raises:
        ValueError: on a wrong shape or type, naming the argument, on a malformed batch, and on
            sizes that the batch does not fit.
    """
    check_tensors(batch=batch, mask=mask)
    if x.dim() not in (2, 3) or not x.is_floating_point():
        raise ValueError(
            "x must be a floating point tensor of shape [N, F] or [B, N, F], "
            f"got {x.dtype} of shape {list(x.shape)}"
        )
    if x.dim() == 3:
        sparse_only = {"batch": batch, "max_num_nodes": max_num_nodes, "batch_size": batch_size}
        for name, value in sparse_only.items():
            if value is not None:
                raise ValueError(f"{name} must be None beside x of shape [B, N, F]")
        return _read_dense(x, mask)
    if mask is not None:
        raise ValueError("mask must be None beside x of shape [N, F], whose graphs batch tells")
    return _read_sparse(x, batch, max_num_nodes, batch_size)


def _read_sparse(
    x: Tensor, batch: Tensor | None, max_num_nodes: int | None, batch_size: int | None
) -> Nodes:
    index = torch.arange(x.size(0), device=x.device)
    if batch is None:
        batch, start, largest = torch.zeros_like(index), index.new_zeros(1), x.size(0)
    else:
        start, largest = _read_batch(batch, x.size(0))
    num_graphs = at_least("batch_size", start.numel(), batch_size)
    width = at_least("max_num_nodes", largest, max_num_nodes)
    shift = torch.arange(start.numel(), device=x.device) * width - start
    return Nodes(x, batch, index + shift.index_select(0, batch), num_graphs, width)


def _read_batch(batch: Tensor, num_nodes: int) -> tuple[Tensor, int]:
    """The first node of each graph [B], and the size of the largest, in two transfers."""
    check_batch_shape(batch, num_nodes)
    if num_nodes == 0:
        return batch, 0
    last = max(int(batch[-1]), 0)
    bounds = torch.searchsorted(batch, torch.arange(last + 2, device=batch.device))
    decreases = (batch[1:] < batch[:-1]).sum()
    largest, first, unsorted = torch.stack((bounds.diff().max(), batch[0], decreases)).tolist()
    check_batch_order(first, bool(unsorted))
    return bounds[:-1], largest


def _read_dense(x: Tensor, mask: Tensor | None) -> Nodes:
    num_graphs, width = x.shape[:2]
    if mask is not None and mask.shape != (num_graphs, width):
        raise ValueError(f"mask must have shape {[num_graphs, width]}, got {list(mask.shape)}")
    dense_index = torch.arange(num_graphs * width, device=x.device)
    rows = x.flatten(0, 1)
    if mask is not None:
        mask = mask.flatten().bool()
        if torch.compiler.is_compiling():
            rows = rows.masked_fill(~mask.unsqueeze(1), 0)
        else:
            dense_index, mask = mask.nonzero().view(-1), None
            rows = rows.index_select(0, dense_index)
    return Nodes(rows, dense_index // width, dense_index, num_graphs, width, mask)
