import copy
import pickle

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from soft_oracles import dense, members, normal, permuted
from strategies import batch_of, batches, cycle, edgeless, path, star
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.nn import MemPooling

from graphpool_sanity import DistanceMemoryPool, MemoryPool, RandomMemoryPool
from graphpool_sanity.losses import kl_clustering_loss

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
seeds = st.integers(0, 999)
small = batches(max_graphs=4, max_size=12)
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


# Parity


@given(small, seeds, st.sampled_from((1.0, 2.5)), st.integers(0, 2))
def test_mem_pooling_loads_and_gives_the_same(graphs, seed, tau, padding):
    assume(graphs.num_nodes)
    torch.manual_seed(seed)
    theirs = MemPooling(F, OUT, H, K, tau).double()
    ours = MemoryPool(F, OUT, H, K, tau).double()
    ours.load_state_dict(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()].sort() == list(theirs.state_dict()).sort()

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
    assert 0 <= pool.k.min() < pool.k.max() < 10
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
        assert set(fixed) == {"select.matrix", "select.seed"}
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


# Chance, copies, types


@pytest.mark.parametrize(
    ("build", "trained"),
    [
        (lambda seed: RandomMemoryPool(F, OUT, K, max_num_nodes=9, seed=seed), ()),
        (lambda seed: DistanceMemoryPool(F, OUT, H, K, seed=seed), (H,)),
    ],
    ids=["random", "distance"],
)
def test_a_seed_decides_what_is_fixed_and_draws_only_the_weights_globally(build, trained):
    torch.manual_seed(0)
    weights = [nn.Linear(F, OUT, bias=False).weight, *(nn.Conv2d(h, 1, 1).weight for h in trained)]
    if trained:  # a convolution's bias is drawn after its weight, and ours has none
        torch.manual_seed(0)
        weights = [nn.Linear(F, OUT, bias=False).weight, nn.Conv2d(H, 1, 1, bias=False).weight]
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
        name = "seed" if isinstance(pool, DistanceMemoryPool) else "select.seed"
        assert other.get_buffer(name) == pool.get_buffer(name)
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
    assert same == ["k", "seed"]


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
        assert s.dtype in (torch.bfloat16, call[0].dtype)
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


# Errors and names


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
        (lambda: MemoryPool(1, 1, 1, 1, tau=0), "tau must be positive, got 0"),
        (lambda: DistanceMemoryPool(1, 1, 1, 1, 0.0), "key_scale must be positive, got 0.0"),
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
