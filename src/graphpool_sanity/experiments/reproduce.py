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
from graphpool_sanity.experiments.ledger import Ledger
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
    benchmark = _load(args.dataset)
    device = resolve_device(args.device)
    jobs = args.jobs or (cpu_count() if device.type == "cpu" else 1)

    common = settings_of(experiment, benchmark.name, vars(args))
    configs = [
        {"family": experiment.family, "dataset": benchmark.name, "variant": variant, "seed": seed}
        | common
        for seed in range(args.runs)
        for variant in args.variants
    ]
    family = experiment.family + (f"-v{common['version']}" if common.get("version", 1) > 1 else "")
    stem = Path(args.out) / f"{family}-{benchmark.name}"
    ledger = Ledger(stem.with_suffix(".jsonl"))
    run_one = partial(_run_one, experiment, str(device))
    found = scores(run_all(configs, run_one, ledger, jobs), benchmark.metric)

    reported = paper_results(family, benchmark.name)
    Console().print(table(found, benchmark.name, benchmark.metric, reported))
    save_box_plot(found, benchmark.name, benchmark.metric, stem.with_suffix(".png"))
    Console().print(f"runs: {ledger.path}\nbox plot: {stem.with_suffix('.png')}")


def _run_one(
    experiment: Experiment, device: str, config: Config, on_epoch: OnEpoch | None
) -> dict[str, Any]:
    benchmark = _load(config["dataset"])
    protocol = Protocol(**{f.name: config[f.name] for f in fields(Protocol)})

    def build_model(*_: int) -> nn.Module:
        return experiment.build(config, benchmark)

    return asdict(train(build_model, benchmark, config["seed"], protocol, device, on_epoch))


@cache
def _load(dataset: str) -> Benchmark:
    return load_dataset(dataset)


def settings_of(
    experiment: Experiment, dataset: str, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The protocol and hyperparameters of a data set, with what the user set instead."""
    settings = asdict(Protocol()) | dict(experiment.protocol)
    settings |= _QUICK if dataset == "digits" else {}
    settings |= {**experiment.settings["default"], **experiment.settings.get(dataset, {})}
    return settings | {k: v for k, v in overrides.items() if k in settings and v is not None}


def paper_results(family: str, dataset: str) -> dict[str, str]:
    """What the paper reports for each variant of a family.

    >>> paper_results("graclus", "NCI1")["complement"]
    '80.2 ± 1.4 (Table 1)'
    """
    text = files("graphpool_sanity.experiments").joinpath("paper.csv").read_text(encoding="utf-8")
    return {
        row["variant"]: row["mean"]
        + (f" ± {row['std']}" if row["std"] else "")
        + f" ({row['source']})"
        for row in csv.DictReader(text.splitlines())
        if row["family"] == family and row["dataset"] == dataset
    }


def _parser(experiment: Experiment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--dataset", default="digits", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--runs", type=int, default=3, help="seeds 0 to RUNS - 1")
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=experiment.variants,
        default=experiment.quick_variants or experiment.variants,
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, …")
    parser.add_argument("--jobs", type=int, help="runs at once; if not set, one for each core")
    parser.add_argument("--out", default="results", help="folder of the ledger and the box plot")
    for name, value in settings_of(experiment, "", {}).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", help="the paper's if not set", **_kind_of(value)
        )
    return parser


def _kind_of(value: object) -> dict[str, Any]:
    """How argparse reads an option whose default is ``value``."""
    if isinstance(value, bool):
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if isinstance(value, list):
        return {"type": type(value[0]), "nargs": "+"}
    return {"type": float if value is None else type(value)}
