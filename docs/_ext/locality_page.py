"""The page *Does locality matter?*: what the reports of ``benchmarks.locality`` say."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from statistics import fmean
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pictures
from matplotlib.figure import Figure

from benchmarks.locality.campaign import DATASETS, FAILURE, LAYERS, REPORTS, RUNS
from benchmarks.paper.cells import markdown
from graphpool_sanity import Comparison, SanityReport
from graphpool_sanity.check.report import answer
from graphpool_sanity.training.tasks import Unit

CONTROL = "locality-control"
REAL = tuple(name for name in DATASETS if name != CONTROL)
HOMES = {"graphpool_sanity": "ours", "torch_geometric": "PyG", "tgp": "tgp"}
NOT_RUN = "```{{note}}\nNot run yet: `python -m benchmarks.locality.campaign --dataset {}`.\n```"


class Line(NamedTuple):
    """A layer against one of its nulls."""

    layer: str
    null: str

    @property
    def name(self) -> str:
        """The layer, where it comes from, and the null."""
        home = LAYERS[self.layer].target.partition(".")[0].partition(":")[0]
        return f"{self.layer} ({HOMES[home]}) − `{self.null}`"


LINES = [Line(layer, null) for layer, subject in LAYERS.items() for null in subject.nulls]


@cache
def report(dataset: str, layer: str) -> SanityReport | None:
    """What was found, if it was looked for in as many pairs as all others."""
    folder = REPORTS / dataset / layer
    found = SanityReport.load(folder) if (folder / "report.json").exists() else None
    return None if found is None or len(found.seeds) < RUNS else found


def comparisons(datasets: Sequence[str]) -> Iterator[tuple[str, Line, SanityReport, Comparison]]:
    """All that have been made, data set by data set."""
    for dataset in datasets:
        for line in LINES:
            found = report(dataset, line.layer)
            if found is not None:
                yield dataset, line, found, found.comparisons[line.null]


def summary() -> str:
    """How often each verdict was said of who is pooled with whom, on real data."""
    asked = [(line, found) for _, line, _, found in comparisons(REAL) if line.null != "none"]
    if not asked:
        return NOT_RUN.format(" ".join(REAL))
    said = Counter(found.verdict for _, found in asked)
    layers = {line.layer for line, _ in asked}
    ahead = sum(found.difference > 0 for _, found in asked)
    missing = len(REAL) * sum(line.null != "none" for line in LINES) - len(asked)
    counts = "\n".join(f"- *{verdict}*: {count}" for verdict, count in said.most_common())
    errors = 0.05 * len(asked)
    return (
        f"{len(layers)} layers, {len(REAL)} real data sets, {len(asked)} comparisons of a layer "
        f"with a null that pools otherwise, {RUNS} paired runs each. What they say:\n\n{counts}\n\n"
        f"So many comparisons at an error of 5 % each can bring up to {errors:.1f} false verdicts: "
        "a pattern counts here, a single cell does not. The layer's mean is above its null's in "
        f"{ahead} of the {len(asked)}. Without a result: {missing} more, which the table tells."
    )


def matrix() -> str:
    """The verdict on each layer and null, for each real data set."""
    rows = [[line.name, *(_cell(dataset, line) for dataset in REAL)] for line in LINES]
    return "\n".join(markdown(["layer − null", *REAL], rows))


def _cell(dataset: str, line: Line) -> str:
    found = report(dataset, line.layer)
    if found is None:
        return _reason(dataset, line)
    own, unit = found.comparisons[line.null], Unit(found.metric)
    said = answer(line.null, own)
    said = f"**{said}**" if own.verdict in ("locality helps", "null is better") else said
    gap = f"{unit.signed(own.difference)} {unit.interval(own.interval)}"
    mean = unit.scale * fmean(found.scores["layer"])
    return f"{mean:.{unit.digits}f}: {gap}<br>{said}"


def _reason(dataset: str, line: Line) -> str:
    """Why there is no result."""
    failure = REPORTS / dataset / line.layer / FAILURE
    if failure.exists():
        return f"fails: {failure.read_text().partition(': ')[2].strip()}"
    return "not run"


def alike() -> str:
    """Shares of variance within graphs around the first pool of GraclusPool and its nulls."""
    nulls = [null for null in LAYERS["GraclusPool"].nulls if null != "none"]
    rows = []
    for dataset in DATASETS:
        found = report(dataset, "GraclusPool")
        if found is not None:
            stages = [
                ("layer", "before pools.0"),
                *((v, "after pools.0") for v in ("layer", *nulls)),
            ]
            shares = [found.homogeneity[variant][stage] for variant, stage in stages]
            rows.append([dataset, *(f"{100 * share:.0f} %" for share in shares)])
    if not rows:
        return NOT_RUN.format(" ".join(DATASETS))
    head = [
        "data",
        "before the first pool",
        "after `GraclusPool`",
        *(f"after `{n}`" for n in nulls),
    ]
    return "\n".join(markdown(head, rows))


def control() -> str:
    """The positive control: scores of layer and null, and the verdict."""
    rows = []
    for line in LINES:
        found = report(CONTROL, line.layer)
        if found is None:
            rows.append([line.name, "", "", _reason(CONTROL, line)])
        else:
            unit, said = Unit(found.metric), answer(line.null, found.comparisons[line.null])
            scores = (unit.mean_std(found.scores[v]) for v in ("layer", line.null))
            rows.append([line.name, *scores, said])
    return "\n".join(markdown(["layer − null", "layer, %", "null, %", "verdict"], rows))


def details() -> str:
    """Every number that the verdicts rest on."""
    head = ["layer − null", "layer", "null", "difference", "P(layer > null)"]
    head += ["sign-flip p", "corrected p", "equivalence p", "verdict"]
    lines: list[str] = []
    for dataset, made in groupby(comparisons(DATASETS), key=lambda found: found[0]):
        rows = [_numbers(line, found, own) for _, line, found, own in made]
        lines += [f"**{dataset}**", "", *markdown(head, rows), ""]
    return "\n".join(lines)


def _numbers(line: Line, found: SanityReport, own: Comparison) -> list[str]:
    unit = Unit(found.metric)
    ps = (own.sign_flip_p, own.corrected_p, own.equivalence_p)
    return [
        line.name,
        *(unit.mean_std(found.scores[variant]) for variant in ("layer", line.null)),
        f"{unit.signed(own.difference)} {unit.interval(own.interval)}",
        f"{own.superiority:.2f}",
        *(f"{p:.2g}" for p in ps),
        f"{answer(line.null, own)} ({found.reason(line.null)})",
    ]


def draw() -> Figure:
    """A panel for each real data set: the differences, their intervals, and the margin."""
    figure, panels = plt.subplots(
        1, len(REAL), figsize=(10, 5.2), sharey=True, sharex=True, layout="constrained"
    )
    figure.patch.set_alpha(0)
    for axes, dataset in zip(panels, REAL, strict=True):
        axes.patch.set_alpha(0)
        axes.set_title(dataset)
        axes.axvline(0, color=pictures.GREY, lw=1)
        for _, line, found, own in comparisons([dataset]):
            _draw_one(axes, LINES.index(line), Unit(found.metric).scale, own)
        axes.set_xlabel("layer − null, points")
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(LINES)), [f"{line.layer} − {line.null}" for line in LINES])
    panels[0].invert_yaxis()
    return figure


def _draw_one(axes: plt.Axes, row: int, scale: int, own: Comparison) -> None:
    decided = own.verdict != "undecided"
    color = pictures.COLORS[3 if own.verdict in ("locality helps", "null is better") else 0]
    color = color if decided else pictures.GREY
    margin = scale * own.margin
    axes.fill_betweenx([row - 0.5, row + 0.5], -margin, margin, color="0.5", alpha=0.12, lw=0)
    axes.plot(scale * np.asarray(own.interval), [row, row], color=color, lw=2)
    axes.plot(scale * own.difference, row, "D", color=color, ms=5)
