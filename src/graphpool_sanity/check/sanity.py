"""The check: does a model's way of pooling beat its nulls, by more than chance would?"""

import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from torch_geometric.data import Data
from torchmetrics import Metric

from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.fingerprint import (
    data_fingerprint,
    model_fingerprint,
    split_fingerprint,
)
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.check.proofs import (
    check_kinds,
    check_runs,
    check_variants,
    check_writable,
    choose_nulls,
    first_graphs,
    invariances,
)
from graphpool_sanity.check.report import SanityReport, layer_minus_nulls
from graphpool_sanity.datasets.from_graphs import as_benchmark, checked
from graphpool_sanity.nulls.registry import Layers, nulls_of_others, pooling_layers
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.protocol import BuildModel, Protocol, check_device, resolve_device
from graphpool_sanity.training.runs import run_all
from graphpool_sanity.training.tasks import MARGIN, Task

__all__ = ["SanityReport", "sanity_check"]

_PAPER = Protocol()

_GRAPHS = 4
"""On how many graphs the invariances are measured."""


def sanity_check(
    build_model: BuildModel,
    dataset: str | Benchmark | Sequence[Data],
    nulls: str | Sequence[str] = "auto",
    runs: int = 10,
    margin: float = MARGIN,
    *,
    protocol: Protocol = _PAPER,
    metric: Callable[[], Metric] | None = None,
    task: Task | None = None,
    layers: Layers | None = None,
    level: float = 0.95,
    seed: int = 0,
    n_jobs: int = 1,
    scheduler: str | None = None,
    device: str = "auto",
    out: str | Path | None = None,
    name: str | None = None,
) -> SanityReport:
    r"""Train a model and its nulls in pairs, and say whether its way of pooling helps.

    A null is the same model, every pooling layer's selector replaced. Run i of a model and of each
    of its nulls has the seed ``seed`` + i: the same split, the same initial weights of all that
    they share, the same batches in the same order, the same dropout. Differences are taken run by
    run and judged by :func:`~graphpool_sanity.compare`. An official split is
    the same in all runs, so that none overlap, and the verdict speaks of that split alone.

    A run is kept in the ledger as soon as it is done, so that a check that was killed is resumed
    by the same call, and more runs are added by a larger ``runs``. The ledger knows a model by
    its code and what that uses (installed packages by name), its attributes and its initial
    weights, and likewise each null, and data by all that the graphs have: another under the same
    name starts anew. What cannot be known again, as a model that holds a generator or a data set
    with a random transform, starts anew at each call, with a warning.

    Args:
        build_model: ``build_model(in_channels, out_channels)``, a module that takes a PyG batch
            and returns its outputs [B, out_channels], or these and an auxiliary loss.
        dataset: A :class:`Benchmark`, a name that :func:`load_dataset` knows, or a PyG dataset or
            list of ``Data``, whose task is inferred: classes if ``y`` is integer, regression if
            it is floating point.
        nulls: ``"auto"`` is the first (most telling) null that all pooling layers share, which
            asks about the layer's choice, and ``"none"``, which asks whether pooling does anything
            at all; ``"all"`` are all that they share; or one name, or several.
        runs: The pairs, 2 or more.
        margin: The difference in the metric's unit below which layer and null count as equally
            good: 0.02 are 2 points of accuracy.
        protocol: How each model is trained; the paper's :class:`Protocol` by default.
        metric: Makes a ``torchmetrics.Metric``, as ``lambda: MulticlassF1Score(10)``, that is
            given outputs (logits) and targets; the task's if ``None``: accuracy, mean absolute
            error, or area under the ROC curve.
        task: The task of a dataset that is no benchmark, if not as inferred.
        layers: Which modules are the pooling layers, by name or class, as for
            :func:`~graphpool_sanity.randomize`; all that are known if ``None``.
        level: The confidence level; false verdicts come at a rate of 1 - ``level`` at most.
        seed: The first seed.
        n_jobs: How many runs at once, as joblib counts: -1 is one for each core.
        scheduler: The address of a Dask scheduler that hands out the runs, instead of ``n_jobs``.
        device: ``"auto"`` or a torch device.
        out: The folder of ledger and report; nothing is kept if ``None``.
        name: The model's name in ledger and report; its class's if ``None``.

    Returns:
        The report: ``.verdict``, ``.comparisons``, ``.table()``, ``.plot()``, ``.save(dir)``.

    Raises:
        ValueError: on malformed input, a model without known pooling layers, a null that they
            do not share, or a model that fails on a batch.
        RuntimeError: if a run failed, after all others are done.

    The comparison is that of Mesquita, Souza, Kaski, NeurIPS 2020, sections 2 and 3.

    >>> from functools import partial
    >>> from graphpool_sanity import GraclusPool
    >>> from graphpool_sanity.datasets import locality_control
    >>> from graphpool_sanity.check.backbone import Backbone
    >>> build_model = partial(Backbone, lambda channels: GraclusPool(), hidden=8)
    >>> report = sanity_check(
    ...     build_model, locality_control(40), "random", runs=2, protocol=Protocol(epochs=1)
    ... )
    >>> list(report.comparisons), len(report.scores["layer"])
    (['random'], 2)
    """
    check_runs(runs, margin, level, seed, n_jobs)
    check_kinds(build_model, protocol)
    if scheduler is None:
        check_device(device)
    pairs = PairedRuns(
        build_model, _source(dataset, task), protocol, metric, str(resolve_device(device))
    )
    model = pairs.build_seeded(LAYER, seed)
    names = tuple(pooling_layers(model, layers))
    pairs = replace(pairs, layers=names, nulls=nulls_of_others(model, names))
    variants = [LAYER, *choose_nulls(model, nulls, names)]
    check_variants(pairs, variants, range(seed, seed + runs))
    if out is not None:
        check_writable(out)

    name = type(model).__name__ if name is None else name
    common = _identity(pairs, name, model_fingerprint(model))
    known = {variant: _identity_of(variant, pairs, seed) for variant in variants}
    configs = [
        {"variant": variant, "seed": run_seed} | own | common
        for run_seed in range(seed, seed + runs)
        for variant, own in known.items()
    ]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory()) if out is None else out
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        records = run_all(configs, pairs, ledger, n_jobs, scheduler)
    report = _collect(pairs, name, records, margin, level)
    if out is not None:
        report.save(out)
    return report


