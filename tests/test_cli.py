import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from _helpers.reports import report as report_of
from pandas import read_csv
from typer.testing import CliRunner

import graphpool_sanity
from graphpool_sanity import cli, sanity_check
from graphpool_sanity.__main__ import main
from graphpool_sanity.check import demo, sanity
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


COMMANDS = ["check", "nulls", "datasets", "report", "review", "demo"]


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

    verdicts = [own["answer"] for own in said["comparisons"].values()]
    table, below = words(found.stdout).split("complement: must", 1)
    for verdict in verdicts:  # is said once for each null
        assert table.count(verdict) == verdicts.count(verdict)
    assert below.count("On other graphs like these: [") == 2
    told = json.loads(run("report", out, "--json").stdout)
    asked = run("check", "graphpool_sanity:GraclusPool", *QUICK, "--out", out, "--json")
    assert json.loads(asked.stdout) == told
    assert told["folder"] == str(out)
    assert (told["verdict"], told["metric"]) == (said["verdict"], "accuracy")
    for null, own in told["comparisons"].items():
        assert own == {key: said["comparisons"][null][key] for key in own}
        assert {"difference", "interval", "verdict", "runs", "margin"} <= own.keys()

    quiet = run("check", "graphpool_sanity:GraclusPool", *QUICK, "--out", out, "--quiet")
    assert quiet.stderr == ""
    for line, (null, own) in zip(
        quiet.stdout.splitlines(), said["comparisons"].items(), strict=True
    ):
        start = f"{own['answer']}: GraclusPool against its null '{null}' on digits; the mean "
        assert line.startswith(f"{start}difference of 2 paired runs is ")


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

molecules_by_a_name_of_more_than_25_characters = molecules

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
    monkeypatch.setenv("COLUMNS", "50")
    name = "own_data:molecules_by_a_name_of_more_than_25_characters"
    assert name in re.sub(r"[\s│]", "", run("datasets", name).stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nix:Pool"], "module 'nix' cannot be imported"),
        (["check", "graphpool_sanity"], "layer must be MODULE:LAYER"),
        (["check", "graphpool_sanity:Nix"], "must have a layer 'Nix'"),
        (["check", "GraclusPol"], "did you mean 'graphpool_sanity:GraclusPool'?"),
        (["check", "graphpool_sanity:GraclusPol"], "none; did you mean 'GraclusPool'?"),
        (["datasets", "digit"], "did you mean 'digits'?"),
        (["datasets", "graphpool_sanity:nix"], "must have a dataset 'nix', and has none"),
        (["check", "graphpool_sanity:GraclusPool", "--metric", "acuracy"], "mean 'accuracy'?"),
        (["check", "graphpool_sanity:GraclusPool", "--nulls", "randm"], "mean 'random'?"),
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


WRONG = {
    "--arg": ["nix=1", "nix", "aggr"],
    "--batch-size": ["0"],
    "--dataset": ["nix", "nix:f", "math:pi", "math:sin", "TUDataset"],
    "--device": ["nix", "cuda:77"],
    "--epochs": ["0", "-3"],
    "--features": ["degree"],
    "--hidden": ["0"],
    "--jobs": ["0"],
    "--learning-rate": ["0", "-1", "inf", "nan"],
    "--margin": ["0", "-1", "nan", "3"],
    "--max-runs": ["1", "9"],
    "--metric": ["nix", "mae"],
    "--minutes": ["0", "-1", "inf"],
    "--nulls": ["nix", ","],
    "--num-pools": ["0"],
    "--out": ["/dev/null/nix"],
    "--runs": ["0", "1"],
    "--scheduler": ["nowhere"],
    "--seed": ["-1"],
    "--task": ["nix"],
}


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, own in WRONG.items() for v in own])
def test_a_fault_names_its_option_before_anything_is_trained(option, value, tmp_path, monkeypatch):
    if option == "--scheduler":
        pytest.importorskip("distributed", reason='needs the extra "cluster"')
    monkeypatch.setattr("graphpool_sanity.training.protocol.train_epoch", None)
    monkeypatch.setattr("graphpool_sanity.check.progress.seconds_of_epoch", lambda *_: 1.0)
    out = [] if option == "--out" else ["--out", tmp_path / "out"]
    found = run("check", "graphpool_sanity:GraclusPool", *out, option, value)
    assert found.exit_code == 2
    assert found.stderr.splitlines()[-1].startswith(f"error: {option} ")
    assert not list(tmp_path.glob("out/ledger.jsonl"))


def test_every_option_that_can_be_wrong_is_tried():
    own = inspect.signature(cli.check).parameters
    never_wrong = {"layer", "balanced", "quiet", "as_json"}
    assert {f"--{name.replace('_', '-')}" for name in own.keys() - never_wrong} == WRONG.keys()


def test_classes_that_are_not_there_cannot_be_balanced(tmp_path, monkeypatch):
    (tmp_path / "numbers_of_mine.py").write_text(
        OWN_DATA.replace("y = ", "y = torch.rand(1) if True else ")
    )
    monkeypatch.chdir(tmp_path)
    call = ["check", "graphpool_sanity:GraclusPool", "--dataset", "numbers_of_mine:molecules"]
    found = run(*call, "--balanced")
    assert found.stderr.startswith("error: --balanced must be None for task='regression'")


