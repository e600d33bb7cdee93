"""The figures of a check: differences run by run, and the scores they come from."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graphpool_sanity.analysis.picture import Picture
from graphpool_sanity.check.comparison import Comparison, Interval
from graphpool_sanity.training.tasks import Unit

_LIGHT = {"ink": "#1f2328", "paper": "#ffffff", "faint": "#8b949e", "band": "#dbe9f9"}
_DARK = {"ink": "#e6edf3", "paper": "#151b23", "faint": "#8b949e", "band": "#1f3a5c"}
_RUN, _MEAN = "#3b82c4", "#d9632a"
_WIDTH = 5.0  # inches: letters stay readable on a telephone


def plot_differences(
    comparisons: Mapping[str, Comparison],
    differences: Mapping[str, Sequence[float]],
    unit: Unit,
    dark: bool = False,
    of: str = "layer − ",
    better: str = "the layer",
) -> Figure:
    """For each null a dot per run, the mean with its interval, and the band of the margin."""
    figure, axes = _axes(1.1 + 0.75 * len(comparisons), dark)
    colors = _DARK if dark else _LIGHT
    margin = unit.scale * next(iter(comparisons.values())).margin
    axes.axvspan(-margin, margin, color=colors["band"], lw=0, label=f"margin, ±{margin:g}")
    axes.axvline(0, color=colors["faint"], lw=1)
    for row, (null, found) in enumerate(comparisons.items()):
        own = unit.scale * np.asarray(differences[null])
        place = row + 0.2 * np.cos(np.pi * np.arange(len(own)))  # alternately above and below
        axes.plot(own, place, "o", color=_RUN, ms=5, alpha=0.75, label="a run" if row == 0 else "")
        mean, ends = unit.scale * found.difference, unit.scale * np.asarray(found.interval)
        name = f"mean, {found.level:.0%} interval" if row == 0 else ""
        if np.isfinite(ends).all():
            axes.plot(ends, [row, row], "-", color=_MEAN, lw=2.5, label=name)
        axes.plot(mean, row, "D", color=_MEAN, ms=7)
    axes.set_yticks(range(len(comparisons)), [f"{of}{null}" for null in comparisons])
    axes.set_ylim(len(comparisons) - 0.5, -0.5)
    _say_direction(figure, unit, dark, better)
    figure.legend(
        loc="outside upper center",
        ncols=3,
        columnspacing=1.2,
        frameon=False,
        fontsize=9,
        labelcolor=colors["ink"],
    )
    return figure


def plot_scores(scores: Mapping[str, Sequence[float]], unit: Unit, dark: bool = False) -> Figure:
    """The test metric of every run of the layer and its nulls, lines joining runs of one seed."""
    figure, axes = _axes(3.0, dark)
    values = unit.scale * np.array(list(zip_longest(*scores.values(), fillvalue=np.nan))).T
    axes.plot(range(len(scores)), values, "o-", color=_RUN, lw=1, ms=4, alpha=0.5)
    axes.plot(range(len(scores)), np.nanmean(values, 1), "D", color=_MEAN, ms=7, label="mean")
    axes.set_xticks(range(len(scores)), list(scores))
    axes.set_xlim(-0.4, len(scores) - 0.6)
    axes.set_ylabel(f"test {unit.name}")
    ink = (_DARK if dark else _LIGHT)["ink"]
    axes.legend(frameon=False, fontsize=9, labelcolor=ink)
    return figure


class ForestLine(NamedTuple):
    """A mean with its interval: of one data set, or, as a diamond, over several."""

    label: str
    mean: float
    interval: Interval
    is_diamond: bool = False
    prediction: Interval | None = None


def plot_forest(
    lines: Sequence[ForestLine],
    unit: Unit,
    margin: float,
    dark: bool = False,
    better: str = "the layer",
) -> Figure:
    """Intervals below each other, a diamond at the head of each group, and the margin."""
    figure, axes = _axes(1.0 + 0.26 * len(lines), dark)
    colors = _DARK if dark else _LIGHT
    margin *= unit.scale
    axes.axvspan(-margin, margin, color=colors["band"], lw=0, label=f"margin, ±{margin:g}")
    axes.axvline(0, color=colors["faint"], lw=1)
    place, places = 0.0, list[float]()
    for line in lines:
        place += 1.8 if line.is_diamond and places else 1.0
        places.append(place)
        low, high = unit.scale * np.asarray(line.interval)
        mean = unit.scale * line.mean
        if line.prediction is not None:
            ends = unit.scale * np.asarray(line.prediction)
            axes.plot(ends, [place, place], "-", color=_MEAN, lw=1, alpha=0.6)
        if line.is_diamond:
            x, y = [low, mean, high, mean], [place, place - 0.35, place, place + 0.35]
            axes.fill(x, y, color=_MEAN)
        else:
            axes.plot([low, high], [place, place], "-", color=_RUN, lw=1.5)
            axes.plot(mean, place, "s", color=_RUN, ms=4)
    axes.set_yticks(places, [line.label for line in lines], fontsize=8)
    axes.set_ylim(place + 1, 0)
    _say_direction(figure, unit, dark, better)
    ink = colors["ink"]
    figure.legend(loc="outside upper right", frameon=False, fontsize=8, labelcolor=ink)
    return figure


def _axes(height: float, dark: bool) -> tuple[Figure, Axes]:
    colors = _DARK if dark else _LIGHT
    ink, paper = colors["ink"], colors["paper"]
    style: dict[Any, Any] = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), ink),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), paper),
        "axes.edgecolor": colors["faint"],
    }
    with mpl.rc_context(style):
        figure = Picture(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _say_direction(figure: Figure, unit: Unit, dark: bool, better: str = "the layer") -> None:
    """Below the whole figure: the words are wider than axes beside long names."""
    said = f"difference in {unit.points}: {better} is better to the right"
    figure.supxlabel(said, fontsize=10, color=(_DARK if dark else _LIGHT)["ink"])
