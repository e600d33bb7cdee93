"""The page of results says what the ledgers hold."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from _helpers.ledgers import keep
from reproduce_figure7 import FIGURE_7
from reproduce_released import ALIGNED, OURS

from benchmarks.paper.claims import CLAIMS
from benchmarks.paper.judge import Finding
from benchmarks.paper.page import RESULTS, not_run, released, runs_of, where, whole_page

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page():
    return whole_page(RESULTS)


def tables(page):
    return page.split("\n## Tables\n")[1].split("\n## Figures\n")[0]


def test_the_tables_are_made_from_the_ledgers_as_they_are(page):
    kept = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert tables(kept) == tables(page)


def test_their_numbers_are_the_ledgers(page):
    ledger = ROOT / "benchmarks" / "results" / "graclus-PROTEINS.jsonl"
    records = [json.loads(line) for line in ledger.read_text().splitlines()]
    for variant, label in (("graclus", "Graclus"), ("complement", "Complement")):
        values = {
            r["config"]["seed"]: 100 * r["test"]
            for r in records
            if (r["config"]["variant"], r["config"]["convs"]) == (variant, 2)
            and (r["config"]["layers"], r["config"]["hidden"]) == (3, 64)
        }
        assert set(values) == set(range(20))
        mean, std = np.mean([*values.values()]), np.std([*values.values()], ddof=1)
        part = page.split("### Table 3")[1]
        row = next(line for line in part.splitlines() if line.startswith(f"| {label} "))
        assert re.search(rf"{mean:.1f} ± {std:.1f}( †)?<br>\[.*\], n = 20<br>paper 7", row)


def test_every_claim_is_judged_on_its_data(page):
    glance = page.split("## At a glance")[1].split("## Claim by claim")[0]
    for number, claim in enumerate(CLAIMS, 1):
        assert f"| {number}. {claim.text} ({claim.place})" in glance
        assert f"{number}. {claim.text}\n" in page


def test_pictures_that_the_page_shows_are_there():
    kept = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((_static/results/[^)]*)\)", kept)
    assert pictures
    for name in pictures:
        assert (ROOT / "docs" / name).stat().st_size > 1000


def test_where_counts_the_comparisons_on_each_data_set():
    found = [
        Finding("NCI1", "a", status="reproduced"),
        Finding("NCI1", "b", status="undecided"),
        Finding("DD", "a", status="reproduced"),
    ]
    assert where(found, "reproduced") == "NCI1 (1 of 2), DD"
    assert where(found, "not run") == ""


def test_a_page_of_empty_ledgers_has_no_number_of_ours_and_no_picture(tmp_path):
    page = whole_page(tmp_path)
    assert "n = " not in tables(page)
    assert "_static" not in page
    for claim in CLAIMS:
        details = page.split(f". {claim.text}\n")[1].split("###")[0]
        assert "Not run: " in details


def test_curves_are_drawn_of_runs_that_have_them(tmp_path):
    row = FIGURE_7.rows[1]
    keep(tmp_path, row, "SMNIST", [0.9], validation_curve=[0.8])
    assert runs_of(FIGURE_7, tmp_path) == {}
    keep(tmp_path, row, "ZINC", [0.9], validation_curve=[0.8])
    keep(tmp_path, row, "SMNIST", [0.9], validation_curve=[0.8], validation_losses=[0.7])
    assert list(runs_of(FIGURE_7, tmp_path)) == ["ZINC", "SMNIST"]


def test_a_figure_says_which_of_its_models_have_not_run(tmp_path):
    once = FIGURE_7.rows[1]
    for row in FIGURE_7.rows:
        keep(tmp_path, row, "SMNIST", [0.9], validation_losses=[0.1])
    keep(tmp_path, once, "ZINC", [0.9], validation_losses=[0.1])
    found = runs_of(FIGURE_7, tmp_path)
    assert list(not_run(FIGURE_7, found)) == ["ZINC (2 of 3 models)"]
    assert list(not_run(FIGURE_7, {})) == ["ZINC", "SMNIST"]


def test_each_difference_from_the_released_code_has_its_worth(tmp_path):
    assert list(released(tmp_path)) == []
    ours, (clipped, *_) = OURS[1], ALIGNED[OURS[1].label]
    keep(tmp_path, ours, "PROTEINS", [0.80, 0.81, 0.82, 0.83, 0.84], planned=5)
    keep(tmp_path, clipped, "PROTEINS", [0.70, 0.71, 0.72, 0.73, 0.7401], planned=5)
    _, tally, head, _, line = released(tmp_path)
    assert tally.startswith("Of 1 comparisons 0 show")
    assert "1 that ours is better; 0 are undecided" in tally
    assert head.startswith("| data | compared |")
    assert line.startswith("| PROTEINS | MinCutPool − clipped at 2 | 5 | +10.0 [")
    assert line.endswith("| MinCutPool is better |")
    keep(tmp_path, ours, "NCI1", [0.80, 0.81, 0.82, 0.83, 0.84], planned=5)
    keep(tmp_path, clipped, "NCI1", [0.90, 0.91, 0.92, 0.93, 0.9401], planned=5)
    assert "Of 2 comparisons 1 show" in list(released(tmp_path))[1]
