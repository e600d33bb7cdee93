import pytest
import torch
from _helpers.soft_oracles import dense, normal
from _helpers.strategies import batch_of, batches, cycle, path
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import one_hot
from torch_geometric.nn import DenseSAGEConv, dense_diff_pool

from graphpool_sanity import DiffPool, RandomDiffPool

F, K = 4, 3
seeds = st.integers(0, 999)


def full_batch(seed, num_graphs, size):
    """Weighted graphs of one size: nothing is padded."""
    x, adj = normal(num_graphs, size, F, seed=seed), normal(num_graphs, size, size, seed=seed + 1)
    return x.requires_grad_(), adj.clamp(min=0).requires_grad_()


def assert_parity(pool, scores, x, adj):
    """Values and gradients are PyG's."""
    results = []
    for out in (pool(x, adj), dense_diff_pool(x, adj, scores(x, adj))):
        weights = [normal(*t.shape, seed=9) for t in out]
        loss = sum((t * w).sum() for t, w in zip(out, weights, strict=True))
        results.append((tuple(out), torch.autograd.grad(loss, (x, adj, *pool.parameters()))))
    torch.testing.assert_close(*results, atol=1e-10, rtol=1e-10)


@given(seeds, st.integers(1, 4), st.integers(2, 7))
def test_diff_pool_is_pygs_of_the_gnn(seed, num_graphs, size):
    gnn = DenseSAGEConv(F, K).double()
    assert_parity(DiffPool(F, K, gnn), gnn, *full_batch(seed, num_graphs, size))


@pytest.mark.parametrize("law", ["uniform", "normal", "bernoulli", "categorical"])
@given(seed=seeds, num_graphs=st.integers(1, 4), size=st.integers(2, 7))
def test_random_diff_pool_is_pygs_of_its_matrix(law, seed, num_graphs, size):
    batch = full_batch(seed, num_graphs, size)
    project = RandomDiffPool(F, K, law, seed=seed).double()
    assert_parity(project, lambda x, adj: x.detach() @ project.select.matrix, *batch)
    place = RandomDiffPool(F, K, law, False, 7, seed=seed).double()
    scores = place.select.matrix[:size].expand(num_graphs, -1, -1)
    assert_parity(place, lambda x, adj: scores, *batch)


@given(batches(max_graphs=4, max_size=12), seeds)
def test_with_padding_the_pooled_graphs_are_pygs_too(graphs, seed):
    assume(graphs.num_nodes)
    x, adj, mask = dense(graphs, normal(graphs.num_nodes, F, seed=seed))
    pool = DiffPool(F, K).double()
    x_pooled, adj_pooled, _, _ = dense_diff_pool(x, adj, pool.select.network(x, adj, mask), mask)
    out = pool(x, adj, mask)
    torch.testing.assert_close(out.x, x_pooled)
    torch.testing.assert_close(out.adj, adj_pooled)


def test_padding_moves_pygs_losses_and_not_ours():
    graphs, pool = batch_of(cycle(4)), RandomDiffPool(F, K, seed=0).double()
    ours, theirs = [], []
    for padding in (0, 6):
        x, adj, mask = dense(graphs, normal(4, F), padding=padding)
        ours.append(torch.stack(pool(x, adj, mask)[2:]))
        theirs.append(torch.stack(dense_diff_pool(x, adj, x @ pool.select.matrix, mask)[2:]))
    torch.testing.assert_close(ours[0], theirs[0])
    torch.testing.assert_close(ours[1], ours[0])
    assert (theirs[1] < 0.5 * theirs[0]).all()


def test_sparse_graphs_are_refused_where_a_gnn_selects():
    edges = torch.tensor([[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"adj must be a dense adjacency .* gnn\(x, adj, mask\)"):
        DiffPool(F, K)(normal(2, F).float(), edges)


def test_a_gnn_of_ones_own_selects():
    class Far(nn.Module):
        def forward(self, x, adj, mask):
            return 1e3 * (x + adj @ x)[..., :K]

    x, adj, mask = dense(batch_of(path(5), cycle(3)), normal(8, F))
    hard = one_hot((x + adj @ x)[..., :K].argmax(-1), K).double() * mask.unsqueeze(-1)
    out = DiffPool(F, K, Far())(x, adj, mask)
    torch.testing.assert_close(out.x, hard.transpose(1, 2) @ x)


@given(seeds, st.integers(2, 5))
def test_clusters_that_are_cliques_have_no_link_loss_and_no_entropy(seed, size):
    """A = S Sᵀ: the best that both losses know, and what PyG gives for it."""
    features = 1e3 * torch.eye(K).double()[torch.arange(size * K) % K].unsqueeze(0)
    adj = (features / 1e3) @ (features / 1e3).transpose(1, 2)
    out = DiffPool(K, K, lambda x, adj, mask: x)(features, adj)
    assert out.graph_loss == pytest.approx(0, abs=1e-9)
    assert out.assignment_loss == pytest.approx(0, abs=1e-9)
