from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from graphpool_sanity.select.chance import draw_seed, mix, priorities, resolve_seed

BITS = 2**31
words = st.integers(0, BITS - 1)


def undo_shift(y: int, shift: int) -> int:
    """The x of y = x ^ (x >> shift)."""
    x = y
    for _ in range(31 // shift):
        x = y ^ (x >> shift)
    return x


def unmix(y: int) -> int:
    y = undo_shift(y, 15) * pow(0x297A2D39, -1, BITS) % BITS
    y = undo_shift(y, 12) * pow(0x2C1B3C6D, -1, BITS) % BITS
    return undo_shift(y, 15)


@given(st.lists(words, min_size=1))
def test_mix_has_an_inverse_and_so_is_a_bijection(xs):
    mixed = mix(torch.tensor(xs)).tolist()
    assert all(0 <= y < BITS for y in mixed)
    assert [unmix(y) for y in mixed] == xs


@pytest.mark.parametrize("edge", [0, 1, BITS - 1])
def test_mix_holds_at_the_ends_of_its_range(edge):
    assert unmix(int(mix(torch.tensor(edge)))) == edge


@given(st.sets(words, min_size=1), st.integers(0, 2**63 - 1))
def test_priorities_are_distinct_and_in_range(indices, seed):
    drawn = priorities(torch.tensor(sorted(indices)), seed).tolist()
    assert len(set(drawn)) == len(indices)
    assert all(0 <= priority < BITS for priority in drawn)


@given(words, st.integers(0, 2**63 - 1), st.integers(1, 50))
def test_priority_of_an_index_does_not_depend_on_the_others(index, seed, many):
    alone = priorities(torch.tensor([index]), seed)
    among = priorities(torch.arange(many).add(index).remainder(BITS), torch.tensor(seed))
    assert alone.item() == among[0].item()


@pytest.mark.parametrize("step", [1, 2**31], ids=["low bits", "high bits"])
def test_consecutive_seeds_order_consecutive_nodes_in_all_ways_alike(step):
    orders = Counter(
        tuple(priorities(torch.arange(4), seed * step).argsort().tolist()) for seed in range(4800)
    )
    assert set(orders) == set(permutations(range(4)))
    assert chisquare(list(orders.values())).pvalue > 1e-3


def test_priorities_look_uniform_within_one_seed():
    drawn = priorities(torch.arange(64_000), 3)
    assert chisquare(torch.bincount(drawn >> 25, minlength=64).numpy()).pvalue > 1e-3
    assert abs(float(torch.corrcoef(torch.stack([drawn[1:], drawn[:-1]]).double())[0, 1])) < 0.02


def test_a_given_seed_is_kept_and_touches_nothing():
    before = torch.get_rng_state()
    assert [resolve_seed(seed) for seed in (0, 7, 2**63 - 1)] == [0, 7, 2**63 - 1]
    assert torch.equal(torch.get_rng_state(), before)


def test_no_seed_draws_one_from_the_global_generator():
    torch.manual_seed(5)
    drawn = [resolve_seed(None) for _ in range(3)]
    torch.manual_seed(5)
    assert drawn == [resolve_seed(None) for _ in range(3)]
    assert len(set(drawn)) == 3


def test_drawn_seeds_are_wide_and_follow_their_generator():
    seeds = [draw_seed(torch.Generator().manual_seed(seed)) for seed in range(50)]
    assert seeds == [draw_seed(torch.Generator().manual_seed(seed)) for seed in range(50)]
    assert len(set(seeds)) == 50
    assert 2**60 < max(seeds) < 2**62


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, torch.tensor(1)])
def test_bad_seeds_are_refused_by_name(seed):
    with pytest.raises(ValueError, match=r"^seed must be None or an int in \[0, 2\*\*63\), got"):
        resolve_seed(seed)


@pytest.mark.parametrize("apart", [1, 2, 2**31, 2**62])
def test_seeds_of_near_numbers_pair_nodes_no_more_alike_than_others(apart):
    """The first two of four nodes, as a pair: two independent seeds agree in a third of cases."""

    def pair(seed):
        order = priorities(torch.arange(4), seed).argsort().tolist()
        return next({*ends} for ends in (order[:2], order[2:]) if 0 in ends)

    alike = sum(pair(2 * k) == pair(2 * k + apart) for k in range(600))
    assert binomtest(alike, 600, 1 / 3).pvalue > 1e-3


def test_seeds_of_numpy_count():
    assert resolve_seed(np.int64(3)) == 3
