"""Rules by which runs speak for or against a claim of the paper."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from graphpool_sanity.check.comparison import LEAST_RUNS, Comparison, Interval, compare, verdict_of
from graphpool_sanity.datasets.load import metric_of
from graphpool_sanity.reproduce.contrasts import (
    is_plan,
    margin_of,
    paired_differences,
    planned_first,
)
from graphpool_sanity.reproduce.study import Row, Runs
from graphpool_sanity.reproduce.tables import reported
from graphpool_sanity.training.ledger import Record
from graphpool_sanity.training.tasks import Unit

RUNS_OF_THE_PAPER = 20
SEEDS = 100
"""Those that are looked for: whoever runs more of an undecided claim is to see them count."""
REBUILT = ("SMNIST", "ZINC")
"""Data sets whose training graphs are not the paper's: its numbers are not ours to reach."""
Status = Literal["reproduced", "not reproduced", "undecided", "not run"]
Expected = Literal["second is as good", "first is better"]


class Finding(NamedTuple):
    """What the runs on one data set say."""

    dataset: str
    compared: str
    runs: int = 0
    numbers: str = ""
    words: str = ""
    status: Status = "not run"
    expected: Expected | None = None
    """What the paper says of a pair of models."""
    margins: Mapping[int, float] = {}
    """By how many margins the first of the pair is better, by seed."""
    is_plan: bool = False
    """Whether so many seeds were planned."""
    first: Sequence[int] = ()
    """The seeds that were planned, without those that were added later."""


Rule = Callable[[Path], list[Finding]]
"""What the ledgers of a folder say."""


def records(row: Row, dataset: str, folder: Path) -> dict[int, Record]:
    """The runs of a model by seed, as the paper sets it up."""
    return Runs(folder, SEEDS).find(row, dataset)


def scores(row: Row, dataset: str, folder: Path) -> list[float]:
    """Test metrics, negative where less is better."""
    sign = Unit(metric_of(dataset)).sign
    return [sign * record["test"] for record in records(row, dataset, folder).values()]


def paired(
    pairs: Sequence[tuple[Row, Row]],
    datasets: Sequence[str],
    expected: Expected,
) -> Rule:
    """Runs of one seed are compared; what the paper expects must be shown, not just allowed."""

    def rule(folder: Path) -> list[Finding]:
        return [
            _pair(first, second, dataset, folder, expected)
            for dataset in datasets
            for first, second in pairs
        ]

    return rule


def _pair(first: Row, second: Row, dataset: str, folder: Path, expected: Expected) -> Finding:
    name = f"{first.label} − {second.label}"
    a, b = (records(row, dataset, folder) for row in (first, second))
    found, unit = paired_differences(a, b, dataset), Unit(metric_of(dataset))
    if len(found) < 2:
        return Finding(dataset, name)
    margin = margin_of(dataset)
    result = compare([*found.values()], margin, planned=is_plan(a, b))
    numbers = f"{unit.signed(result.difference)} {unit.interval(result.interval)}"
    words = _in_words(result, first, second, unit)
    enough = result.runs >= LEAST_RUNS
    status = status_of(result.interval, margin, expected) if enough else "undecided"
    margins = {seed: value / margin for seed, value in found.items()}
    seeds = (result.planned, planned_first(a, b))
    return Finding(dataset, name, result.runs, numbers, words, status, expected, margins, *seeds)


def status_of(interval: Interval, margin: float, expected: Expected) -> Status:
    """What an interval of the difference says of what the paper expects.

    The second is as good, or better, if the first is not better by the margin.
    """
    as_good = interval[1] < margin
    better = verdict_of(interval, margin) == "locality helps"
    shown, opposed = (better, as_good) if expected == "first is better" else (as_good, better)
    return "reproduced" if shown else "not reproduced" if opposed else "undecided"


def differences(first: Row, second: Row, dataset: str, folder: Path) -> dict[int, float]:
    """By how much the first is better, by the seeds that both have run with."""
    a, b = (records(row, dataset, folder) for row in (first, second))
    return paired_differences(a, b, dataset)


def _in_words(result: Comparison, first: Row, second: Row, unit: Unit) -> str:
    if result.verdict == "null is as good":
        return f"{second.label} is as good within {unit.margin(result.margin)}"
    if result.verdict == "undecided" and result.runs < LEAST_RUNS:
        return f"no verdict on fewer than {LEAST_RUNS} runs"
    if result.verdict == "undecided" and result.interval[1] < result.margin:
        return f"{second.label} is as good within {unit.margin(result.margin)}, or better"
    if result.verdict == "undecided":
        more = f"{result.more_runs} more run{'s' * (result.more_runs != 1)}"
        return f"undecided: about {more} would settle it"
    better = first if result.verdict == "locality helps" else second
    return f"{better.label} is better"


def _if_enough(runs: int, holds: bool) -> Status:
    """Of a claim on means or deviations alone: it takes as many runs as the paper's."""
    if runs < RUNS_OF_THE_PAPER:
        return "undecided"
    return "reproduced" if holds else "not reproduced"


