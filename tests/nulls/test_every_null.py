"""What every null of every layer promises."""

import copy
import pickle

import pytest
import torch
from _helpers.null_layers import HOSTILE, LAYERS, PAIRS, X, call, layer, pairs, same
from torch import nn

from graphpool_sanity import matched_nulls, randomize

every_pair = pairs()
drawn = pairs(lambda name, null: null != "none")


def test_every_layer_has_nulls():
    assert {name for name, _ in PAIRS} == set(LAYERS)


@drawn
def test_a_null_follows_from_its_seed_alone(name, null):
    pool, state = layer(name), torch.get_rng_state()
    first, again, *others = (randomize(pool, null, seed) for seed in (3, 3, 4, 5, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert same(call(first, name), call(again, name))
    assert not all(same(call(first, name), call(other, name)) for other in others)
    assert not all(same(call(first, name), call(p, name)) for p in (pool, *others))
    first.train()
    again.train()
    assert same(call(first, name), call(again, name))
    assert torch.equal(torch.get_rng_state(), state)


@drawn
def test_without_a_seed_it_follows_from_the_global_generator(name, null):
    pool = layer(name)
    torch.manual_seed(1)
    first, *others = (randomize(pool, null) for _ in range(4))
    torch.manual_seed(1)
    assert same(call(randomize(pool, null), name), call(first, name))
    assert not all(same(call(first, name), call(other, name)) for other in others)


@every_pair
def test_the_layer_is_left_as_it_was(name, null):
    pool = layer(name)
    state, wanted = copy.deepcopy(pool.state_dict()), call(pool, name)
    other = randomize(pool, null, 0)
    for p in other.parameters():
        p.data.zero_()
    assert same(call(pool, name), wanted)
    assert pool.state_dict().keys() == state.keys()
    assert all(torch.equal(state[key], value) for key, value in pool.state_dict().items())
    assert all(p.requires_grad for p in pool.parameters())
    assert repr(pool) == repr(layer(name))


@every_pair
def test_a_null_can_be_copied_kept_and_loaded_into_one_of_another_seed(name, null):
    pool = layer(name)
    first, other = randomize(pool, null, 1), randomize(pool, null, 2)
    wanted = call(first, name)
    other.load_state_dict(first.state_dict())
    for twin in (other, copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert same(call(twin, name), wanted)


@every_pair
@pytest.mark.parametrize("training", [True, False])
def test_mode_and_type_are_those_of_the_layer(name, null, training):
    pool = layer(name).train(training).to(torch.bfloat16)
    other = randomize(pool, null, 0)
    assert all(module.training == training for module in other.modules())
    for t in (*other.parameters(), *other.buffers()):
        assert t.dtype in (torch.bfloat16, torch.long)


@every_pair
def test_what_does_not_learn_still_does_not(name, null):
    pool = layer(name).requires_grad_(False)
    assert not any(p.requires_grad for p in randomize(pool, null, 0).parameters())


@every_pair
@pytest.mark.parametrize("second", ["auto", "shuffle", "none"])
def test_a_null_of_a_null_is_a_null(name, null, second):
    once = randomize(layer(name), null, 1)
    if second != "auto" and second not in matched_nulls(once):
        with pytest.raises(ValueError, match="null must be"):
            randomize(once, second, 2)
        return
    twice = randomize(once, second, 2)
    out = call(twice, name)
    assert all(t.isfinite().all() for t in out if t.is_floating_point())
    if second == "none":
        assert same(out, call(randomize(layer(name), "none", 0), name))


@every_pair
def test_all_nulls_run_in_training_and_backward(name, null):
    pool = randomize(layer(name), null, 0).train()
    x = X.clone().requires_grad_()
    for _ in range(2):
        out = call(pool, name, x)
        sum(t.sum() for t in out if t.is_floating_point() and t.requires_grad).backward()
    assert x.grad.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every_pair
def test_nulls_give_on_cuda_what_they_give_on_the_cpu(name, null):
    wanted = call(randomize(layer(name), null, 0), name)
    found = randomize(layer(name).to("cuda"), null, 0)
    assert all(t.is_cuda for t in (*found.parameters(), *found.buffers()))
    graphs = HOSTILE._replace(
        edge_index=HOSTILE.edge_index.to("cuda"), batch=HOSTILE.batch.to("cuda")
    )
    for a, b in zip(call(found, name, X.to("cuda"), graphs), wanted, strict=True):
        torch.testing.assert_close(a.cpu(), b)


@every_pair
def test_a_model_that_is_a_pooling_layer_becomes_its_null(name, null):
    alone = randomize(layer(name), null, 0)
    inside = randomize(nn.Sequential(layer(name)), null, 0)[0]
    assert same(call(alone, name), call(inside, name))
