"""Tables of test metrics: rows of models, columns of data sets, ours beside the paper's."""

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from rich.table import Table

from graphpool_sanity.datasets.load import metric_of
from graphpool_sanity.reproduce.experiment import model_name, settings_of
from graphpool_sanity.reproduce.plots import Found
from graphpool_sanity.reproduce.study import Row
from graphpool_sanity.training.ledger import Record
from graphpool_sanity.training.tasks import Unit


class Reported(NamedTuple):
    """A number of the paper."""

    mean: str
    std: str
    """Empty where the paper gives none."""
    source: str

    def __str__(self) -> str:
        return f"{self.mean} ± {self.std}" if self.std else self.mean


def reported(
    row: Row, dataset: str, source: str = "", given: Mapping[str, Any] | None = None
) -> Reported | None:
    """What the paper reports of a model, in ``source`` if there, else wherever it first does."""
    if not _as_published(row, dataset):
        return None
    found = _paper().get((_paper_name(row, dataset, given or {}), row.variant, dataset), [])
    return next((number for number in found if number.source == source), next(iter(found), None))


_PUBLISHED_BOTH_WAYS = ("convs", "version")


def _as_published(row: Row, dataset: str) -> bool:
    """Whether the row's own settings are ones whose results the paper gives in numbers."""
    published = {} if row.experiment is None else settings_of(row.experiment, dataset, {})
    own = row.settings.items()
    return all(published[name] == value or name in _PUBLISHED_BOTH_WAYS for name, value in own)


def _paper_name(row: Row, dataset: str, given: Mapping[str, Any]) -> str:
    """What ``paper.csv`` calls the row's models."""
    if row.experiment is None:
        return "cited"
    settings = row.settings_on(dataset, given)
    return model_name(row.experiment, settings) + ("-1conv" if settings.get("convs") == 1 else "")


def paper_datasets(model: str) -> list[str]:
    """The data sets on which the paper reports a model."""
    return list(dict.fromkeys(dataset for name, _, dataset in _paper() if name == model))


@cache
def _paper() -> dict[tuple[str, str, str], list[Reported]]:
    text = files("graphpool_sanity.reproduce").joinpath("paper.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str, str], list[Reported]] = {}
    for line in csv.DictReader(text.splitlines()):
        number = Reported(line["mean"], line["std"], line["source"])
        found.setdefault((line["model"], line["variant"], line["dataset"]), []).append(number)
    return found


def ours(row: Row, dataset: str, records: Mapping[int, Record]) -> str:
    """Mean, standard deviation and number of our runs."""
    if row.experiment is None:
        return ""
    if not records:
        return "not run"
    scores = [record["test"] for record in records.values()]
    return f"{Unit(metric_of(dataset)).mean_std(scores)} ({len(scores)})"


def table(title: str, rows: Sequence[Row], found: Found, given: Mapping[str, Any]) -> Table:
    """Each model's mean, standard deviation and number of runs, and below it the paper's if any."""
    heads = (f"{dataset}\n{Unit(metric_of(dataset)).name}" for dataset in found)
    shown = Table("", *heads, title=f"{title}: test metric (runs)", show_lines=True)
    for column in shown.columns:
        column.overflow = "fold"
    for row in rows:
        cells = []
        for dataset, models in found.items():
            number = reported(row, dataset, title, given)
            if number:
                shown.title = f"{title}: test metric (runs), and the paper's"
            below = f"\npaper {number}" if number else ""
            cells.append((ours(row, dataset, models.get(row.label, {})) + below).strip())
        shown.add_row(row.label, *cells)
    return shown
