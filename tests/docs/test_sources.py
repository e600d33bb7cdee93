"""What the site is made from: the code on its pages, and the tables made from code and data."""

import json
import re
from statistics import fmean

import pytest
from reading import ROOT

from graphpool_sanity.nulls import matched_nulls, question
from graphpool_sanity.training.tasks import Unit

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def tables():
    pytest.importorskip("sphinx", reason='needs the extra "docs"')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        import tables

        yield tables


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_code_on_pages_runs(page, capsys):
    namespace = {}
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        capsys.readouterr()
        exec(block, namespace)
        claims = re.findall(r"print\(.*\)  # (.*)", block)
        assert all(claim in capsys.readouterr().out for claim in claims)


def test_null_table_is_the_registry(tables):
    from torch_geometric.nn import EdgePooling

    from graphpool_sanity import MemoryPool

    table = tables.null_table()
    layers = {"~graphpool_sanity.MemoryPool": MemoryPool(2, 2, 1, 2), "EdgePooling": EdgePooling(2)}
    for name, layer in layers.items():
        row = next(line for line in table.splitlines() if f"`{name}`" in line)
        assert re.findall(r"`(\w+)`", row.split("|")[2]) == matched_nulls(layer)
    assert f"| {question('frozen').asks} |" in tables.question_table()


def test_listed_nulls_are_those_of_the_package(tables):
    pytest.importorskip("tgp", reason="needs torch-geometric-pool")
    assert tables.layers("tgp") == json.loads(tables.LISTED.read_text())


def test_speed_table_is_what_was_measured(tables, tmp_path):
    path = tmp_path / "speed.json"
    assert "Not measured yet" in tables.speed_table(path)
    figures = [{"what": "ours / theirs", "value": 2.5, "unit": "x", "wanted": "at least 2"}]
    machine = {"processor": "abacus", "threads": "1"}
    path.write_text(json.dumps({"bench_soft": {"nci1": {"machine": machine, "figures": figures}}}))
    table = tables.speed_table(path)
    assert "| `nci1` | ours / theirs | 2.50 × | at least 2 |" in table
    assert "Measured on: processor abacus, threads 1." in table
    assert "## Soft pooling" in table


def test_page_on_locality_shows_what_the_reports_hold(tables):
    import locality_page as page

    rows = page.matrix().splitlines()[2:]
    assert len(rows) == len(page.LINES)
    verdicts = []
    for line, text in zip(page.LINES, rows, strict=True):
        for dataset, cell in zip(page.REAL, text.strip("| ").split(" | ")[1:], strict=True):
            report = page.report(dataset, line.layer)
            found = report and report.comparisons[line.null]
            if found:
                score = 100 * fmean(report.scores["layer"])
                assert cell.startswith(f"{score:.1f}: {Unit('accuracy').signed(found.difference)} ")
            else:
                assert cell.startswith(("not run", "fails: "))
            verdicts += [found.verdict] if found and line.null != "none" else []
    control = page.control().splitlines()[2:]
    for line, text in zip(page.LINES, control, strict=True):
        report = page.report(page.CONTROL, line.layer)
        score = report and Unit("accuracy").mean_std(report.scores["layer"])
        assert (score in text) if report else ("not run" in text or "fails: " in text)
    summary = page.summary()
    for verdict in set(verdicts):
        assert f"*{verdict}*: {verdicts.count(verdict)}\n" in summary