def some_null_has_the_highest_mean(
    layer: Row, nulls: Sequence[Row], datasets: Sequence[str]
) -> Rule:
    """The highest mean, over the runs there are, is that of a null."""

    def finding(dataset: str, folder: Path) -> Finding:
        means = {row.label: scores(row, dataset, folder) for row in (layer, *nulls)}
        if not all(means.values()):
            return Finding(dataset, "means")
        unit = Unit(metric_of(dataset))
        factor = unit.sign * unit.scale
        best = max(means, key=lambda label: np.mean(means[label]))
        shown = ", ".join(f"{k} {factor * np.mean(v):.3g}" for k, v in means.items())
        runs = min(map(len, means.values()))
        status = _if_enough(runs, best != layer.label)
        return Finding(dataset, "means", runs, shown, f"{best} leads", status)

    return lambda folder: [finding(dataset, folder) for dataset in datasets]


def no_more_variance(layer: Row, nulls: Sequence[Row], datasets: Sequence[str]) -> Rule:
    """No significantly higher variance than the layer's: Brown and Forsythe's test at 5 %."""

    def finding(dataset: str, null: Row, folder: Path) -> Finding:
        name = f"{null.label} / {layer.label}"
        ours, theirs = (scores(row, dataset, folder) for row in (null, layer))
        if min(len(ours), len(theirs)) < 3:
            return Finding(dataset, name)
        ratio = float(np.std(ours, ddof=1) / np.std(theirs, ddof=1))
        p = float(stats.levene(ours, theirs, center="median").pvalue)
        runs = min(len(ours), len(theirs))
        status = _if_enough(runs, ratio <= 1 or p >= 0.05)
        return Finding(dataset, name, runs, f"deviations × {ratio:.2f}", f"p = {p:.2g}", status)

    return lambda folder: [finding(d, null, folder) for d in datasets for null in nulls]


def near_the_cited(row: Row, cited: Sequence[Row], datasets: Sequence[str]) -> Rule:
    """The mean is no more than the margin behind the best that the paper cites, by Welch's test."""

    def finding(dataset: str, folder: Path) -> Finding:
        unit, margin = Unit(metric_of(dataset)), margin_of(dataset)
        numbers = {one.label: reported(one, dataset) for one in cited}
        values = scores(row, dataset, folder)
        means = {name: unit.sign * float(n.mean) for name, n in numbers.items() if n and n.std}
        if len(values) < 2 or not means:
            return Finding(dataset, row.label)
        best = max(means, key=lambda name: means[name])
        number = numbers[best]
        assert number is not None
        assert number.std is not None
        theirs = (means[best] / unit.scale, float(number.std) / unit.scale, RUNS_OF_THE_PAPER)
        interval = _welch(theirs, values)
        shown = f"{unit.signed(sum(interval) / 2)} {unit.interval(interval)}"
        enough = len(values) >= LEAST_RUNS
        status = status_of(interval, margin, "second is as good") if enough else "undecided"
        words = f"{best}, as cited: {number}"
        return Finding(dataset, f"{best} − {row.label}", len(values), shown, words, status)

    return lambda folder: [finding(dataset, folder) for dataset in datasets]


def _welch(first: tuple[float, float, int], second: Sequence[float]) -> Interval:
    """95 % of the difference of two means: the first of known deviation and number."""
    mean, std, runs = first
    errors = std**2 / runs, float(np.var(second, ddof=1)) / len(second)
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / (runs - 1) + errors[1] ** 2 / (len(second) - 1))
    half = float(stats.t.ppf(0.975, freedom)) * sum(errors) ** 0.5
    difference = mean - float(np.mean(second))
    return difference - half, difference + half


def gaps_below(pairs: Sequence[tuple[Row, Row]], datasets: Sequence[str], limit: float) -> Rule:
    """No pair's difference of one run each, as in the paper, exceeds the limit."""

    def finding(dataset: str, folder: Path) -> Finding:
        found = [differences(*pair, dataset, folder) for pair in pairs]
        gaps = [abs(own[min(own)]) for own in found if own]
        if not gaps:
            return Finding(dataset, "largest gap")
        words = f"{len(gaps)} of {len(pairs)} settings"
        status: Status = "undecided" if len(gaps) < len(pairs) else "reproduced"
        status = "not reproduced" if max(gaps) > limit else status
        shown = Unit(metric_of(dataset)).difference(max(gaps)).lstrip("+")
        return Finding(dataset, "largest gap", 1, shown, words, status)

    return lambda folder: [finding(dataset, folder) for dataset in datasets]


def takes_at_most(share: float, row: Row, of: Row, dataset: str) -> Rule:
    """The median time of an epoch, evaluation included, against another model's.

    Of runs that were not compiled: compilation reaches more of some models than of others.
    """

    def rule(folder: Path) -> list[Finding]:
        name = f"{row.label} / {of.label}"
        runs = [
            [record for record in records(model, dataset, folder).values() if not compiled(record)]
            for model in (row, of)
        ]
        if not all(runs):
            return [Finding(dataset, name)]
        ours, theirs = (float(np.median([seconds_per_epoch(r) for r in some])) for some in runs)
        status: Status = "reproduced" if ours / theirs <= share else "not reproduced"
        shown, words = f"{ours:.3g} s / {theirs:.3g} s an epoch", f"× {ours / theirs:.2f}"
        return [Finding(dataset, name, min(map(len, runs)), shown, words, status)]

    return rule


def compiled(record: Record) -> bool:
    """Whether the model was; records from before it could be do not say."""
    return bool(record.get("compiled"))


def seconds_per_epoch(record: Record) -> float:
    """Training and evaluation."""
    return float(record["seconds"] / record["epochs"])


def all_of(*rules: Rule) -> Rule:
    """What each of the rules finds."""
    return lambda folder: [finding for rule in rules for finding in rule(folder)]
