"""Pairs of a study's models: what came out of their paired differences, and the figure of them."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from graphpool_sanity.check.arguments import resolve_margin
from graphpool_sanity.check.comparison import Comparison, compare
from graphpool_sanity.check.figures import plot_differences
from graphpool_sanity.check.words import reason
from graphpool_sanity.datasets.load import is_here, load_once, metric_of
from graphpool_sanity.reproduce.plots import Found
from graphpool_sanity.reproduce.study import Row
from graphpool_sanity.training.tasks import MARGIN, Unit


class Contrast(NamedTuple):
    """Two models of an experiment that differ in their variant alone, over the seeds of both."""

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


def contrasts(rows: Sequence[Row], found: Found) -> list[Contrast]:
    """The first model of each experiment and settings with each other of these, on each data set.

    Seeds are a plan: the interval is Student's. Left out are models that share fewer than two, and
    data sets that are not here whose metric is an error, as its margin is a share of a constant's.
    """
    made = []
    for dataset, models in found.items():
        unit = Unit(metric_of(dataset))
        if unit.scale == 1 and not is_here(dataset):
            continue
        firsts = list[Row]()
        for row in rows:
            first = next((other for other in firsts if _differ_in_variant(other, row)), None)
            if first is None:
                firsts.append(row)
                continue
            a, b = models[first.label], models[row.label]
            own = [unit.sign * (a[s]["test"] - b[s]["test"]) for s in sorted(a.keys() & b.keys())]
            if len(own) > 1:
                margin = MARGIN if unit.scale > 1 else resolve_margin(None, load_once(dataset))
                compared = compare(own, margin, planned=True)
                made.append(Contrast(first.label, row.label, dataset, own, compared))
    return made


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
