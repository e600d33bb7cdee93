import pytest
import torch
from _helpers.soft_oracles import dense, normal
from _helpers.strategies import batch_of, batches, clique, cycle, edgeless
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch_geometric.nn import MLP, dense_mincut_pool

from graphpool_sanity import MinCutPool, RandomMinCutPool

F, K = 4, 3
seeds = st.integers(0, 999)


def full_batch(seed, num_graphs, size):
    """Weighted graphs of one size, all with edges: nothing is padded, PyG's loss is finite."""
    x, adj = normal(num_graphs, size, F, seed=seed), normal(num_graphs, size, size, seed=seed + 1)
    return x.requires_grad_(), adj.exp().requires_grad_()


def assert_parity(pool, scores, x, adj):
    """Values and gradients are PyG's."""
    results = []
    for out in (pool(x, adj), dense_mincut_pool(x, adj, scores(x))):
        weights = [normal(*t.shape, seed=9) for t in out]
        loss = sum((t * w).sum() for t, w in zip(out, weights, strict=True))
        results.append((tuple(out), torch.autograd.grad(loss, (x, adj, *pool.parameters()))))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("build", [lambda: None, lambda: MLP([F, 8, K], norm=None)])
@given(seed=seeds, num_graphs=st.integers(1, 4), size=st.integers(2, 7))
def test_mincut_pool_is_pygs_of_the_mlp(build, seed, num_graphs, size):
    pool = MinCutPool(F, K, build()).double()
    assert_parity(pool, pool.select.network, *full_batch(seed, num_graphs, size))


@pytest.mark.parametrize("law", ["uniform", "normal", "bernoulli", "categorical"])
@given(seed=seeds, num_graphs=st.integers(1, 4), size=st.integers(2, 7))
def test_random_mincut_pool_is_pygs_of_its_matrix(law, seed, num_graphs, size):
    batch = full_batch(seed, num_graphs, size)
    project = RandomMinCutPool(F, K, law, True, seed=seed).double()
    assert_parity(project, lambda x: x.detach() @ project.select.matrix, *batch)
    place = RandomMinCutPool(F, K, law, max_num_nodes=7, seed=seed).double()
    scores = place.select.matrix[:size].expand(num_graphs, -1, -1)
    assert_parity(place, lambda x: scores, *batch)


@given(batches(max_graphs=4, max_size=12), seeds)
def test_with_padding_all_is_pygs_where_that_is_finite(graphs, seed):
    assume(graphs.num_nodes)
    x, adj, mask = dense(graphs, normal(graphs.num_nodes, F, seed=seed))
    pool = MinCutPool(F, K).double()
    theirs = dense_mincut_pool(x, adj, pool.select.network(x), mask)
    for ours, wanted in zip(pool(x, adj, mask), theirs, strict=True):
        if wanted.isfinite().all():
            torch.testing.assert_close(ours, wanted)


def test_graphs_without_edges_count_as_uncut_where_pygs_loss_is_nan():
    pool, x = RandomMinCutPool(F, K, invariant=True, seed=0).double(), normal(9, F)
    one, two = batch_of(cycle(5)), batch_of(cycle(5), edgeless(4))
    alone = pool(x[:5], one.edge_index).graph_loss
    assert pool(x, two.edge_index, batch=two.batch).graph_loss == pytest.approx(float(alone) / 2)
    x, adj, mask = dense(two, x)
    assert dense_mincut_pool(x, adj, x @ pool.select.matrix, mask)[2].isnan()


def test_components_as_clusters_cut_nothing():
    cliques = batch_of(*[clique(4)] * K)
    edges = torch.cat([cliques.edge_index, cliques.edge_index.flip(0)], 1)
    x = 1e3 * torch.eye(K).double()[cliques.batch]
    out = MinCutPool(K, K, nn.Identity())(x, edges)
    assert out.graph_loss == pytest.approx(-1)
    assert out.assignment_loss == pytest.approx(0, abs=1e-9)
    assert out.adj.abs().sum() == 0


@pytest.mark.parametrize("scale", [1.0, 10.0, 30.0, 60.0, 100.0, 1e3])
@given(seed=seeds)
def test_gradients_stay_finite_where_two_pools_in_a_row_saturate(scale, seed):
    torch.manual_seed(seed)
    first, second = MinCutPool(F, K), MinCutPool(F, 2)
    graphs = batch_of(*[clique(5), cycle(6), clique(12), edgeless(2)] * 4)
    x = scale * torch.randn(graphs.num_nodes, F)
    out = first(x.requires_grad_(), graphs.edge_index, batch=graphs.batch)
    last = second(out.x, out.adj)
    losses = out.graph_loss + out.assignment_loss + last.graph_loss + last.assignment_loss
    (losses + last.adj.sum()).backward()
    for found in (x, *first.parameters(), *second.parameters()):
        assert found.grad.isfinite().all()


@pytest.mark.parametrize("build", [MinCutPool, lambda f, k: RandomMinCutPool(f, k, invariant=True)])
@given(seed=seeds)
def test_a_graph_without_edges_leaves_half_precision_gradients_finite(build, seed):
    torch.manual_seed(seed)
    pool, graphs = build(F, K).half(), batch_of(cycle(4), edgeless(2))
    x = torch.randn(graphs.num_nodes, F).half().requires_grad_()
    out = pool(x, graphs.edge_index, batch=graphs.batch)
    (out.graph_loss + out.assignment_loss + out.x.sum()).backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in pool.parameters())
