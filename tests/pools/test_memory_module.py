"""Memory pooling layers as modules: chance, copies, types, compilation, errors."""

import copy
import pickle

import pytest
import torch
from _helpers.memory_layers import (
    LAYERS,
    MIXED,
    OUT,
    F,
    H,
    K,
    every,
    features,
    gradients,
    layer,
)
from _helpers.soft_oracles import dense, normal
from torch import nn

from graphpool_sanity import DistanceMemoryPool, MemoryPool, RandomMemoryPool


def linear():
    return nn.Linear(F, OUT, bias=False)


def convolution():
    return nn.Conv2d(H, 1, 1, bias=False)


@pytest.mark.parametrize(
    ("build", "trained"),
    [
        (lambda seed: RandomMemoryPool(F, OUT, K, max_num_nodes=9, seed=seed), [linear]),
        (lambda seed: DistanceMemoryPool(F, OUT, H, K, seed=seed), [linear, convolution]),
    ],
    ids=["random", "distance"],
)
def test_a_seed_decides_what_is_fixed_and_the_global_state_only_the_weights(build, trained):
    torch.manual_seed(0)
    weights = [initialise().weight for initialise in trained]
    state = torch.get_rng_state()
    torch.manual_seed(0)
    first = build(7)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, first.parameters(), weights))

    torch.manual_seed(1)
    second, third, drawn, redrawn = build(7), build(8), build(None), build(None)
    fixed, *others = (next(p.buffers()) for p in (first, second, third, drawn, redrawn))
    assert torch.equal(fixed, others[0])
    assert all(not torch.equal(fixed, other) for other in others[1:])
    assert not torch.equal(*others[2:])


@every
def test_a_state_dict_reproduces_the_outputs(build):
    pool, other = layer(build, seed=1), layer(build, seed=2)
    call = (features(MIXED), MIXED.batch)
    assert not torch.equal(other(*call)[0], pool(*call)[0])
    twins = [copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))]
    other.load_state_dict(pool.state_dict())
    if not isinstance(pool, MemoryPool):
        mine, theirs = (p if isinstance(p, DistanceMemoryPool) else p.select for p in (pool, other))
        assert mine.seed == theirs.seed
    for twin in (other, *twins):
        assert all(map(torch.equal, twin(*call), pool(*call)))


@every
def test_resetting_draws_everything_anew(build):
    pool = layer(build)
    before = copy.deepcopy(pool.state_dict())
    pool.reset_parameters()
    assert all(not torch.equal(value, before[name]) for name, value in pool.state_dict().items())


def test_resetting_with_a_seed_keeps_what_is_fixed():
    pool = DistanceMemoryPool(F, OUT, H, K, seed=3)
    before = copy.deepcopy(pool.state_dict())
    pool.reset_parameters()
    same = [name for name, value in pool.state_dict().items() if torch.equal(value, before[name])]
    assert same == ["k", "coded_seed"]


@every
def test_calls_neither_draw_nor_change(build):
    pool, call = layer(build), (features(MIXED), MIXED.batch)
    state, first = torch.get_rng_state(), pool(*call)
    assert all(map(torch.equal, pool.eval()(*call), first))
    assert torch.equal(torch.get_rng_state(), state)


@every
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision(build, dtype):
    exact, pool = layer(build), layer(build).to(dtype)
    wanted = exact(features(MIXED), MIXED.batch)
    x = features(MIXED).to(dtype).requires_grad_()
    full = dense(MIXED, x)
    for call in ((x, MIXED.batch), (full.x, None, full.mask)):
        out = pool(*call)
        assert {part.dtype for part in out} == {dtype}
        torch.testing.assert_close([part.double() for part in out], [*wanted], atol=0.1, rtol=0.1)
        sum(part.sum() for part in out).backward()
        assert x.grad.isfinite().all()


