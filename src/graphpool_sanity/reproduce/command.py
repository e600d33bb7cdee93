"""The command line that the scripts in ``examples/`` share: run, resume, show."""

import argparse
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from graphpool_sanity.check.arguments import check_writable
from graphpool_sanity.check.comparison import LEAST_RUNS
from graphpool_sanity.datasets.load import NAMES, as_file_name, full_name
from graphpool_sanity.reproduce.contrasts import Contrast, contrasts, pairs_of, plot_contrasts
from graphpool_sanity.reproduce.experiment import QUICK_EPOCHS, Experiment, Resources, settings_of
from graphpool_sanity.reproduce.study import Row, Runs, Study
from graphpool_sanity.reproduce.tables import paper_datasets, table
from graphpool_sanity.training.cluster import local_cluster
from graphpool_sanity.training.faults import Parser, faults_in_one_line, named_alike, positive
from graphpool_sanity.training.terminal import write_any_character

__all__ = ["Experiment", "Row", "Study", "reproduce", "settings_of"]

_ABREAST = 3
"""Data sets side by side in a table, so that 80 columns hold it."""


def reproduce(study: Study | Experiment, arguments: Sequence[str] | None = None) -> None:
    """Run what a study lacks, from the command line; print its table and save its figure.

    A fault of use is one line on stderr, and exit code 2.

    Args:
        study: A table or figure of the paper, or a family of models, each variant a row.
        arguments: The command line; the script's own if ``None``.
    """
    study = study if isinstance(study, Study) else _study_of(study)
    write_any_character()
    args = _arguments(study, arguments)
    with faults_in_one_line(named_alike(vars(args))):
        _reproduce(study, args)


def _reproduce(study: Study, args: argparse.Namespace) -> None:
    runs = Runs(args.out, args.runs, args.given, study.usable)
    if not args.show:
        check_writable(args.out)
        with _resources(args) as resources:
            for dataset in args.dataset:
                runs.carry_out(args.rows, dataset, resources)

    found = {name: {row.label: runs.find(row, name) for row in args.rows} for name in args.dataset}
    console = Console()
    for i in range(0, len(args.dataset), _ABREAST):
        part = {name: found[name] for name in args.dataset[i : i + _ABREAST]}
        console.print(table(study.title, args.rows, part, args.given))
    drawn = {name: models for name, models in found.items() if any(models.values())}
    if drawn:
        parts = [study.title.lower().replace(" ", "-"), *map(as_file_name, drawn)]
        name = "-".join(parts)
        study.draw(drawn).savefig(args.out / f"{name}.png", dpi=150)
        console.print(f"ledgers: {args.out}\nfigure: {args.out / name}.png", soft_wrap=True)
        _conclude(study, contrasts(_pairs(study, args.rows), drawn), args.out, console)


def _conclude(study: Study, pairs: Sequence[Contrast], out: Path, console: Console) -> None:
    """Draw the differences of each data set's pairs of models, and say what came out."""
    for dataset in dict.fromkeys(pair.dataset for pair in pairs):
        own = [pair for pair in pairs if pair.dataset == dataset]
        stem = f"{study.title.lower().replace(' ', '-')}-{as_file_name(dataset)}-differences"
        plot_contrasts(own).savefig(out / f"{stem}.png", dpi=150)
        console.print(f"differences: {out / stem}.png", soft_wrap=True)
    for pair in pairs:
        console.print(Text(f"\n{pair}"))


