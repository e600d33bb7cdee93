import json
import random
import re
import runpy
from functools import partial
from pathlib import Path

import pytest
from _helpers.small_experiment import EXPERIMENT, load

from graphpool_sanity.datasets import load as data
from graphpool_sanity.reproduce import Row, Study, command, reproduce
from graphpool_sanity.reproduce import experiment as module
from graphpool_sanity.reproduce import study as studies

STUDY = Study(
    "Table 1",
    rows=[
        Row("GIN", "GIN"),
        Row("Graclus", "graclus", EXPERIMENT),
        Row("Complement", "complement", EXPERIMENT),
        Row("Graclus, 1", "graclus", EXPERIMENT, {"convs": 1}),
    ],
    datasets=["NCI1", "DD"],
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "load_once", load)
    monkeypatch.setattr(studies, "is_here", lambda name: True)
    module.content_of.cache_clear()


@pytest.fixture
def call(tmp_path):
    def run(study, *arguments):
        reproduce(study, [*arguments, "--jobs", "1", "--out", str(tmp_path)])

    return run


def lines(tmp_path, dataset="NCI1"):
    path = tmp_path / f"graclus-{dataset}.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def ran(tmp_path, dataset="NCI1"):
    configs = [json.loads(line)["config"] for line in lines(tmp_path, dataset)]
    return [(c["variant"], c["seed"], c["epochs"]) for c in configs]


def test_a_family_runs_prints_draws_and_resumes(call, tmp_path, capsys):
    arguments = ["--dataset", "NCI1", "--runs", "2", "--epochs", "1"]
    call(EXPERIMENT, *arguments, "--variants", "graclus", "complement")
    captured = capsys.readouterr()
    out = captured.out
    assert "80.1 ± 1.6" in out
    assert "80.2 ± 1.4" in out
    assert (tmp_path / "graclus-NCI1.png").stat().st_size > 5000
    first = lines(tmp_path)
    assert [(v, s) for v, s, _ in ran(tmp_path)] == [
        ("graclus", 0),
        ("complement", 0),
        ("graclus", 1),
        ("complement", 1),
    ]
    number = r"[-+]?(?:[\d.]+|inf)"
    assert re.search(
        "graclus − complement on NCI1: undecided; the mean difference of 2 paired runs is "
        rf"{number} points, and its 95 % interval \[{number}, {number}\] [^\[]* settle it.$",
        " ".join(out.split()),
    )
    assert (tmp_path / "graclus-NCI1-differences.png").stat().st_size > 5000
    assert "runs are kept" not in captured.err
    call(EXPERIMENT, *arguments)
    assert "4 of 6 runs are kept from before" in capsys.readouterr().err
    assert lines(tmp_path)[:4] == first
    assert [v for v, _, _ in ran(tmp_path)[4:]] == ["none"] * 2


def test_runs_what_ten_deleted_lines_held_and_nothing_else(call, tmp_path, capsys):
    arguments = ["--dataset", "NCI1", "--runs", "4", "--epochs", "1"]
    call(STUDY, *arguments)
    first, shown = lines(tmp_path), capsys.readouterr().out
    assert len(first) == 12

    call(STUDY, *arguments)
    assert lines(tmp_path) == first
    assert capsys.readouterr().out == shown

    kept = first[:]
    random.Random(0).shuffle(kept)
    (tmp_path / "graclus-NCI1.jsonl").write_text("\n".join(kept[:2]) + "\n")
    call(STUDY, *arguments)
    assert lines(tmp_path)[:2] == kept[:2]
    identities = [line.split('"test"')[0] for line in lines(tmp_path)]
    assert len(identities) == 12
    assert set(identities) == {line.split('"test"')[0] for line in first}


def test_several_data_sets_under_their_short_names(call, tmp_path, capsys):
    call(STUDY, "--dataset", "NCI1", "IMDB-B", "--runs", "1", "--epochs", "1")
    assert len(ran(tmp_path)) == len(ran(tmp_path, "IMDB-BINARY")) == 3
    assert "IMDB-BINARY" in capsys.readouterr().out
    assert (tmp_path / "table-1-NCI1-IMDB-BINARY.png").exists()


