"""What memory pooling layers compute: parity, invariance, what is selected."""

import pytest
import torch
from _helpers.memory_layers import (
    LAYERS,
    MIXED,
    OUT,
    PLACES,
    F,
    H,
    K,
    every,
    features,
    gradients,
    invariant,
    layer,
    nulls,
)
from _helpers.soft_oracles import dense, members, permuted
from _helpers.strategies import batch_of, batches, edgeless
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.nn import MemPooling

from graphpool_sanity import DistanceMemoryPool, MemoryPool, RandomMemoryPool
from graphpool_sanity.losses import kl_clustering_loss

seeds = st.integers(0, 999)
small = batches(max_graphs=4, max_size=12)


# Parity


@given(small, seeds, st.sampled_from((1.0, 2.5)), st.integers(0, 2))
def test_mem_pooling_loads_and_gives_the_same(graphs, seed, tau, padding):
    assume(graphs.num_nodes)
    torch.manual_seed(seed)
    theirs = MemPooling(F, OUT, H, K, tau).double()
    ours = MemoryPool(F, OUT, H, K, tau).double()
    ours.load_state_dict(theirs.state_dict())
    assert dict(ours.named_parameters()).keys() == dict(theirs.named_parameters()).keys()

    x, results = features(graphs, seed), []
    full = dense(graphs, x, padding=padding)
    for pool in (theirs, ours):
        leaf, other = x.clone().requires_grad_(), full.x.clone().requires_grad_()
        weights = [pool.k, pool.conv.weight, pool.lin.weight]
        for inputs in ((leaf, graphs.batch, None, *full.x.shape[1::-1]), (other, None, full.mask)):
            out = pool(*inputs)
            results.append((*out, *gradients(out, inputs[0], *weights)))
    for theirs, ours in zip(results[:2], results[2:], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-10, rtol=1e-10)


@given(small, seeds)
def test_distance_pooling_by_definition(graphs, seed):
    assume(graphs.num_nodes)
    torch.manual_seed(seed)
    pool, x = DistanceMemoryPool(F, OUT, H, K).double(), features(graphs, seed)
    out, s = pool(x, graphs.batch)
    assert 0 <= pool.k.min() < 5 < pool.k.max() < 10
    weight = pool.conv.weight.flatten()
    for g, own in enumerate(members(graphs)):
        distance = (x[own, None, None] - pool.k).norm(dim=-1)
        wanted = torch.einsum("h,nhk->nk", weight, distance).softmax(-1)
        torch.testing.assert_close(s[g, : len(own)], wanted)
        assert (s[g, len(own) :] == 0).all()
        torch.testing.assert_close(out[g], wanted.T @ x[own] @ pool.lin.weight.T)


@given(small, seeds)
def test_random_pooling_by_definition(graphs, seed):
    assume(graphs.num_nodes)
    x = features(graphs, seed)
    for build in (LAYERS["RandomMemoryPool"], LAYERS["RandomMemoryPool of places"]):
        pool = layer(build, seed)
        out, s = pool(x, graphs.batch)
        matrix = pool.get_buffer("select.matrix")
        for g, own in enumerate(members(graphs)):
            scores = x[own] @ matrix if pool.select.invariant else matrix[: len(own)]
            torch.testing.assert_close(s[g, : len(own)], scores.softmax(-1))
            torch.testing.assert_close(out[g], scores.softmax(-1).T @ x[own] @ pool.lin.weight.T)


@every
@given(graphs=small, seed=seeds, padding=st.integers(0, 3))
def test_sparse_input_gives_the_values_and_gradients_of_dense_input(build, graphs, seed, padding):
    assume(graphs.num_nodes)
    pool, results = layer(build, seed), []
    for use_dense in (False, True):
        x = features(graphs, seed).requires_grad_()
        full = dense(graphs, x, padding=padding)
        call = (full.x, None, full.mask) if use_dense else (x, graphs.batch, None, full.x.size(1))
        out = pool(*call)
        results.append((*out, *gradients(out, x, *pool.parameters())))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


