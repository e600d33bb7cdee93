"""What every soft pooling layer is as a module: types, compilation, state, checks, repr."""

import copy
import pickle

import pytest
import torch
from _helpers.soft_layers import MIXED, F, assert_same, calls, every, layer, random
from _helpers.soft_oracles import dense, normal

from graphpool_sanity import DiffPool, MinCutPool, RandomDiffPool, RandomMinCutPool


@every
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
@pytest.mark.parametrize("padding", [0, 2])
def test_half_precision(build, dtype, padding):
    exact, pool = layer(build), layer(build).to(dtype)
    x = normal(MIXED.num_nodes, F)
    wanted = exact(*dense(MIXED, x, padding=padding))
    x = x.to(dtype).requires_grad_()
    for call in calls(pool, x, padding):
        out = pool(*call)
        assert {t.dtype for t in out} == {dtype}
        assert_same(type(out)(*(t.double() for t in out)), wanted, atol=0.1, rtol=0.1)
        sum(t.sum() for t in out).backward()
        assert x.grad.isfinite().all()


@every
def test_autocast(build):
    pool, x = layer(build).float(), normal(MIXED.num_nodes, F).float()
    for call in calls(pool, x):
        wanted = pool(*call)
        with torch.autocast("cpu", torch.bfloat16):
            out = pool(*call)
        assert out.x.dtype == out.adj.dtype == torch.bfloat16
        assert out.graph_loss.dtype == out.assignment_loss.dtype == torch.float
        assert_same(type(out)(*(t.float() for t in out)), wanted, atol=0.1, rtol=0.1)


@every
def test_dense_input_compiles_into_one_graph(build):
    pool, call = layer(build), dense(MIXED, normal(MIXED.num_nodes, F))
    torch.compiler.reset()
    compiled = torch.compile(pool, fullgraph=True, backend="aot_eager")
    assert_same(compiled(*call), pool(*call))
    assert_same(compiled(*call[:2]), pool(*call[:2]))


@every
def test_a_state_dict_reproduces_the_outputs(build):
    pool, other = layer(build, seed=1), layer(build, seed=2)
    call = dense(MIXED, normal(MIXED.num_nodes, F))
    assert not torch.equal(other(*call).x, pool(*call).x)
    twins = [copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))]
    other.load_state_dict(pool.state_dict())
    for twin in (other, *twins):
        assert_same(twin(*call), pool(*call), atol=0, rtol=0)


@every
def test_resetting_draws_anew(build):
    pool, call = layer(build), dense(MIXED, normal(MIXED.num_nodes, F))
    before = pool(*call).x
    pool.reset_parameters()
    assert not torch.equal(pool(*call).x, before)


@random
def test_calls_neither_draw_nor_change(build):
    pool, call = layer(build), dense(MIXED, normal(MIXED.num_nodes, F))
    state, first = torch.get_rng_state(), pool(*call)
    assert_same(pool.eval()(*call), first, atol=0, rtol=0)
    assert torch.equal(torch.get_rng_state(), state)


@every
def test_outputs_are_contiguous_and_own_their_memory(build):
    out = layer(build)(*dense(MIXED, normal(MIXED.num_nodes, F)))
    assert out.x.is_contiguous()
    assert out.adj.is_contiguous()
    out.adj.mul_(2)  # in place, as PyG's functions allow


@pytest.mark.parametrize("kind", [DiffPool, RandomDiffPool, MinCutPool, RandomMinCutPool])
def test_sizes_are_checked(kind):
    more = {"max_num_nodes": 4} if kind.__name__.startswith("Random") else {}
    for in_channels, num_clusters, name in ((0, 3, "in_channels"), (3, -1, "num_clusters")):
        with pytest.raises(ValueError, match=f"{name} must be a positive integer"):
            kind(in_channels, num_clusters, **more)


@every
def test_channels_are_checked(build):
    with pytest.raises(ValueError, match=r"x must have 5 channels, got \[2, 4, 6\]"):
        layer(build)(normal(2, 4, 6), normal(2, 4, 4))


@every
def test_repr_shows_layer_sizes_and_selector(build):
    pool = layer(build)
    selector = type(pool.select).__name__
    start = f"{type(pool).__name__}(\n  5, num_clusters=3\n  (select): {selector}("
    assert repr(pool).startswith(start)


def test_repr_shows_the_random_matrix():
    of_places = RandomMinCutPool(5, 3, "uniform", max_num_nodes=9)
    assert "RandomAssignment(9 x 3, uniform, one row per position)" in repr(of_places)
    assert "RandomAssignment(5 x 3, normal, invariant)" in repr(RandomDiffPool(5, 3))
