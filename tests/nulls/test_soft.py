"""The nulls of soft pooling, on batches made to break them."""

import pytest
import torch
from _helpers.null_layers import HOSTILE, F, K, X, call, layer, pairs
from _helpers.soft_oracles import dense, normal, permuted
from _helpers.strategies import batch_of, batches, edgeless, path
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from graphpool_sanity import (
    DiffPool,
    MinCutPool,
    RandomMinCutPool,
    SoftPoolOutput,
    matched_nulls,
    randomize,
)
from graphpool_sanity.graphs.soft_input import read_soft_graphs

SOFT = ("DiffPool", "MinCutPool", "RandomDiffPool", "RandomMinCutPool")
every_pair = pairs(lambda name, null: name in SOFT)
shuffled = pairs(lambda name, null: name in SOFT and null == "shuffle")
random = pairs(lambda name, null: name in SOFT and null == "random")
frozen = pairs(lambda name, null: name in SOFT and null == "frozen")
none = pairs(lambda name, null: name in SOFT and null == "none")
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
small = batches(max_graphs=4, max_size=12)
seeds = st.integers(0, 2**62 - 1)


def assignments(pool, null, graphs, x, padding):
    """What both selectors give to the nodes of each graph, dense and, if that is read, sparse."""
    padded = dense(graphs, x, padding=padding)
    yield tuple(p.select(read_soft_graphs(*padded))[padded.mask] for p in (pool, null))
    if not isinstance(pool, DiffPool):
        sparse = read_soft_graphs(x, graphs.edge_index, batch=graphs.batch)
        yield tuple(p.select(sparse) for p in (pool, null))


@shuffled
@both_modes
@settings(max_examples=12)
@given(graphs=small, seed=seeds, padding=st.integers(0, 3))
def test_a_shuffle_keeps_the_rows_of_each_graph(name, null, training, graphs, seed, padding):
    assume(graphs.num_nodes)
    pool, x = layer(name).train(training), normal(graphs.num_nodes, F)
    other = randomize(pool, null, seed)
    for before, after in assignments(pool, other, graphs, x, padding):
        for graph in graphs.batch.unique():
            own = graphs.batch == graph
            assert sorted(before[own].tolist()) == sorted(after[own].tolist())


@shuffled
def test_a_shuffle_of_equal_features_is_the_layer(name, null):
    x = torch.ones(HOSTILE.num_nodes, F).double()
    pool = layer(name)
    if name == "RandomMinCutPool":  # its rows follow the places, equal features or not
        pool = RandomMinCutPool(F, K, invariant=True).double()
    padded = dense(HOSTILE._replace(edge_index=HOSTILE.edge_index[:, :0]), x)
    for mine, theirs in zip(pool(*padded), randomize(pool, null, 0)(*padded), strict=True):
        torch.testing.assert_close(mine, theirs)


@random
@settings(max_examples=12)
@given(graphs=small, seed=seeds)
def test_random_follows_neither_features_nor_edges(name, null, graphs, seed):
    assume(graphs.num_nodes)
    pool = layer(name)
    other = randomize(pool, null, seed)
    wanted = None
    for bare in (graphs, graphs._replace(edge_index=graphs.edge_index[:, :0])):
        for x in (normal(graphs.num_nodes, F), normal(graphs.num_nodes, F, seed=1)):
            for _, s in assignments(pool, other, bare, x, padding=1):
                wanted = s if wanted is None else wanted
                torch.testing.assert_close(s, wanted, atol=0, rtol=0)
    assert not wanted.requires_grad
    first = wanted[torch.cat([torch.tensor([True]), graphs.batch.diff() > 0])]
    assert (first == first[0]).all()  # one row for the first nodes of all graphs


@random
def test_random_has_a_row_for_any_place(name, null):
    other = randomize(layer(name), null, 0)
    path_graph = read_soft_graphs(normal(5000, F), torch.empty(2, 0).long())
    s = other.select(path_graph)
    assert s.shape == (5000, K)
    assert len(s.unique(dim=0)) == 5000
    assert s.log().var(1).mean() == pytest.approx(1, abs=0.05)  # N(0, 1)


