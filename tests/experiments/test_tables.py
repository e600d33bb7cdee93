import random
from functools import partial

import pytest
import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import global_mean_pool

from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.experiments import reproduce as module
from graphpool_sanity.experiments.reproduce import Experiment
from graphpool_sanity.experiments.tables import RESULTS, Row, held, ours_and_paper, reproduce_table


class Bag(nn.Module):
    def __init__(self, config, data):
        super().__init__()
        self.mlp = nn.Linear(data.in_channels, data.out_channels)

    def forward(self, data):
        return self.mlp(global_mean_pool(data.x, data.batch))


EXPERIMENT = Experiment(
    family="graclus",
    build=Bag,
    variants=["graclus", "complement"],
    settings={"default": {"convs": 2, "batch_size": 64}},
)
ROWS = [
    Row("GIN", "GIN", "cited"),
    Row("Graclus", "graclus", "graclus", EXPERIMENT),
    Row("Complement", "complement", "graclus", EXPERIMENT),
    Row("Graclus, 1", "graclus", "graclus-one-conv", EXPERIMENT, {"convs": 1}),
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    def load(name):
        edges = torch.empty(2, 0, dtype=torch.long)
        graphs = [Data(torch.rand(3, 2), edges, y=torch.tensor([i % 2])) for i in range(40)]
        return Benchmark(name, graphs, "classification", 2)

    monkeypatch.setattr(module, "load_once", load)


@pytest.fixture
def table(tmp_path):
    return partial(reproduce_table, "Table 1", ROWS, ["NCI1", "DD"], tmp_path)


def lines(root):
    return (root / RESULTS / "graclus-NCI1.jsonl").read_text().splitlines()


def test_runs_what_ten_deleted_lines_held_and_nothing_else(table, tmp_path, capsys):
    call = ["--dataset", "NCI1", "--runs", "4", "--epochs", "1", "--jobs", "1"]
    table(call)
    first, shown = lines(tmp_path), capsys.readouterr().out
    assert len(first) == 12

    table(call)
    assert lines(tmp_path) == first
    assert capsys.readouterr().out == shown

    kept = first[:]
    random.Random(0).shuffle(kept)
    (tmp_path / RESULTS / "graclus-NCI1.jsonl").write_text("\n".join(kept[:2]) + "\n")
    table(call)
    assert len(lines(tmp_path)) == 12
    assert lines(tmp_path)[:2] == kept[:2]
    assert len({line.split('"test"')[0] for line in lines(tmp_path)}) == 12


def test_shows_ours_beside_the_papers_and_what_was_not_run(table, tmp_path, capsys):
    table(["--dataset", "NCI1", "--runs", "2", "--epochs", "1", "--jobs", "1"])
    capsys.readouterr()
    table(["--dataset", "paper", "--runs", "2", "--epochs", "1", "--show"])
    out = capsys.readouterr().out
    for part in ("NCI1", "DD", "80.0 ± 1.4", "80.1 ± 1.6", "76.6", "72.1 ± 5.2", "(2)", "not run"):
        assert part in out
    assert not (tmp_path / RESULTS / "graclus-DD.jsonl").exists()


def test_records_are_told_apart_by_their_settings(table, tmp_path):
    table(["--dataset", "NCI1", "--runs", "3", "--epochs", "1", "--jobs", "1"])
    folder = tmp_path / RESULTS
    one = held(ROWS[3], "NCI1", folder, runs=3, epochs=1)
    two = held(ROWS[1], "NCI1", folder, runs=2, epochs=1)
    assert list(one) == [0, 1, 2]
    assert list(two) == [0, 1]
    assert {r["config"]["convs"] for r in one.values()} == {1}
    assert held(ROWS[1], "NCI1", folder, runs=3) == {}
    assert held(ROWS[0], "NCI1", folder, runs=3) == {}


def test_cells():
    assert ours_and_paper(ROWS[0], "NCI1", {}) == ("", "80.0 ± 1.4")
    assert ours_and_paper(ROWS[1], "NCI1", {}) == ("not run", "80.1 ± 1.6")
    records = {0: {"config": {"variant": "graclus"}, "test": 0.8}}
    assert ours_and_paper(ROWS[1], "NCI1", records) == ("80.0 (1)", "80.1 ± 1.6")
    assert ours_and_paper(ROWS[1], "ZINC", records)[0] == "0.800 (1)"
    assert ours_and_paper(ROWS[1], "MUTAG", records) == ("80.0 (1)", "")
