import pytest

from benchmarks.locality import campaign
from graphpool_sanity.check.comparison import compare
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.training.ledger import Ledger
from graphpool_sanity.training.tasks import MARGIN

KEPT = sorted(path.parent for path in campaign.REPORTS.glob("*/*/report.json"))


def test_a_layer_is_checked_and_what_has_run_is_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "SHORT", {"epochs": 1})
    arguments = ("TopKPooling", "digits", 2, 1, "cpu", tmp_path)
    report = campaign.check(*arguments)
    assert list(report.comparisons) == ["random"]
    assert report.protocol["epochs"] == 1
    ledger = tmp_path / "digits" / "TopKPooling" / "ledger.jsonl"
    lines = ledger.read_text()
    assert len(lines.splitlines()) == 4
    assert campaign.check(*arguments) == report
    assert ledger.read_text() == lines


def test_names_are_those_of_the_layers():
    for name, subject in campaign.LAYERS.items():
        assert subject.target.endswith(f":{name}")
    assert len(campaign.LAYERS) >= 12


@pytest.mark.parametrize("folder", KEPT, ids=lambda path: "-".join(path.parts[-2:]))
def test_reports_say_what_their_ledgers_hold(folder):
    report, runs = SanityReport.load(folder), list(Ledger(folder / "ledger.jsonl"))
    test = {(run["config"]["variant"], run["config"]["seed"]): run["test"] for run in runs}
    assert len(runs) == len(test) == len(report.scores) * len(report.seeds)
    for variant, scores in report.scores.items():
        assert scores == [test[variant, seed] for seed in report.seeds]
    ratio = report.dataset["test"] / report.dataset["train"]
    for null, found in report.comparisons.items():
        gaps = [test["layer", seed] - test[null, seed] for seed in report.seeds]
        assert compare(gaps, MARGIN, test_train_ratio=ratio, seed=report.seeds[0]) == found
    assert set(report.comparisons) == set(campaign.LAYERS[folder.name].nulls)
