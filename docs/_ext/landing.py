"""The figures of the front page: what is compared, and what came out of it."""

from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import molecule
import pictures
import torch
from matplotlib.figure import Figure

from graphpool_sanity import Comparison, ComplementGraclusPool, GraclusPool, compare
from graphpool_sanity.check.figures import plot_differences
from graphpool_sanity.training import Ledger
from graphpool_sanity.training.tasks import MARGIN, Unit

DATA = "NCI1"
RUNS = Path(__file__).parents[2] / "benchmarks" / "results" / f"graclus-{DATA}.jsonl"


def draw_pairs() -> Figure:
    """Who is pooled with whom, by Graclus and by its complement."""
    edges, points = molecule.edge_index(), molecule.positions()
    figure, axes = plt.subplots(1, 2, figsize=(5.2, 2.6), layout="constrained")
    figure.patch.set_alpha(0)
    layers = {"GraclusPool": GraclusPool(seed=0), "its null": ComplementGraclusPool(seed=0)}
    for ax, (name, pool) in zip(axes, layers.items(), strict=True):
        out = pool.eval()(torch.zeros(len(points), 1), edges)
        ax.set_title(name)
        pictures.draw_pairs(ax, points, edges, out.cluster.numpy())
    return figure


def draw_verdict() -> Figure:
    """The differences between the two on NCI1, run by run."""
    points, found = _found()
    figure = plot_differences({"null": found}, {"null": points}, Unit("accuracy"))
    figure.set_size_inches(5.2, 2.6)
    figure.patch.set_alpha(0)
    figure.axes[0].patch.set_alpha(0)
    return plt.figure(figure)


def verdict() -> str:
    """What they say, in a sentence."""
    found = _found()[1]
    gap = Unit("accuracy").difference(found.difference)
    return f"{DATA}, {found.runs} paired runs: {gap} on average. *{found.verdict.capitalize()}.*"


@cache
def _found() -> tuple[list[float], Comparison]:
    scores: dict[str, dict[int, float]] = {"graclus": {}, "complement": {}}
    settings = None
    for record in Ledger(RUNS):
        config = record["config"]
        variant, seed = config.pop("variant"), config.pop("seed")
        settings = settings or config  # those of the first run: the paper's main table
        if config == settings and variant in scores:
            scores[variant][seed] = record["test"]
    layer, null = scores.values()
    points = [layer[seed] - null[seed] for seed in sorted(layer.keys() & null)]
    return points, compare(points, MARGIN, test_train_ratio=1 / 8, planned=True)
