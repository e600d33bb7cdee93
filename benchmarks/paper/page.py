"""Write docs/results.md: the paper's claims, tables and figures beside our runs.

    python -m benchmarks.paper.page

All numbers of ours come from the ledgers in benchmarks/results.
"""

import shutil
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from reproduce_figure1 import FIGURE_1
from reproduce_figure2 import FIGURE_2
from reproduce_figure3 import FIGURE_3
from reproduce_figure4 import FIGURE_4
from reproduce_figure7 import FIGURE_7
from reproduce_figure8 import FIGURE_8
from reproduce_figure_s1 import FIGURE_S1
from reproduce_released import ALIGNED, OURS, RELEASED
from reproduce_table1 import TABLE_1
from reproduce_table2 import TABLE_2
from reproduce_table3 import TABLE_3
from reproduce_table_s5 import TABLE_S5

from benchmarks.paper import words
from benchmarks.paper.cells import cell, costs, markdown, table
from benchmarks.paper.claims import CLAIMS, Claim
from benchmarks.paper.judge import SEEDS, Finding, Status, paired
from benchmarks.paper.overall import UNIT, is_drawn, overall
from benchmarks.paper.overall import picture as drawn_claims
from graphpool_sanity.analysis.picture import save_svg
from graphpool_sanity.check.combine import Combined
from graphpool_sanity.reproduce.plots import Found
from graphpool_sanity.reproduce.study import Runs, Study
from graphpool_sanity.training.ledger import Ledger

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PICTURES = ROOT / "docs" / "_static" / "results"
TABLES = [TABLE_1, TABLE_2, TABLE_3, TABLE_S5]
FIGURES = [FIGURE_1, FIGURE_2, FIGURE_3, FIGURE_4, FIGURE_7, FIGURE_8, FIGURE_S1]
CLAIMS_SVG = "claims.svg"
Findings = Sequence[tuple[Claim, list[Finding]]]


def main() -> None:
    """The page, and the pictures that it shows."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    claims = {number: claim.rule(RESULTS) for number, claim in enumerate(CLAIMS, 1)}
    save_svg(drawn_claims(claims), PICTURES / CLAIMS_SVG)
    for study in FIGURES:
        found = runs_of(study, RESULTS)
        if found:
            save_svg(study.draw(found), PICTURES / picture(study))
    for drawn in RESULTS.glob("activations-*.png"):
        shutil.copy(drawn, PICTURES)
    target = ROOT / "docs" / "results.md"
    target.write_text(whole_page(RESULTS), encoding="utf-8")
    print(target.relative_to(ROOT))


def whole_page(folder: Path) -> str:
    """The whole page, in MyST Markdown, from the ledgers of a folder."""
    findings = [(claim, claim.rule(folder)) for claim in CLAIMS]
    parts = [
        words.HEAD,
        *glance(findings),
        words.RULES,
        *(line for i, one in enumerate(findings, 1) for line in details(i, *one)),
        words.TABLES_HEAD,
        *(line for study in TABLES for line in (f"\n### {study.title}\n", *table(study, folder))),
        words.COSTS,
        *costs([TABLE_1, TABLE_3, TABLE_S5], folder),
        "\n## Figures\n",
        *(line for study in FIGURES for line in figure(study, folder)),
        *activations(folder),
        words.DIFFERENCES,
        *released(folder),
        words.APART_HEAD,
        *apart(folder),
        words.MORE_RUNS,
    ]
    return "\n".join(parts)


def glance(findings: Findings) -> Iterator[str]:
    """Each claim in a line, and those that compare pairs of models in one picture."""
    lines = (
        [f"{number}. {claim.text} ({claim.place})", said.words, said.status]
        for number, (claim, found) in enumerate(findings, 1)
        for said in [overall(found)]
    )
    yield from markdown(["the paper says", "our runs, in margins", "so it is"], lines)
    means = {number: overall(found).combined for number, (_, found) in enumerate(findings, 1)}
    if any(means.values()):
        yield f"\n![The claims over their data sets, in margins](_static/results/{CLAIMS_SVG})\n"
    wide = [str(number) for number, mean in means.items() if mean and not is_drawn(mean)]
    if wide:
        yield f"Not drawn, for intervals too wide to tell anything: {', '.join(wide)}.\n"


def where(found: list[Finding], status: Status) -> str:
    """The data sets with that status, and of how many comparisons."""
    names = [finding.dataset for finding in found]
    parts = []
    for name in dict.fromkeys(names):
        some = sum(f.dataset == name and f.status == status for f in found)
        every = names.count(name)
        if some:
            parts.append(name if some == every else f"{name} ({some} of {every})")
    return ", ".join(parts)


def details(number: int, claim: Claim, found: list[Finding]) -> Iterator[str]:
    """What a claim's comparisons say."""
    said = overall(found)
    yield f"\n### {number}. {claim.text}\n\n{claim.place}.\n"
    if said.combined is not None:
        yield f"Over its data sets: {said.words}: {said.status}.{_spread(said.combined)}\n"
    if said.notes:
        yield f"{' '.join(said.notes)}\n"
    run = [finding for finding in found if finding.status != "not run"]
    if run:
        lines = ([f.dataset, f.compared, str(f.runs), f.numbers, f.words, f.status] for f in run)
        yield from markdown(["data", "compared", "runs", "found", "what the runs say", ""], lines)
    missing = where(found, "not run")
    if missing:
        yield f"\nNot run: {missing}."


