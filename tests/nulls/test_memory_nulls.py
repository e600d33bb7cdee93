"""The nulls of memory pooling, on batches made to break them."""

import pytest
import torch
from _helpers.null_layers import HOSTILE, OUT, F, H, K, X, call, layer, pairs
from _helpers.soft_oracles import dense, normal
from _helpers.strategies import batches
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch_geometric.utils import to_dense_batch

from graphpool_sanity import (
    DistanceMemoryPool,
    MemoryPool,
    RandomMemoryPool,
    randomize,
)
from graphpool_sanity.losses import kl_clustering_loss

MEMORY = ("MemoryPool", "DistanceMemoryPool", "RandomMemoryPool")
KEYS = ("MemoryPool", "DistanceMemoryPool")
WEIGHTS = ("lin.weight", "conv.weight")
MASK = to_dense_batch(X, HOSTILE.batch)[1]
small = batches(max_graphs=4, max_size=12)
seeds = st.integers(0, 2**62 - 1)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


def having(*nulls):
    return pairs(lambda name, null: name in MEMORY and null in nulls)


every_pair = having("distance", "random", "shuffle", "frozen", "none")


@every_pair
def test_all_weights_but_those_of_the_selection_are_equal(name, null):
    pool = layer(name)
    other = randomize(pool, null, 0)
    weights = dict(other.named_parameters())
    assert torch.equal(weights["lin.weight"], pool.lin.weight)
    assert weights["lin.weight"].requires_grad
    assert weights["lin.weight"] is not pool.lin.weight
    if null == "distance":
        assert torch.equal(weights["conv.weight"], pool.conv.weight)
        assert set(weights) == {"lin.weight", "conv.weight"}
    elif null in ("random", "none"):
        assert set(weights) == {"lin.weight"}
    elif null == "shuffle":
        assert all(torch.equal(weights[key], own) for key, own in pool.named_parameters())
    else:
        assert set(weights) == {key for key, _ in pool.named_parameters()}
        for key in set(weights) - {"lin.weight"}:
            assert not torch.equal(weights[key], pool.get_parameter(key))
            assert not weights[key].requires_grad


