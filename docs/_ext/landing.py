"""The figure of the front page: what is compared, and what came out of it."""

from pathlib import Path

import matplotlib.pyplot as plt
import molecule
import numpy as np
import pictures
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graphpool_sanity import ComplementGraclusPool, GraclusPool
from graphpool_sanity.experiments.ledger import Ledger
from graphpool_sanity.experiments.statistics import Comparison, compare

RUNS = Path(__file__).parents[2] / "benchmarks" / "results" / "graclus-NCI1.jsonl"
MARGIN = 2.0


def draw() -> Figure:
    """Graclus, its complement, and the paired differences between the two on NCI1."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=(1, 1, 1.5), layout="constrained")
    figure.patch.set_alpha(0)
    layers = {"GraclusPool": GraclusPool(seed=0), "its null": ComplementGraclusPool(seed=0)}
    edges, points = molecule.edge_index(), molecule.positions()
    for ax, (name, pool) in zip(axes, layers.items(), strict=False):
        out = pool.eval()(torch.zeros(len(points), 1), edges)
        ax.set_title(name)
        pictures.draw_pairs(ax, points, edges, out.cluster.numpy())
    draw_verdict(axes[2], differences("graclus", "complement"))
    return figure


def differences(layer: str, null: str) -> list[float]:
    """The points of accuracy by which ``layer`` beats ``null``, seed by seed."""
    scores: dict[str, dict[int, float]] = {layer: {}, null: {}}
    for record in Ledger(RUNS):
        config = record["config"]
        scores.get(config["variant"], {})[config["seed"]] = 100 * record["test"]
    seeds = sorted(scores[layer].keys() & scores[null].keys())
    return [scores[layer][seed] - scores[null][seed] for seed in seeds]


def draw_verdict(ax: Axes, points: list[float]) -> Comparison:
    """Paired differences, their mean with its interval, and the margin of equivalence."""
    found = compare(points, MARGIN, test_train_ratio=1 / 8)
    ax.axvspan(-MARGIN, MARGIN, color=pictures.COLORS[0], alpha=0.15, lw=0)
    ax.axvline(0, color=pictures.GREY, lw=1)
    ax.plot(points, np.linspace(0.2, 1, len(points)), "o", color=pictures.COLORS[0], alpha=0.6)
    ax.plot(found.interval, [0, 0], color=pictures.COLORS[1], lw=3, solid_capstyle="round")
    ax.plot([found.difference], [0], "D", color=pictures.COLORS[1])
    ax.set_title(f"NCI1, {found.runs} runs each: {found.verdict}")
    ax.set_xlabel("GraclusPool − its null, points of accuracy")
    ax.set_yticks([])
    ax.patch.set_alpha(0)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    return found
