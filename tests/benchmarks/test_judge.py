import re

import numpy as np
import pytest
from _helpers.ledgers import keep
from reproduce_table1 import TABLE_1
from scipy import stats

from benchmarks.paper.judge import (
    all_of,
    gaps_below,
    near_the_cited,
    no_more_variance,
    paired,
    scores,
    some_null_has_the_highest_mean,
    takes_at_most,
)

SAGE, GIN, A, B, C = TABLE_1.rows
WAVE = [0.001 * (-1) ** i for i in range(20)]


def around(mean, runs=20, scale=1):
    return [mean + scale * WAVE[i] for i in range(runs)]


@pytest.mark.parametrize("dataset", ["NCI1", "ZINC"])
@pytest.mark.parametrize(
    ("first", "second", "expected", "status"),
    [
        (0.7, 0.7, "second is as good", "reproduced"),
        (0.7, 0.8, "second is as good", "reproduced"),
        (0.8, 0.7, "second is as good", "not reproduced"),
        (0.7, 0.7, "first is better", "not reproduced"),
        (0.7, 0.8, "first is better", "not reproduced"),
        (0.8, 0.7, "first is better", "reproduced"),
    ],
)
def test_pairs_are_judged_by_what_the_paper_expects(
    tmp_path, dataset, first, second, expected, status
):
    worse = 1 - first, 1 - second
    first, second = worse if dataset == "ZINC" else (first, second)  # an error: less is better
    keep(tmp_path, A, dataset, around(first))
    keep(tmp_path, B, dataset, [t + 1e-4 * i for i, t in enumerate(around(second))])
    (finding,) = paired([(A, B)], [dataset], expected)(tmp_path)
    assert (finding.status, finding.runs) == (status, 20)
    assert finding.compared == "Graclus − Complement"


def test_only_seeds_that_both_ran_with_are_compared(tmp_path):
    keep(tmp_path, A, "NCI1", [0.7, 0.71, 0.72, 0.99])
    keep(tmp_path, B, "NCI1", [0.7, 0.7, 0.7])
    (finding,) = paired([(A, B)], ["NCI1"], "second is as good")(tmp_path)
    assert finding.runs == 3
    assert finding.numbers.startswith("+1.0 [")
    assert finding.status == "undecided"


def test_seeds_beyond_the_papers_count(tmp_path):
    for row in (A, B):
        keep(tmp_path, row, "NCI1", [0.7] * 24)
    (found,) = paired([(A, B)], ["NCI1"], "second is as good")(tmp_path)
    assert found.runs == len(scores(A, "NCI1", tmp_path)) == 24


def test_planned_numbers_of_seeds_have_the_narrower_interval(tmp_path):
    widths = []
    for seeds in (10, 11):
        keep(tmp_path / str(seeds), A, "NCI1", np.linspace(0.7, 0.8, seeds))
        keep(tmp_path / str(seeds), B, "NCI1", [0.7] * seeds)
        (finding,) = paired([(A, B)], ["NCI1"], "first is better")(tmp_path / str(seeds))
        low, high = re.search(r"\[(.*), (.*)\]", finding.numbers).groups()
        widths.append(float(high) - float(low))
    assert widths[0] < 0.75 * widths[1]


def test_what_has_not_run_is_said_not_to_have_run(tmp_path):
    keep(tmp_path, A, "NCI1", [0.7, 0.8])
    keep(tmp_path, B, "NCI1", [0.7])
    rules = [
        paired([(A, B)], ["NCI1", "DD"], "first is better"),
        some_null_has_the_highest_mean(A, [B, C], ["NCI1"]),
        no_more_variance(A, [B], ["NCI1"]),
        near_the_cited(C, [GIN], ["NCI1"]),
        gaps_below([(B, C)], ["NCI1"], 0.05),
        takes_at_most(0.5, C, A, "NCI1"),
    ]
    found = all_of(*rules)(tmp_path)
    assert len(found) == 7
    assert {finding.status for finding in found} == {"not run"}


def test_the_highest_mean_counts_with_all_runs(tmp_path):
    rule = some_null_has_the_highest_mean(A, [B, C], ["NCI1", "DD", "ZINC"])
    for dataset, runs in (("NCI1", 20), ("DD", 5), ("ZINC", 20)):
        for row, mean in ((A, 0.7), (B, 0.6), (C, 0.8)):
            keep(tmp_path, row, dataset, around(mean, runs))
    found = rule(tmp_path)
    assert [f.words for f in found] == ["no pooling leads", "no pooling leads", "Complement leads"]
    assert [f.status for f in found] == ["reproduced", "undecided", "reproduced"]
    assert some_null_has_the_highest_mean(A, [B], ["NCI1"])(tmp_path)[0].status == "not reproduced"
    assert "Graclus 70" in found[0].numbers
    assert "Graclus 0.7" in found[2].numbers


