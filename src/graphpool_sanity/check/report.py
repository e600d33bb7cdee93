"""The report of a check: the verdict, what it rests on, and what else the runs tell."""

import json
from dataclasses import asdict, fields
from html import escape
from math import inf, isfinite
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.table import Table
from rich.text import Text

from graphpool_sanity.analysis.picture import save_svg
from graphpool_sanity.check.comparison import Comparison
from graphpool_sanity.check.figures import plot_differences, plot_scores
from graphpool_sanity.check.findings import Findings, overall
from graphpool_sanity.check.page import data_uri, render
from graphpool_sanity.check.pairs import LAYER
from graphpool_sanity.check.words import (
    answer,
    beyond,
    caveats,
    headline,
    methods,
    reason,
    scope,
)
from graphpool_sanity.nulls.questions import question
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.tasks import Unit


class SanityReport(Findings):
    """What came out of :func:`~graphpool_sanity.sanity_check`.

    ``report.verdict`` is *locality helps*, *null is as good*, *null is better* or *undecided*,
    over all nulls: the layer must beat every one. All numbers are in the metric's unit.
    """

    @property
    def headline(self) -> str:
        """The verdict in the words of the null it comes from, what it rests on, and what else a
        reader must know at once: a layer that is not invariant, no pooling that does better."""
        return headline(self)

    @property
    def scope(self) -> tuple[str, str]:
        """What the verdict can and what it cannot say."""
        return scope(self)

    @property
    def methods(self) -> str:
        """A paragraph for the methods section of a paper."""
        return methods(self)

    def table(self) -> Table:
        """The layer, then each null: what it scores, the evidence, and last the verdict.

        It is narrow enough for 50 columns.
        """
        unit, level = Unit(self.metric), next(iter(self.comparisons.values())).level
        title = f"{self.name} on {self.dataset['name']}"
        interval = f"difference\n{100 * level:g} % interval"
        table = table_of_evidence(title, unit.name, interval, "won\nbite")
        table.add_row(f"the layer\n{unit.mean_std(self.scores[LAYER])}")
        for null, found in self.comparisons.items():
            scores = f"{null}\n{unit.mean_std(self.scores[null])}\n"
            table.add_row(
                Text.assemble(scores, (answer(null, found), "bold")),
                f"{unit.signed(found.difference)}\n{unit.interval(found.interval)}",
                f"{found.won}\n{self._bite(null)}",
            )
        return table

    def shown(self, comparison: Comparison) -> str:
        """A difference with its interval, in the metric's unit."""
        unit = Unit(self.metric)
        return f"{unit.difference(comparison.difference)} {unit.interval(comparison.interval)}"

    def _bite(self, null: str) -> str:
        """Before and after training."""
        return " → ".join(_short(self.bite[null].get(when)) for when in ("before", "after"))

    def plot(self, dark: bool = False) -> Figure:
        """The differences of each null run by run, their mean and interval, and the margin."""
        return plot_differences(self.comparisons, self.differences, Unit(self.metric), dark)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the runs, as JSON has it."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "records"}
        shown["comparisons"] = {
            null: _as_json(found) | {"asks": question(null).asks, "answer": answer(null, found)}
            for null, found in self.comparisons.items()
        }
        derived = {
            "verdict": self.verdict,
            "headline": self.headline,
            "caveats": caveats(self),
            "scope": self.scope,
            "methods": self.methods,
        }
        return json.loads(json.dumps(derived | shown))

    def save(self, folder: str | Path) -> Path:
        """Write report.html (all in one file), report.json, figures and ledger.jsonl.

        Returns:
            Where report.html is.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(folder / "ledger.jsonl")
        configs = [record["config"] for record in self.records]
        for record, held in zip(self.records, ledger.find(configs), strict=True):
            if held is None:
                ledger.append(record["config"], {k: v for k, v in record.items() if k != "config"})
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        save_svg(self.plot(), folder / "differences.svg")
        save_svg(plot_scores(self.scores, Unit(self.metric)), folder / "scores.svg")
        page = folder / "report.html"
        page.write_text(self._page(), encoding="utf-8")
        return page

    def _page(self) -> str:
        """One page of HTML."""
        unit = Unit(self.metric)
        described = (
            f"{null} {unit.difference(found.difference)} {unit.interval(found.interval)}"
            for null, found in self.comparisons.items()
        )
        stages = dict.fromkeys(stage for own in self.homogeneity.values() for stage in own)
        return render(
            "report",
            report=self,
            unit=unit,
            answer=answer,
            question=question,
            reason=reason,
            beyond=beyond,
            sentence=lambda text: text[:1].upper() + text[1:],
            bite=self._bite,
            stages=list(stages),
            described="; ".join(described),
            scores_described="; ".join(
                f"{v} {unit.mean_std(own)}" for v, own in self.scores.items()
            ),
            differences=[data_uri(self.plot(dark)) for dark in (False, True)],
            scores=[data_uri(plot_scores(self.scores, unit, dark)) for dark in (False, True)],
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.headline})"

    def _repr_html_(self) -> str:
        """The page in a notebook, in a frame that keeps its styles."""
        style = "width: 100%; height: 45em; border: 0"
        return f'<iframe srcdoc="{escape(self._page())}" style="{style}"></iframe>'

    @classmethod
    def load(cls, folder: str | Path) -> "SanityReport":
        """The report that was saved in a folder.

        Raises:
            ValueError: if there is none, or it cannot be read.
        """
        path = Path(folder) / "report.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            own = {f.name: found[f.name] for f in fields(cls) if f.name != "records"}
            own["comparisons"] = {
                null: _comparison(entry) for null, entry in own["comparisons"].items()
            }
            overall(own["comparisons"])  # of which there must be one
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"folder must hold the report.json of a check, got {path}: "
                f"{type(error).__name__}: {error}"
            ) from error
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        records = [run for run in ledger if run["config"].get("fingerprint") == own["fingerprint"]]
        return cls(**own, records=records)


def table_of_evidence(title: str, *heads: str) -> Table:
    """A table without lines, whose rows are of several lines each."""
    table = Table(title=Text(title), box=None, padding=(1, 3, 0, 0), pad_edge=False)
    table.title_justify, table.header_style = "left", "dim"
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _as_json(comparison: Comparison) -> dict[str, Any]:
    """The fields; an end of an interval that is infinite, which JSON has not, is ``None``."""
    found = asdict(comparison)
    for key in _INTERVALS:
        if found[key] is not None:
            found[key] = [end if isfinite(end) else None for end in found[key]]
    return found


def _comparison(entry: dict[str, Any]) -> Comparison:
    own = {f.name: entry[f.name] for f in fields(Comparison)}
    for key in _INTERVALS:
        if own[key] is not None:
            low, high = own[key]
            own[key] = (-inf if low is None else low, inf if high is None else high)
    return Comparison(**own)


_INTERVALS = ("interval", "beyond")


def _short(bite: float | None) -> str:
    if bite is None:
        return "?"
    if bite >= 10:
        return f"{bite:.0f}"
    return f"{bite:.2g}" if bite >= 0.01 or bite == 0 else f"{bite:.0e}"