@random
@settings(max_examples=12)
@given(graphs=small, seed=st.integers(0, 99))
def test_random_follows_the_order_of_nodes(name, null, graphs, seed):
    assume(graphs.num_nodes)
    other, x = randomize(layer(name), null, 0), normal(graphs.num_nodes, F)
    again, order = permuted(graphs, seed)
    a, b = (other(*dense(g, y)) for g, y in ((graphs, x), (again, x[order])))
    if torch.equal(order, torch.arange(len(order))):
        assert torch.equal(a.x, b.x)
    else:
        assert not torch.allclose(a.x, b.x)


@frozen
@both_modes
def test_no_gradient_passes_a_frozen_selection(name, null, training):
    pool = layer(name).train(training)
    other = randomize(pool, null, 0)
    x, z = X.clone().requires_grad_(), normal(HOSTILE.num_nodes, 2).requires_grad_()
    padded = dense(HOSTILE, x)
    out = other(*padded, z=dense(HOSTILE, z).x)
    assert not out.adj.requires_grad
    assert not out.graph_loss.requires_grad
    out.x.sum().backward()
    assert x.grad is None
    torch.testing.assert_close(z.grad, torch.ones_like(z))  # the shares of a node sum to one
    assert list(other.parameters()) != []
    assert not any(p.requires_grad for p in other.parameters())
    assert all(p.requires_grad for p in pool.parameters())


@frozen
def test_a_frozen_selector_is_drawn_anew_from_the_seed(name, null):
    pool = layer(name)
    own, *drawn = ([p.clone() for p in m.parameters()] for m in (pool, *both(pool, null)))
    assert all(map(torch.equal, *drawn))
    assert not all(map(torch.equal, own, drawn[0]))
    assert [p.dtype for p in drawn[0]] == [torch.double] * len(own)
    assert all(map(torch.equal, own, pool.parameters()))
    fresh = layer(name, seed=9)
    fresh.select.load_state_dict(randomize(pool, null, 0).select.select.state_dict())
    padded = dense(HOSTILE, X)
    assert torch.equal(fresh(*padded).x, randomize(pool, null, 0)(*padded).x)


def both(pool, null):
    torch.manual_seed(1)
    yield randomize(pool, null, 0)
    torch.manual_seed(2)
    yield randomize(pool, null, 0)


class Shared(nn.Module):
    """One network scores the nodes and embeds them."""

    def __init__(self):
        super().__init__()
        self.network = nn.Linear(F, K)
        self.pool = MinCutPool(F, K, self.network)

    def forward(self, x, adj, mask):
        return self.pool(x, adj, mask, z=self.network(x))


def test_a_network_with_another_use_is_frozen_in_the_selection_alone():
    model = Shared().double()
    null = randomize(model, "frozen", 0)
    assert torch.equal(null.network.weight, model.network.weight)
    null(*dense(HOSTILE, X)).x.pow(2).sum().backward()
    assert null.network.weight.grad.abs().sum() > 0
    assert null.pool.select.select.network.weight.grad is None


def test_a_frozen_network_that_nothing_draws_anew_is_refused():
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(F, K))

        def forward(self, x):
            return x @ self.weight

    pool = MinCutPool(F, K, Bare())
    with pytest.raises(ValueError, match=r"network\.weight of LearnedAssignment"):
        randomize(pool, "frozen", 0)
    assert randomize(pool, "shuffle", 0)(*dense(HOSTILE, X.float())).x.isfinite().all()


@none
@settings(max_examples=12)
@given(graphs=small)
def test_without_pooling_all_clusters_hold_one_readout(name, null, graphs):
    assume(graphs.num_nodes)
    x, pool = normal(graphs.num_nodes, F), randomize(layer(name), null, 0)
    padded = dense(graphs, x, padding=2)
    out = pool(*padded)
    readout = padded.x.sum(1, keepdim=True).expand(-1, K, -1) / K
    torch.testing.assert_close(out.x, readout)
    assert out.adj.isfinite().all()
    if name.endswith("DiffPool"):
        edges = padded.adj.sum((1, 2)).view(-1, 1, 1).expand(-1, K, K) / K**2
        torch.testing.assert_close(out.adj, edges)
    assert list(pool.parameters()) == []