def test_a_number_of_runs_has_one_default():
    call, command = (inspect.signature(f).parameters for f in (sanity_check, cli.check))
    for name in ("runs", "max_runs"):
        assert command[name].default == call[name].default


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check"], "Missing argument 'MODULE:LAYER'"),
        (["check", "graphpool_sanity:GraclusPool", "--nix"], "No such option: --nix\n"),
        (["check", "--datset", "digits"], "No such option: --datset; did you mean '--dataset'?"),
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


def shell(*arguments, **environment):
    """What ``python -m graphpool_sanity`` writes, as bytes."""
    command = [sys.executable, "-m", "graphpool_sanity", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, env=os.environ | environment)


def test_it_is_a_module_too():
    found = shell("--version")
    assert found.stdout.decode() == f"graphpool-sanity {graphpool_sanity.__version__}\n"
    assert shell("check", "-h").stdout.decode().startswith("Usage: graphpool-sanity check ")


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_is_short_too_and_fits_50_columns(command):
    found = shell(*command, "-h", COLUMNS="50").stdout.decode()
    assert found == shell(*command, "--help", COLUMNS="50").stdout.decode()
    assert max(map(len, found.splitlines())) <= 50
    assert "..." not in re.sub(r"(\[ARGS\]|[{}fF][A-Za-z]*}?)\.\.\.", "", found)  # in the usage


@pytest.mark.parametrize("encoding", ["cp437", "latin-1"])
def test_any_terminal_can_read_it(encoding, tmp_path):
    report_of(name="SAGPooling").save(tmp_path)
    said = {"report": "0.5 -> 0.8", "check": "cuda:1, ..."}
    for arguments in (["report", tmp_path], ["check", "-h"]):
        found = shell(*arguments, PYTHONIOENCODING=encoding, COLUMNS="50")
        assert (found.returncode, found.stderr) == (0, b"")
        text = found.stdout.decode(encoding)
        assert said[arguments[0]] in words(text)
        assert "\\u" not in text
        assert " ? " not in text


def test_colours_are_not_forced_on_anybody(tmp_path):
    report_of().save(tmp_path)
    plain = shell("report", tmp_path, NO_COLOR="1", FORCE_COLOR="1").stdout.decode()
    assert not re.search(r"\x1b\[[\d;]*(3|4|9|10)\d[;m]", plain)
    assert "\x1b[1m" in plain


def test_a_shell_can_complete_it():
    found = shell(
        _GRAPHPOOL_SANITY_COMPLETE="complete_bash", COMP_WORDS="graphpool-sanity re", COMP_CWORD="1"
    )
    assert found.stdout.decode().split() == ["report", "review"]


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
    assert list(frame["dataset"]) == ["x", "y", "all"] * 2
    assert frame["difference"][0] == pytest.approx(0.03, abs=0.002)
    assert frame["difference"][2] == pytest.approx(0.04, abs=0.004)
    assert frame["tau2"][2] > 0
    latex = run("report", folders[0], "--latex").stdout
    table, paragraph = latex.split("\\end{tabular}")
    assert "<Pool \\& Net>" in table
    assert paragraph.strip().startswith("<Pool \\& Net> was compared with its nulls")
    assert not re.search(r"(?<!\\)[%&#_$]", paragraph)  # all of it is typeset

    found = run("review", *folders, "--out", tmp_path / "review")
    assert found.exit_code == 0, found.output
    assert "2 checks on x, y" in found.stdout
    assert (tmp_path / "review" / "review.html").exists()
    line = json.loads(run("review", *folders, "--out", tmp_path / "review", "--json").stdout)
    kept = json.loads((tmp_path / "review" / "review.json").read_text())
    assert line == kept | {"folder": str(tmp_path / "review")}
    assert run("review", folders[0], folders[0]).exit_code == 2


@pytest.mark.parametrize(
    "option",
    [
        ["--metric", "f1"],
        ["--balanced"],
        ["--dataset", "locality-control"],
        ["--nulls", "random"],
        ["--epochs", "3"],
        ["--seed", "1"],
        ["--arg", "aggr=mean"],
    ],
)
def test_unlike_checks_share_no_default_folder(monkeypatch, option):
    folders = []

    def check(*args, out, **kwargs):
        folders.append(out)
        return report_of()

    monkeypatch.setattr(sanity, "sanity_check", check)
    for options in ([], [], option):
        assert run("check", "graphpool_sanity:GraclusPool", *options).exit_code == 0
    first, again, other = folders
    assert first == again
    assert first != other


def test_the_demo_says_what_it_finds(monkeypatch):
    """Its trainings are those of a user; here they are cut short."""
    short = [one._replace(protocol=Protocol(epochs=1), pairs=2) for one in demo._DEMOS]
    monkeypatch.setattr(demo, "_DEMOS", short)
    found = run("demo", "--jobs", "1")
    assert found.exit_code == 0, found.output
    for layer in ("GraclusPool", "MinCutPool"):
        assert f"{layer} was compared with its null" in words(found.stdout)
