import json
import multiprocessing

import pytest

from graphpool_sanity.training.ledger import Ledger


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "deep" / "runs.jsonl")


def test_a_missing_file_is_an_empty_ledger(ledger):
    assert list(ledger) == []
    assert ledger.find([{"seed": 0}]) == [None]


def test_a_run_is_known_by_its_configuration_in_any_order_of_keys(ledger):
    ledger.append({"variant": "graclus", "seed": 0}, {"test": 0.5})
    ledger.append({"variant": "graclus", "seed": 0}, {"test": 0.9})  # the first one counts
    found, *absent = ledger.find(
        [
            {"variant": "graclus", "seed": 0},
            {"variant": "graclus", "seed": 1},
            {"variant": "graclus"},
        ]
    )
    assert found["test"] == 0.5
    assert absent == [None, None]


def test_appending_never_changes_what_stands(ledger):
    ledger.append({"seed": 0}, {"test": 0.5})
    before = ledger.path.read_bytes()
    ledger.append({"seed": 1}, {"test": 0.6})
    assert ledger.path.read_bytes().startswith(before)


@pytest.mark.parametrize("kept", [1, 10, -1])
def test_a_torn_last_line_costs_only_its_own_run(ledger, kept):
    ledger.append({"seed": 0}, {"test": 0.5})
    ledger.append({"seed": 1}, {"test": 0.6})
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    torn = lines[1][:kept] if kept > 0 else lines[1][:-10]
    ledger.path.write_bytes(lines[0] + torn)
    assert [r["config"]["seed"] for r in ledger] == [0]

    ledger.append({"seed": 1}, {"test": 0.7})
    assert [r["test"] for r in ledger] == [0.5, 0.7]


def test_a_line_that_lost_only_its_newline_still_counts(ledger):
    ledger.append({"seed": 0}, {"test": 0.5})
    ledger.path.write_bytes(ledger.path.read_bytes().rstrip(b"\n"))
    ledger.append({"seed": 1}, {"test": 0.6})
    assert [r["config"]["seed"] for r in ledger] == [0, 1]


def _append_many(path, first):
    ledger = Ledger(path)
    for i in range(50):
        ledger.append({"seed": first + i}, {"test": 0.5, "curve": [0.25] * 500})


def test_two_processes_may_append(ledger):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append_many, args=(ledger.path, k)) for k in (0, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert sorted(r["config"]["seed"] for r in ledger) == list(range(100))
    for line in filter(None, ledger.path.read_text().splitlines()):
        json.loads(line)


def test_ledgers_of_two_machines_merge_by_appending(tmp_path):
    ours, theirs = Ledger(tmp_path / "ours.jsonl"), Ledger(tmp_path / "theirs.jsonl")
    for seed in (0, 1):
        ours.append({"seed": seed}, {"test": 0.5})
    for seed in (1, 2):
        theirs.append({"seed": seed}, {"test": 0.6})
    with ours.path.open("a") as file:
        file.write(theirs.path.read_text())
    merged = ours.find([{"seed": seed} for seed in range(4)])
    assert [record and record["test"] for record in merged] == [0.5, 0.5, 0.6, None]


def test_records_that_are_not_usable_are_passed_over(tmp_path):
    path = tmp_path / "runs.jsonl"
    Ledger(path).append({"seed": 0}, {"test": 0.5})
    Ledger(path).append({"seed": 0}, {"test": 0.6, "losses": [1.0]})
    with_losses = Ledger(path, usable=lambda record: "losses" in record)
    assert Ledger(path).find([{"seed": 0}])[0]["test"] == 0.5
    assert with_losses.find([{"seed": 0}])[0]["test"] == 0.6
    assert len(list(with_losses)) == 1
