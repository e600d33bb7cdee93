import pytest
from _helpers.small_experiment import EXPERIMENT, load

from graphpool_sanity.reproduce import experiment as module
from graphpool_sanity.reproduce.experiment import Resources
from graphpool_sanity.reproduce.study import Row, Runs
from graphpool_sanity.training.ledger import Ledger

TWO = Row("two", "graclus", EXPERIMENT)
ONE = Row("one", "graclus", EXPERIMENT, {"convs": 1})
CITED = Row("GIN", "GIN")
RESOURCES = Resources("cpu", 1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "load_once", load)


def test_records_are_told_apart_by_their_settings(tmp_path):
    runs = Runs(tmp_path, 3, {"epochs": 1, "hidden": None})
    runs.carry_out([CITED, TWO], "NCI1", RESOURCES)
    assert list(runs.find(TWO, "NCI1")) == [0, 1, 2]
    assert runs.find(ONE, "NCI1") == runs.find(CITED, "NCI1") == runs.find(TWO, "DD") == {}

    Runs(tmp_path, 2, {"epochs": 1}).carry_out([CITED, TWO, ONE], "NCI1", RESOURCES)
    one = runs.find(ONE, "NCI1")
    assert [r["config"]["convs"] for r in one.values()] == [1, 1]
    assert len(list(Ledger(tmp_path / "graclus-NCI1.jsonl"))) == 5
    assert Runs(tmp_path, 3).find(TWO, "NCI1") == {}


def test_the_row_is_stronger_than_what_is_given():
    assert ONE.settings_on("NCI1", {"convs": 7, "hidden": 9})["convs"] == 1
    assert ONE.settings_on("NCI1", {"convs": 7, "hidden": 9})["hidden"] == 9
    assert CITED.settings_on("NCI1", {}) == {}


def test_rows_take_turns_seed_by_seed(tmp_path):
    Runs(tmp_path, 2, {"epochs": 1}).carry_out([TWO, ONE], "NCI1", RESOURCES)
    order = [
        (r["config"]["seed"], r["config"]["convs"]) for r in Ledger(tmp_path / "graclus-NCI1.jsonl")
    ]
    assert order == [(0, 2), (0, 1), (1, 2), (1, 1)]


def test_a_run_without_what_is_drawn_runs_again_and_the_old_record_stays(tmp_path):
    runs = Runs(tmp_path, 2, {"epochs": 1})
    runs.carry_out([TWO], "NCI1", RESOURCES)
    path = tmp_path / "graclus-NCI1.jsonl"
    old = path.read_text().replace("validation_losses", "something_else")
    path.write_text(old)

    curves = Runs(tmp_path, 2, {"epochs": 1}, usable=lambda r: "validation_losses" in r)
    assert curves.find(TWO, "NCI1") == {}
    curves.carry_out([TWO], "NCI1", RESOURCES)
    assert path.read_text().startswith(old)
    assert len(curves.find(TWO, "NCI1")) == 2
    assert all("validation_losses" not in r for r in runs.find(TWO, "NCI1").values())
    before = path.read_text()
    curves.carry_out([TWO], "NCI1", RESOURCES)
    assert path.read_text() == before
