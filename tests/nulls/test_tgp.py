"""What holds for every null of every layer of torch-geometric-pool."""

import copy

import pytest
import torch
from _helpers.strategies import Graphs
from _helpers.tgp_layers import (
    HARD,
    NULLS,
    RANDOM,
    SOFT,
    batch_for,
    call,
    cases,
    counted,
    features,
    layer,
    poolers,
    rows,
    same,
    same_shares,
)

from graphpool_sanity import matched_nulls, randomize


@pytest.mark.parametrize("name", poolers.pooler_map)
def test_every_layer_has_nulls_the_most_telling_first(name):
    assert matched_nulls(layer(name)) == NULLS[name]


@cases()
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_null_gives_what_the_layer_gives(name, null, training):
    graphs = batch_for(name)
    pool = layer(name).train(training)
    own, out = call(pool, name, graphs), call(randomize(pool, null, 1), name, graphs)
    assert type(own) is type(out)
    assert own.so._extra_args == out.so._extra_args
    for mine, theirs in zip(own, out, strict=True):
        assert type(mine) is type(theirs)
    assert own.x.shape[1:] == out.x.shape[1:]
    assert out.x.isfinite().all()
    if own.edge_weight is not None:
        assert out.edge_weight.isfinite().all() or not own.edge_weight.isfinite().all()
    if own.has_loss:
        assert own.loss.keys() == out.loss.keys()
    if name in SOFT:
        assert own.so.s.shape == out.so.s.shape
        assert torch.equal(own.mask, out.mask)
    if null in ("random", "shuffle") and own.batch is not None:
        assert torch.equal(own.batch, out.batch)
    if null == "none" and name in HARD:
        assert torch.equal(out.batch, graphs.batch)


@cases(lambda name, null: null == "shuffle")
def test_a_shuffle_permutes_the_rows_of_each_graph(name, null):
    graphs = batch_for(name)
    pool = layer(name)
    own = rows(call(pool, name, graphs), graphs)
    out = rows(call(randomize(pool, null, 0), name, graphs), graphs)
    for mine, theirs in zip(own, out, strict=True):
        assert counted(mine) == counted(theirs)
    assert not all(map(torch.allclose, own, out))


@cases(lambda name, null: null == "frozen")
def test_a_frozen_selection_is_another_and_does_not_learn(name, null):
    pool, graphs = layer(name), batch_for(name)
    selection = ("selector", "gnn", "select_scorer", "p", "beta")
    frozen, other = (randomize(pool, null, seed) for seed in (0, 1))
    trained = {n for n, p in frozen.named_parameters() if p.requires_grad}
    assert not any(n.split(".")[0] in selection for n in trained)
    for n in trained:
        assert torch.equal(frozen.get_parameter(n), pool.get_parameter(n))
    x = features(graphs).requires_grad_()
    pooled = call(frozen, name, graphs, x).x.sum()
    pooled.backward()
    assert x.grad.any()
    if name != "asap":  # where attention goes on passing messages before it pools
        torch.testing.assert_close((x.grad * x).sum(), pooled)
    if name != "pan":  # which starts from the same numbers whatever the seed
        a, b, own = (call(p, name, graphs).so.s.to_dense() for p in (frozen, other, pool))
        for one, two in ((a, b), (a, own)):
            assert one.shape != two.shape or not torch.equal(one, two)


def test_a_selection_that_learns_nothing_cannot_be_frozen():
    for pool in (poolers.TopkPooling(1), poolers.KMISPooling(scorer="degree")):
        with pytest.raises(ValueError, match=r"^null 'frozen' needs .* without parameters"):
            randomize(pool, "frozen")


@cases()
def test_a_null_follows_from_its_seed_alone(name, null):
    graphs, pool = batch_for(name), layer(name)
    before = copy.deepcopy(pool.state_dict())
    state = torch.get_rng_state()
    one, two, other = (randomize(pool, null, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert str(before) == str(pool.state_dict())
    for training in (True, False):
        a, b, c = (call(p.train(training), name, graphs) for p in (one, two, other))
        assert same(a, b)
        if null in ("complement", "random", "shuffle"):
            assert not same(a, c)


@cases(lambda name, null: name not in RANDOM)
def test_a_null_leaves_the_global_generator_alone(name, null):
    pool = randomize(layer(name), null, 0)
    after_seeding = torch.manual_seed(0).get_state()
    call(pool, name, batch_for(name))
    assert torch.equal(torch.get_rng_state(), after_seeding)


@cases(lambda name, null: null in ("random", "shuffle"))
def test_training_draws_anew_and_evaluation_does_not(name, null):
    graphs = batch_for(name)
    pool = randomize(layer(name), null, 0)
    fixed = call(pool, name, graphs)
    assert same(call(pool, name, graphs), fixed)
    drawn = call(pool.train(), name, graphs)
    assert same(drawn, fixed) == (null == "random" and name in SOFT)


@cases(lambda name, null: null not in ("frozen", "none") and name not in RANDOM)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(name, null):
    """Wherever the layer itself does so: some break ties by the batch."""
    pool, graphs, compared = layer(name), batch_for(name), 0
    null = randomize(pool, null, 2)
    own_together, together = (rows(call(p, name, graphs), graphs) for p in (pool, null))
    for number in graphs.batch.unique():
        own = (graphs.batch == number).nonzero().view(-1)
        inside = (graphs.batch == number)[graphs.edge_index[0]]
        alone = Graphs(graphs.edge_index[:, inside] - own[0], len(own), torch.zeros_like(own))
        x = features(graphs)[own]
        own_s, s = (call(p, name, alone, x).so.s.to_dense() for p in (pool, null))
        if same_shares(own_s.view(len(own), -1), own_together[number]):
            compared += 1
            assert same_shares(s.view(len(own), -1), together[number])
    assert compared > 2


@cases()
def test_gradients_reach_the_features_and_the_state_travels(name, null):
    graphs, pool = batch_for(name), randomize(layer(name), null, 0)
    x = features(graphs).requires_grad_()
    wanted = call(pool, name, graphs, x)
    wanted.x.square().sum().backward()
    assert x.grad.any()
    assert x.grad.isfinite().all()
    if null == "shuffle" and pool.is_trainable:
        assert any(p.grad is not None and p.grad.any() for p in pool.parameters())
    loaded = randomize(layer(name), null, 1)
    loaded.load_state_dict(pool.state_dict())
    for twin in (loaded, copy.deepcopy(pool)):
        assert same(call(twin, name, graphs), wanted)
    repr(twin)


@pytest.mark.parametrize("null", NULLS["graclus"])
def test_a_cached_selection_is_forgotten(null):
    pool = layer("graclus", cached=True)
    own = call(pool, "graclus")
    assert same(call(pool, "graclus"), own)
    assert not same(call(randomize(pool, null, 0), "graclus"), own)


def test_a_null_of_a_null_is_a_null():
    for name in ("topk", "ec", "mincut", "graclus", "pan"):
        for first in NULLS[name]:
            for second in NULLS[name]:
                twice = randomize(randomize(layer(name), first, 0), second, 1)
                assert call(twice, name).x.isfinite().all()
