"""How often a verdict is false, in simulated runs: no more often than promised."""

import numpy as np
import pytest
from scipy import stats

from graphpool_sanity.check.comparison import _Evidence

MARGIN = 1.0
ALPHA = 0.05
REPETITIONS = 2000
RATIO = 1 / 8  # of an 80/10/10 split


def simulated(difference, spread, runs, ratio, seed):
    """Independent noise and a share of it that all runs have in common, as Nadeau and Bengio."""
    rng = np.random.default_rng(seed)
    correlation = ratio / (1 + ratio)
    own = rng.normal(size=(REPETITIONS, runs)) * np.sqrt(1 - correlation)
    common = rng.normal(size=(REPETITIONS, 1)) * np.sqrt(correlation)
    return difference + spread * (own + common)


def verdicts(x, ratio):
    runs = x.shape[1]
    return [
        _Evidence(mean, sd, MARGIN, ratio).verdict(runs, ALPHA)
        for mean, sd in zip(x.mean(1), x.std(1, ddof=1), strict=True)
    ]


def tolerated(rate):
    """Exceeded by chance once in 10,000."""
    return stats.binom.isf(1e-4, REPETITIONS, rate)


FALSE = [  # true difference, what is then false to say
    (0.0, {"locality helps", "null is better"}),
    (MARGIN, {"null is as good", "null is better"}),
    (-MARGIN, {"null is as good", "locality helps"}),
    (MARGIN / 2, {"null is better"}),
    (-MARGIN / 2, {"locality helps"}),
]


@pytest.mark.parametrize(("difference", "false"), FALSE)
@pytest.mark.parametrize("spread", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("runs", [2, 5, 20])
@pytest.mark.parametrize("ratio", [0.0, RATIO])
def test_false_verdicts_are_no_more_than_promised(difference, false, spread, runs, ratio):
    found = verdicts(simulated(difference, spread, runs, ratio, seed=1), ratio)
    assert sum(verdict in false for verdict in found) <= tolerated(ALPHA)


@pytest.mark.parametrize("ratio", [0.0, RATIO])
@pytest.mark.parametrize(
    ("difference", "spread", "false"),
    [
        (0.0, 3.0, {"locality helps", "null is better"}),
        (MARGIN, 0.3, {"null is as good"}),
        (-MARGIN, 0.3, {"null is as good"}),
    ],
)
def test_the_tests_are_exact_where_they_are_most_strained(difference, spread, false, ratio):
    found = verdicts(simulated(difference, spread, 20, ratio, seed=2), ratio)
    count = sum(verdict in false for verdict in found)
    assert stats.binom.isf(1 - 1e-4, REPETITIONS, ALPHA) <= count <= tolerated(ALPHA)


def test_without_the_correction_overlapping_splits_give_too_many_false_verdicts():
    x = simulated(0.0, 3.0, 20, RATIO, seed=3)
    false = sum(verdict in ("locality helps", "null is better") for verdict in verdicts(x, 0.0))
    assert false > 4 * ALPHA * REPETITIONS


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [(0.0, "null is as good"), (2.0, "locality helps"), (-2.0, "null is better")],
)
def test_a_clear_case_is_called(difference, verdict):
    found = verdicts(simulated(difference, 0.5, 10, RATIO, seed=4), RATIO)
    assert found.count(verdict) > 0.95 * REPETITIONS
