"""From runs to a report: each null is compared with the layer, and what else the runs tell."""

import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import nn

from graphpool_sanity.check.comparison import Comparison, compare
from graphpool_sanity.check.folder import Plan
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.check.proofs import first_graphs, invariances
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.schedule import Schedule
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.ledger import Record

_GRAPHS = 4
"""On how many graphs the invariances are measured."""


@dataclass(frozen=True)
class Judge:
    """How the pairs of a check are compared."""

    benchmark: Benchmark
    seed: int
    margin: float
    level: float
    plan: Plan

    def compare(self, layer: Sequence[float], null: Sequence[float]) -> Comparison:
        """The layer against a null; more is better, or less, as the metric has it."""
        sign = 1 if self.benchmark.higher_is_better else -1
        differences = [sign * (a - b) for a, b in zip(layer, null, strict=True)]
        planned = self.plan.is_kept and len(differences) == self.plan.runs
        return compare(differences, self.margin, self.level, self._overlap, planned)

    def is_decided(self, layer: Sequence[float], null: Sequence[float]) -> bool:
        """Whether there is a verdict."""
        return self.compare(layer, null).verdict != "undecided"

    @cached_property
    def _overlap(self) -> float:
        if self.benchmark.official_split is not None:
            return 0.0
        train, _, test = self.benchmark.split(self.seed)
        return len(test) / len(train)


def collect(
    pairs: PairedRuns,
    name: str,
    parts: Mapping[str, nn.Module],
    schedule: Schedule,
    judge: Judge,
    records: list[Record],
    bite: Mapping[str, float],
) -> SanityReport:
    """The report of all pairs that count."""
    benchmark, seed = pairs.benchmark(), judge.seed
    weights = benchmark.class_weights
    most = max(map(schedule.pairs, schedule.nulls))
    count = {LAYER: most} | {null: schedule.pairs(null) for null in schedule.nulls}
    used = [r for r in records if r["config"]["seed"] < seed + count[r["config"]["variant"]]]
    runs = _by_variant(used)
    first = runs[LAYER][0]
    batch = first_graphs(benchmark, _GRAPHS)
    sizes = map(len, benchmark.split(seed))
    return SanityReport(
        name=name,
        dataset={
            "name": benchmark.name,
            "graphs": len(benchmark.graphs),
            "fingerprint": first["config"]["data"],
            "task": benchmark.task,
            **dict(zip(("train", "validation", "test"), sizes, strict=True)),
            "official_split": benchmark.official_split is not None,
            "targets": 1 if benchmark.task == "classification" else benchmark.out_channels,
            "features": benchmark.features,
            "class_weights": None if weights is None else str(weights),
        },
        metric=benchmark.metric,
        higher_is_better=benchmark.higher_is_better,
        comparisons={
            null: judge.compare(*schedule.of_pairs(null, count[null])) for null in schedule.nulls
        },
        scores={variant: [run["test"] for run in own] for variant, own in runs.items()},
        seeds=[run["config"]["seed"] for run in runs[LAYER]],
        bite={
            null: {"before": bite[null], "after": _mean(runs[LAYER], "bite", null)}
            for null in schedule.nulls
        },
        ties={layer: _mean(runs[LAYER], "ties", layer) or 0.0 for layer in first.get("ties", {})},
        still_improving={
            variant: sum(_still_improves(run, pairs.protocol.epochs) for run in own)
            for variant, own in runs.items()
        },
        cost={variant: _cost(own) for variant, own in runs.items()},
        homogeneity={variant: _homogeneity(own) for variant, own in runs.items()},
        invariance={
            variant: invariances(pairs.build_seeded(variant, seed), batch) for variant in runs
        },
        protocol=asdict(pairs.protocol),
        plan=asdict(judge.plan) | {"margins": list(judge.plan.margins)},
        environment=_environment(used) | {"layers": {k: repr(v) for k, v in parts.items()}},
        chosen_at={k: v for run in used for k, v in run.get("chosen_at", {}).items()},
        fingerprint=first["config"]["fingerprint"],
        records=used,
    )


def _by_variant(records: list[Record]) -> dict[str, list[Record]]:
    """The runs of the layer and of each null, each in the order of the seeds."""
    runs: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record["config"]["seed"]):
        runs[record["config"]["variant"]].append(record)
    return dict(runs)


def _mean(runs: list[Record], measured: str, key: str) -> float | None:
    """Of what was measured in all runs; ``None`` if it was not."""
    values = [run.get(measured, {}).get(key) for run in runs]
    return None if None in values else fmean(values)


def _still_improves(run: Record, limit: int) -> bool:
    """Whether the epochs ran out within a tenth of the best one."""
    return bool(run["epochs"] == limit and run.get("best_epoch", 0) > 0.9 * limit)


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


def _environment(runs: list[Record]) -> dict[str, Any]:
    """Where and when the runs were made, and by what."""
    dates = sorted({run["date"] for run in runs if run.get("date")})
    return {
        "device": ", ".join(sorted({run["device"] for run in runs})),
        "processor": ", ".join(sorted({run["processor"] for run in runs if run.get("processor")})),
        "versions": runs[0]["versions"],
        "revision": runs[0]["revision"],
        "dates": [*dates[:1], *dates[-1:]],
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }
