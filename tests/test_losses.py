import math

import pytest
import torch
from _helpers.soft_oracles import dense, normal
from _helpers.strategies import batches
from hypothesis import assume, given
from hypothesis import strategies as st

from graphpool_sanity.losses import (
    entropy_loss,
    link_prediction_loss,
    mincut_loss,
    orthogonality_loss,
)

K = 3
seeds = st.integers(0, 999)
small = batches(max_graphs=5, max_size=10)


def pooled(graphs, seed, symmetric=False):
    """A batch by matrices: adj [B, N, N], s [B, N, K] (zero on padding), and the sizes [B]."""
    scores = normal(graphs.num_nodes, K, seed=seed)
    s, adj, mask = dense(graphs, scores.softmax(-1), padding=1)
    return (adj + adj.transpose(1, 2) if symmetric else adj), s, mask.sum(1)


def coarse(adj, s):
    return s.transpose(1, 2) @ adj @ s, s.transpose(1, 2) @ s


@given(small, seeds)
def test_link_prediction_is_the_distance_of_the_adjacency_from_the_overlaps(graphs, seed):
    assume(graphs.num_nodes)
    adj, s, sizes = pooled(graphs, seed)
    wanted = (adj - s @ s.transpose(1, 2)).norm() / sum(n * n for n in sizes.tolist())
    loss = link_prediction_loss(adj.square().sum(), *coarse(adj, s), sizes)
    torch.testing.assert_close(loss, wanted, rtol=1e-10, atol=1e-7)


def test_link_prediction_of_perfect_clusters_is_zero_with_finite_gradients():
    s = torch.eye(K).repeat_interleave(3, 0).unsqueeze(0).requires_grad_()
    adj = (s @ s.transpose(1, 2)).detach()
    loss = link_prediction_loss(adj.square().sum(), *coarse(adj, s), torch.tensor([9]))
    loss.backward()
    assert loss == 0
    assert s.grad.isfinite().all()


@given(st.integers(1, 9), st.integers(1, 9))
def test_entropy_is_zero_for_a_decided_assignment_and_largest_for_an_even_one(n, k):
    decided = torch.eye(k).double()[torch.arange(n) % k]
    even = torch.full((n, k), 1 / k, dtype=torch.double)
    undecided = normal(n, k, seed=n).softmax(-1)
    at = [float(entropy_loss(s, torch.tensor([n]))) for s in (decided, undecided, even)]
    assert at[0] == pytest.approx(0, abs=1e-12)
    assert at[0] - 1e-12 <= at[1] <= at[2] + 1e-12
    assert at[2] == pytest.approx(math.log(k), abs=1e-12)


@given(small, seeds)
def test_entropy_is_the_mean_over_real_nodes(graphs, seed):
    assume(graphs.num_nodes)
    _, s, sizes = pooled(graphs, seed)
    rows = [row for row in s.flatten(0, 1) if row.sum() > 0]
    wanted = sum(-(row * row.log()).sum() for row in rows) / len(rows)
    torch.testing.assert_close(entropy_loss(s, sizes), wanted)


@given(small, seeds)
def test_mincut_is_the_mean_share_of_edges_kept_over_graphs_with_nodes(graphs, seed):
    assume(graphs.num_nodes)
    adj, s, sizes = pooled(graphs, seed, symmetric=True)
    kept = []
    for a, t, n in zip(adj, s, sizes.tolist(), strict=True):
        cut, volume = (t.T @ a @ t).trace(), (t.T @ a.sum(1).diag() @ t).trace()
        kept += [float(cut / volume) if volume > 0 else 0.0] if n else []
    volumes = (adj.sum(2, keepdim=True) * s.square()).sum((1, 2))
    loss = mincut_loss(coarse(adj, s)[0], volumes, sizes)
    assert -1 - 1e-9 <= loss <= 0
    assert loss == pytest.approx(-sum(kept) / len(kept))


@given(small, seeds)
def test_orthogonality_is_the_mean_distance_from_even_disjoint_clusters(graphs, seed):
    assume(graphs.num_nodes)
    _, s, sizes = pooled(graphs, seed)
    gaps = []
    for t, n in zip(s, sizes.tolist(), strict=True):
        if n:
            overlap, ideal = t.T @ t, torch.eye(K).double() / math.sqrt(K)
            gaps.append(float((overlap / overlap.norm() - ideal).norm()))
    loss = orthogonality_loss(s.transpose(1, 2) @ s, sizes)
    assert 0 <= loss <= math.sqrt(2)
    assert loss == pytest.approx(sum(gaps) / len(gaps))


def test_even_disjoint_clusters_have_a_finite_gradient():
    overlap = (2 * torch.eye(4)).expand(2, 4, 4).contiguous().requires_grad_()
    orthogonality_loss(overlap, torch.tensor([8, 8])).backward()
    assert overlap.grad.isfinite().all()


def test_no_graph_at_all_has_no_loss():
    zeros, sizes = torch.zeros(2, K, K, requires_grad=True), torch.tensor([0, 0])
    losses = (
        link_prediction_loss(zeros.sum(), zeros, zeros, sizes),
        entropy_loss(zeros, sizes),
        mincut_loss(zeros, zeros.sum((1, 2)), sizes),
        orthogonality_loss(zeros, sizes),
    )
    sum(losses).backward()
    assert [loss.item() for loss in losses] == [0, 0, 0, 0]
    assert zeros.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_half_precision_neither_overflows_nor_loses_the_logarithm_of_zero(dtype):
    s = torch.eye(K, dtype=dtype).repeat_interleave(300, 0).unsqueeze(0).requires_grad_()
    overlap, sizes = 300 * torch.eye(K, dtype=dtype).unsqueeze(0), torch.tensor([900])
    losses = (
        link_prediction_loss(torch.tensor(1e5), overlap, overlap, sizes),  # 3 * 300^2 > 65504
        entropy_loss(s, sizes),
        orthogonality_loss(overlap, sizes),
    )
    losses[1].backward()
    assert all(loss.isfinite() for loss in losses)
    assert s.grad.isfinite().all()
    assert orthogonality_loss(200 * overlap, sizes) < 1e-3  # its norm is above 65504


def test_clusters_of_less_than_a_millionth_of_an_edge_fade():
    """The cut of 1e-8 of an edge is held against a millionth, not against less."""
    volumes, coarse = torch.tensor([1e-8]), torch.tensor([[[1e-8]]])
    loss = mincut_loss(coarse.double(), volumes.double(), torch.tensor([1]))
    torch.testing.assert_close(loss, torch.tensor(-1e-2).double())
    full = mincut_loss(100 * coarse.double(), 100 * volumes.double(), torch.tensor([1]))
    torch.testing.assert_close(full, torch.tensor(-1.0).double())
