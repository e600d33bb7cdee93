"""Statistics of paired runs: how far a layer is from its null, and what may be said of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, isfinite, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Verdict = Literal["locality helps", "null is as good", "null is better", "undecided"]
Interval = tuple[float, float]

LEAST_RUNS = 5
"""There is no verdict on fewer."""
_SAME = 2e-5
"""Differences nearer than this share of the margin, or of their mean, are equal: 4e-7 for a margin
of 0.02, which single precision rounds away from a metric between 0 and 1."""


@dataclass(frozen=True)
class Comparison:
    r"""A layer against its null over paired runs; differences are positive where the layer wins.

    The verdict is where the interval of the mean difference lies, from five runs on:

    1. *null is as good*: within (-margin, margin), even if it leaves out 0;
    2. *locality helps* above 0, *null is better* below 0: there is a difference, of any size;
    3. *undecided*: anywhere else. A missing difference is never called an equivalence.

    The interval is a confidence sequence: it holds the true mean **at all numbers of runs at
    once** with probability ``level``. So one may look after every run, stop as soon as there is a
    verdict, or add runs to an undecided check: a verdict is false with probability
    :math:`\alpha = 1 -` ``level`` at most. For n runs of mean d and standard deviation s it is

    .. math::
        d \pm e \sqrt{\frac{(n - 1)(k - 1)}{1 - k / a}}, \qquad
        e = s / \sqrt{n}, \quad a = 1 + n, \quad k = \left(\sqrt{a} / \alpha\right)^{2 / n}

    and infinite where :math:`k \ge a` (a normal mixture over the effect size, with the right Haar
    prior on the scale). If the number of runs was fixed beforehand (``planned``), Student's
    :math:`d \pm e\, t_{n - 1, 1 - \alpha / 2}` holds as well, and is narrower.

    That speaks of *this data set*, averaged over splits and seeds. ``beyond`` speaks of other
    graphs *like it*. Random splits overlap, which correlates the runs, and the mean of n of them
    has variance :math:`e^2 = (1 / n + n_\text{test} / n_\text{train}) s^2`, which no number of
    runs brings to 0. It is the same interval with this e. An official split has none.

    Differences that are all equal show no spread to go by. Then the interval is that point once
    chance alone gives so many equal signs with probability :math:`2^{1 - n} \le \alpha`: six
    runs at ``level`` 0.95.

    Lai, Ann. Statist. 1976; Hendriksen, de Heide, Grünwald, Bernoulli 2021; Wang, Ramdas, Ann.
    Statist. 2025 (the sequence); Nadeau, Bengio, Machine Learning 2003, section 3 (overlap).
    """

    runs: int
    difference: float
    """The mean difference."""
    interval: Interval
    """Of the mean difference on this data set: what the verdict goes by."""
    beyond: Interval | None
    """Of the mean difference on data like it; ``None`` if splits do not overlap."""
    superiority: float
    """The share of runs in which the layer wins, ties counted half."""
    margin: float
    level: float
    planned: bool
    """Whether the number of runs was fixed beforehand."""
    verdict: Verdict
    beyond_verdict: Verdict | None
    """What ``beyond`` says by the same rule."""
    more_runs: int | None
    """The fewest further runs that would decide, if mean and spread stay as they are; ``None`` if
    it is decided."""
    explanation: str
    """The verdict and what it rests on, in words."""

    @property
    def won(self) -> str:
        """In how many runs the layer wins, as ``"7 of 10"``."""
        return f"{self.superiority * self.runs:g} of {self.runs}"


def compare(
    differences: Sequence[float],
    margin: float,
    level: float = 0.95,
    test_train_ratio: float = 0.0,
    planned: bool = False,
) -> Comparison:
    """Judge paired runs of one data set; :class:`Comparison` says by what rule.

    Args:
        differences: One for each run, positive where the layer is better.
        margin: The difference, in the same unit, below which layer and null are equally good.
        level: The confidence level of the interval, and 1 - the rate of false verdicts.
        test_train_ratio: n_test / n_train, 1/8 for an 80/10/10 split; 0 if splits do not overlap.
        planned: Whether so many runs were planned beforehand, and none was added or left out
            because of what had been seen.

    Raises:
        ValueError: on fewer than two runs, differences that are not finite, a margin that is not
            positive, a negative ratio, or a level outside (0, 1).

    >>> close = compare([0.001, -0.002, 0.003, 0.0, -0.001], margin=0.02, test_train_ratio=1 / 8)
    >>> print(close.explanation)
    null is as good: the mean difference of 5 paired runs is +0.0002, and its 95 % interval \
