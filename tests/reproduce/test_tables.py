import csv
from importlib.resources import files

import pytest
from _helpers.small_experiment import EXPERIMENT
from rich.console import Console

from graphpool_sanity.reproduce.study import Row
from graphpool_sanity.reproduce.tables import ours, reported, table

GIN = Row("GIN", "GIN")
GRACLUS = Row("Graclus", "graclus", EXPERIMENT)
ONE = Row("Graclus, 1", "graclus", EXPERIMENT, {"convs": 1})


def test_each_row_has_the_papers_number_of_its_own_settings():
    assert str(reported(GRACLUS, "NCI1")) == "80.1 ± 1.6"
    assert str(reported(ONE, "NCI1")) == "76.6"
    assert str(reported(GRACLUS, "NCI1", given={"convs": 1})) == "76.6"
    assert str(reported(GIN, "NCI1")) == "80.0 ± 1.4"
    assert reported(GRACLUS, "MUTAG") is None
    assert reported(Row("wide", "graclus", EXPERIMENT, {"hidden": 99}), "NCI1") is None
    assert str(reported(Row("DD's", "graclus", EXPERIMENT, {"hidden": 16}), "DD")) == "72.1 ± 5.2"


def test_a_study_shows_the_number_of_its_own_place_in_the_paper():
    assert reported(GRACLUS, "ZINC").mean == "0.42"
    assert reported(GRACLUS, "ZINC", source="Table 2").mean == "0.429"
    assert reported(GRACLUS, "DD", source="Table 2").source == "Table 3"


def test_no_number_of_the_paper_stands_twice():
    text = files("graphpool_sanity.reproduce").joinpath("paper.csv").read_text(encoding="utf-8")
    lines = list(csv.DictReader(text.splitlines()))
    places = [(r["source"], r["model"], r["variant"], r["dataset"]) for r in lines]
    assert len(set(places)) == len(places) > 100
    for line in lines:
        assert float(line["mean"]) < 1.0 if line["dataset"] == "ZINC" else float(line["mean"]) > 60


@pytest.mark.parametrize(
    ("row", "dataset", "tests", "shown"),
    [
        (GIN, "NCI1", [], ""),
        (GRACLUS, "NCI1", [], "not run"),
        (GRACLUS, "NCI1", [0.8], "80.0 (1)"),
        (GRACLUS, "ogbg-molhiv", [0.7, 0.8], "75.0 ± 7.1 (2)"),
        (GRACLUS, "ZINC", [0.4, 0.5, 0.6], "0.500 ± 0.100 (3)"),
    ],
)
def test_ours(row, dataset, tests, shown):
    assert ours(row, dataset, dict(enumerate({"test": x} for x in tests))) == shown


def test_the_table_shows_both_and_what_was_not_run():
    found = {"NCI1": {"Graclus": {0: {"test": 0.81}, 3: {"test": 0.83}}}, "ZINC": {}}
    console = Console(record=True, width=80)
    console.print(table("Table 1", [GIN, GRACLUS, ONE], found, {}))
    text = console.export_text()
    for part in ("82.0 ± 1.4 (2)", "paper 80.1 ± 1.6", "paper 0.41 ± 0.01", "mae", "not run"):
        assert part in text
    assert text.count("not run") == 3
    assert "and the paper's" in " ".join(text.split())


def test_a_table_without_numbers_of_the_paper_does_not_speak_of_them():
    found = {"digits": {"Graclus": {0: {"test": 0.81}}}}
    console = Console(record=True, width=80)
    console.print(table("Table 1", [GRACLUS], found, {}))
    assert "paper" not in console.export_text()