@every
def test_autocast(build):
    pool, x = layer(build).float(), features(MIXED).float().requires_grad_()
    wanted = pool(x, MIXED.batch)
    full = dense(MIXED, x)
    for call in ((x, MIXED.batch), (full.x, None, full.mask), (x.bfloat16(), MIXED.batch)):
        with torch.autocast("cpu", torch.bfloat16):
            out, s = pool(*call)
        assert out.dtype == torch.bfloat16
        assert s.dtype == call[0].dtype
        torch.testing.assert_close([out.float(), s.float()], [*wanted], atol=0.1, rtol=0.1)
        out.sum().backward()
        assert x.grad.isfinite().all()


@every
def test_dense_input_compiles_into_one_graph(build):
    pool, full = layer(build), dense(MIXED, features(MIXED), padding=2)
    dirty = full.x.masked_fill(~full.mask.unsqueeze(-1), torch.nan).requires_grad_()
    torch.compiler.reset()
    compiled = torch.compile(pool, fullgraph=True, backend="aot_eager")
    for call in ((dirty, None, full.mask), (full.x.requires_grad_(),)):
        wanted, got = pool(*call), compiled(*call)
        torch.testing.assert_close(got, wanted)
        inputs = (call[0], *pool.parameters())
        torch.testing.assert_close(gradients(got, *inputs), gradients(wanted, *inputs))


def test_a_graph_of_more_nodes_than_places_is_named():
    pool, x, batch = (
        RandomMemoryPool(F, OUT, K, max_num_nodes=3),
        torch.ones(6, F),
        [0, 1, 1, 1, 1, 2],
    )
    with pytest.raises(ValueError, match="graph 1 of the batch has 4 nodes, max_num_nodes is 3"):
        pool(x, torch.tensor(batch))
    with pytest.raises(ValueError, match="graph 0 of the batch has 6 nodes, max_num_nodes is 3"):
        pool(x)
    assert pool(x[:3], max_num_nodes=9)[1].shape == (1, 9, K)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MemoryPool(0, 1, 1, 1), "in_channels must be a positive integer, got 0"),
        (lambda: MemoryPool(1, 0, 1, 1), "out_channels must be"),
        (lambda: DistanceMemoryPool(1, 1, 0, 1), "heads must be"),
        (lambda: DistanceMemoryPool(1, 1, 1, -1), "num_clusters must be"),
        (lambda: MemoryPool(1, 1, 1, 1, tau=0), "tau must be positive and finite, got 0"),
        (
            lambda: DistanceMemoryPool(1, 1, 1, 1, 0.0),
            "key_scale must be positive and",
        ),
        (lambda: DistanceMemoryPool(1, 1, 1, 1, seed=-1), "seed must be"),
        (lambda: RandomMemoryPool(1, 1, 1), "max_num_nodes must be given unless invariant=True"),
        (lambda: RandomMemoryPool(1, 1, 1, "gamma", True), "distribution must be one of"),
        (lambda: RandomMemoryPool(1, 0, 1, invariant=True), "out_channels must be"),
    ],
)
def test_arguments_are_checked(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@every
def test_input_is_checked(build):
    pool = layer(build)
    with pytest.raises(ValueError, match=r"x must have 4 channels, got \[3, 5\]"):
        pool(normal(3, 5))
    with pytest.raises(ValueError, match="batch must be sorted"):
        pool(normal(2, F), torch.tensor([1, 0]))


def test_repr_shows_layer_sizes_and_selector():
    texts = [repr(build()) for build in LAYERS.values()]
    assert texts[0].startswith(
        "MemoryPool(\n  4, 5, num_clusters=3, heads=2\n  (select): StudentT(tau=1.0)"
    )
    assert texts[2].startswith(
        "DistanceMemoryPool(\n  4, 5, num_clusters=3, heads=2, key_scale=2.0\n"
    )
    assert "(select): KeyDistance()" in texts[2]
    assert "(select): RandomAssignment(30 x 3, uniform" in texts[4]