def test_a_higher_variance_must_be_significant(tmp_path):
    noise = np.random.default_rng(0).normal(size=20)
    for row, scale in ((A, 0.001), (B, 0.02), (C, 0.00101)):
        keep(tmp_path, row, "NCI1", list(0.7 + scale * noise))
    found = no_more_variance(A, [B, C], ["NCI1"])(tmp_path)
    assert [f.status for f in found] == ["not reproduced", "reproduced"]
    assert found[0].numbers == "deviations × 20.00"
    assert no_more_variance(B, [A], ["NCI1"])(tmp_path)[0].status == "reproduced"


@pytest.mark.parametrize(
    ("dataset", "mean", "scale", "status"),
    [
        ("NCI1", 0.85, 1, "reproduced"),
        ("NCI1", 0.79, 1, "reproduced"),
        ("NCI1", 0.795, 50, "undecided"),
        ("NCI1", 0.775, 1, "not reproduced"),
        ("ZINC", 0.30, 1, "reproduced"),
        ("ZINC", 0.42, 1, "reproduced"),
        ("ZINC", 0.415, 50, "undecided"),
        ("ZINC", 0.435, 1, "not reproduced"),
    ],
)
def test_near_is_surely_less_than_the_margin_behind(tmp_path, dataset, mean, scale, status):
    keep(tmp_path, A, dataset, around(mean, scale=scale))
    (finding,) = near_the_cited(A, [GIN], [dataset])(tmp_path)
    assert (finding.status, finding.runs) == (status, 20)


def test_the_best_of_the_cited_counts(tmp_path):
    keep(tmp_path, A, "NCI1", around(0.77))
    keep(tmp_path, A, "IMDB-BINARY", around(0.70))
    found = near_the_cited(A, [SAGE, GIN], ["NCI1", "IMDB-BINARY"])(tmp_path)
    assert [f.compared for f in found] == ["GIN − Graclus", "GraphSAGE − Graclus"]


def test_the_interval_to_a_cited_mean_is_welchs(tmp_path):
    scores = [0.7, 0.72, 0.75, 0.71, 0.74, 0.73]
    keep(tmp_path, A, "NCI1", scores)
    theirs = np.random.default_rng(0).normal(size=20)
    theirs = 0.8 + 0.014 * (theirs - theirs.mean()) / theirs.std(ddof=1)
    low, high = stats.ttest_ind(theirs, scores, equal_var=False).confidence_interval()
    (finding,) = near_the_cited(A, [GIN], ["NCI1"])(tmp_path)
    assert finding.numbers.endswith(f"[{100 * low:+.1f}, {100 * high:+.1f}]")


def test_a_gap_counts_either_way_and_a_missing_one_leaves_it_open(tmp_path):
    keep(tmp_path, A, "NCI1", [0.7])
    keep(tmp_path, B, "NCI1", [0.76, 0.1])
    rule = gaps_below([(A, B), (A, C)], ["NCI1"], 0.05)
    assert rule(tmp_path)[0].status == "not reproduced"
    assert rule(tmp_path)[0].numbers == "6.0 points"
    near = gaps_below([(A, B), (A, C)], ["NCI1"], 0.07)
    assert near(tmp_path)[0].status == "undecided"
    keep(tmp_path, C, "NCI1", [0.71, 0.9])  # one run of each counts, as in the paper's figure
    assert near(tmp_path)[0].status == "reproduced"
    assert (near(tmp_path)[0].words, near(tmp_path)[0].runs) == ("2 of 2 settings", 1)


def test_the_second_is_as_good_or_better_where_the_interval_ends_below_the_margin(tmp_path):
    ahead = [0.0, 0.05, 0.01, 0.06, 0.0, 0.05, 0.02, 0.04, 0.0, 0.05]
    keep(tmp_path, A, "NCI1", [0.7] * 10)
    keep(tmp_path, B, "NCI1", [0.683 + one for one in ahead])
    (finding,) = paired([(A, B)], ["NCI1"], "second is as good")(tmp_path)
    assert finding.words == "Complement is as good within 2 points, or better"
    assert finding.status == "reproduced"
    (finding,) = paired([(A, B)], ["NCI1"], "first is better")(tmp_path)
    assert finding.status == "not reproduced"


def test_time_is_that_of_an_epoch(tmp_path):
    keep(tmp_path, A, "SMNIST", [0.9] * 3, epochs=10)
    keep(tmp_path, B, "SMNIST", [0.9] * 2, epochs=4)
    (finding,) = takes_at_most(0.5, A, B, "SMNIST")(tmp_path)
    assert (finding.status, finding.words, finding.runs) == ("reproduced", "× 0.40", 2)
    assert takes_at_most(0.3, A, B, "SMNIST")(tmp_path)[0].status == "not reproduced"


def test_times_of_compiled_models_are_left_out(tmp_path):
    keep(tmp_path, A, "SMNIST", [0.9], seconds=30.0, compiled=True)
    keep(tmp_path, B, "SMNIST", [0.9], seconds=100.0)
    rule = takes_at_most(0.5, A, B, "SMNIST")
    assert rule(tmp_path)[0].status == "not run"
    keep(tmp_path, C, "SMNIST", [0.9], seconds=60.0, compiled=False)
    (finding,) = takes_at_most(0.5, C, B, "SMNIST")(tmp_path)
    assert (finding.status, finding.words) == ("not reproduced", "× 0.60")
