"""The page of results says what the ledgers hold."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page():
    return runpy.run_path(str(ROOT / "benchmarks" / "make_results.py"))["page"]()


def test_the_page_is_made_from_the_ledgers_as_they_are(page):
    assert (ROOT / "docs" / "results.md").read_text(encoding="utf-8") == page


def test_its_numbers_are_the_ledgers(page):
    ledger = ROOT / "benchmarks" / "results" / "graclus-PROTEINS.jsonl"
    records = [json.loads(line) for line in ledger.read_text().splitlines()]
    for variant, label in (("graclus", "Graclus"), ("complement", "Complement")):
        values = {
            r["config"]["seed"]: 100 * r["test"]
            for r in records
            if r["config"]["variant"] == variant and r["config"]["convs"] == 2
        }
        assert set(values) == set(range(20))
        mean, std = np.mean([*values.values()]), np.std([*values.values()], ddof=1)
        row = next(
            line
            for line in page.split("### Table 3")[1].splitlines()
            if line.startswith(f"| {label} ")
        )
        assert f"{mean:.1f} ± {std:.1f} (20)" in row