@every
def test_gradients_are_those_of_finite_differences(build):
    pool = layer(build)
    names = [name for name, _ in pool.named_parameters()]

    def run(*weights):
        weights = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(pool, weights, (features(MIXED), MIXED.batch))

    weights = [weight.detach().clone().requires_grad_() for weight in pool.parameters()]
    assert torch.autograd.gradcheck(run, weights)
    if not isinstance(pool, RandomMemoryPool):  # which detaches the features that select
        full = dense(MIXED, features(MIXED).requires_grad_(), padding=2)
        for call in ((features(MIXED).requires_grad_(), MIXED.batch), (full.x, None, full.mask)):
            assert torch.autograd.gradcheck(pool, call)


# Invariance


@invariant
@given(graphs=small, seed=seeds)
def test_theorem_2_the_order_of_nodes_makes_no_difference(build, graphs, seed):
    assume(graphs.num_nodes)
    pool, x = layer(build, seed), features(graphs, seed)
    shuffled, order = permuted(graphs, seed)
    out, s = pool(x, graphs.batch)
    got, t = pool(x[order], shuffled.batch)
    torch.testing.assert_close(got, out, atol=1e-11, rtol=1e-11)
    follows = dense(
        graphs, torch.cat([s[g, : len(o)] for g, o in enumerate(members(graphs))])[order]
    )
    torch.testing.assert_close(t, follows.x, atol=1e-11, rtol=1e-11)


def test_a_row_per_place_follows_the_order_of_nodes():
    pool, x = layer(LAYERS["RandomMemoryPool of places"]), features(MIXED)
    shuffled, order = permuted(MIXED, seed=1)
    before, after = pool(x, MIXED.batch), pool(x[order], shuffled.batch)
    assert (before[0] - after[0]).abs().max() > 1e-3
    assert torch.equal(before[1], after[1])


@every
@given(graphs=small, seed=seeds, padding=st.integers(1, 4))
def test_padding_moves_nothing_whatever_it_holds(build, graphs, seed, padding):
    assume(graphs.num_nodes)
    pool, x = layer(build, seed), features(graphs, seed)
    out, s = pool(x, graphs.batch)
    full = dense(graphs, x, padding=padding)
    dirty = full.x.masked_fill(~full.mask.unsqueeze(-1), torch.nan).requires_grad_()
    got, t = pool(dirty, mask=full.mask)
    torch.testing.assert_close(got, out)
    torch.testing.assert_close(t[:, : s.size(1)], s)
    assert (t[~full.mask] == 0).all()
    grads = gradients((got, t), dirty, *pool.parameters())
    assert all(grad.isfinite().all() for grad in grads)
    assert (grads[0][~full.mask] == 0).all()


@every
@given(graphs=small, seed=seeds)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(build, graphs, seed):
    assume(graphs.num_nodes)
    pool, x = layer(build, seed), features(graphs, seed)
    out, s = pool(x, graphs.batch)
    for g, own in enumerate(members(graphs)):
        alone, t = pool(x[own])
        torch.testing.assert_close(alone[0], out[g])
        torch.testing.assert_close(t[0], s[g, : len(own)])


# What is selected


@every
def test_only_real_nodes_are_compared_with_the_keys(build):
    pool, seen = layer(build), []
    pool.select.register_forward_pre_hook(lambda _, args: seen.append(args[0].x.size(0)))
    full = dense(MIXED, features(MIXED), padding=9)
    pool(features(MIXED), MIXED.batch, None, 40)
    pool(full.x, mask=full.mask)
    assert seen == [MIXED.num_nodes] * 2