@every_pair
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float, torch.double])
def test_outputs_have_the_layers_types_and_sizes(name, null, dtype):
    pool = layer(name).to(dtype)
    x = X.to(dtype)
    mine, theirs = call(pool, name, x), call(randomize(pool, null, 0), name, x)
    assert isinstance(theirs, SoftPoolOutput)
    for a, b in zip(mine, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        assert b.isfinite().all()


@every_pair
@settings(max_examples=12)
@given(graphs=small, padding=st.integers(1, 4))
def test_padding_moves_nothing(name, null, graphs, padding):
    assume(graphs.num_nodes)
    x, pool = normal(graphs.num_nodes, F), randomize(layer(name), null, 3)
    tight, loose = (pool(*dense(graphs, x, padding=p)) for p in (0, padding))
    torch.testing.assert_close(loose, tight)


@every_pair
@settings(max_examples=12)
@given(graphs=small)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(name, null, graphs):
    assume(graphs.num_nodes)
    x, pool = normal(graphs.num_nodes, F), randomize(layer(name), null, 3)
    padded = dense(graphs, x)
    together = pool(*padded)
    for g, size in enumerate(padded.mask.sum(1).tolist()):
        if size:
            alone = pool(padded.x[g, :size], padded.adj[g, :size, :size])
            torch.testing.assert_close(alone.x[0], together.x[g])
            torch.testing.assert_close(alone.adj[0], together.adj[g])


@pairs(lambda name, null: name in ("MinCutPool", "RandomDiffPool", "RandomMinCutPool"))
@settings(max_examples=12)
@given(graphs=small)
def test_sparse_input_gives_what_dense_input_gives(name, null, graphs):
    assume(graphs.num_nodes)
    x, pool = normal(graphs.num_nodes, F), randomize(layer(name), null, 3)
    sparse = pool(x, graphs.edge_index, batch=graphs.batch)
    torch.testing.assert_close(sparse, pool(*dense(graphs, x)), atol=1e-7, rtol=1e-6)


@every_pair
@pytest.mark.parametrize("graph", [edgeless(1), edgeless(3), path(2)])
def test_tiny_graphs_have_finite_losses_and_gradients(name, null, graph):
    graphs = batch_of(graph)
    pool = randomize(layer(name), null, 0)
    x = normal(graphs.num_nodes, F).requires_grad_()
    out = pool(*dense(graphs, x))
    sum(t.sum() for t in out).backward()
    learned = [p.grad for p in pool.parameters() if p.requires_grad]
    assert all(t.isfinite().all() for t in (*out, x.grad, *learned))


@pairs(lambda name, null: name in ("DiffPool", "MinCutPool") and null == "shuffle")
def test_gradients_flow_through_a_shuffled_selection(name, null):
    pool = randomize(layer(name), null, 0)
    padded = dense(HOSTILE, X)
    weights = [w.detach().clone().requires_grad_() for w in pool.parameters()]
    names = [key for key, _ in pool.named_parameters()]

    def run(*weights):
        return torch.func.functional_call(pool, dict(zip(names, weights, strict=True)), padded)

    assert torch.autograd.gradcheck(run, tuple(weights), fast_mode=True)
    sum(out.sum() for out in run(*weights)[1:]).backward()
    assert all(w.grad.abs().sum() > 0 for w in weights if w.dim() == 2)


def test_the_selector_alone_is_exchanged():
    for name in SOFT:
        pool = layer(name)
        for null in matched_nulls(pool):
            other = randomize(pool, null, 0)
            assert type(other) is type(pool)
            own = {key: value for key, value in vars(other).items() if key != "_modules"}
            assert own.keys() == {key for key in vars(pool) if key != "_modules"}
            other.select = pool.select
            torch.testing.assert_close(call(other, name), call(pool, name), atol=0, rtol=0)
