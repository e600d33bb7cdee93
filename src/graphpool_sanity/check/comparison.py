"""Statistics of paired runs: how far a layer is from its null, and what may be said of it."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import stdtr

Verdict = Literal["locality helps", "null is as good", "null is better", "undecided"]

_MOST_RUNS = 2**53
_SAME = 2e-5
"""Differences nearer than this share of the margin, or of their mean, are equal: 4e-7 for a margin
of 0.02, which single precision rounds away from a metric between 0 and 1."""


@dataclass(frozen=True)
class Comparison:
    r"""A layer against its null over paired runs; differences are positive where the layer wins.

    Splits of one data set overlap, so runs are correlated, and the mean of n of them has variance

    .. math::
        \left(\frac{1}{n} + \frac{n_\text{test}}{n_\text{train}}\right) s^2

    in place of :math:`s^2 / n`. Student's t with this variance and n - 1 degrees of freedom tests
    "the difference is 0", two-sided, and "it is the margin or more", one-sided at either end.
    With :math:`\alpha` = 1 - ``level`` the verdict is the first that holds of

    1. *null is as good*: both one-sided tests reject at :math:`\alpha`: the two are equivalent
       within the margin. So they are called even if the difference is significant, but small.
    2. *locality helps* or *null is better*, by the sign of the mean: the two-sided test rejects
       at :math:`\alpha`. This says that there is a difference, not that it exceeds the margin.
    3. *undecided*. A missing difference is never called an equivalence.

    *Null is as good* is false where the true difference is the margin or more, *locality helps*
    where it is 0 or less, *null is better* where it is 0 or more. Whatever it is, a false verdict
    comes with probability :math:`\alpha` at most, for normal differences with the correlation
    :math:`n_\text{test} / (n_\text{test} + n_\text{train})` that the correction assumes: at 0 only
    the two-sided test can err, and at or beyond the margin each way to err entails that the same
    one-sided test rejects.

    Differences that are all equal show no spread for t to go by. Then the p-values are those of
    the sign-flip test, :math:`2^{1-n}` two-sided and :math:`2^{-n}` one-sided, and two equal runs
    decide nothing; ``interval`` is the single point.

    Nadeau, Bengio, *Inference for the generalization error*, Machine Learning 2003, section 3;
    Schuirmann, J. Pharmacokinet. Biopharm. 1987 (the one-sided tests); Efron, JASA 1987 (BCa).
    """

    runs: int
    difference: float
    """The mean difference."""
    interval: tuple[float, float]
    """BCa bootstrap of the mean difference over these runs. It takes the runs for independent, so
    it is narrower than what the verdict rests on wherever splits overlap."""
    sign_flip_p: float
    """Two-sided, of the mean difference: exact up to 13 runs, 9999 random flips beyond."""
    corrected_p: float
    """Two-sided, of the corrected resampled t-test of no difference."""
    equivalence_p: float
    """Of the two one-sided corrected tests of a difference of the margin or more."""
    superiority: float
    """P(layer > null): the share of runs in which the layer wins, ties counted half."""
    margin: float
    level: float
    verdict: Verdict
    more_runs: int | None
    """The fewest further runs that would decide, if mean and spread stay as they are; ``None`` if
    it is decided, or if no number of runs would."""
    explanation: str
    """The verdict in words."""


def compare(
    differences: Sequence[float],
    margin: float,
    level: float = 0.95,
    test_train_ratio: float = 0.0,
    seed: int = 0,
) -> Comparison:
    """Judge paired runs of one data set; :class:`Comparison` says by what rule.

    Args:
        differences: One for each run, positive where the layer is better.
        margin: The difference, in the same unit, below which layer and null are equally good.
        level: The confidence level of the interval, and 1 - the rate of false verdicts.
        test_train_ratio: n_test / n_train, 1/8 for an 80/10/10 split; 0 for independent runs.
        seed: Of the bootstrap and the random sign flips; the verdict does not depend on it.

    Raises:
        ValueError: on fewer than two runs, differences that are not finite, a margin that is not
            positive, a negative ratio, or a level outside (0, 1).

    >>> close = compare([0.001, -0.002, 0.003, 0.0, -0.001], margin=0.02, test_train_ratio=1 / 8)
    >>> close.explanation
    'null is as good: equivalent within 0.02, the difference is 0.0002 (p = 2.8e-05)'
    >>> compare([0.03, 0.05, 0.04, 0.06], margin=0.02, test_train_ratio=1 / 8).verdict
    'locality helps'
    >>> compare([0.03, 0.01, -0.01, 0.02], margin=0.02, test_train_ratio=0).explanation
    'undecided: about 6 more runs would settle it'
    """
    x = _checked(differences, margin, test_train_ratio, level)
    runs, mean = len(x), float(x.mean()) + 0.0  # a mean of -0.0 reads badly
    same = np.ptp(x) <= _SAME * max(margin, abs(mean))
    evidence = _Evidence(mean, 0.0 if same else float(x.std(ddof=1)), margin, test_train_ratio)
    alpha = 1 - level
    verdict = evidence.verdict(runs, alpha)
    more_runs = evidence.more_runs(runs, alpha)
    return Comparison(
        runs=runs,
        difference=mean,
        interval=(mean, mean) if same else _interval(x, level, seed),
        sign_flip_p=_sign_flip_p(x, seed),
        corrected_p=evidence.difference_p(runs),
        equivalence_p=evidence.equivalence_p(runs),
        superiority=float((np.sign(x).mean() + 1) / 2),
        margin=margin,
        level=level,
        verdict=verdict,
        more_runs=more_runs,
        explanation=f"{verdict}: {_reason(evidence, runs, alpha, more_runs)}",
    )


@dataclass(frozen=True)
class _Evidence:
    """What the tests go by: all but the number of runs, so that more of them can be imagined."""

    mean: float
    spread: float
    """The standard deviation of the differences."""
    margin: float
    ratio: float

    def difference_p(self, runs: int) -> float:
        if self.mean == 0:
            return 1.0
        return 2 * self._beyond(abs(self.mean), runs)

    def equivalence_p(self, runs: int) -> float:
        return self._beyond(self.margin - abs(self.mean), runs)

    def _beyond(self, distance: float, runs: int) -> float:
        """The one-sided p-value of a mean that lies so far from the hypothesis."""
        if self.spread == 0:
            return 0.5**runs if distance > 0 else 1.0
        error = sqrt(1 / runs + self.ratio) * self.spread
        return float(stdtr(runs - 1, -distance / error))

    def verdict(self, runs: int, alpha: float) -> Verdict:
        if self.equivalence_p(runs) <= alpha:
            return "null is as good"
        if self.difference_p(runs) <= alpha:
            return "locality helps" if self.mean > 0 else "null is better"
        return "undecided"

    def more_runs(self, runs: int, alpha: float) -> int | None:
        """By bisection: each p-value that can reject at all falls as runs are added."""

        def decided(n: int) -> bool:
            return self.verdict(n, alpha) != "undecided"

        if decided(runs) or not decided(_MOST_RUNS):
            return None
        return bisect_left(range(runs, _MOST_RUNS), True, key=decided)


def _checked(
    differences: Sequence[float], margin: float, ratio: float, level: float
) -> NDArray[np.float64]:
    x = np.asarray(differences, dtype=np.float64)
    if x.ndim != 1 or len(x) < 2:
        raise ValueError(f"differences must be of 2 runs or more, got shape {list(x.shape)}")
    if not np.isfinite(x).all():
        raise ValueError(f"differences must be finite, got {x[~np.isfinite(x)][0]}")
    if not 0 < margin < inf:
        raise ValueError(f"margin must be positive and finite, got {margin}")
    if not (ratio >= 0 and isfinite(ratio)):
        raise ValueError(f"test_train_ratio must be finite and not negative, got {ratio}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}")
    return x


def _interval(x: NDArray[np.float64], level: float, seed: int) -> tuple[float, float]:
    low, high = stats.bootstrap(
        (x,),
        np.mean,
        confidence_level=level,
        method="BCa",
        batch=_batch(x),
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(low), float(high)


def _sign_flip_p(x: NDArray[np.float64], seed: int) -> float:
    test = stats.permutation_test(
        (x,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        batch=_batch(x),
        random_state=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def _batch(x: NDArray[np.float64]) -> int:
    """How many resamples are held at once: 8 MiB of them."""
    return max(1, 2**20 // len(x))


def _reason(evidence: _Evidence, runs: int, alpha: float, more_runs: int | None) -> str:
    verdict = evidence.verdict(runs, alpha)
    if verdict == "undecided" and more_runs is None:
        return "this data set is too small for this margin"
    if verdict == "undecided":
        return f"about {more_runs} more run{'s' * (more_runs != 1)} would settle it"
    if verdict == "null is as good":
        though = " though not equal" if evidence.difference_p(runs) <= alpha else ""
        p, found = evidence.equivalence_p(runs), f"the difference is {evidence.mean:.2g}"
        return f"equivalent within {evidence.margin:g}{though}, {found} (p = {p:.2g})"
    winner = "layer" if verdict == "locality helps" else "null"
    p = evidence.difference_p(runs)
    return f"the {winner} is better by {abs(evidence.mean):.2g} (p = {p:.2g})"
