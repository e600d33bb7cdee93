"""From the runs of a check to its report."""

from collections import defaultdict
from dataclasses import asdict
from statistics import fmean
from typing import Any

from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.check.proofs import first_graphs, invariances
from graphpool_sanity.check.report import SanityReport, layer_minus_nulls
from graphpool_sanity.training.ledger import Record

_GRAPHS = 4
"""On how many graphs the invariances are measured."""


def collect(
    pairs: PairedRuns, name: str, records: list[Record], margin: float, level: float
) -> SanityReport:
    """Compare each null with the layer, run by run, and gather what else the runs tell."""
    benchmark = pairs.benchmark()
    runs = _by_variant(records)
    seed = records[0]["config"]["seed"]
    scores = {variant: [run["test"] for run in own] for variant, own in runs.items()}
    sizes = [len(part) for part in benchmark.split(seed)]
    overlap = sizes[2] / sizes[0] if benchmark.official_split is None else 0.0
    comparisons = {
        null: compare(differences, margin, overlap, level, seed)
        for null, differences in layer_minus_nulls(scores, benchmark.higher_is_better).items()
    }
    batch = first_graphs(benchmark, _GRAPHS)
    return SanityReport(
        name=name,
        dataset={
            "name": benchmark.name,
            "graphs": len(benchmark.graphs),
            "fingerprint": records[0]["config"]["data"],
            "task": benchmark.task,
            **dict(zip(("train", "validation", "test"), sizes, strict=True)),
            "official_split": benchmark.official_split is not None,
        },
        metric=benchmark.metric,
        higher_is_better=benchmark.higher_is_better,
        comparisons=comparisons,
        scores=scores,
        seeds=[run["config"]["seed"] for run in runs[LAYER]],
        cost={variant: _cost(own) for variant, own in runs.items()},
        homogeneity={variant: _homogeneity(own) for variant, own in runs.items()},
        invariance={
            variant: invariances(pairs.build_seeded(variant, seed), batch) for variant in runs
        },
        protocol=asdict(pairs.protocol),
        environment={key: records[0][key] for key in ("device", "versions", "revision")},
        fingerprint=records[0]["config"]["fingerprint"],
        records=records,
    )


def _by_variant(records: list[Record]) -> dict[str, list[Record]]:
    """The runs of the layer and of each null, each in the order of the seeds."""
    runs: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        runs[record["config"]["variant"]].append(record)
    return dict(runs)


def _cost(runs: list[Record]) -> dict[str, Any]:
    return {
        "seconds_per_epoch": min(run["seconds"] / run["epochs"] for run in runs),
        "epochs": fmean(run["epochs"] for run in runs),
        "seconds": sum(run["seconds"] for run in runs),
        "parameters": runs[0]["parameters"],
    }


def _homogeneity(runs: list[Record]) -> dict[str, float]:
    """The mean over the runs of each stage, as ``"before pools.0"``."""
    stages = runs[0]["homogeneity"]
    return {stage: fmean(run["homogeneity"][stage] for run in runs) for stage in stages}
