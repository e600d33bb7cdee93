"""Runs on a real Dask cluster: two worker processes, some of which are killed."""

import os
import sys
import time
from dataclasses import asdict

import pytest
import torch
from _helpers.processes import kill
from torch import nn
from torch_geometric.nn import MLP, global_mean_pool

from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.protocol import Protocol, train
from graphpool_sanity.training.runs import run_all

pytest.importorskip("distributed", reason='needs the extra "cluster"')
import dask
from dask.distributed import LocalCluster
from distributed.scheduler import KilledWorker

CONFIGS = [{"variant": v, "seed": s} for s in range(4) for v in ("a", "b")]
CONFIG = {
    "distributed.scheduler.worker-saturation": 1.0,  # no run waits at a worker that dies
    "distributed.comm.timeouts.connect": "60s",  # a busy machine starts workers late
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with (
        dask.config.set(CONFIG),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            local_directory=str(tmp_path_factory.mktemp("dask")),
        ) as cluster,
    ):
        yield cluster


class Run:
    """Notes each start of a run; one of them kills the process it is in, once or always."""

    def __init__(self, folder, deadly, always=False):
        self.folder, self.deadly, self.always = folder, deadly, always

    def __call__(self, config, on_epoch):
        assert on_epoch is None
        name = f"{config['variant']}{config['seed']}"
        starts = self.folder / name
        with starts.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.1)
        if config == self.deadly and (self.always or len(self.starts(config)) == 1):
            kill(os.getpid())
        if config["variant"] == "fails":
            raise ValueError("no")
        return {"test": config["seed"] / 10, "process": os.getpid()}

    def starts(self, config):
        path = self.folder / f"{config['variant']}{config['seed']}"
        return path.read_text().split() if path.exists() else []


@pytest.mark.long
def test_a_killed_worker_loses_no_run_and_none_counts_twice(cluster, tmp_path):
    ledger, run = Ledger(tmp_path / "runs.jsonl"), Run(tmp_path, deadly=CONFIGS[3])
    ledger.append(CONFIGS[0], {"test": 0.9})
    records = run_all(CONFIGS, run, ledger, scheduler=cluster.scheduler_address)

    assert [r["config"] for r in records] == CONFIGS
    assert [r["test"] for r in records] == [0.9] + [c["seed"] / 10 for c in CONFIGS[1:]]
    written = [(r["config"]["variant"], r["config"]["seed"]) for r in ledger]
    assert len(written) == len(set(written)) == len(CONFIGS)
    assert run.starts(CONFIGS[0]) == []
    killed, finished = run.starts(CONFIGS[3])
    assert killed != finished
    assert os.getpid() not in {r["process"] for r in records[1:]}

    assert run_all(CONFIGS, run, ledger, scheduler=cluster.scheduler_address) == records
    assert len(run.starts(CONFIGS[3])) == 2


def test_a_failing_run_is_reported_and_does_not_stop_the_rest(cluster, tmp_path):
    ledger, run = Ledger(tmp_path / "runs.jsonl"), Run(tmp_path, deadly=None)
    failing = {"variant": "fails", "seed": 0}
    with pytest.raises(RuntimeError, match=r"1 of 9 runs failed, the first by .*'fails'") as info:
        run_all([failing, *CONFIGS], run, ledger, scheduler=cluster.scheduler_address)
    assert isinstance(info.value.__cause__, ValueError)
    assert all(ledger.find(CONFIGS))
    assert ledger.find([failing]) == [None]


def test_a_run_that_kills_its_workers_is_reported_and_does_not_stop_the_rest(
    cluster, tmp_path, monkeypatch
):
    # In place of three, which takes long.
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 1)
    ledger, run = Ledger(tmp_path / "runs.jsonl"), Run(tmp_path, CONFIGS[1], always=True)
    with pytest.raises(
        RuntimeError, match=r"1 of 8 runs failed, the first by .*'b', 'seed': 0"
    ) as info:
        run_all(CONFIGS, run, ledger, scheduler=cluster.scheduler_address)
    assert isinstance(info.value.__cause__, KilledWorker)
    assert len(run.starts(CONFIGS[1])) == 2
    assert [config for config, r in zip(CONFIGS, ledger.find(CONFIGS), strict=True) if not r] == [
        CONFIGS[1]
    ]


class Holding:
    """Holds views of one tensor, and tells how its own copy of them lies in memory."""

    def __init__(self, number):
        self.views = list(torch.zeros(number, 10_000))

    def __call__(self, config, on_epoch):
        storages = {view.untyped_storage().data_ptr() for view in self.views}
        time.sleep(0.1)
        return {"process": os.getpid(), "storages": len(storages), "self": id(self)}


def test_views_of_a_tensor_are_sent_as_one_once_for_each_worker(cluster, tmp_path):
    ledger = Ledger(tmp_path / "runs.jsonl")  # 20 MB, of which Dask would warn
    records = run_all(CONFIGS, Holding(500), ledger, scheduler=cluster.scheduler_address)
    assert {record["storages"] for record in records} == {1}
    received = {(record["process"], record["self"]) for record in records}
    assert len(received) == len({process for process, _ in received}) == 2


class Bag(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.mlp = MLP([in_channels, 8, out_channels], norm=None)

    def forward(self, data):
        return self.mlp(global_mean_pool(data.x, data.batch))


def trained(config, on_epoch):
    benchmark = load_dataset("digits")
    return asdict(train(Bag, benchmark, config["seed"], Protocol(epochs=2), "cpu"))


def test_a_run_is_the_same_there_as_here(cluster, tmp_path):
    (there,) = run_all(
        [{"seed": 5}], trained, Ledger(tmp_path / "a.jsonl"), scheduler=cluster.scheduler_address
    )
    here = trained({"seed": 5}, None)
    assert there["validation_curve"] == here["validation_curve"]
    assert there["test"] == here["test"]


def test_a_scheduler_is_asked_only_if_a_run_is_missing(tmp_path):
    ledger = Ledger(tmp_path / "runs.jsonl")
    ledger.append(CONFIGS[0], {"test": 0.9})
    nobody = "tcp://127.0.0.1:1"
    assert len(run_all(CONFIGS[:1], trained, ledger, scheduler=nobody)) == 1
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(OSError, match=r"127\.0\.0\.1:1"),
    ):
        run_all(CONFIGS[:2], trained, ledger, scheduler=nobody)


def test_a_malformed_address_is_refused(tmp_path):
    with pytest.raises(ValueError, match="missing port number in address 'nowhere'"):
        run_all(CONFIGS, trained, Ledger(tmp_path / "runs.jsonl"), scheduler="nowhere")


def test_a_missing_dask_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ImportError, match=r'needs dask: .* pip install "\.\[cluster\]"'):
        run_all(CONFIGS, trained, Ledger(tmp_path / "runs.jsonl"), scheduler="tcp://a:1")
