"""Does locality matter? A pilot: layers of three libraries against their first null and none.

    python -m benchmarks.locality.campaign                     # resumes from what has run
    python -m benchmarks.locality.campaign --dataset PROTEINS --layer TopKPooling SAGPooling
    python -m benchmarks.locality.campaign --extend            # until decided, where it is cheap

All that is below was written down before the first run, but for what says so. ``PLANNED`` pairs
are run with each layer on each data set; these are what the review goes by. Then what is undecided
is run on, on ``EXTENDED``, until it is decided or there are ``MOST`` pairs. The reports lie in
``results/locality``; the documentation shows them. KMISPooling needs torch-geometric-pool, with
torch-scatter, torch-sparse and torch-cluster.
"""

import warnings
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from graphpool_sanity.check.from_name import find_layer, settings_of, standard_model
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.sanity import sanity_check
from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.datasets.load import full_name
from graphpool_sanity.training.faults import Parser, faults_in_one_line, named_alike, positive
from graphpool_sanity.training.protocol import Protocol
from graphpool_sanity.training.runs import jobs_on

REPORTS = Path(__file__).parents[1] / "results" / "locality"
CONTROLS = REPORTS / "controls"
PLANNED, MOST = 10, 40
MOST_OF_CONTROL = 200
"""Of a control: ``MOST`` was laid down first, and did not decide the third."""
DATASETS = ("IMDB-BINARY", "PROTEINS", "NCI1")
EXTENDED = ("PROTEINS", "NCI1")
# The paper's protocol in fewer steps: batches twice as large, so twice the learning rate, and less
# patience. Nothing was tuned, for no layer.
SHORT = {
    "batch_size": 128,
    "learning_rate": 2e-3,
    "halve_after": 5,
    "stop_after": 10,
    "epochs": 40,
}
LAYERS = {
    "GraclusPool": "graphpool_sanity:GraclusPool",
    "TopKPooling": "torch_geometric.nn:TopKPooling",
    "SAGPooling": "torch_geometric.nn:SAGPooling",
    "MinCutPool": "graphpool_sanity:MinCutPool",
    "MemoryPool": "graphpool_sanity:MemoryPool",
    "KMISPooling": "tgp.poolers:KMISPooling",
}


class Control(NamedTuple):
    """A check whose answer is known in advance."""

    layer: str
    null: str
    answer: str


# On cycles that only pooling of neighbours can tell apart.
KNOWN = (
    Control("GraclusPool", "complement", "locality helps"),
    Control("ComplementGraclusPool", "local", "null is better"),
    Control("ComplementGraclusPool", "random", "null is as good"),
)


def check(
    layer: str, dataset: str, jobs: int, device: str, out: Path, most: int = PLANNED
) -> SanityReport:
    """The report of one layer on one data set; what has run is not run again."""
    benchmark = load_dataset(dataset)
    protocol, backbone = settings_of(dataset, SHORT)
    return sanity_check(
        standard_model(find_layer(LAYERS[layer]), {}, benchmark, **backbone),
        dataset,
        "auto",
        PLANNED,
        max_runs=most,
        protocol=Protocol(**protocol),
        n_jobs=jobs,
        device=device,
        out=out / dataset / layer,
        name=layer,
    )


def control(known: Control, jobs: int, device: str, out: Path) -> SanityReport:
    """The report of a control, in the command line's own settings."""
    benchmark = load_dataset("locality-control")
    protocol, backbone = settings_of(benchmark.name, {})
    return sanity_check(
        standard_model(find_layer(f"graphpool_sanity:{known.layer}"), {}, benchmark, **backbone),
        benchmark.name,
        known.null,
        PLANNED,
        max_runs=MOST_OF_CONTROL,
        protocol=Protocol(**protocol),
        n_jobs=jobs,
        device=device,
        out=out / f"{known.layer}-{known.null}",
        name=known.layer,
    )


def reports(folder: Path = REPORTS) -> Iterator[SanityReport]:
    """All that are there, layer by layer."""
    for layer in LAYERS:
        for dataset in DATASETS:
            if (folder / dataset / layer / "report.json").exists():
                yield SanityReport.load(folder / dataset / layer)


def main() -> None:
    """Run the controls, then check every layer on every data set."""
    parser = Parser(description="Does locality matter?")
    parser.add_argument("--dataset", nargs="+", type=full_name, default=DATASETS)
    parser.add_argument("--layer", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--extend", action="store_true", help="run on what is undecided")
    parser.add_argument("--jobs", type=positive)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=REPORTS)
    args = parser.parse_args()
    with faults_in_one_line(named_alike(vars(args))):
        run(args)


def run(args: Namespace) -> None:
    """What was asked for."""
    warnings.simplefilter("ignore")  # of the layers' packages
    console, jobs = Console(), args.jobs or jobs_on(args.device)
    for known in KNOWN:
        console.print(control(known, jobs, args.device, args.out / CONTROLS.name).table())
    for dataset in args.dataset:
        most = MOST if args.extend and dataset in EXTENDED else PLANNED
        for layer in args.layer:
            console.print(check(layer, dataset, jobs, args.device, args.out, most).table())


if __name__ == "__main__":
    main()
