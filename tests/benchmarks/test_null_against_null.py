from collections import Counter

import pytest
from scipy import stats

from benchmarks.locality import null_against_null
from graphpool_sanity import SanityReport
from graphpool_sanity.training.protocol import Protocol


def test_blocks_of_pairs_are_checks_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(null_against_null, "PROTOCOL", Protocol(epochs=1))
    report = null_against_null.run(5, jobs=1, out=tmp_path)
    assert report.scores["layer"] != report.scores["random"]  # their seeds differ
    assert null_against_null.verdicts(report, block=2).total() == 2


def test_the_counts_are_told():
    said = Counter({"undecided": 37, "locality helps": 2, "null is better": 1})
    told = null_against_null.told(said)
    assert told.startswith("40 checks of 5 pairs said 37 times *undecided*, 2 times *locality")
    assert "*locality helps*, once *null is better*. False" in told
    assert "False verdicts: 3 of 40 (95 % interval 2 to 20 %), where at most 5 %" in told


@pytest.mark.skipif(
    not (null_against_null.REPORT / "report.json").exists(), reason="needs the kept report"
)
def test_the_kept_runs_err_no_more_often_than_promised():
    said = null_against_null.verdicts(SanityReport.load(null_against_null.REPORT))
    false = sum(said[verdict] for verdict in null_against_null.FALSE)
    assert said.total() == null_against_null.BLOCKS
    assert stats.binomtest(false, said.total(), 0.05, alternative="greater").pvalue > 0.05
