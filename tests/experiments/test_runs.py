import os

import pytest

from graphpool_sanity.experiments.ledger import Ledger
from graphpool_sanity.experiments.runs import run_all

CONFIGS = [{"variant": v, "seed": s, "epochs": 3} for s in range(3) for v in ("a", "b")]


def run_one(calls):
    def run(config, on_epoch):
        calls.append((config["variant"], config["seed"]))
        if on_epoch is not None:
            on_epoch(1, 0.5)
        return {"test": config["seed"] / 10}

    return run


def test_runs_what_is_missing_and_nothing_else(tmp_path):
    ledger, calls = Ledger(tmp_path / "runs.jsonl"), []
    ledger.append(CONFIGS[2], {"test": 0.9})
    records = run_all(CONFIGS, run_one(calls), ledger)
    assert [r["config"] for r in records] == CONFIGS
    assert records[2]["test"] == 0.9
    assert calls == [(c["variant"], c["seed"]) for i, c in enumerate(CONFIGS) if i != 2]

    assert run_all(CONFIGS, run_one(calls), ledger) == records
    assert len(calls) == 5


def test_records_of_other_configurations_are_left_out(tmp_path):
    ledger = Ledger(tmp_path / "runs.jsonl")
    ledger.append(CONFIGS[0] | {"epochs": 4}, {"test": 0.1})
    records = run_all(CONFIGS[:1], run_one([]), ledger)
    assert [r["config"]["epochs"] for r in records] == [3]


def test_a_killed_run_loses_only_itself(tmp_path):
    ledger, calls = Ledger(tmp_path / "runs.jsonl"), []

    def killed(config, on_epoch):
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run_one(calls)(config, on_epoch)

    with pytest.raises(KeyboardInterrupt):
        run_all(CONFIGS, killed, ledger)
    assert len(list(ledger)) == 2
    run_all(CONFIGS, run_one(calls), ledger)
    assert len(calls) == len(set(calls)) == len(CONFIGS)


def _half_fails(config, on_epoch):
    if config["variant"] == "b":
        raise ValueError("no")
    return {"test": config["seed"] / 10}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failing_run_is_reported_and_does_not_stop_the_rest(tmp_path, jobs):
    ledger = Ledger(tmp_path / "runs.jsonl")
    with pytest.raises(RuntimeError, match=r"3 of 6 runs failed, first .*'variant': 'b'") as info:
        run_all(CONFIGS, _half_fails, ledger, jobs)
    assert isinstance(info.value.__cause__, ValueError)
    assert sorted(r["config"]["seed"] for r in ledger) == [0, 1, 2]


def _who(config, on_epoch):
    assert on_epoch is None
    return {"test": 0.5, "process": os.getpid()}


def test_several_processes_share_the_runs(tmp_path):
    ledger = Ledger(tmp_path / "runs.jsonl")
    records = run_all(CONFIGS, _who, ledger, jobs=2)
    assert [r["config"] for r in records] == CONFIGS
    assert os.getpid() not in {r["process"] for r in records}
    assert len(list(ledger)) == len(CONFIGS)


def test_the_ledger_is_read_no_more_often_for_more_runs(tmp_path, monkeypatch):
    ledger, reads = Ledger(tmp_path / "runs.jsonl"), []
    run_all(CONFIGS, run_one([]), ledger)
    original = Ledger.__iter__
    monkeypatch.setattr(Ledger, "__iter__", lambda self: reads.append(1) or original(self))
    run_all(CONFIGS, run_one([]), ledger)
    assert len(reads) <= 2
