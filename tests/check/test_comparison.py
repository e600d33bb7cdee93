from dataclasses import asdict
from math import inf, isfinite, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from graphpool_sanity.check.comparison import compare, half_width

MARGIN = 1.0
RATIO = 1 / 8  # of an 80/10/10 split
RATIOS = st.sampled_from([0.0, 1 / 9, RATIO, 0.5])
SAMPLES = st.lists(st.floats(-3, 3), min_size=2, max_size=20)


def judged(x, ratio, **options):
    return compare(x, MARGIN, test_train_ratio=ratio, **options)


def spread_out(x):
    return np.ptp(x) > 1e-3


# The interval


def log_mixture(n, mean, spread, hypothesis):
    """The likelihood of data, the effect size mixed over N(0, 1), against that of no effect; the
    scale is integrated out by 1 / scale on both sides."""

    def likelihood(variance_of_mean):
        # of n normal values: their mean and sum of squares suffice
        def density(log_scale):
            scale = np.exp(log_scale)
            own = -(n - 1) * log_scale - (n - 1) * spread**2 / (2 * scale**2)
            return np.exp(own + stats.norm.logpdf(mean - hypothesis, 0, scale * variance_of_mean))

        return integrate.quad(density, log(spread) - 4, log(spread) + 6, epsabs=0)[0]

    return log(likelihood(sqrt(1 / n + 1))) - log(likelihood(sqrt(1 / n)))


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("n", [5, 6, 10, 40, 150])
@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_the_sequence_ends_where_the_mixture_rejects(n, alpha, spread):
    """By numerical integration: a martingale, which exceeds 1 / alpha with probability alpha."""
    half = half_width(n, spread, alpha)
    assert log_mixture(n, 0.7, spread, 0.7 - half) == pytest.approx(log(1 / alpha), abs=1e-4)
    assert log_mixture(n, 0.7, spread, 0.7 - 1.01 * half) > log(1 / alpha)


def test_too_few_runs_have_no_end():
    assert half_width(4, 1.0, 0.05) == inf
    assert isfinite(half_width(5, 1.0, 0.05))


@given(SAMPLES.filter(spread_out), st.sampled_from([0.8, 0.95]))
def test_a_plan_has_the_interval_of_student(x, level):
    ours = compare(x, MARGIN, level, planned=True)
    low, high = stats.ttest_1samp(x, 0).confidence_interval(level)
    assert ours.interval == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


@given(SAMPLES.filter(spread_out), RATIOS.filter(bool), st.booleans())
def test_beyond_has_the_error_of_nadeau_and_bengio(x, ratio, planned):
    ours = judged(x, ratio, planned=planned)
    here, there = (ends[1] - ours.difference for ends in (ours.interval, ours.beyond))
    if isfinite(here):
        assert there == pytest.approx(here * sqrt(1 + len(x) * ratio), rel=1e-9)
    else:
        assert there == inf
    assert judged(x, 0.0).beyond is judged(x, 0.0).beyond_verdict is None


@given(SAMPLES)
def test_superiority_is_the_share_of_pairs_won(x):
    wins, ties = sum(d > 0 for d in x), sum(d == 0 for d in x)
    ours = judged(x, RATIO)
    assert ours.superiority == pytest.approx((wins + ties / 2) / len(x))
    assert ours.won.endswith(f" of {len(x)}")


# Verdicts


@given(SAMPLES, RATIOS, st.booleans())
def test_the_verdict_is_where_the_interval_lies(x, ratio, planned):
    ours = judged(x, ratio, planned=planned)
    found = [(ours.interval, ours.verdict)]
    found += [(ours.beyond, ours.beyond_verdict)] if ratio else []
    for (low, high), verdict in found:
        if len(x) < 5:
            assert verdict == "undecided"
        elif low > -MARGIN and high < MARGIN:
            assert verdict == "null is as good"
        elif low > 0:
            assert verdict == "locality helps"
        elif high < 0:
            assert verdict == "null is better"
        else:
            assert verdict == "undecided"
    assert ours.explanation.startswith(f"{ours.verdict}: ")
    assert (ours.more_runs is None) == (ours.verdict != "undecided")


@given(SAMPLES, RATIOS)
def test_layer_and_null_change_places(x, ratio):
    there, back = judged(x, ratio), judged([-d for d in x], ratio)
    other = {"locality helps": "null is better", "null is better": "locality helps"}
    assert back.verdict == other.get(there.verdict, there.verdict)
    assert back.difference == pytest.approx(-there.difference)
    assert back.superiority == pytest.approx(1 - there.superiority)
    assert back.more_runs == there.more_runs


@given(SAMPLES.filter(spread_out), RATIOS, st.sampled_from([2**-10, 128]))
def test_the_unit_does_not_matter(x, ratio, unit):
    ours = judged(x, ratio)
    scaled = compare([unit * d for d in x], unit * MARGIN, test_train_ratio=ratio)
    assert scaled.verdict == ours.verdict
    assert np.array(scaled.interval) == pytest.approx(unit * np.array(ours.interval), rel=1e-6)


