"""Pairs of a study's models: what came out of their paired differences, and the figure of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from graphpool_sanity.check.arguments import resolve_margin
from graphpool_sanity.check.comparison import Comparison, compare
from graphpool_sanity.check.figures import plot_differences
from graphpool_sanity.check.words import reason
from graphpool_sanity.datasets.load import NAMES, load_once, metric_of
from graphpool_sanity.reproduce.plots import Found
from graphpool_sanity.reproduce.study import Row
from graphpool_sanity.training.ledger import Record
from graphpool_sanity.training.tasks import MARGIN, Unit

PLANS = (3, 5, 10, 20)
"""How many runs the paper's ledgers were planned for, where their records do not say; by three,
where a run takes hours, no verdict falls."""


class Contrast(NamedTuple):
    """Two models of a study, over the seeds of both."""

    first: str
    second: str
    dataset: str
    differences: list[float]
    """Positive where the first is better."""
    comparison: Comparison

    def __str__(self) -> str:
        said = {
            "locality helps": f"{self.first} is better",
            "null is as good": f"{self.second} is as good",
            "null is better": f"{self.second} is better",
            "undecided": "undecided",
        }
        return (
            f"{self.first} − {self.second} on {self.dataset}: {said[self.comparison.verdict]}; "
            f"{reason(self.comparison, metric_of(self.dataset))}."
        )


def contrasts(pairs: Sequence[tuple[Row, Row]], found: Found) -> list[Contrast]:
    """Each pair of models on each data set, but for those that share fewer than two seeds."""
    made = []
    for dataset, models in found.items():
        for first, second in pairs:
            a, b = models[first.label], models[second.label]
            own = [*paired_differences(a, b, dataset).values()]
            if len(own) > 1:
                compared = compare(own, margin_of(dataset), planned=is_plan(a, b))
                made.append(Contrast(first.label, second.label, dataset, own, compared))
    return made


def pairs_of(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The first model of each experiment and settings, with each that differs in its variant."""
    firsts, pairs = list[Row](), []
    for row in rows:
        first = next((other for other in firsts if _differ_in_variant(other, row)), None)
        if first is None:
            firsts.append(row)
        else:
            pairs.append((first, row))
    return pairs


def paired_differences(
    first: Mapping[int, Record], second: Mapping[int, Record], dataset: str
) -> dict[int, float]:
    """By how much the first model's test metric is better, by the seeds that both have run with."""
    sign, seeds = Unit(metric_of(dataset)).sign, sorted(first.keys() & second.keys())
    return {seed: sign * (first[seed]["test"] - second[seed]["test"]) for seed in seeds}


def margin_of(dataset: str) -> float:
    """The margin: of the paper's data sets as it was laid down before their first run."""
    return MARGIN if dataset in NAMES else resolve_margin(None, load_once(dataset))


def is_plan(*models: Mapping[int, Record]) -> bool:
    """Whether the seeds that models share are as many as were asked for before the first ran.

    Each run keeps how many were asked for with it; of a model whose runs do not, one of
    :data:`PLANS` is taken to have been.
    """
    shared = set.intersection(*(set(runs) for runs in models))
    asked = [{runs[seed].get("planned") for seed in shared} for runs in models]
    if any(len(numbers) != 1 for numbers in asked):  # some were added later
        return False
    said = [number for (number,) in asked if number is not None]
    seeds = len(shared)
    return seeds == min(said, default=seeds) and (len(said) == len(models) or seeds in PLANS)


def planned_first(*models: Mapping[int, Record]) -> list[int]:
    """The seeds that models share, without those that were added to a model later."""
    first = [
        {seed for seed, run in runs.items() if run.get("planned") == runs[min(runs)].get("planned")}
        for runs in models
    ]
    return sorted(set.intersection(*first))


def plot_contrasts(contrasts: Sequence[Contrast]) -> Figure:
    """The differences of one data set's pairs of models, their means and intervals."""
    by_name = {f"{pair.first} − {pair.second}": pair for pair in contrasts}
    return plot_differences(
        {name: pair.comparison for name, pair in by_name.items()},
        {name: pair.differences for name, pair in by_name.items()},
        Unit(metric_of(contrasts[0].dataset)),
        of="",
        better="the first",
    )


def _differ_in_variant(first: Row, second: Row) -> bool:
    same = first.experiment is second.experiment and first.settings == second.settings
    return first.experiment is not None and same and first.variant != second.variant
