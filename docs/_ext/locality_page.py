"""The page on locality: what the pilot found, its review first."""

from collections import defaultdict
from functools import cache
from statistics import fmean

import matplotlib.pyplot as plt
import pictures
from matplotlib.figure import Figure

from benchmarks.locality.campaign import CONTROLS, DATASETS, KNOWN, LAYERS, reports
from benchmarks.paper.cells import markdown
from graphpool_sanity import Review, SanityReport, review
from graphpool_sanity.check.combine import ALL
from graphpool_sanity.check.words import answer, hardly_chooses
from graphpool_sanity.training.tasks import Unit

NOT_RUN = "```{note}\nNot run yet: `python -m benchmarks.locality.campaign`.\n```"
UNIT = Unit("accuracy")
HOMES = {"graphpool_sanity": "ours", "torch_geometric": "PyG", "tgp": "tgp"}


@cache
def reviewed() -> Review | None:
    """The review of all checks that are there."""
    found = list(reports())
    return review(found) if found else None


def summary() -> str:
    """What the review says over all layers and data sets."""
    found = reviewed()
    if found is None:
        return NOT_RUN
    missing = len(LAYERS) * len(DATASETS) - len(found.reports)
    lines = []
    for row in found.rows:
        if row.layer == ALL:
            asked = "who is pooled with whom" if row.null == "choice" else "whether to pool at all"
            lines.append(
                f"- {asked}: **{found.answer(row)}**, {UNIT.difference(row.difference)} "
                f"{UNIT.interval(row.interval)} over {len(row.studies)} data sets"
            )
    not_run = f"\n\nNot run yet: {missing} of the checks." if missing else ""
    return f"{found.title}, {len(LAYERS)} layers:\n\n" + "\n".join(lines) + not_run


def matrix() -> str:
    """Each layer and null over the data sets, and on each of them."""
    found = reviewed()
    if found is None:
        return ""
    rows = []
    for row in found.rows:
        cells = {study.dataset: study for study in row.studies}
        own = {r.dataset["name"]: r for r in found.reports if r.name == row.layer}
        shown = []
        for dataset in DATASETS:
            if dataset in own and row.null in own[dataset].comparisons:
                shown.append(_cell(own[dataset], row.null))
            elif dataset in cells:
                shown.append(UNIT.difference(cells[dataset].difference))
            else:
                shown.append("")
        mean = f"{UNIT.signed(row.difference)} {UNIT.interval(row.interval)}"
        rows.append([f"{_name(row.layer)} − `{row.null}`", f"{mean}<br>**{found.answer(row)}**"])
        rows[-1] += shown
    return "\n".join(markdown(["layer − null", "over the data sets", *DATASETS], rows))


def _name(layer: str) -> str:
    if layer not in LAYERS:
        return layer
    home = LAYERS[layer].partition(".")[0].partition(":")[0]
    return f"{layer} ({HOMES[home]})"


def _cell(report: SanityReport, null: str) -> str:
    found, unit = report.comparisons[null], Unit(report.metric)
    mean = unit.scale * fmean(report.scores["layer"])
    gap = f"{unit.signed(found.difference)} {unit.interval(found.interval)}"
    pairs = f"{found.runs} pairs{'' if found.planned else ', extended'}"
    little = ", hardly chooses" if hardly_chooses(report, null) else ""
    return f"{mean:.{unit.digits}f}: {gap}<br>{answer(null, found)}, {pairs}{little}"


def alike() -> str:
    """Shares of variance within graphs around the first pool, by layer and data set."""
    stages = ("before pools.0", "after pools.0")
    rows = [
        [report.name, report.dataset["name"], *(f"{100 * own[stage]:.0f} %" for stage in stages)]
        for report in reports()
        if all(stage in (own := report.homogeneity["layer"]) for stage in stages)
    ]
    table = "\n".join(markdown(["layer", "data", "before the first pool", "after it"], rows))
    return f"{table}\n\n{_where_alike()}"


def _where_alike() -> str:
    """On which data sets the explanation holds in these networks."""
    before = defaultdict(list)
    for report in reports():
        if "before pools.0" in (own := report.homogeneity["layer"]):
            before[report.dataset["name"]].append(own["before pools.0"])
    kinds = {True: list[str](), False: list[str]()}
    for name, shares in before.items():
        kinds[fmean(shares) < 0.5].append(name)
    said = []
    if kinds[True]:
        said.append(
            f"On {' and '.join(kinds[True])} nodes of a graph are alike before they are pooled"
        )
    if kinds[False]:
        said.append(
            f"on {' and '.join(kinds[False])} most of the variance still lies within "
            "graphs: the explanation does not hold there"
        )
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if said else ""


def control() -> str:
    """What is known in advance, and what the check says."""
    rows = []
    for known in KNOWN:
        folder = CONTROLS / f"{known.layer}-{known.null}"
        if not (folder / "report.json").exists():
            return NOT_RUN
        report = SanityReport.load(folder)
        unit, (found,) = Unit(report.metric), report.comparisons.values()
        scores = [unit.mean_std(report.scores[v]) for v in ("layer", known.null)]
        said = f"{answer(known.null, found)}, {found.runs} pairs"
        rows.append([f"{known.layer} − `{known.null}`", *scores, known.answer, said])
    return "\n".join(markdown(["layer − null", "layer, %", "null, %", "right", "said"], rows))


def details() -> str:
    """Each report's headline."""
    lines = [
        f"- **{report.name} on {report.dataset['name']}**: {report.headline}."
        for report in reports()
    ]
    return "\n".join(lines) or NOT_RUN


def draw() -> Figure:
    """The forest plot of the review."""
    found = reviewed()
    figure = plt.figure() if found is None else found.plot()
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        axes.tick_params(colors=pictures.GREY)
    return plt.figure(figure) if found is not None else figure
