"""The memory pooling layers under test, and what tests of all of them share."""

import pytest
import torch

from _helpers.soft_oracles import normal
from _helpers.strategies import batch_of, cycle, edgeless, path, star
from graphpool_sanity import DistanceMemoryPool, MemoryPool, RandomMemoryPool

F, OUT, H, K, PLACES = 4, 5, 2, 3, 30
LAYERS = {
    "MemoryPool": lambda: MemoryPool(F, OUT, H, K),
    "MemoryPool with tau 2.5": lambda: MemoryPool(F, OUT, H, K, tau=2.5),
    "DistanceMemoryPool": lambda: DistanceMemoryPool(F, OUT, H, K, key_scale=2.0),
    "RandomMemoryPool": lambda: RandomMemoryPool(F, OUT, K, "normal", invariant=True),
    "RandomMemoryPool of places": lambda: RandomMemoryPool(F, OUT, K, max_num_nodes=PLACES),
}


def layers(wanted=lambda name: True):
    names = [name for name in LAYERS if wanted(name)]
    return pytest.mark.parametrize("build", [LAYERS[name] for name in names], ids=names)


every = layers()
nulls = layers(lambda name: not name.startswith("MemoryPool"))
invariant = layers(lambda name: not name.endswith("places"))
MIXED = batch_of(cycle(5), edgeless(1), (0, []), star(4), path(7))


def layer(build, seed=0):
    torch.manual_seed(seed)
    return build().double()


def features(graphs, seed=0):
    return normal(graphs.num_nodes, F, seed=seed)


def gradients(out, *inputs):
    """The gradients of a sum that weighs every entry of the outputs differently."""
    total = sum((part * normal(*part.shape, seed=9)).sum() for part in out)
    return torch.autograd.grad(total, inputs)
