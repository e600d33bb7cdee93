"""
Check your own pooling layer
============================

A new pooling layer comes with a way to choose nodes. Does that choice earn anything? This page
writes a layer, gives it a null, asserts its symmetries, and lets the check decide.
"""

# %%
# The layer
# ---------
# It keeps the half of each graph's nodes whose features are longest. Who is kept is decided in one
# place, ``select``: that is what a null will exchange.

import torch
from torch import Tensor, nn
from torch_geometric.nn.pool.connect.filter_edges import filter_adj
from torch_geometric.nn.pool.select.topk import topk


class Longest(nn.Module):
    """Scores nodes by the length of their features."""

    def forward(self, x: Tensor) -> Tensor:
        return x.norm(dim=1)


class HalfPool(nn.Module):
    """Keeps the half of the nodes with the highest scores."""

    def __init__(self) -> None:
        super().__init__()
        self.select = Longest()

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        batch = x.new_zeros(len(x), dtype=torch.long) if batch is None else batch
        keep = topk(self.select(x), 0.5, batch)
        edge_index, edge_attr = filter_adj(edge_index, edge_attr, keep, num_nodes=len(x))
        return x[keep], edge_index, edge_attr, batch[keep]


# %%
# Its symmetries
# --------------
# The order of a graph's nodes must not matter, nor its place in a batch. These assertions take any
# layer, model or function of graphs, and say what is wrong if something is.

from torch_geometric.data import Batch

from graphpool_sanity import load_dataset
from graphpool_sanity.testing import assert_batch_invariant, assert_permutation_invariant

graphs = Batch.from_data_list([load_dataset("digits").graphs[i] for i in range(3)])
layer = HalfPool().eval()
try:
    assert_permutation_invariant(layer, graphs)
except AssertionError as error:
    print(error)
