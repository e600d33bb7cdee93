import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from graphpool_sanity.check.comparison import _Evidence, _interval, compare

MARGIN = 1.0
RATIO = 1 / 8  # of an 80/10/10 split
RATIOS = st.sampled_from([0.0, 1 / 9, RATIO, 0.5])
SAMPLES = st.lists(st.floats(-3, 3), min_size=2, max_size=20)


def judged(x, ratio, **options):
    return compare(x, MARGIN, test_train_ratio=ratio, **options)


def spread_out(x):
    return np.ptp(x) > 1e-3


# Oracles


@given(SAMPLES.filter(spread_out), st.floats(0.1, 3))
def test_independent_runs_are_those_of_statsmodels_and_scipy(x, margin):
    ours = compare(x, margin)
    p, *_ = ttost_paired(np.array(x), np.zeros(len(x)), -margin, margin)
    assert ours.equivalence_p == pytest.approx(p, rel=1e-6, abs=1e-12)
    assert ours.corrected_p == pytest.approx(stats.ttest_1samp(x, 0).pvalue, rel=1e-6, abs=1e-12)


@given(SAMPLES.filter(spread_out), RATIOS)
def test_the_correction_is_that_of_nadeau_and_bengio(x, ratio):
    t = np.mean(x) / np.sqrt((1 / len(x) + ratio) * np.var(x, ddof=1))
    p = 2 * stats.t.sf(abs(t), len(x) - 1)
    assert judged(x, ratio).corrected_p == pytest.approx(p, rel=1e-6, abs=1e-12)


@given(st.lists(st.integers(-200, 200), min_size=2, max_size=13))
def test_up_to_13_runs_all_sign_flips_are_counted(x):
    x = np.array(x)
    signs = 2 * np.indices([2] * len(x)).reshape(len(x), -1) - 1
    as_far = np.abs(x @ signs) >= abs(x.sum())
    assert judged(x, RATIO).sign_flip_p == pytest.approx(as_far.mean())


def test_random_sign_flips_are_near_the_t_test_for_many_normal_runs():
    x = np.random.default_rng(0).normal(0.05, 1, 1000)
    p = stats.ttest_1samp(x, 0).pvalue
    assert compare(x, MARGIN).sign_flip_p == pytest.approx(p, abs=0.02)


def test_the_interval_holds_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = np.array([_interval(rng.normal(0.3, 1, 60), 0.9, seed=0) for _ in range(300)])
    held = ((intervals[:, 0] < 0.3) & (intervals[:, 1] > 0.3)).mean()
    assert held == pytest.approx(0.9, abs=0.05)


@given(SAMPLES)
def test_superiority_is_the_share_of_pairs_won(x):
    wins, ties = sum(d > 0 for d in x), sum(d == 0 for d in x)
    assert judged(x, RATIO).superiority == pytest.approx((wins + ties / 2) / len(x))


# Verdicts


@given(SAMPLES, RATIOS)
def test_the_verdict_is_that_of_the_rule(x, ratio):
    ours = judged(x, ratio)
    if ours.equivalence_p <= 1 - ours.level:
        assert ours.verdict == "null is as good"
    elif ours.corrected_p <= 1 - ours.level:
        assert ours.verdict == ("locality helps" if ours.difference > 0 else "null is better")
    else:
        assert ours.verdict == "undecided"
    assert ours.explanation.startswith(ours.verdict)


@given(SAMPLES, RATIOS)
def test_layer_and_null_change_places(x, ratio):
    there, back = (
        judged(x, ratio),
        judged([-d for d in x], ratio),
    )
    other = {"locality helps": "null is better", "null is better": "locality helps"}
    assert back.verdict == other.get(there.verdict, there.verdict)
    assert back.difference == pytest.approx(-there.difference)
    assert back.superiority == pytest.approx(1 - there.superiority)
    assert back.more_runs == there.more_runs


@given(SAMPLES.filter(spread_out), RATIOS, st.sampled_from([2**-10, 128]))
def test_the_unit_does_not_matter(x, ratio, unit):
    ours = judged(x, ratio)
    scaled = compare([unit * d for d in x], unit * MARGIN, test_train_ratio=ratio)
    assert scaled.equivalence_p == pytest.approx(ours.equivalence_p, rel=1e-6)
    assert scaled.corrected_p == pytest.approx(ours.corrected_p, rel=1e-6)
    assert np.array(scaled.interval) == pytest.approx(unit * np.array(ours.interval), rel=1e-6)


def test_a_significant_difference_within_the_margin_is_as_good():
    x = [0.5, 0.51, 0.49, 0.5, 0.52, 0.48]
    ours = judged(x, RATIO)
    assert ours.corrected_p < 1e-6
    assert ours.verdict == "null is as good"
    assert "equivalent within 1 though not equal" in ours.explanation


