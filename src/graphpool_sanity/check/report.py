"""The report of a check: the verdict, what it rests on, and what else the runs tell."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.table import Table

from graphpool_sanity.check.comparison import Comparison, Verdict
from graphpool_sanity.check.figures import plot_differences, plot_scores, save_svg
from graphpool_sanity.check.page import data_uri, render
from graphpool_sanity.check.pairs import LAYER
from graphpool_sanity.nulls.questions import question
from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.tasks import Unit


@dataclass(frozen=True)
class SanityReport:
    """What came out of :func:`~graphpool_sanity.sanity_check`.

    ``report.verdict`` is *locality helps*, *null is as good*, *null is better* or *undecided*,
    over all nulls: the layer must beat every one. All numbers are in the metric's unit.
    """

    name: str
    dataset: dict[str, Any]
    metric: str
    higher_is_better: bool
    comparisons: dict[str, Comparison]
    """By null; differences are positive where the layer is better."""
    scores: dict[str, list[float]]
    """The test metrics of ``"layer"`` and of each null, in the order of the seeds."""
    seeds: list[int]
    cost: dict[str, dict[str, float]]
    homogeneity: dict[str, dict[str, float]]
    """Before and after each pooling layer the share of variance within graphs, after training."""
    invariance: dict[str, dict[str, str]]
    protocol: dict[str, Any]
    environment: dict[str, Any]
    fingerprint: str
    records: list[Record] = field(default_factory=list, repr=False, compare=False)
    """The runs as the ledger has them."""

    @property
    def verdict(self) -> Verdict:
        """The least favourable of the verdicts against the nulls that choose otherwise."""
        return overall(self.comparisons)[0]

    @property
    def headline(self) -> str:
        """The verdict, in the words of the null it comes from, and what it rests on."""
        null = overall(self.comparisons)[1]
        found = self.comparisons[null]
        gap = Unit(self.metric).difference(found.difference)
        return (
            f"{answer(null, found)}: over {found.runs} paired runs on {self.dataset['name']}, "
            f"{self.name} minus its null {null!r} is {gap} ({self.reason(null)})"
        )

    @property
    def scope(self) -> tuple[str, str]:
        """What the verdict can and what it cannot say."""
        split = "one official split" if self.dataset["official_split"] else "random splits"
        return (
            f"The verdict speaks of this model on {self.dataset['name']}, over {split} and under "
            "this protocol: whether its way of choosing who is pooled with whom earns more than "
            "the null's, beyond what chance between runs explains.",
            "It does not carry over to other data, models or budgets; 'null is as good' means "
            "equivalent within the margin, not that pooling is useless, and 'undecided' means "
            "that these runs cannot tell, not that there is no difference.",
        )

    def table(self) -> Table:
        """The layer, then each null: the difference and its evidence first, the verdict last."""
        unit, level = Unit(self.metric), next(iter(self.comparisons.values())).level
        title = f"{self.name} on {self.dataset['name']}, {len(self.seeds)} paired runs"
        table = Table(title=title, caption=self.headline, box=SIMPLE, pad_edge=False)
        table.add_column("", no_wrap=True)
        table.add_column(unit.name, no_wrap=True)
        gap = f"difference\n[{level:.0%} interval]"
        table.add_column(gap, no_wrap=True)
        for head in ("P(layer\n> null)", "sign-flip\np"):
            table.add_column(head, no_wrap=True)
        table.add_column("verdict")
        table.add_row("the layer", unit.mean_std(self.scores[LAYER]))
        for null, found in self.comparisons.items():
            table.add_row(
                null,
                unit.mean_std(self.scores[null]),
                f"{unit.signed(found.difference)}\n{unit.interval(found.interval)}",
                f"{found.superiority:.2f}",
                f"{found.sign_flip_p:.2g}",
                answer(null, found),
            )
        return table

    def reason(self, null: str) -> str:
        """What the verdict against one null rests on, or what is missing for one."""
        found = self.comparisons[null]
        if found.verdict == "undecided":
            return found.explanation.partition(": ")[2]
        if found.verdict == "null is as good":
            within = Unit(self.metric).margin(found.margin)
            return f"within {within}, p = {found.equivalence_p:.2g}"
        return f"p = {found.corrected_p:.2g}"

    def plot(self, dark: bool = False) -> Figure:
        """The differences of each null run by run, their mean and interval, and the margin."""
        return plot_differences(self.comparisons, self.differences, Unit(self.metric), dark)

    @property
    def differences(self) -> dict[str, list[float]]:
        """Layer minus null of each run, positive where the layer is better."""
        return layer_minus_nulls(self.scores, self.higher_is_better)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the runs, as JSON has it."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "records"}
        shown["comparisons"] = {
            null: asdict(found) | {"asks": question(null).asks, "answer": answer(null, found)}
            for null, found in self.comparisons.items()
        }
        derived = {"verdict": self.verdict, "headline": self.headline, "scope": self.scope}
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


def layer_minus_nulls(
    scores: Mapping[str, Sequence[float]], higher_is_better: bool
) -> dict[str, list[float]]:
    """By null the difference of each run, positive where the layer is better."""
    sign = 1 if higher_is_better else -1
    return {
        null: [sign * (a - b) for a, b in zip(scores[LAYER], own, strict=True)]
        for null, own in scores.items()
        if null != LAYER
    }


def _comparison(entry: dict[str, Any]) -> Comparison:
    own = {f.name: entry[f.name] for f in fields(Comparison)}
    return Comparison(**own | {"interval": tuple(entry["interval"])})


def answer(null: str, comparison: Comparison) -> str:
    """The verdict against one null in the words of its question."""
    if comparison.verdict == "locality helps":
        return question(null).helps
    return comparison.verdict


def overall(comparisons: Mapping[str, Comparison]) -> tuple[Verdict, str]:
    """The verdict over all nulls and the null that it comes from.

    A layer has earned its way of choosing only if it beats *every* null that chooses otherwise:
    one that does as well shows that another reason must be found. So the verdict is, of those
    against the nulls, the first of *null is better*, *null is as good*, *undecided*, *locality
    helps*. The null ``"none"``, which asks another question, counts only where it is alone. Levels
    are not corrected for the number of nulls: to beat them all by chance is no likelier for there
    being several, but that one of several only seems as good is.
    """
    order: list[Verdict] = ["null is better", "null is as good", "undecided", "locality helps"]
    asked = [null for null in comparisons if null != "none"] or list(comparisons)
    null = min(asked, key=lambda name: order.index(comparisons[name].verdict))
    return comparisons[null].verdict, null
