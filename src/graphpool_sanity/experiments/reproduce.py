"""The command line that the scripts in ``examples/`` share: runs, ledger, table, box plot."""

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from joblib import cpu_count
from rich.console import Console
from torch import nn

from graphpool_sanity.datasets import NAMES, Benchmark, load_dataset
from graphpool_sanity.experiments.ledger import Ledger, Record
from graphpool_sanity.experiments.protocol import OnEpoch, Protocol, resolve_device, train
from graphpool_sanity.experiments.runs import Config, run_all
from graphpool_sanity.experiments.summary import save_box_plot, scores, table

_QUICK = {"epochs": 40}
"""Of the embedded digits, which are there to see that everything works."""


@dataclass(frozen=True)
class Experiment:
    """A family of models that differ in their pooling, and how the paper trains them."""

    family: str
    build: Callable[[Config, Benchmark], nn.Module]
    """``build(config, benchmark)``: the model of one configuration."""
    variants: Sequence[str]
    settings: Mapping[str, Mapping[str, Any]]
    """Hyperparameters of each data set; ``"default"`` holds those of all others."""
    quick_variants: Sequence[str] = ()
    """What runs where no variants are named; all of them if empty."""
    protocol: Mapping[str, Any] = field(default_factory=dict)
    """Where this family departs from the protocol."""


def reproduce(experiment: Experiment, arguments: Sequence[str] | None = None) -> None:
    """Run an experiment from the command line, print its table, save its box plot."""
    args = _parser(experiment).parse_args(arguments)
    benchmark = load_once(args.dataset)
    settings = settings_of(experiment, benchmark.name, vars(args))
    configs = configs_of(experiment, benchmark.name, args.variants, args.runs, settings)
    path = ledger_path(args.out, experiment, benchmark.name, settings)
    records = run_configs(experiment, configs, path, args.device, args.jobs, args.scheduler)
    found = scores(records, benchmark.metric)

    reported = paper_results(family_of(experiment, settings), benchmark.name)
    Console().print(table(found, benchmark.name, benchmark.metric, reported))
    save_box_plot(found, benchmark.name, benchmark.metric, path.with_suffix(".png"))
    Console().print(f"runs: {path}\nbox plot: {path.with_suffix('.png')}")


def configs_of(
    experiment: Experiment,
    dataset: str,
    variants: Sequence[str],
    runs: int,
    settings: Mapping[str, Any],
) -> list[Config]:
    """The configurations of seeds 0 to ``runs`` - 1 of each variant: what a run is known by."""
    return [
        {"family": experiment.family, "dataset": dataset, "variant": variant, "seed": seed}
        | dict(settings)
        for seed in range(runs)
        for variant in variants
    ]


def family_of(experiment: Experiment, settings: Mapping[str, Any]) -> str:
    """The family's name, with the version of its model where there are several."""
    version = settings.get("version", 1)
    return experiment.family + (f"-v{version}" if version > 1 else "")


def ledger_path(
    folder: str | Path, experiment: Experiment, dataset: str, settings: Mapping[str, Any]
) -> Path:
    """Where the runs of a family on a data set are kept."""
    return Path(folder) / f"{family_of(experiment, settings)}-{dataset}.jsonl"


def run_configs(
    experiment: Experiment,
    configs: Sequence[Config],
    path: Path,
    device: str = "auto",
    jobs: int | None = None,
    scheduler: str | None = None,
) -> list[Record]:
    """The records of all configurations; those that the ledger does not hold are run."""
    where = resolve_device(device)
    jobs = jobs or (cpu_count() if where.type == "cpu" else 1)
    run_one = partial(_run_one, experiment, str(where))
    return run_all(configs, run_one, Ledger(path), jobs, scheduler)


def _run_one(
    experiment: Experiment, device: str, config: Config, on_epoch: OnEpoch | None
) -> dict[str, Any]:
    benchmark = load_once(config["dataset"])
    protocol = Protocol(**{f.name: config[f.name] for f in fields(Protocol)})

    def build_model(*_: int) -> nn.Module:
        return experiment.build(config, benchmark)

    return asdict(train(build_model, benchmark, config["seed"], protocol, device, on_epoch))


@cache
def load_once(dataset: str) -> Benchmark:
    """The data set of that name, read once for each process."""
    return load_dataset(dataset)


def settings_of(
    experiment: Experiment, dataset: str, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The protocol and hyperparameters of a data set, with what the user set instead."""
    settings = asdict(Protocol()) | dict(experiment.protocol)
    settings |= _QUICK if dataset == "digits" else {}
    settings |= {**experiment.settings["default"], **experiment.settings.get(dataset, {})}
    return settings | {k: v for k, v in overrides.items() if k in settings and v is not None}


def paper_results(family: str, dataset: str, cite: bool = True) -> dict[str, str]:
    """What the paper reports for each variant of a family, and where if ``cite``.

    >>> paper_results("graclus", "NCI1")["complement"]
    '80.2 ± 1.4 (Table 1)'
    """
    text = files("graphpool_sanity.experiments").joinpath("paper.csv").read_text(encoding="utf-8")
    return {
        row["variant"]: row["mean"]
        + (f" ± {row['std']}" if row["std"] else "")
        + (f" ({row['source']})" if cite else "")
        for row in csv.DictReader(text.splitlines())
        if row["family"] == family and row["dataset"] == dataset
    }


def _parser(experiment: Experiment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--dataset", default="digits", metavar="NAME", help=", ".join(NAMES))
    add_run_arguments(parser)
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=experiment.variants,
        default=experiment.quick_variants or experiment.variants,
    )
    for name, value in settings_of(experiment, "", {}).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", help="the paper's if not set", **_kind_of(value)
        )
    return parser


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """How often, where and with what runs are carried out, and where they are kept."""
    parser.add_argument("--runs", type=int, default=3, help="seeds 0 to RUNS - 1")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, …")
    parser.add_argument("--jobs", type=int, help="runs at once; if not set, one for each core")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster to run on")
    parser.add_argument("--out", default="results", help="folder of the ledgers and plots")


def _kind_of(value: object) -> dict[str, Any]:
    """How argparse reads an option whose default is ``value``."""
    if isinstance(value, bool):
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if isinstance(value, list):
        return {"type": type(value[0]), "nargs": "+"}
    return {"type": float if value is None else type(value)}
