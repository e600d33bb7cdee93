"""The script of Figures 5 and 6: what it measures, of which model, and what it leaves behind."""

import json
import runpy
import sys
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Data

from graphpool_sanity.analysis import dirichlet_energy, homogeneity
from graphpool_sanity.datasets import Benchmark, load_dataset
from graphpool_sanity.reproduce.command import settings_of
from graphpool_sanity.training.batches import Batches

SCRIPT = Path(__file__).parents[2] / "examples" / "reproduce_figures5_6.py"


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        yield runpy.run_path(str(SCRIPT))


def run(monkeypatch, capsys, *arguments):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--jobs", "1", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    runpy.run_path(str(SCRIPT), run_name="__main__")
    return capsys.readouterr().out


def test_it_draws_prints_and_resumes(tmp_path, monkeypatch, capsys):
    arguments = ["--models", "graclus", "gmn-random", "--epochs", "1", "--out", str(tmp_path)]
    out = run(monkeypatch, capsys, *arguments)
    assert "share of variance within graphs" in out
    assert "after pools.1" in out
    for figure in (
        "activations-digits-graclus",
        "activations-digits-gmn-random",
        "homogeneity-digits",
    ):
        assert (tmp_path / f"{figure}.png").stat().st_size > 5000

    ledger = (tmp_path / "activations-digits.jsonl").read_text()
    records = [json.loads(line) for line in ledger.splitlines()]
    assert [record["config"]["model"] for record in records] == ["graclus", "gmn-random"]
    for record in records:
        shares = record["homogeneity"]
        assert list(shares)[:3] == ["input", "before pools.0", "after pools.0"]
        assert all(0 <= share <= 1 for share in shares.values())
        assert f"{shares['before pools.0']:.3f}" in out
        assert list(record["dirichlet_energy"]) == ["input", "before pools.0"]

    assert run(monkeypatch, capsys, *arguments) == out
    assert (tmp_path / "activations-digits.jsonl").read_text() == ledger


def test_models_are_all_that_the_other_examples_pool_with(script):
    assert {"graclus", "graclus-complement", "diffpool-gnn", "diffpool-uniform", "gmn"} <= set(
        script["MODELS"]
    )
    assert {"gmn-distance", "gmn-random", "mincut-mlp"} <= set(script["MODELS"])
    assert not any("none" in name for name in script["MODELS"])
    assert set(script["FIGURE_5"] + script["FIGURE_6"]) <= set(script["MODELS"])


def config_of(script, model, benchmark):
    experiment, variant = script["MODELS"][model]
    settings = settings_of(experiment, benchmark.name, {})
    return {"model": model, "variant": variant, "seed": 0, **settings}


@pytest.mark.parametrize("model", ["graclus", "diffpool-gnn", "gmn", "mincut-mlp"])
def test_all_test_graphs_are_measured(script, model):
    digits = load_dataset("digits")
    config = config_of(script, model, digits)
    net = script["MODELS"][model][0].build(config, digits)
    activations, measured = script["measure"](net, digits, config, "cpu")
    (whole,) = Batches(digits.graphs, digits.split(0)[2], 10_000)
    before = activations.layers["pools.0"].before
    assert torch.equal(before.counts, whole.ptr.diff())
    assert measured["homogeneity"]["input"] == homogeneity(whole.x, whole.batch)
    assert measured["homogeneity"]["before pools.0"] == homogeneity(before.x, before.batch)
    energy = measured["dirichlet_energy"]
    for stage, x in ("input", whole.x), ("before pools.0", before.x):
        per_graph = dirichlet_energy(x - x.mean(0), whole.edge_index, whole.batch)
        assert energy[stage] == float(per_graph.mean())
    assert 0 < energy["input"] < 1  # strokes are smooth


def test_categories_become_one_hot(script):
    graph = Data(torch.tensor([[0, 2], [1, 0]]))
    benchmark = Benchmark("any", [graph], "binary", 1, node_categories=(2, 3))
    features = script["as_features"](graph.x, benchmark)
    assert features.tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]
