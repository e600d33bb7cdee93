"""The check: does a model's way of pooling beat its nulls, by more than chance would?"""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from torch import Tensor
from torch_geometric.data import Data
from torchmetrics import Metric

from graphpool_sanity.check.arguments import (
    check_kinds,
    check_numbers,
    check_writable,
    choose_nulls,
    resolve_margin,
)
from graphpool_sanity.check.collect import Judge, collect
from graphpool_sanity.check.defaults import RUNS
from graphpool_sanity.check.fingerprint import (
    data_fingerprint,
    model_fingerprint,
    split_fingerprint,
)
from graphpool_sanity.check.folder import held, planned
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.check.progress import CheckWatch, deadline_in
from graphpool_sanity.check.proofs import prove
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.schedule import Schedule
from graphpool_sanity.datasets.from_graphs import Features, as_benchmark, checked
from graphpool_sanity.nulls.registry import Layers, layers_to_exchange, nulls_of_others
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.ledger import Ledger, identity
from graphpool_sanity.training.protocol import BuildModel, Protocol, check_device, resolve_device
from graphpool_sanity.training.runs import run_all
from graphpool_sanity.training.tasks import Task
from graphpool_sanity.training.workers import Config

__all__ = ["SanityReport", "sanity_check"]


def sanity_check(
    build_model: BuildModel,
    dataset: str | Benchmark | Sequence[Data],
    nulls: str | Sequence[str] = "auto",
    runs: int = RUNS,
    margin: float | None = None,
    *,
    max_runs: int | None = None,
    minutes: float | None = None,
    protocol: Protocol = Protocol(),
    metric: str | Callable[[], Metric] | None = None,
    task: Task | None = None,
    features: Features = "constant",
    class_weights: Literal["balanced"] | Tensor | None = None,
    layers: Layers | None = None,
    select: str | None = None,
    level: float = 0.95,
    seed: int = 0,
    n_jobs: int = 1,
    scheduler: str | None = None,
    device: str = "auto",
    out: str | Path | None = None,
    name: str | None = None,
    verbose: bool = True,
) -> SanityReport:
    r"""Train a model and its nulls in pairs, and say whether its way of pooling helps.

    A null is the same model, every pooling layer's selector replaced. Pair i of a model and a null
    has the seed ``seed`` + i: the same split, the same initial weights of all that they share, the
    same batches in the same order, the same dropout. Differences are taken pair by pair and judged
    by :func:`~graphpool_sanity.compare`. ``runs`` pairs are run; then more, until every null has
    its verdict, or there are ``max_runs``, or the ``minutes`` are over. A null that is decided is
    not run again. If ``runs`` and ``max_runs`` are one number, that is a plan, and is judged by
    Student's narrower interval, as long as it is kept: the folder remembers who has looked.

    Before anything is trained it is proved that all models run, that the network sees its pooling,
    and that each null changes what it says. Then a run is kept in the ledger as soon as it is done,
    so that a check that was killed is resumed by the same call. The ledger knows a model by its
    code and what that uses (installed packages by name), its attributes and its initial weights,
    and likewise each null, and data by all that the graphs have: another under the same name
    starts anew. What cannot be known again, as a model that holds a generator or a data set with a
    random transform, starts anew at each call, with a warning.

    Args:
        build_model: ``build_model(in_channels, out_channels)``, a module that takes a PyG batch
            and returns its outputs [B, out_channels], or these and an auxiliary loss.
        dataset: A :class:`Benchmark`, a name that :func:`load_dataset` knows, or a PyG dataset or
            list of ``Data``, whose task is inferred: classes if ``y`` is integer, regression if
            it is floating point, and several binary targets if it is [1, T] of 0, 1 and NaN.
        nulls: ``"auto"`` is the first (most telling) null that all pooling layers share, which
            asks about the layer's choice, and ``"none"``, which asks whether pooling does anything
            at all; ``"all"`` are all that they share; or one name, or several.
        runs: The least number of pairs, 2 or more.
        margin: The difference in the metric's unit below which layer and null count as equally
            good: 0.02 are 2 points of accuracy. ``None`` is 0.02 where the metric lies in [0, 1],
            and for errors 2 % of the error of the best constant prediction.
        max_runs: The greatest number of pairs; 50, or ``runs`` if that is more, if ``None``.
        minutes: After how many minutes no pair beyond ``runs`` is begun.
        protocol: How each model is trained; the paper's :class:`Protocol` by default.
        metric: ``"accuracy"``, ``"balanced_accuracy"``, ``"f1"``, ``"auroc"``,
            ``"average_precision"``, ``"mae"`` or ``"rmse"``; or what makes a
            ``torchmetrics.Metric``, as ``lambda: MulticlassF1Score(10)``, that is given outputs
            (logits) and targets; the data set's if ``None``.
        task: The task of a dataset that is no benchmark, if not as inferred.
        features: What nodes of such a dataset get that have none: ``"constant"`` or ``"degree"``.
        class_weights: What the loss weighs classes by; ``"balanced"`` inversely to how often they
            are among the training graphs.
        layers: Which modules are the pooling layers, by name or class, as for
            :func:`~graphpool_sanity.randomize`; all that are known if ``None``, and the model
            itself if it pools without any.
        select: The call by which a layer or model without registered nulls chooses, if there are
            several, as for :func:`~graphpool_sanity.randomize`: ``"layers.py:183"``.
        level: The confidence level; false verdicts come at a rate of 1 - ``level`` at most.
        seed: The first seed.
        n_jobs: How many runs at once, as joblib counts: -1 is one for each core.
        scheduler: The address of a Dask scheduler that hands out the runs, instead of ``n_jobs``.
        device: ``"auto"`` or a torch device.
        out: The folder of ledger and report; nothing is kept if ``None``.
        name: The model's name in ledger and report; its class's if ``None``.
        verbose: Whether to say on stderr what is going to be spent, and how far the check is.

    Returns:
        The report: ``.verdict``, ``.comparisons``, ``.table()``, ``.plot()``, ``.save(dir)``.

    Raises:
        ValueError: on malformed input, a model without known pooling layers, a null that they
            do not share, a model that fails on a batch or cannot see its pooling, or a null that
            changes nothing.
        RuntimeError: if a run failed, after all others are done.

    The comparison is that of Mesquita, Souza, Kaski, NeurIPS 2020, Sections 2 and 3.

    >>> from functools import partial
    >>> from graphpool_sanity import GraclusPool
    >>> from graphpool_sanity.datasets import locality_control
    >>> from graphpool_sanity.check.backbone import Backbone
    >>> build_model = partial(Backbone, lambda channels: GraclusPool(), hidden=8)
    >>> report = sanity_check(
    ...     build_model, locality_control(40), "random", 2, max_runs=2, protocol=Protocol(epochs=1)
    ... )
    >>> list(report.comparisons), len(report.scores["layer"])
    (['random'], 2)
    """
    max_runs = check_numbers(runs, max_runs, minutes, level, seed, n_jobs)
    check_kinds(build_model, protocol)
    if scheduler is None:
        check_device(device)
    source, where = _source(dataset, task, features), str(resolve_device(device))
    pairs = PairedRuns(build_model, source, protocol, metric, where, class_weights=class_weights)
    margin = resolve_margin(margin, pairs.benchmark())
    model = pairs.build_seeded(LAYER, seed)
    parts = layers_to_exchange(model, layers)
    pairs = replace(
        pairs, layers=tuple(parts), select=select, nulls=nulls_of_others(model, tuple(parts))
    )
    chosen = choose_nulls(model, nulls, pairs.layers)
    bite = prove(pairs, chosen, range(seed, seed + runs))
    if out is not None:
        check_writable(out)

    name = type(model).__name__ if name is None else name
    common = _identity(pairs, name, model_fingerprint(model))
    own = {variant: _identity_of(variant, pairs, seed) for variant in (LAYER, *chosen)}

    def config_of(variant: str, pair: int) -> Config:
        return {"variant": variant, "seed": seed + pair} | own[variant] | common

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()) if out is None else out)
        stack.enter_context(held(folder))
        ledger = Ledger(folder / "ledger.jsonl")
        asked = (config_of(variant, pair) for variant in own for pair in range(max_runs))
        kept = sum(record is not None for record in ledger.find(asked))
        plan = planned(folder, identity(common | {"seed": seed}), runs, max_runs, margin, kept > 0)
        judge = Judge(pairs.benchmark(), seed, margin, level, plan)
        schedule = Schedule(chosen, runs, max_runs, judge.is_decided, deadline_in(minutes))
        watch = CheckWatch(schedule, judge, n_jobs, seed, verbose)
        watch.announce(name, pairs, bite, kept)
        try:
            configs = (config_of(*key) for key in schedule)
            records = run_all(configs, pairs, ledger, n_jobs, scheduler, watch)
        except KeyboardInterrupt:
            watch.interrupted(None if out is None else ledger.path)
            raise
        report = collect(pairs, name, parts, schedule, judge, records, bite)
        if out is not None:
            report.save(out)
    return report


def _source(
    dataset: str | Benchmark | Sequence[Data], task: Task | None, features: Features
) -> str | Benchmark:
    if isinstance(dataset, str | Benchmark):
        if task is not None:
            raise ValueError(f"task must be None for a data set that has one, got {task!r}")
        return dataset if isinstance(dataset, str) else checked(dataset)
    return as_benchmark(dataset, task, features=features)


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
    split, weights = benchmark.official_split, benchmark.class_weights
    made = None if metric is None or isinstance(metric, str) else metric()
    return {
        "model": name,
        "fingerprint": fingerprint,
        "layers": list(pairs.layers),
        "dataset": benchmark.name,
        "graphs": len(benchmark.graphs),
        "data": data_fingerprint(benchmark.graphs),
        **({} if split is None else {"split": split_fingerprint(split)}),
        "task": benchmark.task,
        "metric": benchmark.metric if made is None else f"{made} {model_fingerprint(made)}",
        **({} if weights is None else {"class_weights": str(weights)}),
        "device": resolve_device(pairs.device).type,
        **asdict(pairs.protocol),
    }
