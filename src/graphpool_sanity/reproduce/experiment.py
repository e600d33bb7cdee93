"""An experiment: a family of models, how the paper trains them, and the runs that come of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

from torch import nn

from graphpool_sanity.check.fingerprint import data_fingerprint
from graphpool_sanity.datasets.load import as_file_name, load_once
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.cluster import ByValue
from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.protocol import OnEpoch, Protocol, check_device, train
from graphpool_sanity.training.runs import jobs_on, run_all
from graphpool_sanity.training.workers import Config

QUICK_EPOCHS = 40
"""Of a quick run, which is there to see that everything works."""


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
    """What a quick call runs; all of them if empty."""
    protocol: Mapping[str, Any] = field(default_factory=dict)
    """Where this family departs from the protocol."""


@dataclass(frozen=True)
class Resources:
    """What runs are carried out with."""

    device: str = "auto"
    jobs: int | None = None
    """Runs at once, here; one for each core, or one on a GPU, if ``None``."""
    scheduler: str | None = None
    """The address of a Dask scheduler, to run on its workers instead."""
    compile: bool = False
    """Whether models are compiled."""


def settings_of(
    experiment: Experiment, dataset: str, overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """The protocol and hyperparameters of a data set, with what the user set instead."""
    settings = asdict(Protocol()) | dict(experiment.protocol)
    settings |= {"epochs": QUICK_EPOCHS} if dataset == "digits" else {}
    settings |= {**experiment.settings["default"], **experiment.settings.get(dataset, {})}
    return settings | {k: v for k, v in overrides.items() if k in settings and v is not None}


def configs_of(
    experiment: Experiment, dataset: str, variant: str, runs: int, settings: Mapping[str, Any]
) -> list[Config]:
    """The configurations of seeds 0 to ``runs`` - 1: what a run is known by."""
    run = {"family": experiment.family, "dataset": dataset, "variant": variant}
    return [{**run, "seed": seed, **settings} for seed in range(runs)]


def model_name(experiment: Experiment, settings: Mapping[str, Any]) -> str:
    """The family's name, with the version of its model where there are several."""
    version = settings.get("version", 1)
    return experiment.family + (f"-v{version}" if version > 1 else "")


def ledger_path(
    folder: str | Path, experiment: Experiment, dataset: str, settings: Mapping[str, Any]
) -> Path:
    """Where the runs of a family on a data set are kept."""
    return Path(folder) / f"{model_name(experiment, settings)}-{as_file_name(dataset)}.jsonl"


def run_configs(
    experiment: Experiment,
    configs: Sequence[Config],
    ledger: Ledger,
    resources: Resources = Resources(),
) -> list[Record]:
    """The records of all configurations; those that the ledger does not hold are run.

    Each keeps with how many seeds it was ``"planned"``.

    Raises:
        ValueError: on settings that no protocol has, or a device that this machine does not have.
        RuntimeError: after all other runs, if any failed.
    """
    for config in configs:
        protocol_of(config)
    if resources.scheduler is None:
        check_device(resources.device)
    if None in ledger.find(configs):
        for dataset in {config["dataset"] for config in configs}:
            load_once(dataset)  # one process prepares its files, before many read them
    planned = len({config["seed"] for config in configs})
    run_one = partial(_run_one, experiment, resources.device, resources.compile, planned)
    if resources.scheduler is not None:
        travelling = ByValue(run_one, experiment.build)
        return run_all(configs, travelling, ledger, scheduler=resources.scheduler)
    return run_all(configs, run_one, ledger, resources.jobs or jobs_on(resources.device))


@cache
def content_of(dataset: str) -> str:
    """The fingerprint of a data set's graphs, which each run keeps as ``"data"``."""
    return data_fingerprint(load_once(dataset).graphs)


def is_of(content: str, record: Record) -> bool:
    """Whether a run is of these graphs. One that does not say is of those that were published."""
    return record.get("data", content) == content


def protocol_of(config: Config) -> Protocol:
    """How a configuration is trained."""
    return Protocol(**{f.name: config[f.name] for f in fields(Protocol)})


def _run_one(
    experiment: Experiment,
    device: str,
    compile: bool,
    planned: int,
    config: Config,
    on_epoch: OnEpoch | None,
) -> dict[str, Any]:
    benchmark = load_once(config["dataset"])
    protocol = protocol_of(config)

    def build_model(*_: int) -> nn.Module:
        return experiment.build(config, benchmark)

    seed = config["seed"]
    result = train(build_model, benchmark, seed, protocol, device, on_epoch, compile)
    return asdict(result) | {"data": content_of(config["dataset"]), "planned": planned}
