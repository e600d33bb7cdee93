import json

import pytest
from _helpers.small_experiment import EXPERIMENT, load

from graphpool_sanity.reproduce import experiment as module
from graphpool_sanity.reproduce import study as studies
from graphpool_sanity.reproduce.experiment import Resources
from graphpool_sanity.reproduce.study import Row, Runs
from graphpool_sanity.training.ledger import Ledger

TWO = Row("two", "graclus", EXPERIMENT)
ONE = Row("one", "graclus", EXPERIMENT, {"convs": 1})
CITED = Row("GIN", "GIN")
RESOURCES = Resources("cpu", 1)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    hold(monkeypatch, load)


def hold(monkeypatch, loader, here=True):
    """Have data sets be what ``loader`` gives."""
    monkeypatch.setattr(module, "load_once", loader)
    monkeypatch.setattr(studies, "is_here", lambda name: here)
    module.content_of.cache_clear()


def load_other(name):
    found = load(name)
    found.graphs[7].x[0, 0] += 1
    return found


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


def carried_out(folder):
    runs = Runs(folder, 2, {"epochs": 1})
    runs.carry_out([TWO], "NCI1", RESOURCES)
    lines = (folder / "graclus-NCI1.jsonl").read_text().splitlines()
    return len(lines), [record["test"] for record in runs.find(TWO, "NCI1").values()]


def test_records_of_other_data_by_the_same_name_do_not_count(tmp_path, monkeypatch):
    lines, first = carried_out(tmp_path)
    assert (lines, carried_out(tmp_path)) == (2, (2, first))
    hold(monkeypatch, load_other)
    lines, other = carried_out(tmp_path)
    assert lines == 4
    assert carried_out(tmp_path) == (4, other)
    hold(monkeypatch, load)
    assert carried_out(tmp_path) == (4, first)


def test_records_that_do_not_say_are_of_the_published_data(tmp_path):
    _, first = carried_out(tmp_path)
    path = tmp_path / "graclus-NCI1.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert {record.pop("data") for record in records} == {module.content_of("NCI1")}
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert carried_out(tmp_path) == (2, first)


def test_records_are_served_where_the_data_are_not(tmp_path, monkeypatch):
    _, first = carried_out(tmp_path)
    hold(monkeypatch, pytest.fail, here=False)
    assert carried_out(tmp_path) == (2, first)
