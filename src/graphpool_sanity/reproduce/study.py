"""A study: a table or a figure of the paper, as the runs that it rests on and how it is shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from graphpool_sanity.datasets.load import is_here
from graphpool_sanity.reproduce.experiment import (
    Experiment,
    Resources,
    configs_of,
    content_of,
    is_of,
    ledger_path,
    run_configs,
    settings_of,
)
from graphpool_sanity.reproduce.plots import Found, box_plots
from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.workers import Config


@dataclass(frozen=True)
class Row:
    """A model: a variant of an experiment, with settings of its own; or one that is only cited."""

    label: str
    variant: str
    experiment: Experiment | None = None
    """``None``: only cited."""
    settings: Mapping[str, Any] = field(default_factory=dict)

    def settings_on(self, dataset: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """All settings on a data set: the row's own, else those given, else the paper's."""
        if self.experiment is None:
            return {}
        return settings_of(self.experiment, dataset, {**given, **self.settings})


@dataclass(frozen=True)
class Study:
    """What a table or figure of the paper compares, and on which data."""

    title: str
    rows: Sequence[Row]
    datasets: Sequence[str]
    """The paper's."""
    draw: Callable[[Found], Figure] = box_plots
    runs: int = 20
    """Of each row on each data set, in the paper."""
    quick_rows: Sequence[Row] = ()
    """What a quick call runs; all rows if empty."""
    pairs: Sequence[tuple[str, str]] = ()
    """By their labels, the rows to compare; those that differ in their variant alone if empty."""
    usable: Callable[[Record], object] = lambda _: True
    """Whether a record holds what is to be drawn; runs kept without it are run once more."""

    @property
    def experiments(self) -> list[Experiment]:
        """Those of the rows, each once."""
        found = {row.experiment.family: row.experiment for row in self.rows if row.experiment}
        return list(found.values())


@dataclass(frozen=True)
class Runs:
    """Runs in the ledgers of a folder: seeds 0 to ``number`` - 1 of any row and data set."""

    folder: Path
    number: int
    given: Mapping[str, Any] = field(default_factory=dict)
    """Settings in place of the paper's."""
    usable: Callable[[Record], object] = lambda _: True
    """Which records count."""
    contents: dict[str, str] = field(default_factory=dict)
    """What the data sets hold that have been looked at: records of others by their names do not
    count."""

    def carry_out(self, rows: Iterable[Row], dataset: str, resources: Resources) -> None:
        """Run what the ledgers lack, all rows that share a ledger together.

        A data set whose files are here is looked at; one that is not is fetched if a run lacks.
        """
        if is_here(dataset):
            self.contents[dataset] = content_of(dataset)
        wanted: dict[Path, list[Sequence[Config]]] = {}
        experiments: dict[Path, Experiment] = {}
        for row in rows:
            if row.experiment is not None:
                path, configs = self._configs(row, row.experiment, dataset)
                experiments[path] = row.experiment
                wanted.setdefault(path, []).append(configs)
        for path, columns in wanted.items():
            one_seed_after_the_other = [c for seed in zip(*columns, strict=True) for c in seed]
            ledger = Ledger(path, self._counts)
            run_configs(experiments[path], one_seed_after_the_other, ledger, resources)

    def find(self, row: Row, dataset: str) -> dict[int, Record]:
        """What the ledgers hold: the record of each seed."""
        if row.experiment is None:
            return {}
        path, configs = self._configs(row, row.experiment, dataset)
        records = enumerate(Ledger(path, self._counts).find(configs))
        return {seed: record for seed, record in records if record is not None}

    def _counts(self, record: Record) -> bool:
        content = self.contents.get(record["config"]["dataset"])
        return bool(self.usable(record)) and (content is None or is_of(content, record))

    def _configs(
        self, row: Row, experiment: Experiment, dataset: str
    ) -> tuple[Path, Sequence[Config]]:
        settings = row.settings_on(dataset, self.given)
        configs = configs_of(experiment, dataset, row.variant, self.number, settings)
        return ledger_path(self.folder, experiment, dataset, settings), configs
