"""The paper's tables: rows of models, columns of data sets, our figure beside the paper's."""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from graphpool_sanity.datasets import NAMES
from graphpool_sanity.experiments.ledger import Ledger, Record
from graphpool_sanity.experiments.reproduce import (
    Experiment,
    add_run_arguments,
    configs_of,
    ledger_path,
    paper_results,
    run_configs,
    settings_of,
)
from graphpool_sanity.experiments.runs import Config
from graphpool_sanity.experiments.summary import mean_std, scores

RESULTS = Path("benchmarks/results")
"""Where a checkout keeps the ledgers of trained runs."""

_METRICS = {"ZINC": "mae", "ogbg-molhiv": "auroc"}  # all others are classified


@dataclass(frozen=True)
class Row:
    """One model of a table: a variant of an experiment, with settings of its own, or a citation."""

    label: str
    variant: str
    paper: str
    """The family under which ``paper.csv`` has what the paper reports."""
    experiment: Experiment | None = None
    """``None``: only cited."""
    settings: Mapping[str, Any] = field(default_factory=dict)


def reproduce_table(
    title: str,
    rows: Sequence[Row],
    datasets: Sequence[str],
    root: Path,
    arguments: Sequence[str] | None = None,
) -> None:
    """Run what a table lacks, from the command line, and print it.

    Args:
        title: The table's name.
        rows: Its models.
        datasets: Its data sets in the paper; ``digits`` if none is named.
        root: The checkout, whose ``benchmarks/results`` holds what has been run.
        arguments: The command line; the script's own if ``None``.
    """
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument(
        "--dataset",
        nargs="+",
        default=["digits"],
        choices=[*NAMES, "paper"],
        metavar="NAME",
        help=f"one or more of {', '.join(NAMES)}, or paper: {', '.join(datasets)}",
    )
    parser.add_argument("--epochs", type=int, help="the paper's if not set")
    parser.add_argument("--show", action="store_true", help="run nothing; show what has been run")
    add_run_arguments(parser)
    parser.set_defaults(out=str(root / RESULTS))
    args = parser.parse_args(arguments)
    names = datasets if args.dataset == ["paper"] else args.dataset

    for dataset in [] if args.show else names:
        _run(rows, dataset, args)
    shown = Table(
        "", *names, title=f"{title}: test metric (runs), and the paper's", show_lines=True
    )
    for row in rows:
        runs = [held(row, dataset, args.out, args.runs, args.epochs) for dataset in names]
        cells = [ours_and_paper(row, *cell) for cell in zip(names, runs, strict=True)]
        shown.add_row(row.label, *("\n".join(filter(None, cell)) for cell in cells))
    Console().print(shown)


def _run(rows: Sequence[Row], dataset: str, args: argparse.Namespace) -> None:
    """Run what is missing; all rows that share a ledger together."""
    wanted: dict[Path, list[Config]] = defaultdict(list)
    experiments: dict[Path, Experiment] = {}
    for row in rows:
        if row.experiment is not None:
            path, configs = _configs(row, row.experiment, dataset, args.out, args.runs, args.epochs)
            experiments[path] = row.experiment
            wanted[path] += configs
    for path, configs in wanted.items():
        run_configs(experiments[path], configs, path, args.device, args.jobs, args.scheduler)


def held(
    row: Row, dataset: str, folder: str | Path, runs: int, epochs: int | None = None
) -> dict[int, Record]:
    """What the ledger holds of a row on a data set: the record of each seed below ``runs``."""
    if row.experiment is None:
        return {}
    path, configs = _configs(row, row.experiment, dataset, folder, runs, epochs)
    records = enumerate(Ledger(path).find(configs))
    return {seed: record for seed, record in records if record is not None}


def _configs(
    row: Row,
    experiment: Experiment,
    dataset: str,
    folder: str | Path,
    runs: int,
    epochs: int | None,
) -> tuple[Path, list[Config]]:
    settings = settings_of(experiment, dataset, {"epochs": epochs, **row.settings})
    configs = configs_of(experiment, dataset, [row.variant], runs, settings)
    return ledger_path(folder, experiment, dataset, settings), configs


def ours_and_paper(row: Row, dataset: str, records: Mapping[int, Record]) -> tuple[str, str]:
    """Mean, standard deviation and number of our runs, and what the paper reports."""
    paper = paper_results(row.paper, dataset, cite=False).get(row.variant, "")
    if row.experiment is None:
        return "", paper
    if not records:
        return "not run", paper
    metric = _METRICS.get(dataset, "accuracy")
    (values,) = scores(records.values(), metric).values()
    return f"{mean_std(values, metric)} ({len(values)})", paper
