"""The command line: check a layer against its nulls, list nulls and data sets, redo a report.

What a command needs is imported once it runs, so that help and faults of usage are told at once.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from graphpool_sanity.training.faults import faults_in_one_line

if TYPE_CHECKING:
    from graphpool_sanity.check.report import SanityReport

app = typer.Typer(
    help="Does a pooling layer beat its nulls?",
    add_completion=False,
    pretty_exceptions_enable=False,
)
_UsageError: Any = typer.BadParameter.__mro__[1]  # click's, wherever typer has it from
_LAYER = typer.Argument(metavar="MODULE:LAYER", help="As torch_geometric.nn:TopKPooling.")
_ARG = typer.Option("--arg", "-a", metavar="NAME=VALUE", help="An argument of the layer's own.")

Layer = Annotated[str, _LAYER]
Args = Annotated[list[str] | None, _ARG]
Dataset = Annotated[
    str, typer.Option(help="A name that `datasets` lists, PyG's class/name, or MODULE:FUNCTION.")
]
Metric = Annotated[str | None, typer.Option(help="auroc, average_precision, f1, rmse, …")]
Task = Annotated[
    str | None, typer.Option(help="Of MODULE:FUNCTION: classification, regression or binary.")
]
Features = Annotated[
    str | None, typer.Option(help="Of nodes of MODULE:FUNCTION without any: constant or degree.")
]
Balanced = Annotated[
    bool, typer.Option("--balanced", help="Weigh classes inversely to their number.")
]


@app.command()
def check(
    layer: Layer,
    arg: Args = None,
    dataset: Dataset = "digits",
    metric: Metric = None,
    task: Task = None,
    features: Features = None,
    balanced: Balanced = False,
    runs: Annotated[int, typer.Option(help="Pairs at least.")] = 10,
    max_runs: Annotated[int | None, typer.Option(help="Pairs at most: 50 or --runs.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Begin no more pairs after.")] = None,
    nulls: Annotated[str, typer.Option(help="auto, all, or names joined by commas.")] = "auto",
    margin: Annotated[float | None, typer.Option(help="What is as good, in the metric.")] = None,
    epochs: Annotated[int | None, typer.Option(help="At most so many a run.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Graphs in a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Adam's.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Width of the backbone.")] = None,
    num_pools: Annotated[int | None, typer.Option(help="How often it pools.")] = None,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    jobs: Annotated[int | None, typer.Option(help="Runs at once; one a core if not set.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask scheduler's address.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, …")] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder of ledger and report.")] = None,
) -> None:
    """Train the layer and its nulls in the standard backbone until the verdict, and report it.

    A repeated call resumes. What is not set follows the paper, or suits the embedded data sets.
    With as many --runs as --max-runs the number of pairs is a plan, which has a narrower interval.
    """
    with faults_in_one_line():
        from graphpool_sanity.check.from_name import (
            default_folder,
            find_data,
            find_layer,
            read_arguments,
            settings_of,
            standard_model,
        )
        from graphpool_sanity.check.sanity import sanity_check
        from graphpool_sanity.training.protocol import Protocol
        from graphpool_sanity.training.runs import jobs_on

        made, arguments = find_layer(layer), read_arguments(arg or [])
        benchmark = find_data(dataset, task, features)  # type: ignore[arg-type]  # as checked there
        given = {
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "hidden": hidden,
            "num_pools": num_pools,
        }
        protocol, backbone = settings_of(benchmark.name, given)
        name = layer.partition(":")[2]
        setting = (layer, arguments, given, nulls, seed)
        out = out or Path("results") / default_folder(name, benchmark.name, setting)
        report = sanity_check(
            standard_model(made, arguments, benchmark, **backbone),
            benchmark if ":" in dataset else benchmark.name,
            nulls if nulls in ("auto", "all") else [null.strip() for null in nulls.split(",")],
            runs,
            margin,
            max_runs=max(runs, 50) if max_runs is None else max_runs,
            minutes=minutes,
            metric=metric,
            class_weights="balanced" if balanced else None,
            protocol=Protocol(**protocol),
            seed=seed,
            n_jobs=jobs or jobs_on(device),
            scheduler=scheduler,
            device=device,
            out=out,
            name=name,
        )
        _show(report, out)


@app.command()
def nulls(layer: Layer, arg: Args = None) -> None:
    """List the nulls that match a layer, and what each asks."""
    with faults_in_one_line():
        from graphpool_sanity.check.from_name import find_layer, layer_factories, read_arguments
        from graphpool_sanity.datasets.load import load_dataset
        from graphpool_sanity.nulls import matched_nulls
        from graphpool_sanity.nulls.questions import question

        made, arguments = find_layer(layer), read_arguments(arg or [])
        (build,) = layer_factories(made, arguments, load_dataset("digits"), num_pools=1)
        table = Table("null", "asks")
        for null in matched_nulls(build(64)):
            table.add_row(null, question(null).asks)
        Console().print(table)


@app.command()
def datasets(
    name: Annotated[
        str | None, typer.Argument(help="As TUDataset/ENZYMES or MODULE:FUNCTION.")
    ] = None,
) -> None:
    """List the data sets, or say what one has."""
    with faults_in_one_line():
        if name is None:
            from graphpool_sanity.datasets.load import EMBEDDED, NAMES

            table = Table("data set", "files")
            for known in NAMES:
                table.add_row(known, "none needed" if known in EMBEDDED else "read, or downloaded")
            table.add_row("PyG's class/name, ogb/name", "read, or downloaded")
        else:
            from graphpool_sanity.check.from_name import find_data
            from graphpool_sanity.datasets.facts import facts_of
            from graphpool_sanity.datasets.load import full_name, is_here

            here = ":" in name or is_here(full_name(name))
            table = Table(show_header=False)
            for fact, value in facts_of(find_data(name)).items():
                table.add_row(fact, value)
            table.add_row("files", "on this disk" if here else "have just been fetched")
        Console().print(table)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="As given to `check --out`.")],
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table instead.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead.")] = False,
) -> None:
    """Print the table of a finished check again, and write its page anew."""
    with faults_in_one_line():
        from graphpool_sanity.check.export import to_csv, to_latex
        from graphpool_sanity.check.report import SanityReport

        found = SanityReport.load(folder)
        if latex or csv:
            typer.echo(to_latex([found]) if latex else to_csv([found]), nl=False)
            return
        found.save(folder)
        _show(found, folder)


@app.command()
def review(
    folders: Annotated[list[Path], typer.Argument(help="Of checks, as given to `check --out`.")],
    out: Annotated[Path, typer.Option(help="Folder of the review.")] = Path("results/review"),
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table instead.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead.")] = False,
) -> None:
    """Combine checks on several data sets, and of several layers, as one answer."""
    with faults_in_one_line():
        from graphpool_sanity.check.combine import review as combine
        from graphpool_sanity.check.export import to_csv, to_latex
        from graphpool_sanity.check.report import SanityReport

        reports = [SanityReport.load(folder) for folder in folders]
        if latex or csv:
            typer.echo(to_latex(reports) if latex else to_csv(reports), nl=False)
            return
        found = combine(reports)
        console = Console()
        console.print(found.table())
        console.print(f"review: {found.save(out)}", highlight=False, soft_wrap=True)


@app.command()
def demo(
    jobs: Annotated[int | None, typer.Option(help="Runs at once; one a core if not set.")] = None,
) -> None:
    """Watch two checks: on cycles that need neighbours, and on digits, which do not."""
    with faults_in_one_line():
        from graphpool_sanity.check.demo import checks
        from graphpool_sanity.training.runs import jobs_on

        for said, found in checks(jobs or jobs_on("cpu")):
            Console().print(found.table())
            Console().print(said, highlight=False)


def _show(report: "SanityReport", folder: Path) -> None:
    from graphpool_sanity.check.words import answer, reason
    from graphpool_sanity.nulls.questions import question

    console = Console()
    console.print(report.table())
    for null in report.comparisons:
        found = report.comparisons[null]
        said = f"{answer(null, found)}: {reason(found, report.metric)}"
        console.print(f"{null}: {question(null).asks} {said}", highlight=False)
    console.print(f"report: {folder / 'report.html'}", highlight=False, soft_wrap=True)


def run() -> None:
    """The command ``graphpool-sanity``; faults of usage are one line, too."""
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except _UsageError as error:
        typer.echo(f"error: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
