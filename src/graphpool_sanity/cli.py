"""The command line: check a layer against its nulls, list nulls and data sets, redo a report.

What a command needs is imported once it runs, so that help and faults of usage are told at once.
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from typer.core import TyperCommand

import graphpool_sanity
from graphpool_sanity.check.defaults import MAX_RUNS, RUNS
from graphpool_sanity.training.faults import faults_in_one_line, nearest
from graphpool_sanity.training.terminal import write_any_character

if TYPE_CHECKING:
    from graphpool_sanity.check.report import SanityReport

_NAME = "graphpool-sanity"
_ALSO = {"n_jobs": "jobs", "name": "dataset", "class_weights": "balanced"}
"""What arguments are called in Python whose options have other names."""
_UsageError: Any = typer.BadParameter.__mro__[1]  # click's, wherever typer has it from


class _Command(TyperCommand):
    """Faults of use are one line, which names the option."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  (click's, wherever typer has it from)
        options = {str(p.name): p.opts[0] for p in self.params if p.opts[0].startswith("--")}
        also = {name: options[option] for name, option in _ALSO.items() if option in options}
        with faults_in_one_line(also | options):
            return super().invoke(ctx)


app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # whose panels cut words short where columns are few
)
_command = app.command(cls=_Command)
_LAYER = typer.Argument(metavar="MODULE:LAYER", help="Its class, or a function that makes it.")
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
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON instead.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{_NAME} {graphpool_sanity.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Does a pooling layer beat its nulls?"""


@_command
def check(
    layer: Layer,
    arg: Args = None,
    dataset: Dataset = "digits",
    metric: Metric = None,
    task: Task = None,
    features: Features = None,
    balanced: Balanced = False,
    runs: Annotated[int, typer.Option(help="Fewest pairs.")] = RUNS,
    max_runs: Annotated[int | None, typer.Option(help=f"Most pairs: {MAX_RUNS} or --runs.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Add none to --runs after.")] = None,
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
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; of the report the verdicts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a layer against its nulls.

    The layer, as torch_geometric.nn:TopKPooling, and its nulls are trained in pairs in the standard
    backbone until the verdict. A repeated call resumes. What is not set follows the paper, or suits
    the embedded data sets. With as many --runs as --max-runs the number of pairs is a plan, which
    has a narrower interval.
    """
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

    given: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size}
    given |= {"learning_rate": learning_rate, "hidden": hidden, "num_pools": num_pools}
    with redirect_stdout(sys.stderr):  # whatever a layer of the user's prints
        made, arguments = find_layer(layer), read_arguments(arg or [])
        benchmark = find_data(dataset, task, features)  # type: ignore[arg-type]  # as checked there
        protocol, backbone = settings_of(benchmark.name, given)
        name = layer.partition(":")[2]
        setting = (layer, arguments, given, nulls, seed, dataset, task, features, metric, balanced)
        out = out or Path("results") / default_folder(name, benchmark.name, setting)
        found = sanity_check(
            standard_model(made, arguments, benchmark, **backbone),
            benchmark if ":" in dataset else benchmark.name,
            nulls if nulls in ("auto", "all") else [null.strip() for null in nulls.split(",")],
            runs,
            margin,
            max_runs=max_runs,
            minutes=minutes,
            metric=metric,
            class_weights="balanced" if balanced else None,
            protocol=Protocol(**protocol),
            seed=seed,
            n_jobs=jobs_on(device) if jobs is None else jobs,
            scheduler=scheduler,
            device=device,
            out=out,
            name=name,
            verbose=not quiet,
        )
    _show(found, out, as_json, quiet)


@_command
def nulls(layer: Layer, arg: Args = None) -> None:
    """List the nulls of a layer. Each asks a question."""
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


@_command
def datasets(
    name: Annotated[
        str | None, typer.Argument(help="As TUDataset/ENZYMES or MODULE:FUNCTION.")
    ] = None,
) -> None:
    """List data sets, or describe one."""
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
        table = Table(Column(), Column(overflow="fold"), show_header=False)
        for fact, value in facts_of(find_data(name)).items():
            table.add_row(fact, value)
        table.add_row("files", "on this disk" if here else "have just been fetched")
    Console().print(table)


@_command
def report(
    folder: Annotated[Path, typer.Argument(help="As given to `check --out`.")],
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table instead.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a finished check again. Its page is written anew."""
    from graphpool_sanity.check.export import to_csv, to_latex
    from graphpool_sanity.check.report import SanityReport

    found = SanityReport.load(folder)
    if latex or csv:
        typer.echo(to_latex(found) if latex else to_csv(found), nl=False)
        return
    found.save(folder)
    _show(found, folder, as_json)


@_command
def review(
    folders: Annotated[list[Path], typer.Argument(help="Of checks, as given to `check --out`.")],
    out: Annotated[Path, typer.Option(help="Folder of the review.")] = Path("results/review"),
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX table instead.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Combine several checks. They are of several data sets, or layers, too."""
    from graphpool_sanity.check.combine import review as combine
    from graphpool_sanity.check.export import to_csv, to_latex
    from graphpool_sanity.check.report import SanityReport

    found = combine([SanityReport.load(folder) for folder in folders])
    if latex or csv:
        typer.echo(to_latex(found) if latex else to_csv(found), nl=False)
        return
    page = found.save(out)
    if as_json:
        typer.echo(json.dumps(found.to_dict() | {"folder": str(out)}))
        return
    console = Console()
    console.print(found.table())
    console.print(f"\nreview: {page}", highlight=False, soft_wrap=True, markup=False)


@_command
def demo(
    jobs: Annotated[int | None, typer.Option(help="Runs at once; one a core if not set.")] = None,
) -> None:
    """Watch two checks. Cycles need neighbours, digits do not."""
    from graphpool_sanity.check.demo import checks
    from graphpool_sanity.training.runs import jobs_on

    console = Console(highlight=False, markup=False)
    for asked, found in checks(jobs_on("cpu") if jobs is None else jobs):
        console.print(f"\n{asked}\n")
        console.print(found.table())


def _show(report: "SanityReport", folder: Path, as_json: bool, quiet: bool = False) -> None:
    from graphpool_sanity.check.export import to_json
    from graphpool_sanity.check.words import paragraphs, sentence

    if as_json or quiet:
        verdicts = [sentence(report, null) for null in report.comparisons]
        typer.echo(to_json(report, folder) if as_json else "\n".join(verdicts))
        return
    console = Console(highlight=False, markup=False)
    console.print(report.table())
    console.print()
    for paragraph in paragraphs(report):
        console.print(paragraph)
    console.print(f"report: {folder / 'report.html'}", soft_wrap=True)


def run() -> None:
    """The command ``graphpool-sanity``; faults of usage are one line, too."""
    write_any_character()
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], prog_name=_NAME, standalone_mode=False))
    except _UsageError as error:
        typer.echo(f"error: {_said(error)}", err=True)
        sys.exit(2)


def _said(error: Any) -> str:  # noqa: ANN401  (click's, wherever typer has it from)
    """What a usage error says, and which option was meant by one that there is not."""
    if type(error).__name__ != "NoSuchOption":
        return " ".join(error.format_message().split())
    known = [option for parameter in error.ctx.command.params for option in parameter.opts]
    return f"No such option: {error.option_name}{nearest(error.option_name, known)}"