def test_any_data_set_by_its_class_and_name(call, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(data, "load_once", load)  # which tells the metric
    call(STUDY, "--dataset", "TUDataset/MUTAG?cleaned", "--runs", "1", "--epochs", "1")
    assert len(ran(tmp_path, "TUDataset-MUTAG-cleaned")) == 3
    assert "TUDataset/MUTAG?cleaned" in capsys.readouterr().out.replace("\n", "")
    assert (tmp_path / "table-1-TUDataset-MUTAG-cleaned.png").exists()


def test_shows_what_was_run_and_what_was_not_and_runs_nothing(call, tmp_path, capsys):
    call(STUDY, "--dataset", "NCI1", "--runs", "2", "--epochs", "1")
    before = lines(tmp_path)
    capsys.readouterr()
    for dataset in ([], ["--dataset", "paper"]):
        call(STUDY, "--show", *dataset, "--epochs", "1")
        out = capsys.readouterr().out
        for part in ("NCI1", "DD", "80.0 ± 1.4", "80.1 ± 1.6", "76.6", "(2)", "not run"):
            assert part in out
    assert lines(tmp_path) == before
    assert lines(tmp_path, "DD") == []


def test_nothing_run_draws_nothing(call, tmp_path, capsys):
    call(STUDY, "--show")
    assert "figure:" not in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "runs", "epochs"),
    [
        ([], 5, 40),
        (["--quick"], 5, 40),
        (["--dataset", "NCI1"], 20, 1000),
        (["--dataset", "NCI1", "--quick"], 5, 40),
        (["--dataset", "NCI1", "--quick", "--epochs", "7", "--runs", "4"], 4, 7),
        (["--dataset", "digits", "NCI1"], 20, 1000),
    ],
)
def test_quick_is_few_runs_of_few_epochs(arguments, runs, epochs):
    args = command._arguments(STUDY, arguments)
    settings = STUDY.rows[1].settings_on(args.dataset[-1], args.given)
    assert (args.runs, settings["epochs"]) == (runs, epochs)


def test_quick_calls_run_the_quick_rows_unless_others_are_named():
    study = Study("Table 2", STUDY.rows, ["NCI1"], quick_rows=STUDY.rows[1:2], runs=1)
    chosen = partial(command._arguments, study)
    assert chosen([]).rows == STUDY.rows[1:2]
    assert chosen(["--dataset", "NCI1"]).rows == STUDY.rows
    assert chosen(["--variants", "Complement"]).rows == STUDY.rows[2:3]
    assert chosen([]).runs == 1


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["digits"]),
        (["--show"], ["NCI1", "DD"]),
        (["--dataset", "paper"], ["NCI1", "DD"]),
        (["--dataset", "DD", "paper", "IMDB-B", "IMDB-BINARY"], ["DD", "NCI1", "IMDB-BINARY"]),
    ],
)
def test_data_sets_are_named_once(arguments, names):
    assert command._arguments(STUDY, arguments).dataset == names


def test_settings_that_tell_rows_apart_are_no_options(capsys):
    assert "convs" not in command._settings(STUDY)
    assert {"hidden", "batch_size", "epochs"} <= command._settings(STUDY).keys()
    with pytest.raises(SystemExit):
        command._arguments(STUDY, ["--convs", "3"])
    assert command._arguments(STUDY, ["--hidden", "5"]).given["hidden"] == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--variants", "magic"], "invalid choice: 'magic'"),
        (["--dataset", "atlantis"], "must be one of .*NCI1.*, got 'atlantis'"),
        (["--scheduler", "tcp://a:1"], "--scheduler needs --backend dask"),
        (["--runs", "-1"], "--runs: must be 1 or more, got -1"),
        (["--runs", "0"], "--runs: must be 1 or more, got 0"),
        (["--jobs", "0"], "--jobs: must be 1 or more, got 0"),
        (["--epochs", "0"], "--epochs must be a positive integer, got 0"),
        (["--batch-size", "-3"], "--batch-size must be a positive integer, got -3"),
        (["--learning-rate", "0"], "--learning-rate must be positive and finite, got 0.0"),
        (["--device", "nix"], "--device must be 'auto' or a torch device, got 'nix'"),
        (["--device", "cuda:77"], "--device must be one of this machine's, got 'cuda:77'"),
        (
            ["--out", f"{__file__}/nix"],
            "--out must be a folder that can be written, got .*.py",
        ),
        (["--datset", "NCI1"], "unrecognized arguments: --datset NCI1; did you mean '--dataset'"),
    ],
)
def test_what_is_wrong_is_refused(arguments, words, capsys):
    with pytest.raises(SystemExit) as end:
        reproduce(STUDY, arguments)
    assert end.value.code == 2
    said = capsys.readouterr()
    assert re.match(f"error: .*{words}", said.err)
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_missing_data_set_is_one_line(monkeypatch, tmp_path, capsys):
    def missing(name):
        raise OSError(f"{name} could neither be read nor downloaded")

    monkeypatch.setattr(module, "load_once", missing)
    monkeypatch.setattr(studies, "is_here", lambda name: False)
    with pytest.raises(SystemExit) as end:
        reproduce(STUDY, ["--dataset", "DD", "--out", str(tmp_path)])
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: DD could neither be read nor downloaded\n"


def test_runs_that_fail_are_one_line(monkeypatch, call, capsys):
    def fail(*_):
        raise FloatingPointError("no number")

    monkeypatch.setattr(module, "train", fail)
    with pytest.raises(SystemExit) as end:
        call(STUDY, "--dataset", "NCI1", "--runs", "1", "--epochs", "1")
    assert end.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: 3 of 3 runs failed, the first by FloatingPointError: no number")


def test_examples_keep_their_ledgers_in_their_checkout():
    examples = Path(__file__).parents[2] / "examples"
    script = runpy.run_path(str(examples / "reproduce_graclus.py"))
    study = command._study_of(script["GRACLUS"])
    assert command._ledgers(study) == examples.parent / "benchmarks" / "results"
    assert command._ledgers(STUDY) == Path("results")
    assert study.datasets[0] == "NCI1"
