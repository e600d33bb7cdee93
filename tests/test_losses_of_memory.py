import pytest
import torch
from _helpers.soft_oracles import dense, members, normal
from _helpers.strategies import batches
from hypothesis import assume, given
from hypothesis import strategies as st
from torch_geometric.nn import MemPooling

from graphpool_sanity import MemoryPool
from graphpool_sanity.losses import kl_clustering_loss

K = 4
seeds = st.integers(0, 999)
small = batches(max_graphs=5, max_size=10)


def assignment(graphs, seed, padding=0):
    """S [B, N, K], zero on padding."""
    return dense(graphs, (3 * normal(graphs.num_nodes, K, seed=seed)).softmax(-1), None, padding).x


def sharpened(s):
    """P of one graph, entry by entry."""
    p = torch.tensor([[s[i, j] ** 2 / s[:, j].sum() for j in range(K)] for i in range(len(s))])
    return p.double() / p.double().sum(1, keepdim=True)


@given(small, seeds, st.booleans())
def test_by_definition_a_mean_over_graphs_that_have_nodes(graphs, seed, reverse):
    assume(graphs.num_nodes)
    s, divergences = assignment(graphs, seed), []
    for g, own in enumerate(members(graphs)):
        if len(own):
            q = s[g, : len(own)]
            p, q = (q, sharpened(q)) if reverse else (sharpened(q), q)
            divergences.append(float((p * (p / q).log()).sum()))
    wanted = sum(divergences) / len(divergences)
    assert float(kl_clustering_loss(s, reverse)) == pytest.approx(wanted, rel=1e-5, abs=1e-6)


@given(small, seeds, st.integers(0, 3))
def test_values_and_gradients_of_mem_pooling(graphs, seed, padding):
    assume(graphs.num_nodes and all(len(own) for own in members(graphs)))
    s = assignment(graphs, seed, padding)
    results = []
    for loss in (kl_clustering_loss, MemPooling.kl_loss, MemoryPool.kl_loss):
        leaf = s.clone().requires_grad_()
        value = loss(leaf)
        value.backward()
        real = s.sum(-1, keepdim=True) > 0  # PyG's gradient on padding is beside the point
        results.append((value.detach(), leaf.grad * real))
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], atol=1e-10, rtol=1e-10)


@given(st.integers(1, 6), st.integers(1, 9), seeds)
def test_remark_2_equal_rows_are_a_perfect_minimiser(num_graphs, size, seed):
    row = normal(num_graphs, 1, K, seed=seed).softmax(-1)
    for s in (row.expand(-1, size, -1), torch.full_like(row, 1 / K).expand(-1, size, -1)):
        s = s.clone().requires_grad_()
        for reverse in (False, True):
            loss = kl_clustering_loss(s, reverse)
            assert float(loss.detach()) == pytest.approx(0, abs=1e-12)
    undecided = normal(num_graphs, size + 1, K, seed=seed).softmax(-1)
    assert kl_clustering_loss(undecided) > 1e-6


@given(small, seeds)
def test_padding_and_empty_graphs_move_nothing(graphs, seed):
    assume(graphs.num_nodes)
    tight, loose = assignment(graphs, seed), assignment(graphs, seed, padding=3)
    empty = torch.zeros_like(loose[:1])
    more = torch.cat([empty, loose, empty]).requires_grad_()
    loss = kl_clustering_loss(more)
    torch.testing.assert_close(loss, kl_clustering_loss(tight))
    loss.backward()
    assert more.grad.isfinite().all()


def test_no_graphs_have_no_loss():
    assert kl_clustering_loss(torch.zeros(0, 3, K)) == 0
    assert kl_clustering_loss(torch.zeros(2, 0, K)) == 0


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.float])
def test_low_precision(dtype):
    s = (9 * normal(3, 50, K)).softmax(-1)
    low = s.to(dtype).requires_grad_()
    loss = kl_clustering_loss(low)
    assert loss.dtype == dtype
    assert float(loss.detach()) == pytest.approx(float(kl_clustering_loss(s)), rel=0.05)
    loss.backward()
    assert low.grad.isfinite().all()


def test_gradients_are_those_of_finite_differences():
    s = normal(2, 5, K).softmax(-1).requires_grad_()
    for reverse in (False, True):
        assert torch.autograd.gradcheck(lambda s, r=reverse: kl_clustering_loss(s, r), s)


def test_the_shape_is_checked():
    with pytest.raises(ValueError, match=r"s must have shape \[B, N, K\], got \[5, 4\]"):
        kl_clustering_loss(torch.ones(5, 4))
