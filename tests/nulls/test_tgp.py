"""torch-geometric-pool's layers: what becomes of their assignments and of what they keep."""

import pytest
import torch
from _helpers.nulls import same, tensors
from _helpers.tgp_layers import NULLS, batch_for, call, cases, counted, layer, poolers, rows

from graphpool_sanity import randomize


@cases(lambda name, null: null == "shuffle")
def test_a_shuffle_permutes_the_rows_of_each_graph(name, null):
    graphs = batch_for(name)
    pool = layer(name)
    own = rows(call(pool, name, graphs), graphs)
    out = rows(call(randomize(pool, null, 0), name, graphs), graphs)
    for mine, theirs in zip(own, out, strict=True):
        assert counted(mine) == counted(theirs)
    assert not all(map(torch.allclose, own, out))


def test_a_selection_that_learns_nothing_cannot_be_frozen():
    for pool in (poolers.TopkPooling(1), poolers.KMISPooling(scorer="degree")):
        with pytest.raises(ValueError, match=r"^null 'frozen' needs .* without parameters"):
            randomize(pool, "frozen")


@pytest.mark.parametrize("null", NULLS["graclus"])
def test_a_cached_selection_is_forgotten(null):
    pool = layer("graclus", cached=True)
    own, again, out = (tensors(call(p, "graclus")) for p in (pool, pool, randomize(pool, null, 0)))
    assert same(again, own)
    assert not same(out, own)
