"""The soft pooling layers under test, and a batch to pool."""

import pytest
import torch

from _helpers.soft_oracles import dense
from _helpers.strategies import batch_of, cycle, edgeless, path, star
from graphpool_sanity import DiffPool, MinCutPool, RandomDiffPool, RandomMinCutPool

F, K, PLACES = 5, 3, 30

LAYERS = {
    "DiffPool": lambda: DiffPool(F, K),
    "RandomDiffPool": lambda: RandomDiffPool(F, K),
    "RandomDiffPool of places": lambda: RandomDiffPool(F, K, "uniform", False, PLACES),
    "MinCutPool": lambda: MinCutPool(F, K),
    "RandomMinCutPool": lambda: RandomMinCutPool(F, K, "uniform", True),
    "RandomMinCutPool of places": lambda: RandomMinCutPool(F, K, max_num_nodes=PLACES),
}


def layers(wanted=lambda name: True):
    names = [name for name in LAYERS if wanted(name)]
    return pytest.mark.parametrize("build", [LAYERS[name] for name in names], ids=names)


every = layers()
sparse = layers(lambda name: name != "DiffPool")
random = layers(lambda name: name.startswith("Random"))
of_places = layers(lambda name: name.endswith("places"))
invariant = layers(lambda name: not name.endswith("places"))
MIXED = batch_of(cycle(5), edgeless(1), star(4), path(7), edgeless(3))


def layer(build, seed=0):
    torch.manual_seed(seed)
    return build().double()


def calls(pool, x, padding=0):
    """The arguments of a call for each input that the layer takes."""
    yield dense(MIXED, x, padding=padding)
    if not isinstance(pool, DiffPool):
        yield x, MIXED.edge_index, None, MIXED.batch


def assert_same(got, wanted, **tolerance):
    for name in wanted._fields:
        torch.testing.assert_close(getattr(got, name), getattr(wanted, name), **tolerance)