def test_a_clear_difference_within_the_margin_is_as_good():
    ours = judged([0.5, 0.51, 0.49, 0.5, 0.52, 0.48], RATIO)
    assert ours.interval[0] > 0
    assert ours.verdict == "null is as good"
    assert "within the margin of 1, though not around 0" in ours.explanation


@given(SAMPLES.filter(spread_out), st.sampled_from([0.1, 0.3, 1.0]))
def test_more_runs_is_the_fewest_that_decide(x, margin):
    ours = compare(x, margin)
    if ours.more_runs is None:
        return
    spread, mean = np.std(x, ddof=1), ours.difference

    def decided(runs):
        half = half_width(runs, spread, 0.05)
        inside = abs(mean) + half < margin
        return runs >= 5 and (inside or abs(mean) > half)

    fewest = ours.runs + ours.more_runs
    assert decided(fewest)
    assert fewest == ours.runs + 1 or not decided(fewest - 1)


def test_what_is_undecided_says_how_many_more_runs():
    ours = compare([0.03, 0.01, -0.01, 0.02, 0.01, 0.02], margin=0.02)
    assert ours.explanation == (
        "undecided: the mean difference of 6 paired runs is +0.013, and its 95 % interval "
        "[-0.017, +0.044] holds 0 and reaches beyond the margin of 0.02; about 8 more runs would "
        "settle it"
    )
    early = compare([0.02, 0.021, 0.02], 0.01)
    assert "a verdict takes 5 runs or more; about 2 more runs" in early.explanation


def test_an_undecided_plan_is_extended_by_the_sequence():
    x = stats.norm.ppf(np.linspace(0.03, 0.97, 10)) * 1.5
    plan, looked = (judged(x, 0.0, planned=planned) for planned in (True, False))
    assert plan.interval[1] < looked.interval[1]
    assert plan.verdict == looked.verdict == "undecided"
    assert plan.more_runs == looked.more_runs


def test_more_runs_always_settle_it_here_but_not_elsewhere():
    # PROTEINS: a standard deviation of 4.5 points against a margin of 2.
    x = stats.norm.ppf(np.linspace(0.01, 0.99, 400)) * 4.5
    ours = compare(x, margin=2, test_train_ratio=RATIO)
    assert ours.verdict == "null is as good"
    assert ours.beyond_verdict == "undecided"


# Equal differences, many runs, bad input


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.0, "null is as good"),
        (-0.0, "null is as good"),
        (0.9, "null is as good"),
        (1.0, "locality helps"),
        (3.0, "locality helps"),
        (-3.0, "null is better"),
    ],
)
def test_equal_differences_decide_once_chance_alone_is_too_unlikely(value, verdict):
    """So many equal signs come with probability 2 ** (1 - n) if there is no difference."""
    five, six = (judged([value] * n, RATIO) for n in (5, 6))
    assert five.verdict == "undecided"
    assert five.more_runs == 1
    assert "the differences are equal, which shows no spread; about 1 more run" in five.explanation
    assert six.verdict == six.beyond_verdict == verdict
    assert six.interval == (value, value)
    assert "-0," not in six.explanation


def test_differences_that_single_precision_rounds_apart_are_equal():
    single = np.float32([[0.34999999, 0.23888889], [0.31111112, 0.2]]).astype(float)
    x = [a - b for a, b in single] * 3
    assert np.ptp(x) > 0
    found = compare(x, margin=0.02)
    assert found.interval == (found.difference, found.difference)
    apart = compare([0.111, 0.111 + 1e-5] * 3, margin=0.02)
    assert apart.interval[0] < apart.difference < apart.interval[1]


@given(st.lists(st.sampled_from([-1e6, -1e-9, 0.0, 1e-12, 1 / 19, 1e6]), min_size=6, max_size=30))
def test_lopsided_differences_give_finite_figures(x):
    ours = compare(x, 0.02, test_train_ratio=RATIO)
    assert np.isfinite([*ours.interval, *ours.beyond, ours.difference, ours.superiority]).all()
    assert ours.interval[0] <= ours.interval[1]
    assert "nan" not in str(asdict(ours))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"differences": [0.1]}, r"differences must be of 2 runs or more, got shape \[1\]"),
        ({"differences": []}, r"2 runs or more, got shape \[0\]"),
        ({"differences": [[0.1, 0.2]]}, r"2 runs or more, got shape \[1, 2\]"),
        ({"differences": [0.1, float("nan")]}, "differences must be finite, got nan"),
        ({"differences": [float("-inf"), 0.1]}, "differences must be finite, got -inf"),
        ({"margin": 0}, "margin must be positive and finite, got 0"),
        ({"margin": -0.1}, "margin must be positive"),
        ({"margin": float("nan")}, "margin must be positive"),
        ({"margin": float("inf")}, "margin must be positive and finite, got inf"),
        ({"test_train_ratio": -0.1}, "test_train_ratio must be finite and not negative, got -0.1"),
        ({"test_train_ratio": float("inf")}, "test_train_ratio must be finite"),
        ({"level": 95}, r"level must lie in \(0, 1\), got 95"),
        ({"level": 1.0}, r"level must lie in \(0, 1\)"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    good = {"differences": [0.1, 0.2], "margin": 0.1, "test_train_ratio": 0.1}
    with pytest.raises(ValueError, match=message):
        compare(**{**good, **arguments})
