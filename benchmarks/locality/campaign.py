"""Does locality matter? Layers of three libraries against their most telling nulls.

    python -m benchmarks.locality.campaign                     # resumes from what has run
    python -m benchmarks.locality.campaign --dataset PROTEINS --layer TopKPooling SAGPooling

The reports lie in ``results/locality``; the documentation shows their verdicts. Layers of
torch-geometric-pool need that package, with torch-scatter, torch-sparse and torch-cluster.
"""

import warnings
from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from graphpool_sanity.check.from_name import find_layer, settings_of, standard_model
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.sanity import sanity_check
from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.datasets.load import full_name
from graphpool_sanity.training.faults import Parser, faults_in_one_line, positive
from graphpool_sanity.training.protocol import Protocol
from graphpool_sanity.training.runs import jobs_on
from graphpool_sanity.training.tasks import MARGIN

REPORTS = Path(__file__).parents[1] / "results" / "locality"
FAILURE = "failure.txt"
RUNS = 10

DATASETS = ("IMDB-BINARY", "PROTEINS", "locality-control", "NCI1")
# Fixed before any run. The paper's protocol in fewer steps: batches twice as large, so twice the
# learning rate, and less patience. On the positive control the command line's own settings.
SHORT = {
    "batch_size": 128,
    "learning_rate": 2e-3,
    "halve_after": 5,
    "stop_after": 10,
    "epochs": 40,
}


class Subject(NamedTuple):
    """A layer under test."""

    target: str
    nulls: tuple[str, ...]


PYG, TGP = "torch_geometric.nn", "tgp.poolers"
LAYERS = {
    "GraclusPool": Subject("graphpool_sanity:GraclusPool", ("complement", "random", "none")),
    "MinCutPool": Subject("graphpool_sanity:MinCutPool", ("random",)),
    "MemoryPool": Subject("graphpool_sanity:MemoryPool", ("distance", "random")),
    "TopKPooling": Subject(f"{PYG}:TopKPooling", ("random",)),
    "SAGPooling": Subject(f"{PYG}:SAGPooling", ("random",)),
    "PANPooling": Subject(f"{PYG}:PANPooling", ("random",)),
    "DMoNPooling": Subject(f"{PYG}:DMoNPooling", ("random",)),
    "KMISPooling": Subject(f"{TGP}:KMISPooling", ("random",)),
    "EdgeContractionPooling": Subject(f"{TGP}:EdgeContractionPooling", ("complement",)),
    "MaxCutPooling": Subject(f"{TGP}:MaxCutPooling", ("random",)),
    "JustBalancePooling": Subject(f"{TGP}:JustBalancePooling", ("random",)),
    "DiffPool": Subject("graphpool_sanity:DiffPool", ("random",)),
    "ASAPooling": Subject(f"{PYG}:ASAPooling", ("shuffle",)),
    "HOSCPooling": Subject(f"{TGP}:HOSCPooling", ("random",)),
}


def check(layer: str, dataset: str, runs: int, jobs: int, device: str, out: Path) -> SanityReport:
    """The report of one layer on one data set; what has run is not run again."""
    subject, benchmark = LAYERS[layer], load_dataset(dataset)
    given = {} if dataset == "locality-control" else SHORT
    protocol, backbone = settings_of(dataset, given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the layers' packages
        return sanity_check(
            standard_model(find_layer(subject.target), {}, benchmark, **backbone),
            dataset,
            subject.nulls,
            runs,
            MARGIN,
            protocol=Protocol(**protocol),
            n_jobs=jobs,
            device=device,
            out=out / dataset / layer,
            name=layer,
        )


def main() -> None:
    """Check every layer on every data set."""
    parser = Parser(description="Does locality matter?")
    parser.add_argument("--dataset", nargs="+", type=full_name, default=DATASETS)
    parser.add_argument("--layer", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--runs", type=positive, default=RUNS)
    parser.add_argument("--jobs", type=positive)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=REPORTS)
    args = parser.parse_args()
    with faults_in_one_line():
        run(args)


def run(args: Namespace) -> None:
    """Check the layers and data sets that were asked for."""
    jobs = args.jobs or jobs_on(args.device)
    for dataset in args.dataset:
        for layer in args.layer:
            try:
                report = check(layer, dataset, args.runs, jobs, args.device, args.out)
            except RuntimeError as error:  # some of its runs failed
                failure = f"{type(error.__cause__).__name__}: {error.__cause__}"
                folder = args.out / dataset / layer
                folder.mkdir(parents=True, exist_ok=True)  # not there if no run succeeded
                (folder / FAILURE).write_text(failure + "\n", encoding="utf-8")
                print(f"{layer} on {dataset}: {failure}")
            else:
                Console().print(report.table())


if __name__ == "__main__":
    main()
