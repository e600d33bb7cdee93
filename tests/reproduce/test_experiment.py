import dataclasses
import json

import pytest
from _helpers.small_experiment import EXPERIMENT, load

from graphpool_sanity.reproduce import experiment as module
from graphpool_sanity.reproduce.experiment import (
    QUICK_EPOCHS,
    Resources,
    configs_of,
    ledger_path,
    run_configs,
    settings_of,
)
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.protocol import Protocol


def test_settings_come_from_the_protocol_then_the_family_then_the_data_set_then_the_user():
    assert settings_of(EXPERIMENT, "NCI1", {})["learning_rate"] == 1e-3
    assert settings_of(EXPERIMENT, "NCI1", {})["clip_norm"] == 2.0
    assert settings_of(EXPERIMENT, "DD", {})["hidden"] == 16
    assert settings_of(EXPERIMENT, "DD", {"hidden": 8, "runs": 3})["hidden"] == 8
    assert settings_of(EXPERIMENT, "DD", {"hidden": None})["hidden"] == 16
    assert "runs" not in settings_of(EXPERIMENT, "DD", {"runs": 3})
    assert settings_of(EXPERIMENT, "digits", {})["epochs"] == QUICK_EPOCHS


def test_a_line_holds_all_that_repeats_its_run(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "load_once", load)
    settings = settings_of(EXPERIMENT, "NCI1", {"epochs": 2, "hidden": 5})
    (config,) = configs_of(EXPERIMENT, "NCI1", "none", 1, settings)
    path = ledger_path(tmp_path, EXPERIMENT, "NCI1", settings)
    run_configs(EXPERIMENT, [config], Ledger(path), Resources("cpu", 1))

    (line,) = map(json.loads, (tmp_path / "graclus-NCI1.jsonl").read_text().splitlines())
    protocol = dataclasses.asdict(Protocol()) | {"epochs": 2, "batch_size": 8, "clip_norm": 2.0}
    run = {"family": "graclus", "dataset": "NCI1", "variant": "none", "seed": 0}
    assert line["config"] == protocol | run | {"hidden": 5, "convs": 2}
    assert line["parameters"] == 2 * 5 + 5 + 5 * 2 + 2
    assert len(line["validation_curve"]) == len(line["validation_losses"]) == line["epochs"] == 2
    assert line["planned"] == 1
    assert {"test", "validation", "best_epoch", "seconds", "device", "versions"} <= line.keys()


def test_data_is_read_only_if_a_run_is_missing(monkeypatch, tmp_path):
    ledger = Ledger(tmp_path / "runs.jsonl")
    (config,) = configs_of(EXPERIMENT, "NCI1", "none", 1, settings_of(EXPERIMENT, "NCI1", {}))
    ledger.append(config, {"test": 0.5})
    monkeypatch.setattr(module, "load_once", pytest.fail)
    (record,) = run_configs(EXPERIMENT, [config], ledger)
    assert record["test"] == 0.5


def test_a_second_version_has_ledgers_of_its_own(tmp_path):
    assert ledger_path("a", EXPERIMENT, "DD", {"version": 1}).name == "graclus-DD.jsonl"
    assert ledger_path("a", EXPERIMENT, "DD", {"version": 2}).name == "graclus-v2-DD.jsonl"
