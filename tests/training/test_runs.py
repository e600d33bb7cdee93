import os
import time
from itertools import pairwise
from threading import Thread

import pytest
from rich.progress import Progress

from graphpool_sanity.training import runs
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.runs import run_all

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
    with pytest.raises(
        RuntimeError, match=r"3 of 6 runs failed, the first by .*'variant': 'b'"
    ) as info:
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


class TwoWordsError(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a} and {b}")


def _fails_unpicklably(config, on_epoch):
    if config["seed"] == 1:
        raise TwoWordsError(1, 2)
    return {"test": 0.5}


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_that_cannot_be_sent_home_is_told_in_words(tmp_path, jobs):
    ledger = Ledger(tmp_path / "runs.jsonl")
    with pytest.raises(RuntimeError, match="2 of 6 runs failed") as info:
        run_all(CONFIGS, _fails_unpicklably, ledger, jobs)
    assert str(info.value.__cause__).endswith("1 and 2")
    assert len(list(ledger)) == 4


def test_threads_of_a_process_take_turns():
    spans = []

    def run(config, on_epoch):
        start = time.perf_counter()
        time.sleep(0.05)
        spans.append((start, time.perf_counter()))
        return {}

    threads = [Thread(target=runs._attempt, args=(run, None, {})) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans.sort()
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_the_time_left_is_that_of_runs_at_this_rate(monkeypatch, at_once):
    now, bars = [0.0], []

    class Clock(Progress):
        def __init__(self, *columns, **kwargs):
            super().__init__(*columns, get_time=lambda: now[0], **kwargs)
            bars.append(self)

    monkeypatch.setattr(runs, "Progress", Clock)
    with runs._progress(20) as (advance, on_epoch):
        (task,) = bars[0].tasks
        assert task.time_remaining is None
        for done in range(at_once, 20, at_once):  # so many jobs end every ten minutes
            now[0] += 600
            for _ in range(at_once):
                advance()
            on_epoch(1, 0.5)
            assert task.time_remaining == pytest.approx((20 - done) / at_once * 600, abs=1)
