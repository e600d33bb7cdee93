"""Reports and reviews as tables for papers and for other programs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graphpool_sanity.check.combine import Review
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.words import answer
from graphpool_sanity.training.tasks import MARGINS, Unit

_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def to_json(report: SanityReport, folder: Path) -> str:
    """What a script asks of a check, in a line; numbers raw, as the metric has them."""
    kept = ("verdict", "answer", "difference", "interval", "level", "margin", "runs")
    told = report.to_dict()
    shown = {key: told[key] for key in ("verdict", "name", "metric")}
    shown |= {"dataset": told["dataset"]["name"], "folder": str(folder), "comparisons": {}}
    for null, found in told["comparisons"].items():
        shown["comparisons"][null] = {key: found[key] for key in kept}
    return json.dumps(shown)


def to_csv(found: SanityReport | Review) -> str:
    """Comma-separated values; numbers raw, as the metric has them."""
    from pandas import DataFrame

    rows = _reviewed(found) if isinstance(found, Review) else _compared(found)
    return str(DataFrame(rows).to_csv(index=False))


def to_latex(found: SanityReport | Review) -> str:
    """A table for booktabs, and below it each report's paragraph for the methods section."""
    from pandas import DataFrame

    if isinstance(found, Review):
        rows, reports = _shown_review(found), found.reports
    else:
        rows, reports = _shown_report(found), (found,)
    table = DataFrame(rows).to_latex(index=False, escape=True)
    table = table.replace("±", r"$\pm$").replace("τ", r"$\tau$")
    return table + "".join(f"\n{report.methods.translate(_LATEX)}\n" for report in reports)


def _compared(report: SanityReport) -> Iterable[Mapping[str, Any]]:
    """A row for each null."""
    for null, found in report.comparisons.items():
        beyond = (None, None) if found.beyond is None else found.beyond
        yield {
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


def _reviewed(review: Review) -> Iterable[Mapping[str, Any]]:
    """For each layer and null a row for each data set, and one for all of them."""
    unit = review.metric or MARGINS
    for row in review.rows:
        names = {"layer": row.layer, "null": row.null}
        for study in row.studies:
            yield names | {
                "dataset": study.dataset,
                "metric": unit,
                "pairs": study.runs,
                "difference": study.difference,
                "low": study.interval[0],
                "high": study.interval[1],
            }
        prediction = row.prediction or (None, None)
        yield names | {
            "dataset": "all",
            "metric": unit,
            "difference": row.difference,
            "low": row.interval[0],
            "high": row.interval[1],
            "level": review.level,
            "margin": review.margin,
            "tau2": row.tau2,
            "prediction_low": prediction[0],
            "prediction_high": prediction[1],
            "verdict": row.verdict,
        }


def _shown_report(report: SanityReport) -> Iterable[Mapping[str, Any]]:
    unit = Unit(report.metric)
    for null, found in report.comparisons.items():
        yield {
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


def _shown_review(review: Review) -> Iterable[Mapping[str, Any]]:
    unit = Unit(review.metric or MARGINS)
    for row in review.rows:
        mean = f"{unit.signed(row.difference)} {unit.interval(row.interval)}"
        yield {
            "layer": row.layer,
            "null": row.null,
            "data sets": len(row.studies),
            f"mean, {unit.points} [{100 * review.level:g} %]": mean,
            "τ": review.tau(row),
            "prediction": "" if row.prediction is None else unit.interval(row.prediction),
            "verdict": review.answer(row),
        }