[-0.0071, +0.0075] lies within the margin of 0.02
    >>> close.beyond_verdict
    'null is as good'
    >>> compare([0.03, 0.05, 0.04, 0.06, 0.05, 0.05], margin=0.02).verdict
    'locality helps'
    >>> compare([0.03, 0.01, -0.01, 0.02, 0.01, 0.02], margin=0.02).more_runs
    8
    """
    x = _checked(differences, margin, test_train_ratio, level)
    runs, mean = len(x), float(x.mean()) + 0.0  # a mean of -0.0 reads badly
    same = np.ptp(x) <= _SAME * max(margin, abs(mean))
    spread = 0.0 if same else float(x.std(ddof=1))

    def judged(n: int, ratio: float, planned: bool) -> tuple[Interval, Verdict]:
        half = half_width(n, spread, 1 - level, ratio, planned)
        interval = mean - half, mean + half
        return interval, verdict_of(interval, margin) if n >= LEAST_RUNS else "undecided"

    interval, verdict = judged(runs, 0.0, planned)
    beyond, beyond_verdict = (
        judged(runs, test_train_ratio, planned) if test_train_ratio else (None, None)
    )
    more_runs = None
    if verdict == "undecided":
        more_runs = _fewest(runs + 1, lambda n: judged(n, 0.0, False)[1] != "undecided") - runs
    found = Comparison(
        runs=runs,
        difference=mean,
        interval=interval,
        beyond=beyond,
        superiority=float((np.sign(x).mean() + 1) / 2),
        margin=margin,
        level=level,
        planned=planned,
        verdict=verdict,
        beyond_verdict=beyond_verdict,
        more_runs=more_runs,
        explanation="",
    )
    return replace(found, explanation=explain(found, _plain))


def half_width(
    runs: int, spread: float, alpha: float, ratio: float = 0.0, planned: bool = False
) -> float:
    """Half of the interval of :class:`Comparison`, for differences of this standard deviation."""
    if spread == 0:
        return 0.0 if 2.0 ** (1 - runs) <= alpha else inf
    error = spread * sqrt(1 / runs + ratio)
    if planned:
        return error * float(stdtrit(runs - 1, 1 - alpha / 2))
    a = 1 + runs
    k = exp(2 / runs * (log(a) / 2 - log(alpha)))
    return inf if k >= a else error * sqrt((runs - 1) * (k - 1) / (1 - k / a))


def verdict_of(interval: Interval, margin: float) -> Verdict:
    """What an interval of the mean difference says, by where it lies."""
    low, high = interval
    if -margin < low and high < margin:
        return "null is as good"
    if low > 0:
        return "locality helps"
    return "null is better" if high < 0 else "undecided"


def explain(found: Comparison, show: Callable[[float], str], unit: str = "") -> str:
    """A verdict and what it rests on, with numbers as ``show`` has them, in a unit."""
    ends = ", ".join(show(end) for end in found.interval)
    mean = f"{show(found.difference)}{unit}"
    measured = f"the mean difference of {found.runs} paired runs is {mean}"
    interval = f"its {100 * found.level:g} % interval [{ends}]"
    margin = f"{show(found.margin).lstrip('+')}{unit}"
    if found.verdict == "null is as good":
        unequal = found.interval[0] > 0 or found.interval[1] < 0
        where = f"lies within the margin of {margin}{', though not around 0' if unequal else ''}"
    elif found.verdict == "undecided":
        where = _what_is_missing(found, margin)
    else:
        where = f"lies {'above' if found.verdict == 'locality helps' else 'below'} 0"
    return f"{found.verdict}: {measured}, and {interval} {where}"


def _what_is_missing(found: Comparison, margin: str) -> str:
    assert found.more_runs is not None
    more = f"about {found.more_runs} more run{'s' * (found.more_runs != 1)} would settle it"
    if found.runs < LEAST_RUNS:
        return f"does not count: a verdict takes {LEAST_RUNS} runs or more; {more}"
    if not isfinite(found.interval[0]):
        return f"has no end: the differences are equal, which shows no spread; {more}"
    return f"holds 0 and reaches beyond the margin of {margin}; {more}"


def _plain(value: float) -> str:
    shown = f"{value:+.2g}"
    return shown if float(shown) else "0"


def _fewest(low: int, decided: Callable[[int], bool]) -> int:
    """The smallest n from ``low`` on that decides: more runs always do, later ones as well."""
    high = low
    while not decided(high):
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle + 1, high)
    return low


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