def _source(dataset: str | Benchmark | Sequence[Data], task: Task | None) -> str | Benchmark:
    if isinstance(dataset, str | Benchmark):
        if task is not None:
            raise ValueError(f"task must be None for a data set that has one, got {task!r}")
        return dataset if isinstance(dataset, str) else checked(dataset)
    return as_benchmark(dataset, task)


def _identity_of(variant: str, pairs: PairedRuns, seed: int) -> dict[str, str]:
    """What tells a null from another by the same name."""
    if variant == LAYER:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it holds, the layer's model does, and said so
        return {"null": model_fingerprint(pairs.build_seeded(variant, seed))}


def _identity(pairs: PairedRuns, name: str, fingerprint: str) -> dict[str, Any]:
    """What all runs of a check have in common in the ledger, and no other check has."""
    benchmark, metric = pairs.benchmark(), pairs.make_metric
    split = benchmark.official_split
    return {
        "model": name,
        "fingerprint": fingerprint,
        "layers": list(pairs.layers),
        "dataset": benchmark.name,
        "graphs": len(benchmark.graphs),
        "data": data_fingerprint(benchmark.graphs),
        **({} if split is None else {"split": split_fingerprint(split)}),
        "task": benchmark.task,
        "metric": benchmark.metric
        if metric is None
        else f"{metric()} {model_fingerprint(metric())}",
        "device": resolve_device(pairs.device).type,
        **asdict(pairs.protocol),
    }


def _collect(
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
        null: compare(differences, margin, level, overlap, seed)
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