def _pairs(study: Study, rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The rows to compare, of those that were asked for."""
    by_label = {row.label: row for row in rows}
    if not study.pairs:
        return pairs_of(rows)
    return [(by_label[a], by_label[b]) for a, b in study.pairs if {a, b} <= by_label.keys()]


def _study_of(experiment: Experiment) -> Study:
    rows = {variant: Row(variant, variant, experiment) for variant in experiment.variants}
    return Study(
        experiment.family,
        list(rows.values()),
        paper_datasets(experiment.family),
        quick_rows=[rows[variant] for variant in experiment.quick_variants],
    )


def _arguments(study: Study, arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for, and what follows from it: rows, number of runs, settings."""
    parser = _parser(study)
    args = parser.parse_args(arguments)
    if args.scheduler and args.backend == "local":
        parser.error("--scheduler needs --backend dask")
    asked = args.dataset or (["paper"] if args.show else ["digits"])
    names = (study.datasets if name == "paper" else [name] for name in asked)
    args.dataset = list(dict.fromkeys(name for some in names for name in some))
    quick = args.quick or args.dataset == ["digits"]
    if args.runs is None:
        args.runs = min(LEAST_RUNS, study.runs) if quick else study.runs
    if args.quick and args.epochs is None:
        args.epochs = QUICK_EPOCHS
    args.rows = [row for row in study.rows if row.label in (args.variants or [])]
    args.rows = args.rows or (study.quick_rows if quick else ()) or study.rows
    args.given = {name: getattr(args, name) for name in _settings(study)}
    return args


def _parser(study: Study) -> Parser:
    parser = Parser(description=f"{study.title}: run what the ledgers lack, show what they hold.")
    add = parser.add_argument
    add(
        "--dataset",
        nargs="+",
        type=_dataset,
        metavar="NAME",
        help=f"of {', '.join(NAMES)}, or PyG's class/name; or paper, for "
        f"{', '.join(study.datasets)}; digits if not set",
    )
    add(
        "--runs",
        type=positive,
        help=f"seeds 0 to RUNS - 1; {study.runs}, or {LEAST_RUNS} if quick",
    )
    labels = [row.label for row in study.rows if row.experiment]
    add("--variants", nargs="+", choices=labels, metavar="NAME", help=f"of {', '.join(labels)}")
    add("--quick", action="store_true", help=f"few runs of {QUICK_EPOCHS} epochs, as on digits")
    add("--show", action="store_true", help="run nothing: only show what the ledgers hold")
    add("--device", default="auto", help="auto (if not set), cpu, cuda, cuda:1, …")
    add("--compile", action="store_true", help="train compiled models; needs a C++ compiler")
    add("--jobs", type=positive, help="runs at once; one for each core if not set")
    add("--backend", choices=["local", "dask"], default="local", help="what carries out the runs")
    add("--scheduler", metavar="ADDRESS", help="of Dask's; a cluster of --jobs here if not set")
    add("--out", type=Path, default=_ledgers(study), help="the ledgers' folder; %(default)s")
    for name, value in _settings(study).items():
        add(f"--{name.replace('_', '-')}", help="the paper's if not set", **_kind_of(value))
    return parser


def _dataset(name: str) -> str:
    try:
        return name if name == "paper" else full_name(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _ledgers(study: Study) -> Path:
    """Where the checkout that a script lies in keeps its ledgers; ``results`` for other scripts."""
    script = inspect.getsourcefile(study.experiments[0].build)
    folder = Path(script or "").resolve().parent
    return (
        folder.parent / "benchmarks" / "results" if folder.name == "examples" else Path("results")
    )


def _settings(study: Study) -> dict[str, Any]:
    """The settings that a user may change: all but those that tell the rows apart."""
    fixed = {name for row in study.rows for name in row.settings}
    found: dict[str, Any] = {}
    for experiment in study.experiments:
        found = settings_of(experiment, "", {}) | found
    return {name: value for name, value in found.items() if name not in fixed}


def _kind_of(value: object) -> dict[str, Any]:
    """How argparse reads an option whose default is ``value``."""
    if isinstance(value, bool):
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if isinstance(value, list):
        return {"type": type(value[0]), "nargs": "+"}
    return {"type": float if value is None else type(value)}


@contextmanager
def _resources(args: argparse.Namespace) -> Iterator[Resources]:
    """What the runs are carried out with."""
    resources = Resources(args.device, args.jobs, args.scheduler, args.compile)
    if args.backend == "local" or args.scheduler:
        yield resources
    else:
        with local_cluster(args.jobs) as scheduler:
            yield replace(resources, scheduler=scheduler)
