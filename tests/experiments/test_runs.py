import pytest

from graphpool_sanity.experiments.ledger import Ledger
from graphpool_sanity.experiments.runs import run_all

CONFIGS = [{"variant": v, "seed": s, "epochs": 3} for s in range(3) for v in ("a", "b")]


def run_one(calls):
    def run(config, on_epoch):
        calls.append((config["variant"], config["seed"]))
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
