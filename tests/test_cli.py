import json
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from _helpers.reports import report as report_of
from pandas import read_csv
from typer.testing import CliRunner

from graphpool_sanity.__main__ import main
from graphpool_sanity.check import demo
from graphpool_sanity.cli import app
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.protocol import Protocol

QUICK = [
    "--epochs",
    "1",
    "--runs",
    "2",
    "--max-runs",
    "2",
    "--hidden",
    "4",
    "--jobs",
    "1",
    "--device",
    "cpu",
]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def words(text):
    return re.sub(r"\s+", " ", text)


def test_check_says_what_it_found_and_where_the_report_is(tmp_path):
    out = tmp_path / "check"
    found = run("check", "graphpool_sanity:GraclusPool", *QUICK, "--out", out)
    assert found.exit_code == 0, found.output
    assert "GraclusPool on digits" in words(found.stdout)
    assert "complement: must pooled nodes be neighbours?" in words(found.stdout)
    assert str(out / "report.html") in found.stdout
    said = json.loads((out / "report.json").read_text())
    assert said["name"] == "GraclusPool"
    assert list(said["comparisons"]) == ["complement", "none"]
    assert said["protocol"]["epochs"] == 1

    (out / "report.html").unlink()
    again = run("report", out)
    assert again.exit_code == 0
    assert again.stdout == found.stdout
    assert (out / "report.html").exists()


def test_options_and_arguments_of_the_layer_arrive(tmp_path):
    arguments = ["--arg", "ratio=0.7", "-a", "min_score=None", "--nulls", "shuffle,random"]
    options = ["--seed", 4, "--margin", 0.1, "--batch-size", 100, "--learning-rate", 0.01]
    layer = "torch_geometric.nn:TopKPooling"
    found = run("check", layer, *arguments, *options, "--num-pools", 1, *QUICK, "--out", tmp_path)
    assert found.exit_code == 0, found.output
    said = json.loads((tmp_path / "report.json").read_text())
    assert list(said["comparisons"]) == ["shuffle", "random"]
    assert said["comparisons"]["random"]["margin"] == 0.1
    assert said["seeds"] == [4, 5]
    assert said["protocol"]["batch_size"] == 100
    assert said["protocol"]["learning_rate"] == 0.01
    assert list(said["homogeneity"]["layer"]) == ["before pools.0", "after pools.0"]


def test_a_repeated_call_resumes(tmp_path):
    call = ["check", "graphpool_sanity:GraclusPool", "--nulls", "none", *QUICK, "--out", tmp_path]
    for _ in range(2):
        assert run(*call).exit_code == 0
    assert len(list(Ledger(tmp_path / "ledger.jsonl"))) == 4


def test_nulls_and_what_they_ask():
    found = run("nulls", "graphpool_sanity:MemoryPool")
    assert found.exit_code == 0
    assert [name in found.stdout for name in ("distance", "random", "none")] == [True] * 3
    assert "must the keys be learned?" in found.stdout


def test_data_sets():
    found = run("datasets")
    assert found.exit_code == 0
    assert re.search(r"digits.*none needed", found.stdout)
    assert re.search(r"NCI1 .*downloaded", found.stdout)


def test_what_a_data_set_has():
    found = run("datasets", "digits")
    assert found.exit_code == 0
    for fact, value in [
        ("graphs", "1797"),
        ("nodes", "32.7 on average, 16 to 42"),
        ("task", "classification of 10 classes"),
        ("split", "1437/180/180, drawn by the seed"),
        ("best constant", "accuracy, % 10.2"),
        ("files", "on this disk"),
    ]:
        assert re.search(f"{fact} +│ {re.escape(value)}", found.stdout), fact


