"""Layers that are not known, as the tests of what all nulls promise build and call them."""

import torch

from _helpers import unseen_layers
from _helpers.null_layers import HOSTILE, LARGE, F, batch_for, features  # noqa: F401 (as ours)

NAMES = ("InlineTopKPool", "ThresholdPool", "LastChannelPool", "DecoyViewsPool", "FlatSoftmaxPool")
NULLS = {name: ["scores", "shuffle"] for name in NAMES}
SOFT = ("FlatSoftmaxPool",)


def layer(name, seed=0):
    torch.default_generator.manual_seed(seed)
    return getattr(unseen_layers, name)(F).double().eval()


def call(pool, name, x, graphs=HOSTILE, padding=0):
    """What the layer, or its null, returns for a batch."""
    return pool(x, graphs.edge_index, graphs.batch)


def pooled(name, out):
    """The features of the clusters, and the graph of each if the layer tells it."""
    return out[0], None if name in SOFT else out[2]
