"""The four verdicts on differences that are made up, each called what the package calls it."""

import matplotlib.pyplot as plt
import numpy as np
import pictures
from matplotlib.figure import Figure

from graphpool_sanity import compare
from graphpool_sanity.training.tasks import MARGIN, Unit

BAND = Unit("accuracy").scale * MARGIN
MADE_UP = {(0.1, 0.5): 0, (4.2, 0.9): 1, (-4.2, 0.9): 2, (1.2, 3.0): 3}
"""The mean and the spread of ten differences, and the seed of their scatter."""


def draw() -> Figure:
    """One row for each verdict: ten runs, their mean and its interval, the band of the margin."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.axvspan(-BAND, BAND, color=pictures.COLORS[0], alpha=0.15, lw=0)
    axes.axvline(0, color=pictures.GREY, lw=1)
    said = []
    for row, ((mean, spread), seed) in enumerate(MADE_UP.items()):
        scatter = np.random.default_rng(seed).normal(size=10)
        points = mean + spread * (scatter - scatter.mean()) / scatter.std()
        found = compare(points, BAND, planned=True)
        said.append(found.verdict)
        height = row + 0.2 * np.cos(np.pi * np.arange(len(points)))
        axes.plot(points, height, "o", color=pictures.COLORS[0], alpha=0.7, ms=5)
        axes.plot(found.interval, [row, row], color=pictures.COLORS[1], lw=2.5)
        axes.plot([found.difference], [row], "D", color=pictures.COLORS[1])
    axes.set_yticks(range(len(said)), said)
    axes.invert_yaxis()
    axes.set_xlabel("layer − null, points (made-up numbers)")
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def draw_narrowing() -> Figure:
    """The interval after every pair, until it lies within the margin."""
    figure, axes = plt.subplots(figsize=(6.4, 3.0), layout="constrained")
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.axhspan(-BAND, BAND, color=pictures.COLORS[0], alpha=0.15, lw=0)
    axes.axhline(0, color=pictures.GREY, lw=1)
    points = list(np.random.default_rng(3).normal(0.2, 2.2, 80))
    found, runs = compare(points[:5], BAND), 5
    while True:
        axes.plot([runs, runs], found.interval, color=pictures.COLORS[1], lw=2)
        axes.plot(runs, found.difference, "D", color=pictures.COLORS[1], ms=4)
        if found.verdict != "undecided":
            break
        runs += 1
        found = compare(points[:runs], BAND)
    axes.plot(range(1, runs + 1), points[:runs], "o", color=pictures.COLORS[0], alpha=0.4, ms=4)
    axes.set_ylim(-9, 9)
    axes.set_xlabel(f"pairs (made-up differences); after {runs}: {found.verdict}")
    axes.set_ylabel("layer − null, points")
    axes.spines[["right", "top"]].set_visible(False)
    return figure
