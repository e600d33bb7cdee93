"""Node embeddings before and after pooling: the paper's Figures 5, 6 and S2 to S13.

    python examples/reproduce_figures5_6.py                             # the embedded digits
    python examples/reproduce_figures5_6.py --dataset ZINC              # as in Figures 5 and 6
    python examples/reproduce_figures5_6.py --dataset NCI1 --models graclus gmn gmn-random
    python examples/reproduce_figures5_6.py --dataset PROTEINS --quick  # ten epochs

Models are those of the other examples, trained in the same way and taken from the epoch with the
best validation metric. All test graphs measure how homogeneous nodes are within their graphs:
in the features, and before and after each pooling layer; three of them are drawn.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN
from reproduce_graclus import GRACLUS
from reproduce_mincut import MINCUT
from rich.console import Console
from rich.table import Column, Table
from torch import Tensor, nn

from graphpool_sanity.analysis import (
    Activations,
    dirichlet_energy,
    homogeneity,
    plot_activations,
    plot_homogeneity,
    record_activations,
)
from graphpool_sanity.datasets import NAMES, Benchmark
from graphpool_sanity.datasets.load import as_file_name, full_name, load_once
from graphpool_sanity.reproduce.command import settings_of
from graphpool_sanity.reproduce.experiment import content_of, is_of, protocol_of
from graphpool_sanity.training.batches import Batches
from graphpool_sanity.training.faults import Parser, faults_in_one_line, named_alike, positive
from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.protocol import OnEpoch, check_device, resolve_device, train
from graphpool_sanity.training.runs import jobs_on, run_all
from graphpool_sanity.training.tasks import Unit
from graphpool_sanity.training.terminal import write_any_character
from graphpool_sanity.training.workers import Config

MODELS = {
    e.family if variant == e.family else f"{e.family}-{variant}": (e, variant)
    for e in (GRACLUS, DIFFPOOL, GMN, MINCUT)
    for variant in e.variants
    if variant != "none"
}
FIGURE_5 = ["graclus-complement", "diffpool-normal", "gmn-random"]
FIGURE_6 = ["graclus", "diffpool-gnn", "gmn"]


def run_one(out: Path, device: str, config: Config, on_epoch: OnEpoch | None) -> dict[str, Any]:
    """Train a model, measure its embeddings of the test graphs, draw three of them."""
    benchmark = load_once(config["dataset"])
    experiment, _variant = MODELS[config["model"]]
    built: list[nn.Module] = []

    def build(*_: int) -> nn.Module:
        built.append(experiment.build(config, benchmark))
        return built[-1]

    result = train(build, benchmark, config["seed"], protocol_of(config), device, on_epoch)
    activations, measured = measure(built[-1], benchmark, config, device)
    if config["seed"] == 0:
        figure = plot_activations(activations)
        figure.suptitle(f"{config['model']}, {benchmark.name}")
        out.mkdir(parents=True, exist_ok=True)
        figure.savefig(
            out / f"activations-{as_file_name(benchmark.name)}-{config['model']}.png", dpi=150
        )
    return asdict(result) | measured | {"data": content_of(benchmark.name)}


def measure(
    model: nn.Module, benchmark: Benchmark, config: Config, device: str
) -> tuple[Activations, dict[str, dict[str, float]]]:
    """The activations of the test graphs, and how homogeneous and how smooth they are.

    Homogeneity at each stage. Smoothness where the graph is still the one that came in, of the
    features and before the first pooling: the Dirichlet energy of the deviations from the mean of
    all nodes, averaged over graphs.
    """
    test = benchmark.split(config["seed"])[2]
    by_size = partial(Batches, benchmark.graphs, test, device=resolve_device(device))
    (whole,) = by_size(len(test))
    activations = Activations.concat(
        [record_activations(model, batch) for batch in by_size(config["batch_size"])]
    )
    features = as_features(whole.x, benchmark)
    shares = {"input": homogeneity(features, whole.batch)} | activations.homogeneity()
    first, embeddings = next(iter(activations.stages().items()))
    smoothness = {
        stage: float(dirichlet_energy(x - x.mean(0), whole.edge_index, whole.batch).mean())
        for stage, x in (("input", features), (first, embeddings.x))
    }
    return activations, {"homogeneity": shares, "dirichlet_energy": smoothness}


def as_features(x: Tensor, benchmark: Benchmark) -> Tensor:
    """[N, F], one-hot where ``x`` holds categories."""
    if benchmark.node_categories is None:
        return x
    columns = zip(x.t(), benchmark.node_categories, strict=True)
    return torch.cat([F.one_hot(column, size) for column, size in columns], 1).float()


def values(records: Sequence[Record], field: str) -> dict[str, dict[str, list[float]]]:
    """For each model and stage the measurements of all runs."""
    found: dict[str, dict[str, list[float]]] = {}
    for record in records:
        stages = found.setdefault(record["config"]["model"], {})
        for stage, value in record[field].items():
            stages.setdefault(stage, []).append(value)
    return found


def table(title: str, found: Mapping[str, Mapping[str, list[float]]]) -> Table:
    stages = list(dict.fromkeys(stage for model in found.values() for stage in model))
    shown = Table(Column("model", no_wrap=True), *stages, title=title)
    for name, model in found.items():
        cells = (Unit("share").mean_std(model[stage]) if stage in model else "" for stage in stages)
        shown.add_row(name, *cells)
    return shown


def parse() -> argparse.Namespace:
    parser = Parser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--dataset", default="digits", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--models",
        nargs="+",
        choices=list(MODELS),
        default=FIGURE_5 + FIGURE_6,
        metavar="MODEL",
        help=", ".join(MODELS),
    )
    parser.add_argument("--runs", type=positive, default=1, help="seeds 0 to RUNS - 1; 0 is drawn")
    parser.add_argument("--epochs", type=int, help="the paper's if not set")
    parser.add_argument("--quick", dest="epochs", action="store_const", const=10, help="ten epochs")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, …")
    parser.add_argument("--jobs", type=positive, help="runs at once; if not set, one for each core")
    ledgers = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
    parser.add_argument("--out", default=ledgers, help="folder of the ledger and the figures")
    return parser.parse_args()


def main() -> None:
    args = parse()
    write_any_character()
    with faults_in_one_line(named_alike(vars(args))):
        reproduce(args)


def reproduce(args: argparse.Namespace) -> None:
    check_device(args.device)
    out, name = Path(args.out), load_once(full_name(args.dataset)).name
    configs = []
    for seed in range(args.runs):
        for model in args.models:
            experiment, variant = MODELS[model]
            run = {"model": model, "dataset": name, "variant": variant, "seed": seed}
            configs.append(run | settings_of(experiment, name, {"epochs": args.epochs}))
            protocol_of(configs[-1])
    file = as_file_name(name)
    ledger = Ledger(out / f"activations-{file}.jsonl", partial(is_of, content_of(name)))
    jobs = args.jobs or jobs_on(args.device)
    records = run_all(configs, partial(run_one, out, args.device), ledger, jobs)

    shares = values(records, "homogeneity")
    Console().print(table(f"{name}: share of variance within graphs", shares))
    Console().print(table(f"{name}: Dirichlet energy", values(records, "dirichlet_energy")))
    lines = {
        model: {stage: float(np.mean(found)) for stage, found in stages.items()}
        for model, stages in shares.items()
    }
    plot_homogeneity(lines).savefig(out / f"homogeneity-{file}.png", dpi=150)
    Console().print(f"runs: {ledger.path}\nfigures: {out / f'activations-{file}-MODEL.png'}")


if __name__ == "__main__":
    main()
