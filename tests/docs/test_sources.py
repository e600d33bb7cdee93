"""What the site is made from: the code on its pages, and the tables made from code and data."""

import json
import re
import warnings
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


NEEDED = {"lightning_and_graphgym.md": ("lightning", "yacs")}
"""Packages that a page's code needs, of the extra `test`; what they warn of is not ours."""


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_code_on_pages_runs(page, capsys):
    needed, namespace = NEEDED.get(page.name, ()), {}
    for package in needed:
        pytest.importorskip(package, reason=f"pip install {package}")
    with warnings.catch_warnings():
        if needed:
            warnings.simplefilter("ignore")
        for block in re.findall(
            r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE
        ):
            capsys.readouterr()
            exec(block, namespace)
            said = capsys.readouterr().out
            assert all(claim in said for claim in re.findall(r"print\(.*\)  # (.*)", block))


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

    text, details = page.matrix(), page.details()
    for report in page.reports():
        score = 100 * fmean(report.scores["layer"])
        for found in report.comparisons.values():
            assert f"{score:.1f}: {Unit('accuracy').signed(found.difference)} [" in text
        assert report.headline in details
    found = page.reviewed()
    assert (found is None) == (text == "")
    for row in found.rows if found else ():
        assert found.answer(row) in page.summary() + text
