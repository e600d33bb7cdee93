import dataclasses
import json

import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import global_mean_pool

from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.experiments import reproduce as module
from graphpool_sanity.experiments.protocol import Protocol
from graphpool_sanity.experiments.reproduce import (
    Experiment,
    paper_results,
    reproduce,
    settings_of,
)


class Bag(nn.Module):
    def __init__(self, width, in_channels, out_channels):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(in_channels, width), nn.Linear(width, out_channels))

    def forward(self, data):
        return self.mlp(global_mean_pool(data.x, data.batch))


EXPERIMENT = Experiment(
    family="graclus",
    build=lambda config, data: Bag(config["hidden"], data.in_channels, data.out_channels),
    variants=["graclus", "complement", "none"],
    quick_variants=["graclus", "complement"],
    settings={"default": {"hidden": 4, "batch_size": 8}, "DD": {"hidden": 16}},
    protocol={"clip_norm": 2.0},
)


@pytest.fixture
def small(monkeypatch):
    def load(name):
        edges = torch.empty(2, 0, dtype=torch.long)
        graphs = [Data(torch.rand(3, 2), edges, y=torch.tensor([i % 2])) for i in range(40)]
        return Benchmark(name, graphs, "classification", 2)

    monkeypatch.setattr(module, "load_once", load)


def run(tmp_path, *arguments):
    reproduce(EXPERIMENT, [*arguments, "--jobs", "1", "--out", str(tmp_path)])


def lines(tmp_path, dataset="NCI1"):
    return [
        json.loads(line)
        for line in (tmp_path / f"graclus-{dataset}.jsonl").read_text().splitlines()
    ]


def test_runs_prints_and_resumes(small, tmp_path, capsys):
    arguments = ["--dataset", "NCI1", "--runs", "2", "--epochs", "1"]
    run(tmp_path, *arguments)
    out = capsys.readouterr().out
    assert "80.1 ± 1.6" in out
    assert "80.2 ± 1.4" in out
    assert (tmp_path / "graclus-NCI1.png").stat().st_size > 5000
    first = lines(tmp_path)
    ran = [(r["config"]["variant"], r["config"]["seed"]) for r in first]
    assert ran == [("graclus", 0), ("complement", 0), ("graclus", 1), ("complement", 1)]

    run(tmp_path, *arguments)
    assert lines(tmp_path) == first
    run(tmp_path, "--dataset", "NCI1", "--runs", "3", "--epochs", "1", "--variants", "none")
    assert [r["config"]["variant"] for r in lines(tmp_path)[4:]] == ["none"] * 3


def test_a_line_holds_all_that_repeats_its_run(small, tmp_path):
    run(tmp_path, "--runs", "1", "--epochs", "2", "--hidden", "5", "--variants", "none")
    (line,) = lines(tmp_path, "digits")
    protocol = dataclasses.asdict(Protocol()) | {
        "epochs": 2,
        "batch_size": 8,
        "clip_norm": 2.0,
    }
    assert line["config"] == protocol | {
        "family": "graclus",
        "dataset": "digits",
        "variant": "none",
        "seed": 0,
        "hidden": 5,
    }
    assert line["parameters"] == 2 * 5 + 5 + 5 * 2 + 2
    assert len(line["validation_curve"]) == line["epochs"] == 2
    assert {"test", "validation", "best_epoch", "seconds", "device", "versions"} <= line.keys()


def test_settings_come_from_the_protocol_then_the_family_then_the_data_set_then_the_user():
    assert settings_of(EXPERIMENT, "NCI1", {})["learning_rate"] == 1e-3
    assert settings_of(EXPERIMENT, "NCI1", {})["clip_norm"] == 2.0
    assert settings_of(EXPERIMENT, "DD", {})["hidden"] == 16
    assert settings_of(EXPERIMENT, "DD", {"hidden": 8, "runs": 3})["hidden"] == 8
    assert "runs" not in settings_of(EXPERIMENT, "DD", {"runs": 3})
    assert settings_of(EXPERIMENT, "digits", {})["epochs"] < Protocol().epochs


def test_paper_results_name_their_table():
    assert paper_results("graclus", "DD")["complement"] == "72.1 ± 3.6 (Table 3)"
    assert paper_results("gmn", "NCI1") == {"gmn": "80.2 (Table 2)", "random": "80.2 (Table 2)"}
    assert paper_results("graclus", "digits") == {}


def test_an_unknown_variant_is_refused(small, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, "--variants", "magic")
    assert "invalid choice: 'magic'" in capsys.readouterr().err
