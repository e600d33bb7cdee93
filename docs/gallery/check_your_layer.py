"""
Check your own pooling layer
============================

A new pooling layer has a way to choose nodes. Does that choice earn anything? This page
writes a layer, asserts its symmetries, gives it a null, and lets the check decide.
"""

# %%
# The layer
# ---------
# It keeps the half of each graph's nodes whose features are longest. All of the choice
# is in one child, ``select``, so that a null has one thing to exchange.

import torch
from torch import Tensor, nn
from torch_geometric.nn.pool.connect.filter_edges import filter_adj
from torch_geometric.nn.pool.select.topk import topk


class Longest(nn.Module):
    """Scores each node by the length of its features."""

    def forward(self, x: Tensor) -> Tensor:
        return x.norm(dim=1)


class HalfPool(nn.Module):
    """Keeps the half of the nodes that score highest."""

    def __init__(self) -> None:
        super().__init__()
        self.select = Longest()

    def forward(self, x, edge_index, edge_attr=None, batch=None):
        batch = edge_index.new_zeros(len(x)) if batch is None else batch
        keep = topk(self.select(x), 0.5, batch)
        edge_index, edge_attr = filter_adj(
            edge_index, edge_attr, keep, num_nodes=len(x)
        )
        return x[keep], edge_index, edge_attr, batch[keep]


# %%
# Its symmetries
# --------------
# The order of a graph's nodes must not matter, nor its company in a batch. The
# assertions take any layer, model or function of graphs.

from torch_geometric.data import Batch

from graphpool_sanity import load_dataset
from graphpool_sanity.testing import (
    assert_batch_invariant,
    assert_permutation_invariant,
)

graphs = Batch.from_data_list([load_dataset("digits").graphs[i] for i in range(4)])
assert_permutation_invariant(HalfPool(), graphs)
assert_batch_invariant(HalfPool(), graphs)

# %%
# What they say when something is wrong: a layer that keeps whatever comes first.


class First(Longest):
    """Scores each node by its position."""

    def forward(self, x: Tensor) -> Tensor:
        return -torch.arange(len(x), dtype=x.dtype)


careless = HalfPool()
careless.select = First()
try:
    assert_permutation_invariant(careless, graphs)
except AssertionError as error:
    print(error)

# %%
# Its null
# --------
# The same layer with the choice left to chance, in one line. Layers of this package, of PyTorch
# Geometric and of torch-geometric-pool have their nulls already: see :doc:`/nulls`.

from graphpool_sanity import matched_nulls, register_null
from graphpool_sanity.nulls import chosen_by_chance

register_null(HalfPool, "random")(chosen_by_chance("select"))
matched_nulls(HalfPool())

# %%
# In the null, ``select`` scores each node by chance: in training anew at each call, from
# a generator of the null's own; in evaluation by the graph alone, as it should be; on any
# device. Without that line the layer has nulls, too: what it chooses by is found. See
# :doc:`/unknown_layer`.

# %%
# The check
# ---------
# It takes a function that builds a model: any model, as long as it returns one row for
# each graph. Here that is the standard network around the layer. Model and null are
# trained in pairs: the same split, the same initial weights, the same batches. The
# digits are embedded in scikit-learn, so that nothing is downloaded; six pairs of a
# few epochs are enough to see how it goes. Without ``max_runs`` it would go on until it
# is decided, to 50 pairs at most.

from rich import print

from graphpool_sanity import Backbone, Protocol, sanity_check


def make_pool(channels: int) -> nn.Module:
    return HalfPool()


def build_model(in_channels: int, out_channels: int) -> nn.Module:
    return Backbone(make_pool, in_channels, out_channels, hidden=32, num_pools=1)


report = sanity_check(
    build_model,
    "digits",
    nulls="random",
    runs=6,
    max_runs=6,
    protocol=Protocol(epochs=8, learning_rate=3e-3),
    name="HalfPool",
)
print(report.table())

# %%
# Differences are positive where the layer is better than its null.

report.plot()

# %%
# How to read this, and what it cannot say, is told under :doc:`/verdict`.
#
# Then it is time for your own data: a list of PyG's ``Data``, any of its data sets, or
# a name that :func:`~graphpool_sanity.load_dataset` knows. ``out="folder"`` keeps each
# run as soon as it is done, continues after an interruption, and writes a page that
# holds everything. From a shell, ``graphpool-sanity check my_module:HalfPool`` does the
# same.
