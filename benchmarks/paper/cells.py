"""The cells of the paper's tables: ours with its interval, beside the paper's."""

from collections.abc import Iterable, Iterator, Sequence
from math import inf, isfinite
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy import stats

from benchmarks.paper.judge import REBUILT, RUNS_OF_THE_PAPER, compiled, records
from graphpool_sanity.check.comparison import compare
from graphpool_sanity.datasets.load import metric_of
from graphpool_sanity.reproduce.contrasts import is_plan as planned
from graphpool_sanity.reproduce.study import Row, Study
from graphpool_sanity.reproduce.tables import Reported, reported
from graphpool_sanity.training.tasks import Unit

APART = "†"
NOT_THEIRS = "<br>training set not the paper's"


class Cell(NamedTuple):
    """A model on a data set."""

    row: Row
    dataset: str
    scores: list[float]
    """Raw test metrics."""
    is_plan: bool
    """Whether so many seeds were planned."""
    paper: Reported | None

    @property
    def unit(self) -> Unit:
        """In percent, where the paper's numbers are."""
        return Unit(metric_of(self.dataset))

    @property
    def values(self) -> list[float]:
        """The scores in the paper's unit."""
        return [self.unit.scale * score for score in self.scores]

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % of the mean over seeds: Student's, or, where seeds were added to a plan, the
        confidence sequence; ``None`` for fewer than three runs."""
        if len(self.scores) < 3:
            return None
        found = compare(self.values, 1.0, planned=self.is_plan)
        return found.interval if isfinite(found.interval[0]) else None

    @property
    def is_apart(self) -> bool:
        """Whether our mean and the paper's differ significantly: Welch's test at 5 %, or, where
        the paper gives no deviation, its mean lies outside our interval."""
        if len(self.scores) < 3 or self.paper is None or self.dataset in REBUILT:
            return False
        theirs = float(self.paper.mean)
        if not self.paper.std:
            low, high = self.interval or (-inf, inf)
            return not low <= theirs <= high
        test = stats.ttest_ind_from_stats(
            *(np.mean(self.values), np.std(self.values, ddof=1), len(self.values)),
            *(theirs, float(self.paper.std), RUNS_OF_THE_PAPER),
            equal_var=False,
        )
        return bool(test.pvalue < 0.05)

    def ours(self) -> str:
        """Mean and deviation, interval of the mean, number of runs."""
        if self.row.experiment is None:
            return "cited"
        if not self.scores:
            return "not run"
        shown = self.unit.mean_std(self.scores) + (f" {APART}" if self.is_apart else "")
        if self.interval is not None:
            ends = (f"{end:.{self.unit.digits}f}" for end in self.interval)
            shown += f"<br>[{', '.join(ends)}]"
        return f"{shown}, n = {len(self.scores)}"

    def __str__(self) -> str:
        return f"{self.ours()}<br>paper {self.paper}" if self.paper else self.ours()


def cell(study: Study, row: Row, dataset: str, folder: Path) -> Cell:
    """What the ledgers of a folder hold, and what the paper reports."""
    found = records(row, dataset, folder) if row.experiment else {}
    scores = [record["test"] for record in found.values()]
    is_plan = bool(found) and planned(found)
    return Cell(row, dataset, scores, is_plan, reported(row, dataset, study.title))


def table(study: Study, folder: Path) -> Iterator[str]:
    """A table of the paper, in Markdown."""
    heads = (
        f"{dataset}<br>{Unit(metric_of(dataset)).name}{NOT_THEIRS * (dataset in REBUILT)}"
        for dataset in study.datasets
    )
    yield from markdown(
        ["", *heads],
        (
            [row.label, *(str(cell(study, row, dataset, folder)) for dataset in study.datasets)]
            for row in study.rows
        ),
    )


def costs(studies: Sequence[Study], folder: Path) -> Iterator[str]:
    """The median seconds of a run, of each model on each data set, in Markdown."""
    datasets = list(dict.fromkeys(name for study in studies for name in study.datasets))
    rows = {row.label: row for study in studies for row in study.rows if row.experiment}
    yield from markdown(
        ["", *datasets],
        (
            [label, *(_seconds(row, name, folder) for name in datasets)]
            for label, row in rows.items()
        ),
    )


def _seconds(row: Row, dataset: str, folder: Path) -> str:
    runs = [run for run in records(row, dataset, folder).values() if not compiled(run)]
    return f"{median(run['seconds'] for run in runs):.0f} s" if runs else ""


def markdown(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table."""
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for line in lines:
        yield f"| {' | '.join(line)} |"