@given(SAMPLES.filter(spread_out), st.sampled_from([0.1, 0.3, 1.0]), RATIOS)
def test_more_runs_is_the_fewest_that_decide(x, margin, ratio):
    ours = compare(x, margin, test_train_ratio=ratio)
    evidence = _Evidence(ours.difference, float(np.std(x, ddof=1)), margin, ratio)

    def decided(runs):
        return evidence.verdict(runs, 1 - ours.level) != "undecided"

    if ours.more_runs is not None:
        assert not decided(ours.runs)
        assert not decided(ours.runs + ours.more_runs - 1)
        assert decided(ours.runs + ours.more_runs)
    else:
        assert decided(ours.runs) or not decided(10**9)


def test_what_is_undecided_says_how_many_more_runs():
    ours = compare([0.03, 0.01, -0.01, 0.02], margin=0.02)
    assert ours.explanation == "undecided: about 6 more runs would settle it"
    one = next(
        c
        for shift in np.linspace(0, 0.05, 500)
        if (c := compare(np.array([0.02, 0.0, -0.02]) + shift, 0.01)).more_runs == 1
    )
    assert one.explanation == "undecided: about 1 more run would settle it"


def test_a_floor_that_no_number_of_runs_lowers():
    # PROTEINS: a standard deviation of 4.5 points against a margin of 2.
    x = stats.norm.ppf(np.linspace(0.02, 0.98, 50)) * 4.5
    ours = compare(x, margin=2, test_train_ratio=RATIO)
    assert ours.verdict == "undecided"
    assert ours.more_runs is None
    assert ours.explanation == "undecided: this data set is too small for this margin"
    assert compare(x, margin=2).verdict == "null is as good"


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
def test_equal_differences_go_by_the_sign_flip_test(value, verdict):
    ours = judged([value] * 8, RATIO)
    assert ours.verdict == verdict
    assert ours.interval == (value, value)
    assert ours.corrected_p == ours.sign_flip_p == (2 * 0.5**8 if value else 1)
    assert ours.equivalence_p == (0.5**8 if abs(value) < MARGIN else 1)
    assert "-0" not in ours.explanation


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_two_equal_differences_decide_nothing(value):
    ours = judged([value] * 2, RATIO)
    assert ours.verdict == "undecided"
    assert judged([value] * (2 + ours.more_runs), RATIO).verdict != "undecided"
    assert judged([value] * (1 + ours.more_runs), RATIO).verdict == "undecided"


def test_rounding_is_not_a_spread():
    x = [0.85 - 0.80, 0.80 - 0.75, 0.55 - 0.50]
    assert np.ptp(x) > 0
    ours = compare(x, 0.02, test_train_ratio=RATIO)
    assert ours.corrected_p == 0.25
    assert ours.verdict == "undecided"


@given(st.lists(st.sampled_from([-1e6, -1e-9, 0.0, 1e-12, 1 / 19, 1e6]), min_size=2, max_size=30))
def test_lopsided_differences_give_finite_figures(x):
    ours = compare(x, 0.02, test_train_ratio=RATIO)
    figures = [*ours.interval, ours.difference, ours.sign_flip_p, ours.corrected_p]
    assert np.isfinite([*figures, ours.equivalence_p, ours.superiority]).all()
    assert ours.interval[0] <= ours.interval[1]
    assert min(ours.corrected_p, ours.equivalence_p, ours.sign_flip_p) >= 0
    assert max(ours.corrected_p, ours.equivalence_p, ours.sign_flip_p) <= 1


def test_thousands_of_runs_take_seconds():
    start = time.process_time()
    ours = compare(np.random.default_rng(0).normal(0.1, 1, 5000), 0.05)
    assert time.process_time() - start < 30
    assert ours.verdict == "locality helps"


def test_the_seed_decides_the_random_parts_and_nothing_else():
    x = np.random.default_rng(0).normal(0.3, 1, 30)
    a, b, c = (
        judged(x, RATIO),
        judged(x, RATIO),
        judged(x, RATIO, seed=1),
    )
    assert a == b
    assert a.interval != c.interval
    assert a == replace(c, interval=a.interval, sign_flip_p=a.sign_flip_p)


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()
    judged(np.arange(30.0), RATIO)
    assert np.array_equal(np.random.get_state()[1], before)


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


def test_differences_that_single_precision_rounds_apart_are_equal():
    """Two runs of an accuracy in float32 gave p = 4.8e-08."""
    single = np.float32([[0.34999999, 0.23888889], [0.31111112, 0.2]]).astype(float)
    found = compare([a - b for a, b in single], margin=0.02)
    assert found.verdict == "undecided"
    assert found.corrected_p == 0.5
    assert found.interval == (found.difference, found.difference)
    apart = compare([0.111, 0.111 + 1e-5], margin=0.02)
    assert apart.corrected_p < 0.01
