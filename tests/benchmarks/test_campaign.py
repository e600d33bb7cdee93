import pytest

from benchmarks.locality import campaign
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.training.ledger import Ledger

KEPT = sorted(path.parent for path in campaign.REPORTS.glob("*/*/report.json"))


def test_a_layer_is_checked_and_what_has_run_is_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "SHORT", {"epochs": 1})
    monkeypatch.setattr(campaign, "PLANNED", 2)
    arguments = ("TopKPooling", "digits", 1, "cpu", tmp_path, 2)
    report = campaign.check(*arguments)
    assert list(report.comparisons) == ["random", "none"]
    assert report.protocol["epochs"] == 1
    assert report.plan["is_kept"]
    ledger = tmp_path / "digits" / "TopKPooling" / "ledger.jsonl"
    lines = ledger.read_text()
    assert len(lines.splitlines()) == 6
    assert campaign.check(*arguments) == report
    assert ledger.read_text() == lines

    extended = campaign.check(*arguments[:-1], 3)
    assert (extended.plan["first"], extended.plan["is_extended"]) == (2, True)
    assert len(extended.seeds) == 3


def test_names_are_those_of_the_layers():
    for name, target in campaign.LAYERS.items():
        assert target.endswith(f":{name}")


@pytest.mark.parametrize("folder", KEPT, ids=["-".join(path.parts[-2:]) for path in KEPT])
def test_reports_say_what_their_ledgers_hold(folder):
    report, runs = SanityReport.load(folder), list(Ledger(folder / "ledger.jsonl"))
    test = {(run["config"]["variant"], run["config"]["seed"]): run["test"] for run in runs}
    assert len(runs) == len(test)
    for variant, scores in report.scores.items():
        assert scores == [test[variant, seed] for seed in report.seeds[: len(scores)]]
