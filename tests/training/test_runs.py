import os
import pickle
import subprocess
import sys
import time
from itertools import pairwise
from threading import Thread

import pytest
import torch
from _helpers.processes import kill
from rich.progress import Progress

from graphpool_sanity.training import runs, workers
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


class Killing:
    """Kills the process it is in for some configurations, once or always."""

    def __init__(self, folder, deadly, always=True):
        self.folder, self.deadly, self.always = folder, deadly, always

    def __call__(self, config, on_epoch):
        starts = self.folder / f"{config['variant']}{config['seed']}"
        with starts.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if config in self.deadly and (self.always or len(starts.read_text().split()) == 1):
            kill(os.getpid())
        time.sleep(0.1)
        return {"test": config["seed"] / 10, "process": os.getpid()}

    def starts(self, config):
        return (self.folder / f"{config['variant']}{config['seed']}").read_text().split()


@pytest.mark.parametrize(
    "deadly", [CONFIGS[1:2], pytest.param(CONFIGS[:2], marks=pytest.mark.long)]
)
def test_a_run_that_kills_its_process_is_named_and_takes_no_other_with_it(tmp_path, deadly):
    ledger, run = Ledger(tmp_path / "runs.jsonl"), Killing(tmp_path, deadly)
    number = len(deadly)
    with pytest.raises(RuntimeError, match=f"{number} of 6 runs failed, the first by Term") as info:
        run_all(CONFIGS, run, ledger, jobs=2)
    assert any(str(config) in str(info.value) for config in deadly)
    found = ledger.find(CONFIGS)
    assert [c for c, record in zip(CONFIGS, found, strict=True) if record is None] == deadly
    assert [len(run.starts(config)) for config in CONFIGS] == [1 + (c in deadly) for c in CONFIGS]
    assert len(list(ledger)) == len(CONFIGS) - number


def test_a_process_that_is_killed_once_loses_no_run(tmp_path):
    ledger, run = Ledger(tmp_path / "runs.jsonl"), Killing(tmp_path, CONFIGS[:1], always=False)
    records = run_all(CONFIGS, run, ledger, jobs=2)
    assert [r["config"] for r in records] == CONFIGS
    assert [len(run.starts(config)) for config in CONFIGS] == [2, 1, 1, 1, 1, 1]


@pytest.mark.long
def test_a_process_that_dies_between_two_calls_is_replaced(tmp_path):
    first = run_all(CONFIGS, _who, Ledger(tmp_path / "a.jsonl"), jobs=2)
    for process in {record["process"] for record in first}:
        kill(process)
    time.sleep(0.5)
    assert len(run_all(CONFIGS, _who, Ledger(tmp_path / "b.jsonl"), jobs=2)) == len(CONFIGS)


class Holding:
    """Holds views of one tensor, and tells how its own copy of them lies in memory."""

    def __init__(self, number):
        self.views = list(torch.zeros(number, 1000))

    def __call__(self, config, on_epoch):
        storages = {view.untyped_storage().data_ptr() for view in self.views}
        return {"process": os.getpid(), "storages": len(storages), "self": id(self)}


BEATING = """
import os, sys, time
from pathlib import Path
from graphpool_sanity.training.workers import run_here

folder = Path(sys.argv[1])

def beat(config, on_epoch):
    for _ in range(2000):  # a hundred seconds
        (folder / str(os.getpid())).write_text(str(time.time()))
        time.sleep(0.05)

list(run_here(beat, iter([{"seed": 0}, {"seed": 1}]), 2, None))
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell that a parent is gone")
def test_processes_end_soon_after_the_one_that_started_them_was_killed(tmp_path):
    def beats():
        return {path.name: path.read_text() for path in tmp_path.iterdir()}

    started = subprocess.Popen([sys.executable, "-c", BEATING, str(tmp_path)])
    try:
        while len(beats()) < 2:
            assert started.poll() is None
            time.sleep(0.1)
    finally:
        kill(started.pid)
        started.wait()
    deadline = time.monotonic() + 30
    while True:
        before = beats()
        time.sleep(1)
        if beats() == before:
            return
        assert time.monotonic() < deadline


def test_views_of_a_tensor_are_sent_as_one_once_for_each_process(tmp_path):
    records = run_all(CONFIGS, Holding(300), Ledger(tmp_path / "runs.jsonl"), jobs=2)
    assert {record["storages"] for record in records} == {1}
    received = {(record["process"], record["self"]) for record in records}
    assert len(received) == len({process for process, _ in received}) <= 2

    sizes = []
    for number in (100, 200):
        workers._send(Holding(number), tmp_path / "run_one.pt")
        sizes.append((tmp_path / "run_one.pt").stat().st_size)
    assert sizes[1] < 2.1 * sizes[0]


def test_what_cannot_be_read_elsewhere_is_told(tmp_path):
    with pytest.raises(RuntimeError, match=r"6 of 6 runs failed, the first by Unpick.*no"):
        run_all(CONFIGS, Unreadable(), Ledger(tmp_path / "runs.jsonl"), jobs=2)


def refuse():
    raise pickle.UnpicklingError("no")


class Unreadable:
    def __reduce__(self):
        return refuse, ()


def test_threads_of_a_process_take_turns():
    spans = []

    def run(config, on_epoch):
        start = time.perf_counter()
        time.sleep(0.05)
        spans.append((start, time.perf_counter()))
        return {}

    threads = [Thread(target=workers._attempt, args=(run, None, {})) for _ in range(3)]
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
    with runs._Bar([{}] * 20, Ledger("nowhere")) as bar:
        (task,) = bars[0].tasks
        assert task.time_remaining is None
        for done in range(at_once, 20, at_once):  # so many jobs end every ten minutes
            now[0] += 600
            for _ in range(at_once):
                bar.ran({}, {}, is_new=True)
            bar.epoch(1, 0.5)
            assert task.time_remaining == pytest.approx((20 - done) / at_once * 600, abs=1)
