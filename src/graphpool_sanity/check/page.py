"""The report as one page of HTML: figures inlined, nothing fetched."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from graphpool_sanity.check.figures import plot_scores, svg
from graphpool_sanity.nulls.questions import answer, question
from graphpool_sanity.training.tasks import Unit

if TYPE_CHECKING:
    from graphpool_sanity.check.report import SanityReport


def render(report: SanityReport) -> str:
    """The page, in light and dark, for wide and narrow screens."""
    unit = Unit(report.metric)
    environment = Environment(
        loader=PackageLoader("graphpool_sanity.check", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja").render(
        report=report,
        unit=unit,
        answer=answer,
        question=question,
        stages=_stages(report),
        described="; ".join(
            f"{null} {_difference(report, null, unit)}" for null in report.comparisons
        ),
        scores_described="; ".join(f"{v} {unit.mean_std(own)}" for v, own in report.scores.items()),
        differences=[_data_uri(report.plot(dark)) for dark in (False, True)],
        scores=[_data_uri(plot_scores(report.scores, unit, dark)) for dark in (False, True)],
    )


def _difference(report: SanityReport, null: str, unit: Unit) -> str:
    found = report.comparisons[null]
    return f"{unit.difference(found.difference)} {unit.interval(found.interval)}"


def _stages(report: SanityReport) -> list[str]:
    """The stages of which the homogeneity is known for some variant, in their order."""
    return list(dict.fromkeys(stage for own in report.homogeneity.values() for stage in own))


def _data_uri(figure: Figure) -> str:
    return "data:image/svg+xml;base64," + b64encode(svg(figure).encode()).decode()
