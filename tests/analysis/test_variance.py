import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import f_oneway
from torch_geometric.utils import to_dense_batch

from graphpool_sanity.analysis import homogeneity

sizes = st.lists(st.integers(0, 6), min_size=1, max_size=6)
seeds = st.integers(0, 9999)


def noise(counts, seed=0, channels=3):
    generator = torch.Generator().manual_seed(seed)
    batch = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    x = torch.randn(len(batch), channels, dtype=torch.double, generator=generator)
    return x, batch


@given(sizes, seeds)
def test_it_is_a_share_that_neither_order_nor_shift_nor_scale_nor_rotation_changes(counts, seed):
    x, batch = noise(counts, seed)
    share = homogeneity(x, batch)
    assert 0 <= share <= 1

    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)
    order = order[batch[order].argsort(stable=True)]
    rotation = torch.linalg.qr(torch.randn(3, 3, dtype=torch.double, generator=generator)).Q
    for other in (x[order], x + 5, -3 * x, 1e-200 * x, 1e200 * x, x @ rotation):
        assert homogeneity(other, batch) == pytest.approx(share, abs=1e-9)


@given(sizes, seeds)
def test_nodes_that_equal_all_others_of_their_graph_give_zero(counts, seed):
    means, batch = noise([1] * len(counts), seed)
    batch = batch.repeat_interleave(torch.tensor(counts))
    assert homogeneity(means[batch], batch) == 0
    assert homogeneity(means[batch].float(), batch) == 0


@given(st.lists(st.integers(2, 6), min_size=2, max_size=6), seeds)
def test_the_f_statistic_says_the_same(counts, seed):
    x, batch = noise(counts, seed, channels=1)
    assume(len(x) > len(counts))
    groups = [x[batch == g, 0].numpy() for g in range(len(counts))]
    between, within = len(counts) - 1, len(x) - len(counts)
    expected = 1 / (1 + f_oneway(*groups).statistic * between / within)
    assert homogeneity(x, batch) == pytest.approx(expected)


def test_channels_are_pooled_by_their_variance():
    x, batch = noise([3, 4, 5])
    parts, weights = zip(
        *((homogeneity(x[:, [c]], batch), float(x[:, c].var())) for c in range(3)), strict=True
    )
    assert homogeneity(x, batch) == pytest.approx(np.average(parts, weights=weights))


def test_chance_gives_the_share_of_degrees_of_freedom():
    counts = [3, 1, 4, 0, 5, 2]
    shares = [homogeneity(*noise(counts, seed)) for seed in range(400)]
    assert np.mean(shares) == pytest.approx((15 - 5) / (15 - 1), abs=0.02)


def test_a_single_graph_has_all_the_variance():
    x, _ = noise([5])
    assert homogeneity(x) == 1
    assert homogeneity(torch.full((5, 2), 0.1)) == 0


def test_graphs_of_one_node_are_homogeneous():
    assert homogeneity(*noise([1, 1, 0, 1])) == 0
    assert homogeneity(*noise([1])) == 0


def test_without_nodes_or_channels_nothing_varies():
    assert homogeneity(torch.empty(0, 4)) == 0
    assert homogeneity(torch.empty(5, 0)) == 0
    assert homogeneity(torch.empty(2, 0, 4)) == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.half, torch.float, torch.double])
def test_a_channel_that_differs_by_rounding_counts_as_constant(dtype):
    x, batch = noise([4, 4])
    x = x.to(dtype)
    constant = torch.full((8, 1), 1000.0, dtype=dtype)
    constant[::2] = torch.nextafter(constant[::2], torch.tensor(2000.0, dtype=dtype))
    assert homogeneity(constant, batch) == 0
    both = homogeneity(torch.cat([x, constant], 1), batch)
    assert both == pytest.approx(homogeneity(x, batch), rel=1e-6)


def test_small_differences_far_from_zero_are_seen():
    x, batch = noise([4, 4])
    assert homogeneity(1e-6 * x + 1000, batch) == pytest.approx(homogeneity(x, batch), rel=1e-5)


@given(sizes, seeds, st.integers(0, 3))
def test_dense_input_is_the_same(counts, seed, padding):
    x, batch = noise(counts, seed)
    dense, mask = to_dense_batch(x, batch, 99.0, max(counts) + padding, len(counts))
    assert homogeneity(dense, mask=mask) == pytest.approx(homogeneity(x, batch), abs=1e-12)


def test_dense_input_without_a_mask_has_no_padding():
    x, batch = noise([3, 3])
    assert homogeneity(x.view(2, 3, 3)) == pytest.approx(homogeneity(x, batch))


def test_the_gradient_is_left_alone():
    x, batch = noise([3, 3])
    assert isinstance(homogeneity(x.requires_grad_(), batch), float)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="x must be finite"):
        homogeneity(torch.tensor([[1.0], [value]]))


def test_malformed_input_is_refused():
    with pytest.raises(ValueError, match="batch must be sorted"):
        homogeneity(torch.ones(2, 1), torch.tensor([1, 0]))
    with pytest.raises(ValueError, match="x must be a floating point tensor"):
        homogeneity(torch.ones(2, 1, dtype=torch.long))


def test_the_number_of_graphs_is_checked_and_changes_nothing():
    x, batch = noise([3, 0, 4])
    assert homogeneity(x, batch, batch_size=9) == homogeneity(x, batch)
    with pytest.raises(ValueError, match="batch_size must be at least 3 for this batch, got 2"):
        homogeneity(x, batch, batch_size=2)
