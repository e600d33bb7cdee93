"""A claim over all of its data sets: one mean, one interval, one verdict."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal, NamedTuple

from matplotlib.figure import Figure

from benchmarks.paper.judge import Finding, Status, status_of
from graphpool_sanity.check.combine import Combined, combined
from graphpool_sanity.check.comparison import LEAST_RUNS, compare
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
    notes: Sequence[str] = ()
    """What is not in the mean."""


def overall(found: Sequence[Finding]) -> Overall:
    """Pairs of models are reviewed over data sets; of all other claims the data sets are counted.

    On each data set a claim's pairs are averaged seed by seed, for these share the split. As in
    :func:`~graphpool_sanity.review`, the mean over data sets is of the seeds that were planned
    first; a data set that alone has enough has all of its seeds, and its own interval.
    """
    pairs = _by_dataset(found)
    if not pairs:
        return _counted(found)
    every = {name: _averaged(own, [one.margins for one in own]) for name, own in pairs.items()}
    first = {name: _averaged(own, [one.first for one in own]) for name, own in pairs.items()}
    enough = _with_enough(every)
    if len(enough) > 1:
        enough = _with_enough(first)
    few = ", ".join(name for name in pairs if name not in enough)
    notes = [f"Left out, with fewer than {LEAST_RUNS} planned runs: {few}."] if few else []
    if not enough:
        return Overall(f"no data set has {LEAST_RUNS} planned runs", "undecided", None, notes)
    if len(enough) == 1:
        (name,) = enough
        review = _alone(name, every[name], all(one.is_plan for one in pairs[name]))
    else:
        review = combined("first", "second", enough, margin=1.0, level=LEVEL)
        notes += _added(every, enough)
    expected = next(one.expected for one in found if one.expected)
    opposed = sum(one.status == "not reproduced" for one in found)
    shown = f"{UNIT.signed(review.difference)} {UNIT.interval(review.interval)} on {_named(enough)}"
    compared = sum(map(len, pairs.values()))
    if 0 < opposed < compared:
        shown += f"; {opposed} of {compared} comparisons to the contrary"
    return Overall(shown, status_of(review.interval, 1.0, expected), review, notes)


def _by_dataset(found: Sequence[Finding]) -> Mapping[str, Sequence[Finding]]:
    """The pairs of models of each data set that has any."""
    pairs: dict[str, list[Finding]] = defaultdict(list)
    for one in found:
        if one.margins:
            pairs[one.dataset].append(one)
    return pairs


def _averaged(pairs: Sequence[Finding], seeds: Sequence[Collection[int]]) -> Mapping[int, float]:
    """The mean over pairs of the seeds that all have."""
    common = sorted(set.intersection(*map(set, seeds)))
    return {seed: fmean(one.margins[seed] for one in pairs) for seed in common}


def _with_enough(seeds: Mapping[str, Mapping[int, float]]) -> Mapping[str, Mapping[int, float]]:
    """The data sets on which a verdict is possible."""
    return {name: own for name, own in seeds.items() if len(own) >= LEAST_RUNS}


def _alone(name: str, own: Mapping[int, float], is_plan: bool) -> Combined:
    """A data set without any other: all its seeds, with the interval that they allow."""
    found = compare([*own.values()], 1.0, LEVEL, planned=is_plan)
    review = combined("first", "second", {name: own}, margin=1.0, level=LEVEL)
    return replace(review, interval=found.interval, verdict=found.verdict)


def _added(
    every: Mapping[str, Mapping[int, float]], first: Mapping[str, Mapping[int, float]]
) -> Iterator[str]:
    """The seeds that were added later, by data set."""
    added = [
        f"{len(every[name]) - len(own)} of {len(every[name])} on {name}"
        for name, own in first.items()
        if len(own) < len(every[name])
    ]
    if added:
        yield f"Runs that were added later are not in the mean: {', '.join(added)}."


def _named(datasets: Collection[str]) -> str:
    return ", ".join(datasets) if len(datasets) < 3 else f"{len(datasets)} data sets"


def _counted(found: Sequence[Finding]) -> Overall:
    """A claim holds if it does on every data set that has run, and not if on one it does not."""
    run = [one for one in found if one.status != "not run"]
    if not run:
        return Overall("", "not run")
    told: dict[str, set[str]] = defaultdict(set)
    for one in run:
        told[one.dataset].add(one.status)
    of = {name: next(s for s in _ORDER if s in own) for name, own in told.items()}
    words = ", ".join(
        f"{status} on {_named([name for name, own in of.items() if own == status])}"
        for status in dict.fromkeys(sorted(of.values(), key=_ORDER.index))
    )
    decided = set(of.values()) - {"undecided"}
    if max(one.runs for one in run if one.status in (decided or of.values())) == 1:
        words += ", from one run each"
    if len(decided) > 1:
        return Overall(words, "mixed")
    if decided == {"not reproduced"} or set(of.values()) == {"reproduced"}:
        return Overall(words, decided.pop())
    return Overall(words, "undecided")


_ORDER: Sequence[Status] = ("not reproduced", "undecided", "reproduced")


def is_drawn(review: Combined) -> bool:
    """Whether its interval is narrow enough for the picture."""
    return review.interval[1] - review.interval[0] < WIDEST


def picture(claims: Mapping[int, Sequence[Finding]]) -> Figure:
    """The means of the claims that compare pairs of models, by their number, in margins."""
    lines = []
    for number, found in claims.items():
        review = overall(found).combined
        if review is not None and is_drawn(review):
            label = f"{number}. {_compared(found)}"
            lines.append(ForestLine(label, review.difference, review.interval, is_diamond=True))
    return plot_forest(lines, UNIT, 1.0, better="the first")


def _compared(found: Sequence[Finding]) -> str:
    pairs = [one.compared.split(" − ") for one in found if one.margins]
    label = " − ".join(", ".join(dict.fromkeys(side)) for side in zip(*pairs, strict=True))
    return label if len(label) < 34 else label[:32].rstrip(", ") + " …"