OWN_DATA = """
import torch
from torch_geometric.data import Data
from torch_geometric.utils import erdos_renyi_graph

def molecules():
    torch.manual_seed(0)
    graphs = []
    for i in range(60):
        x = torch.randint(0, 4, (9, 2))
        edges = erdos_renyi_graph(9, 0.3)
        y = torch.tensor([[i % 2, float("nan") if i % 3 else i % 5 // 3]])
        graphs.append(Data(x, edges, torch.randint(0, 3, (edges.size(1),)), y))
    return graphs

def bare():
    return [Data(edge_index=g.edge_index, y=g.y[0, :1], num_nodes=9) for g in molecules()]
"""


def test_data_of_the_users_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_data.py").write_text(OWN_DATA)
    call = ["check", "torch_geometric.nn:TopKPooling", *QUICK, "--nulls", "random", "--dataset"]
    found = run(*call, "own_data:molecules", "--metric", "average_precision")
    assert found.exit_code == 0, found.output
    assert "average precision, %" in words(found.stdout)
    (folder,) = (tmp_path / "results").iterdir()
    said = json.loads((folder / "report.json").read_text())
    assert (said["dataset"]["task"], said["dataset"]["targets"]) == ("binary", 2)
    found = run(*call, "own_data:bare", "--task", "binary", "--features", "degree", "--balanced")
    assert found.exit_code == 0, found.output
    shown = words(run("datasets", "own_data:molecules").stdout)
    for fact in ("binary of 2 targets, 33.3% missing", "2, categories to embed", "on this disk"):
        assert fact in shown, fact


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nix:Pool"], "module 'nix' cannot be imported"),
        (["check", "graphpool_sanity"], "layer must be MODULE:LAYER"),
        (["check", "graphpool_sanity:Nix"], "must have a layer 'Nix'"),
        (["check", "graphpool_sanity:GraclusPool", "--arg", "nix=1"], "arg nix is none that"),
        (["check", "graphpool_sanity:GraclusPool", "--arg", "nix"], "arg must be NAME=VALUE"),
        (["check", "graphpool_sanity:GraclusPool", "--dataset", "nix"], "name must be one of"),
        (["check", "graphpool_sanity:GraclusPol"], "none; did you mean 'GraclusPool'?"),
        (["datasets", "digit"], "did you mean 'digits'?"),
        (["datasets", "graphpool_sanity:nix"], "must have a dataset 'nix', and has none"),
        (["check", "graphpool_sanity:GraclusPool", "--task", "binary"], "has a task"),
        (["check", "graphpool_sanity:GraclusPool", "--metric", "acuracy"], "mean 'accuracy'?"),
        (["check", "graphpool_sanity:GraclusPool", "--nulls", "nix"], "nulls must be 'auto'"),
        (["check", "graphpool_sanity:GraclusPool", "--runs", "1"], "runs must be an int of 2"),
        (["check", "graphpool_sanity:GraclusPool", "--device", "nix"], "device must be"),
        (["check", "graphpool_sanity:GraclusPool", "--hidden", "0"], "hidden must be a positive"),
        (["check", "graphpool_sanity:GraclusPool", "--num-pools", "0"], "num_pools must be a pos"),
        (["check", "torch.nn:ReLU"], "layer.forward must name x and one of"),
        (["nulls", "torch.nn:ReLU"], "layer must be a pooling layer that is known"),
        (["report", "/nix"], "folder must hold the report.json of a check"),
    ],
)
def test_faults_are_one_line(arguments, message):
    found = run(*arguments)
    assert found.exit_code == 2
    assert found.stderr.count("\n") == 1
    assert found.stderr.startswith("error: ")
    assert message in found.stderr
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "Missing argument 'MODULE:LAYER'"),
        (["check", "graphpool_sanity:GraclusPool", "--nix"], "No such option: --nix"),
        (["check", "graphpool_sanity:GraclusPool", "--runs", "x"], "Invalid value for '--runs'"),
        (["nix"], "No such command 'nix'"),
    ],
)
def test_faults_of_usage_are_one_line(arguments, message, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["graphpool-sanity", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"error: {message}")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_without_arguments_it_helps(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["graphpool-sanity"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert "datasets" in capsys.readouterr().out


def test_the_exit_code_arrives(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["graphpool-sanity", "nulls", "torch.nn:ReLU"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("error: layer must be")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "GraclusPool"}', '{"nix": 3}'])
def test_a_report_that_is_none_is_one_line(text, tmp_path):
    (tmp_path / "report.json").write_text(text)
    found = run("report", tmp_path)
    assert found.exit_code == 2
    assert found.stderr.startswith("error: folder must hold the report.json of a check, ")
    assert found.stderr.count("\n") == 1


def test_a_layer_that_fails_in_the_backbone_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "layers_that_fail.py").write_text(
        "from graphpool_sanity import GraclusPool\n"
        "class FailingPool(GraclusPool):\n"
        "    def forward(self, x, edge_index, batch):\n"
        "        raise KeyError('x')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    found = run("check", "layers_that_fail:FailingPool", *QUICK)
    assert found.exit_code == 2
    assert re.fullmatch(r"error: build_model: the model fails .* KeyError: 'x'\n", found.stderr)


def test_runs_that_fail_are_one_line(tmp_path, monkeypatch):
    def fail(*_):
        raise FloatingPointError("no number")

    monkeypatch.setattr("graphpool_sanity.check.pairs.train", fail)
    found = run("check", "graphpool_sanity:GraclusPool", *QUICK, "--out", tmp_path)
    assert found.exit_code == 2
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "error: 6 of 6 runs failed, the first by FloatingPointError: no number, with {"
    )


def test_it_is_installed_as_a_command():
    script = "import sys; sys.argv[0] = 'graphpool-sanity'\n"
    script += "from importlib.metadata import entry_points\n"
    script += "(entry,) = entry_points(group='console_scripts', name='graphpool-sanity')\n"
    script += "entry.load()()\n"
    command = [sys.executable, "-c", script, "--help"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(name in found.stdout for name in ("check", "nulls", "datasets", "report"))


def test_reports_are_exported_and_reviewed(tmp_path):
    folders = []
    for name, shift, seed in (("x", 0.03, 0), ("y", 0.05, 1)):
        one = report_of(shifts={"complement": shift, "none": 0.0}, seed=seed, runs=8)
        one = replace(one, dataset=one.dataset | {"name": name})
        folders.append(one.save(tmp_path / name).parent)
    for option, words in (("--latex", "\\toprule"), ("--csv", "layer,null,dataset,metric,pairs")):
        for command in (["report", folders[0]], ["review", *folders]):
            found = run(*command, option)
            assert found.exit_code == 0, found.output
            assert words in found.stdout
    frame = read_csv(StringIO(run("review", *folders, "--csv").stdout))
    assert list(frame["dataset"]) == ["x", "x", "y", "y"]
    assert frame["difference"][0] == pytest.approx(0.03, abs=0.002)
    latex = run("report", folders[0], "--latex").stdout
    assert "<Pool \\& Net>" in latex
    assert "was compared with its nulls" in latex

    found = run("review", *folders, "--out", tmp_path / "review")
    assert found.exit_code == 0, found.output
    assert "2 checks on x, y" in found.stdout
    assert (tmp_path / "review" / "review.html").exists()
    assert run("review", folders[0], folders[0]).exit_code == 2


def test_the_demo_says_what_it_finds(monkeypatch):
    """Its trainings are those of a user; here they are cut short."""
    short = [one._replace(protocol=Protocol(epochs=1), pairs=2) for one in demo._DEMOS]
    monkeypatch.setattr(demo, "_DEMOS", short)
    found = run("demo", "--jobs", "1")
    assert found.exit_code == 0, found.output
    for layer in ("GraclusPool", "MinCutPool"):
        assert f"{layer} was compared with its null" in words(found.stdout)