def _spread(over: Combined) -> str:
    if over.tau2 is None:
        return ""
    said = f" Between data sets the differences deviate by {over.tau2**0.5:.1f} margins"
    if over.prediction is None:
        return f"{said}."
    return f"{said}; on another one {UNIT.interval(over.prediction)} is expected."


def runs_of(study: Study, folder: Path) -> Found:
    """The runs of a figure, on the data sets that have any."""
    runs = Runs(folder, SEEDS, usable=study.usable)
    found = {
        name: {row.label: runs.find(row, name) for row in study.rows} for name in study.datasets
    }
    return {name: models for name, models in found.items() if any(models.values())}


def picture(study: Study) -> str:
    """The name of a figure's file."""
    return study.title.lower().replace(" ", "-") + ".svg"


def figure(study: Study, folder: Path) -> Iterator[str]:
    """A figure of the paper, drawn from our runs."""
    found = runs_of(study, folder)
    missing = list(not_run(study, found))
    yield f"### {study.title}\n"
    if found:
        yield f"![{study.title} on {', '.join(found)}](_static/results/{picture(study)})\n"
    if missing:
        yield f"Not run: {', '.join(missing)}.\n"


def not_run(study: Study, found: Found) -> Iterator[str]:
    """The data sets of a figure that lack runs, and how many of its models lack them there."""
    for name in study.datasets:
        lacking = sum(not found.get(name, {}).get(row.label) for row in study.rows)
        if lacking == len(study.rows):
            yield name
        elif lacking:
            yield f"{name} ({lacking} of {len(study.rows)} models)"


def activations(folder: Path) -> Iterator[str]:
    """Figures 5 and 6, of the models whose embeddings have been measured."""
    yield f"### Figures 5 and 6\n\n{words.ACTIVATIONS}"
    for path in sorted(folder.glob("activations-*.jsonl")):
        for model in sorted(record["config"]["model"] for record in Ledger(path)):
            name = f"{path.stem}-{model}"
            yield f"![{name.replace('-', ' ')}](_static/results/{name}.png)\n"


def released(folder: Path) -> Iterator[str]:
    """What each difference from the released code is worth, of those that were tried alone."""
    pairs = [(ours, row) for ours in OURS for row in ALIGNED[ours.label]]
    found = paired(pairs, RELEASED.datasets, "second is as good")(folder)
    run = [finding for finding in found if finding.status != "not run"]
    if run:
        yield words.WORTH
        yield _tally([finding.status for finding in run])
        lines = ([f.dataset, f.compared, str(f.runs), f.numbers, f.words] for f in run)
        yield from markdown(["data", "compared", "runs", "found", "what the runs say"], lines)


def _tally(said: Sequence[Status]) -> str:
    as_good, worse = (said.count(status) for status in ("reproduced", "not reproduced"))
    return (
        f"Of {len(said)} comparisons {as_good} show that the released way is as good, or better, "
        f"{worse} that ours is better; {said.count('undecided')} are undecided.\n"
    )


def apart(folder: Path) -> Iterator[str]:
    """The cells that the paper's number does not fit, each once."""
    found: dict[tuple[str, str, str], str] = {}
    for study in TABLES:
        for row, name in product(study.rows, study.datasets):
            one = cell(study, row, name, folder)
            if one.is_apart:
                text = f"- {name}, {row.label}: {one.ours()}; paper {one.paper}"
                runs = (name, row.variant, str(row.settings_on(name, {})))
                found.setdefault(runs, text.replace("<br>", " "))
    yield from sorted(found.values()) or ["None."]


if __name__ == "__main__":
    main()
