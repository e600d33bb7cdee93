"""Reports as tables for papers and for other programs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.words import answer
from graphpool_sanity.training.tasks import Unit

if TYPE_CHECKING:
    from pandas import DataFrame


def to_frame(reports: Sequence[SanityReport]) -> "DataFrame":
    """A row for each comparison, numbers raw, as the metric has them."""
    from pandas import DataFrame

    rows = []
    for report in reports:
        for null, found in report.comparisons.items():
            beyond = (None, None) if found.beyond is None else found.beyond
            rows.append(
                {
                    "layer": report.name,
                    "null": null,
                    "dataset": report.dataset["name"],
                    "metric": report.metric,
                    "pairs": found.runs,
                    "planned": found.planned,
                    "difference": found.difference,
                    "low": found.interval[0],
                    "high": found.interval[1],
                    "level": found.level,
                    "margin": found.margin,
                    "verdict": found.verdict,
                    "beyond_low": beyond[0],
                    "beyond_high": beyond[1],
                    "beyond_verdict": found.beyond_verdict,
                    "won": found.superiority * found.runs,
                    "bite_before": report.bite[null].get("before"),
                    "bite_after": report.bite[null].get("after"),
                }
            )
    return DataFrame(rows)


def to_json(report: SanityReport, folder: Path) -> str:
    """What a script asks of a check, in a line; numbers raw, as the metric has them."""
    kept = ("verdict", "answer", "difference", "interval", "level", "margin", "runs")
    told = report.to_dict()
    shown = {key: told[key] for key in ("verdict", "name", "metric")}
    shown |= {"dataset": told["dataset"]["name"], "folder": str(folder), "comparisons": {}}
    for null, found in told["comparisons"].items():
        shown["comparisons"][null] = {key: found[key] for key in kept}
    return json.dumps(shown)


def to_csv(reports: Sequence[SanityReport]) -> str:
    """Every comparison as comma-separated values."""
    return str(to_frame(reports).to_csv(index=False))


def to_latex(reports: Sequence[SanityReport]) -> str:
    """A table for booktabs, and below it each report's paragraph for the methods section."""
    from pandas import DataFrame

    rows = []
    for report in reports:
        unit = Unit(report.metric)
        for null, found in report.comparisons.items():
            rows.append(
                {
                    "layer": report.name,
                    "null": null,
                    "data": report.dataset["name"],
                    unit.name: unit.mean_std(report.scores["layer"]),
                    "null's": unit.mean_std(report.scores[null]),
                    f"difference [{100 * found.level:g} %]": (
                        f"{unit.signed(found.difference)} {unit.interval(found.interval)}"
                    ),
                    "pairs": found.runs,
                    "verdict": answer(null, found),
                }
            )
    table = DataFrame(rows).fillna("").to_latex(index=False, escape=True)
    table = table.replace("±", r"$\pm$")
    return table + "".join(f"\n% {report.methods}\n" for report in reports)