@every_pair
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float, torch.double])
def test_outputs_have_the_layers_types_and_sizes(name, null, dtype):
    pool = layer(name).to(dtype)
    other = randomize(pool, null, 0)
    assert all(t.dtype in (dtype, torch.long) for t in other.state_dict().values())
    for a, b in zip(*(call(p, name, X.to(dtype)) for p in (pool, other)), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert b.isfinite().all()


@every_pair
@settings(max_examples=12)
@given(graphs=small)
def test_rows_sum_to_one_and_are_zero_on_padding(name, null, graphs):
    assume(graphs.num_nodes)
    pool, x = randomize(layer(name), null, 1), normal(graphs.num_nodes, F)
    padded = dense(graphs, x, padding=2)
    for given_x, batch, mask in ((x, graphs.batch, None), (padded.x, None, padded.mask)):
        out, s = pool(given_x, batch, mask)
        real = padded.mask[:, : s.size(1)]
        assert (s[~real] == 0).all()
        torch.testing.assert_close(s[real].sum(-1), torch.ones(len(x)).double())
        torch.testing.assert_close(
            out, pool.lin(s.transpose(1, 2) @ padded.x[:, : s.size(1)])
        )  # all but S is shared


@every_pair
@settings(max_examples=12)
@given(graphs=small)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(name, null, graphs):
    assume(graphs.num_nodes)
    pool, x = randomize(layer(name), null, 1), normal(graphs.num_nodes, F)
    together = pool(x, graphs.batch)[0]
    for g in graphs.batch.unique():
        torch.testing.assert_close(pool(x[graphs.batch == g])[0][0], together[g])


@having("shuffle")
@both_modes
@settings(max_examples=12)
@given(graphs=small, seed=seeds)
def test_a_shuffle_keeps_the_rows_of_each_graph(name, null, training, graphs, seed):
    assume(graphs.num_nodes)
    pool, x = layer(name).train(training), normal(graphs.num_nodes, F)
    other = randomize(pool, null, seed)
    (_, before), (_, after) = (p(x, graphs.batch) for p in (pool, other))
    for mine, theirs in zip(before.tolist(), after.tolist(), strict=True):
        assert sorted(mine) == sorted(theirs)
    loss = kl_clustering_loss
    torch.testing.assert_close(loss(after), loss(before))


@pairs(lambda name, null: name in KEYS and null == "shuffle")
def test_gradients_flow_through_a_shuffled_selection(name, null):
    pool = randomize(layer(name), null, 0)
    x = X.clone().requires_grad_()
    pool(x, HOSTILE.batch)[1].pow(2).sum().backward()
    assert x.grad.abs().sum() > 0
    assert pool.conv.weight.grad.abs().sum() > 0
    if name == "MemoryPool":
        assert pool.k.grad.abs().sum() > 0
    assert torch.autograd.gradcheck(lambda x: pool(x, HOSTILE.batch), (X.clone().requires_grad_(),))


def test_distance_is_distance_pooling_with_the_layers_weights():
    pool = layer("MemoryPool")
    null = randomize(pool, "distance", 5)
    assert type(null) is DistanceMemoryPool
    assert not isinstance(null.k, torch.nn.Parameter)
    twin = DistanceMemoryPool(F, OUT, H, K, seed=0).double()
    twin.load_state_dict({**null.state_dict(), **{k: pool.state_dict()[k] for k in WEIGHTS}})
    for mine, theirs in zip(twin(X, HOSTILE.batch), null(X, HOSTILE.batch), strict=True):
        assert torch.equal(mine, theirs)


@having("random")
@settings(max_examples=12)
@given(graphs=small, seed=seeds)
def test_random_follows_the_places_alone(name, null, graphs, seed):
    assume(graphs.num_nodes)
    pool = randomize(layer(name), null, seed)
    assert type(pool) is RandomMemoryPool
    found = [pool(normal(graphs.num_nodes, F, seed=s), graphs.batch)[1] for s in (0, 1)]
    assert torch.equal(*found)
    sizes = torch.bincount(graphs.batch)
    longest = found[0][sizes.argmax()]
    for row, size in zip(found[0], sizes, strict=True):
        assert torch.equal(row[:size], longest[:size])


@having("random")
def test_random_has_a_row_for_any_place(name, null):
    _, s = randomize(layer(name), null, 0)(normal(5000, F))
    assert len(s[0].unique(dim=0)) == 5000
    assert s.log().var(2).mean() == pytest.approx(1 / 12, abs=0.005)  # U(0, 1)


@having("frozen")
def test_no_gradient_passes_a_frozen_selection(name, null):
    pool = randomize(layer(name), null, 0)
    x = X.clone().requires_grad_()
    out, s = pool(x, HOSTILE.batch)
    assert not s.requires_grad
    out.sum().backward()
    assert pool.k.grad is None
    assert pool.conv.weight.grad is None
    assert pool.lin.weight.grad.abs().sum() > 0
    wanted = s[MASK].sum(1, keepdim=True) * pool.lin.weight.sum(0)
    torch.testing.assert_close(x.grad, wanted.detach())  # through X in S^T X alone


@having("frozen")
def test_a_frozen_memory_is_drawn_as_an_untrained_one(name, null):
    pool = layer(name)
    with torch.no_grad():
        pool.conv.weight.fill_(50.0)
        pool.k.fill_(50.0)
    null = randomize(pool, null, 0)
    assert null.conv.weight.abs().max() <= (1 / H) ** 0.5
    if name == "MemoryPool":
        assert null.k.abs().max() <= 1
        assert null.k.unique().numel() == null.k.numel()
    else:
        assert torch.equal(null.k, pool.k)  # never trained: as it is


@having("none")
@settings(max_examples=12)
@given(graphs=small)
def test_without_pooling_all_clusters_hold_one_readout(name, null, graphs):
    assume(graphs.num_nodes)
    x, pool = normal(graphs.num_nodes, F), randomize(layer(name), null, 0)
    out, s = pool(x, graphs.batch)
    readout = pool.lin(dense(graphs, x).x.sum(1) / K)
    torch.testing.assert_close(out, readout.unsqueeze(1).expand(-1, K, -1))
    assert s.unique().tolist() in ([1 / K], [0, 1 / K])
    torch.testing.assert_close(MemoryPool.kl_loss(s), torch.zeros((), dtype=torch.double))


class Gated(MemoryPool):
    def forward(self, x, *args):
        return super().forward(x.sigmoid(), *args)


class Wide(MemoryPool):
    def __init__(self):
        super().__init__(F, 9, 1, K)


@pytest.mark.parametrize("null", ["distance", "random", "shuffle", "frozen", "none"])
def test_a_subclass_keeps_its_own_methods(null):
    assert call(randomize(Wide().double(), null, 0), "MemoryPool")[0].shape[2] == 9
    plain, gated = layer("MemoryPool"), Gated(F, OUT, H, K).double().eval()
    gated.load_state_dict(plain.state_dict())
    plain, gated = (randomize(pool, null, 0) for pool in (plain, gated))
    assert isinstance(gated, Gated)
    wanted = call(plain, "MemoryPool", X.sigmoid())
    assert all(map(torch.equal, call(gated, "MemoryPool"), wanted))
