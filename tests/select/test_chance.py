from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn, get_ema_multi_avg_fn

from graphpool_sanity.select.chance import Chance, draw_seed, mix, priorities, resolve_seed

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


@given(st.integers(0, 2**63 - 1))
def test_a_seed_is_kept_as_it_is(seed):
    chance = Chance(seed)
    assert chance.seed == seed
    assert chance.seed.dtype == torch.long
    assert chance.half().to(torch.bfloat16).double().seed == seed


AVERAGES = {
    "mean": {},
    **{
        f"{kind.__name__} {decay}": {name: kind(decay)}
        for name, kind in (("avg_fn", get_ema_avg_fn), ("multi_avg_fn", get_ema_multi_avg_fn))
        for decay in (0.0, 0.3, 0.9, 0.999, 0.99999)
    },
}


@pytest.mark.parametrize("average", AVERAGES.values(), ids=AVERAGES)
def test_the_seed_survives_averages_in_single_precision(average):
    """They are rounded down to integers, step by step."""
    seeds = [0, 1, 2**63 - 1, 2**62 + 12345, 0x123456789ABCDEF, 0x7EDCBA9876543210]
    model = torch.nn.ModuleList([Chance(seed) for seed in seeds])
    averaged = AveragedModel(model, use_buffers=True, **average)
    for _ in range(3000):
        averaged.update_parameters(model)
    assert [int(chance.seed) for chance in averaged.module] == seeds
    assert all(len({int(chance.draw()) for _ in range(3)}) == 3 for chance in averaged.module)


def test_draws_follow_from_seed_and_counter_alone():
    before = torch.get_rng_state()
    chance = Chance(7)
    first = [int(chance.draw()) for _ in range(50)]
    assert len(set(first)) == 50
    assert all(0 <= seed < 2**62 for seed in first)
    assert max(first) > 2**60
    assert 7 not in first  # which evaluation takes
    chance.counter.fill_(20)
    assert [int(chance.draw()) for _ in range(30)] == first[20:]
    assert int(Chance(8).draw()) != first[0]
    assert torch.equal(torch.get_rng_state(), before)


def test_what_was_saved_with_the_seed_as_one_number_is_loaded():
    chance = Chance(1)
    chance.draw()
    chance.load_state_dict({"seed": torch.tensor(2**62 + 5)})
    assert chance.seed == 2**62 + 5
    assert int(chance.draw()) == int(Chance(2**62 + 5).draw())
    with pytest.raises(RuntimeError, match="Missing key"):
        chance.load_state_dict({})


@pytest.mark.parametrize("seed", [0, 3, 2**62 - 1])
def test_consecutive_draws_order_nodes_in_all_ways_alike(seed):
    chance, orders = Chance(seed), Counter()
    for _ in range(4800):
        orders[tuple(priorities(torch.arange(4), chance.draw()).argsort().tolist())] += 1
    assert set(orders) == set(permutations(range(4)))
    assert chisquare(list(orders.values())).pvalue > 1e-3


@pytest.mark.parametrize("seed", [0, 11, 2**62 - 1])
def test_consecutive_draws_pair_nodes_no_more_alike_than_others(seed):
    chance = Chance(seed)

    def pair():
        order = priorities(torch.arange(4), chance.draw()).argsort().tolist()
        return next({*ends} for ends in (order[:2], order[2:]) if 0 in ends)

    pairs = [pair() for _ in range(1201)]
    alike = sum(one == other for one, other in pairwise(pairs))
    assert binomtest(alike, 1200, 1 / 3).pvalue > 1e-3
