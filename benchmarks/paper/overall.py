"""A claim over all of its data sets: one mean, one interval, one verdict."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from matplotlib.figure import Figure

from benchmarks.paper.judge import Finding, Status, status_of
from graphpool_sanity.check.combine import Combined, combined
from graphpool_sanity.check.figures import ForestLine, plot_forest
from graphpool_sanity.training.tasks import MARGINS, Unit

UNIT, LEVEL = Unit(MARGINS), 0.95
WIDEST = 30.0
"""In margins: an interval from so few runs that it says nothing is not drawn."""


class Overall(NamedTuple):
    """What the runs on all data sets say of a claim."""

    words: str
    status: Status | Literal["mixed"]
    combined: Combined | None = None


def overall(found: Sequence[Finding]) -> Overall:
    """Pairs of models are reviewed over data sets; of all other claims the data sets are counted.

    On each data set a claim's pairs are averaged seed by seed, for these share the split.
    """
    sets = _by_dataset(found)
    if not sets:
        return _counted(found)
    review = combined("first", "second", sets, margin=1.0, level=LEVEL)
    expected = next(one.expected for one in found if one.expected)
    many = f"{len(sets)} data set{'s' * (len(sets) > 1)}"
    shown = f"{UNIT.signed(review.difference)} {UNIT.interval(review.interval)}"
    return Overall(f"{shown} on {many}", status_of(review.verdict, expected), review)


def _by_dataset(found: Sequence[Finding]) -> Mapping[str, Mapping[int, float]]:
    taken: dict[str, list[Mapping[int, float]]] = defaultdict(list)
    for one in found:
        if one.margins:
            taken[one.dataset].append(one.margins)
    sets = {}
    for dataset, pairs in taken.items():
        seeds = [seed for seed in pairs[0] if all(seed in pair for pair in pairs)]
        sets[dataset] = {seed: fmean(pair[seed] for pair in pairs) for seed in seeds}
    return {dataset: own for dataset, own in sets.items() if len(own) > 1}


def _counted(found: Sequence[Finding]) -> Overall:
    run = [one for one in found if one.status != "not run"]
    said = {one.status for one in run if one.status != "undecided"}
    holds = {one.dataset for one in run} - {o.dataset for o in run if o.status != "reproduced"}
    words = f"on {len(holds)} of {len({one.dataset for one in run})} data sets" if run else ""
    if run and max(one.runs for one in run) == 1:
        words += ", from one run each"
    if len(said) > 1:
        return Overall(words, "mixed")
    if said:
        return Overall(words, said.pop())
    return Overall(words, "undecided" if run else "not run")


def picture(claims: Mapping[int, Sequence[Finding]]) -> Figure:
    """The means of the claims that compare pairs of models, by their number, in margins."""
    lines = []
    for number, found in claims.items():
        review = overall(found).combined
        if review is not None and review.interval[1] - review.interval[0] < WIDEST:
            label = f"{number}. {_compared(found)}"
            lines.append(ForestLine(label, review.difference, review.interval, is_diamond=True))
    return plot_forest(lines, UNIT, 1.0, better="the first")


def _compared(found: Sequence[Finding]) -> str:
    pairs = [one.compared.split(" − ") for one in found if one.margins]
    label = " − ".join(", ".join(dict.fromkeys(side)) for side in zip(*pairs, strict=True))
    return label if len(label) < 34 else label[:32].rstrip(", ") + " …"
