"""Nulls in one line: a child's scores are those of other nodes, or of chance."""

import copy
import pickle

import pytest
import torch
from _helpers.unseen_layers import InlineTopKPool, PaddedSoftmaxPool, batch_of, given, kept
from torch_geometric.data import Batch

from graphpool_sanity import matched_nulls, nulls, randomize, register_null
from graphpool_sanity.nulls import registry


class Scored(InlineTopKPool):
    """A layer with a child that scores."""


class Shared(PaddedSoftmaxPool):
    """A layer with a child that shares out."""


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    known = {kind: dict(nulls) for kind, nulls in registry._NULLS.items()}
    monkeypatch.setattr(registry, "_NULLS", known)
    register_null(Scored, "shuffle")(nulls.shuffled("score"))
    register_null(Scored, "random")(nulls.chosen_by_chance("score"))
    register_null(Shared, "shuffle")(nulls.shuffled("lin"))


def layer_of(kind):
    torch.manual_seed(1)
    return kind(3).eval()


def run(layer, batch):
    return kept(layer, layer(*given(type(layer), batch)), batch)


def test_registered_nulls_win():
    assert matched_nulls(Scored(3)) == ["shuffle", "random"]


@pytest.mark.parametrize("null", ["shuffle", "random"])
def test_every_node_is_kept_as_often(null):
    batch, layer = batch_of(2000, same_graph=True), layer_of(Scored)
    nodes, gates = run(randomize(layer, null, 0).train(), batch)
    found = nodes.flatten().bincount(minlength=6) / 2000
    assert (found - 0.5).abs().max() < 5 * (0.25 / 2000) ** 0.5
    if null == "shuffle":
        torch.testing.assert_close(gates.sort(1)[0], run(layer, batch)[1].sort(1)[0])


def test_it_is_the_null_that_is_found():
    batch = batch_of(7)
    for kind, plain in ((Scored, InlineTopKPool), (Shared, PaddedSoftmaxPool)):
        wanted = randomize(layer_of(plain), "shuffle", 3)(*given(plain, batch))
        found = randomize(layer_of(kind), "shuffle", 3)(*given(kind, batch))
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("null", ["shuffle", "random"])
def test_it_keeps_what_every_null_promises(null):
    batch, pool = batch_of(5), randomize(layer_of(Scored), null, 0)
    wanted = run(pool, batch)
    loaded = randomize(layer_of(Scored), null, 4)
    loaded.load_state_dict(pool.state_dict())
    for twin in (pool, loaded, copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))):
        torch.testing.assert_close(run(twin, batch), wanted, rtol=0, atol=0)
    for number, graph in enumerate(batch.to_data_list()):
        alone = run(pool, Batch.from_data_list([graph]))
        torch.testing.assert_close(alone[0][0], wanted[0][number])
    pool.train()
    draws = {str(run(pool, batch)[0]) for _ in range(5)}
    assert len(draws) > 1


def test_a_child_that_is_none_or_gives_other_things_is_refused():
    register_null(Scored, "mine")(nulls.shuffled("nix"))
    with pytest.raises(ValueError, match="child must name a module of Scored, got 'nix'"):
        randomize(Scored(3), "mine")
    register_null(Shared, "mine")(nulls.chosen_by_chance("lin"))
    with pytest.raises(ValueError, match="child that chooses must give one number a node"):
        randomize(Shared(3), "mine", 0)(*given(Shared, batch_of(3)))


def test_a_null_in_one_line_is_told_to_other_processes():
    others = registry.nulls_of_others(Scored(3))
    assert {name for _, name in others} == {"shuffle", "random"}
    pickle.dumps(others)