class Largest(TorchDispatchMode):
    """How many entries the largest result of an operation has."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.entries = max(self.entries, result.numel())
        return result


@every
def test_nothing_but_the_assignment_is_padded_to_the_largest_graph(build):
    graphs = batch_of(edgeless(PLACES), *[edgeless(1)] * 99)
    pool, x = layer(build), features(graphs).requires_grad_()
    with Largest() as largest:
        out, s = pool(x, graphs.batch)
        (out.sum() + s.square().sum()).backward()
    assert s.numel() == 100 * PLACES * K
    assert largest.entries <= max(s.numel(), (2 * graphs.num_nodes + 800) * F)


@every
def test_rows_sum_to_one_and_clusters_share_the_features(build):
    pool, x = layer(build), features(MIXED)
    out, s = pool(x, MIXED.batch)
    sums = [x[own].sum(0) for own in members(MIXED)]
    torch.testing.assert_close(s.sum((1, 2)), torch.tensor([5, 1, 0, 4, 7]).double())
    torch.testing.assert_close(out.sum(1), torch.stack(sums) @ pool.lin.weight.T)
    assert s.is_contiguous()
    assert pool(x)[1].is_contiguous()


@nulls
def test_nothing_that_is_fixed_gets_a_gradient(build):
    pool, x = layer(build), features(MIXED).requires_grad_()
    out, s = pool(x, MIXED.batch)
    trained = [name for name, _ in pool.named_parameters()]
    fixed = dict(pool.named_buffers())
    if isinstance(pool, DistanceMemoryPool):
        assert trained == ["lin.weight", "conv.weight"]
        assert fixed["k"].shape == (H, K, F)
        assert s.requires_grad
    else:
        assert trained == ["lin.weight"]
        assert set(fixed) == {"select.matrix", "select.coded_seed"}
        assert not s.requires_grad
        (to_x,) = torch.autograd.grad(out.sum(), x)
        torch.testing.assert_close(to_x, pool.lin.weight.sum(0).expand_as(x))
    assert not any(buffer.requires_grad for buffer in fixed.values())


def test_remark_2_identical_keys_are_a_perfect_minimiser_of_the_loss():
    pool, x = layer(LAYERS["MemoryPool"]), features(MIXED)
    assert pool.kl_loss(pool(x, MIXED.batch)[1]) > 1e-6
    with torch.no_grad():
        pool.k.copy_(pool.k[:, :1].expand_as(pool.k))
    s = pool(x, MIXED.batch)[1]
    torch.testing.assert_close(s[s > 0], torch.full_like(s[s > 0], 1 / K))
    loss = pool.kl_loss(s)
    (to_keys,) = torch.autograd.grad(loss, pool.k)
    assert float(loss.detach()) == pytest.approx(0, abs=1e-14)
    assert to_keys.abs().max() < 1e-12


def test_the_loss_trains_the_keys():
    pool, x = layer(LAYERS["MemoryPool"]), features(MIXED)
    optimizer, losses = torch.optim.SGD([pool.k], lr=1.0), []
    for _ in range(5):
        losses.append(MemoryPool.kl_loss(pool(x, MIXED.batch)[1]))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1]
    assert DistanceMemoryPool.kl_loss is RandomMemoryPool.kl_loss is kl_clustering_loss


def test_heads_change_nothing_without_keys():
    """They are taken so that the arguments of ``MemoryPool`` build this layer, too."""
    sizes = {"in_channels": F, "out_channels": OUT, "num_clusters": K}
    plain = layer(lambda: RandomMemoryPool(**sizes, invariant=True, seed=1))
    headed = layer(lambda: RandomMemoryPool(**sizes, heads=H, invariant=True, seed=1))
    assert (plain.heads, headed.heads) == (1, H)
    assert MemoryPool(**sizes, heads=H).heads == DistanceMemoryPool(**sizes, heads=H).heads == H
    assert plain.state_dict().keys() == headed.state_dict().keys()
    x = features(MIXED)
    assert all(map(torch.equal, plain(x, MIXED.batch), headed(x, MIXED.batch)))
    with pytest.raises(ValueError, match="heads must be a positive integer, got 0"):
        RandomMemoryPool(**sizes, heads=0, invariant=True)
