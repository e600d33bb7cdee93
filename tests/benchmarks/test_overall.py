import numpy as np
import pytest
from _helpers.ledgers import keep
from reproduce_table1 import TABLE_1

from benchmarks.paper.judge import Finding, all_of, paired
from benchmarks.paper.overall import overall, picture

_, _, A, B, C = TABLE_1.rows
DATA = ("NCI1", "DD", "ZINC")


def runs(folder, row, shift, seeds=10, data=DATA):
    chance = np.random.default_rng(len(row.label))
    for dataset in data:
        sign = -1 if dataset == "ZINC" else 1
        scores = 0.7 + sign * (shift + 0.002 * chance.normal(size=seeds))
        keep(folder, row, dataset, list(scores))


@pytest.mark.parametrize(
    ("shift", "expected", "status"),
    [
        (0.0, "second is as good", "reproduced"),
        (0.06, "second is as good", "reproduced"),
        (-0.06, "second is as good", "not reproduced"),
        (0.0, "first is better", "not reproduced"),
        (-0.06, "first is better", "reproduced"),
    ],
)
def test_a_claim_has_one_verdict_over_its_data_sets(tmp_path, shift, expected, status):
    runs(tmp_path, A, 0)
    runs(tmp_path, B, shift)
    said = overall(paired([(A, B)], DATA, expected)(tmp_path))
    assert said.status == status
    assert said.combined.difference == pytest.approx(-shift / 0.02, abs=0.1)
    assert said.words.endswith("on 3 data sets")
    assert not said.notes


def test_pairs_on_a_data_set_are_averaged_seed_by_seed_and_count_once(tmp_path):
    ours = [0.7, 0.72, 0.7, 0.71, 0.7]
    keep(tmp_path, A, "NCI1", [*ours, 0.9])
    keep(tmp_path, B, "NCI1", [one - 0.02 for one in ours])
    keep(tmp_path, C, "NCI1", [one - 0.04 - 0.001 * i for i, one in enumerate(ours)] + [0.1])
    rule = all_of(*(paired([(A, other)], ["NCI1"], "first is better") for other in (B, C)))
    (study,) = overall(rule(tmp_path)).combined.studies
    assert (study.runs, study.difference) == (5, pytest.approx((0.02 + 0.042) / 2 / 0.02))


def test_a_data_set_with_few_runs_is_left_out_and_said_to_be(tmp_path):
    for row in (A, B):
        runs(tmp_path, row, 0, data=["NCI1", "DD"])
        runs(tmp_path, row, 0, seeds=3, data=["ZINC"])
    said = overall(paired([(A, B)], DATA, "second is as good")(tmp_path))
    assert [study.dataset for study in said.combined.studies] == ["NCI1", "DD"]
    assert said.words.endswith("on NCI1, DD")
    assert said.notes == ["Left out, with fewer than 5 planned runs: ZINC."]
    alone = overall(paired([(A, B)], ["ZINC"], "second is as good")(tmp_path))
    assert alone[:3] == ("no data set has 5 planned runs", "undecided", None)


def test_of_several_data_sets_the_runs_that_were_planned_first_count(tmp_path):
    for row in (A, B):
        runs(tmp_path, row, 0)
        keep(tmp_path, row, "NCI1", [0.7 + 0.1 * (row is A)] * 20, planned=20)  # 10 are there
    rule = paired([(A, B)], DATA, "second is as good")
    said = overall(rule(tmp_path))
    assert [study.runs for study in said.combined.studies] == [10, 10, 10]
    assert said.notes == ["Runs that were added later are not in the mean: 10 of 20 on NCI1."]
    assert said.status == "reproduced"


def test_a_data_set_that_is_alone_has_the_interval_that_its_runs_allow(tmp_path):
    widths = []
    for seeds in (10, 11):
        folder = tmp_path / str(seeds)
        keep(folder, A, "NCI1", np.linspace(0.7, 0.8, seeds))
        keep(folder, B, "NCI1", [0.7] * seeds)
        rule = paired([(A, B)], ["NCI1"], "first is better")
        found, said = rule(folder), overall(rule(folder))
        low, high = said.combined.interval
        widths.append(high - low)
        assert said.status == found[0].status
        assert said.words.endswith("on NCI1")
    assert widths[0] < 0.75 * widths[1]


def test_a_data_set_alone_counts_with_what_was_added_to_a_plan_of_few(tmp_path):
    keep(tmp_path, A, "NCI1", [0.7] * 3, planned=3)
    keep(tmp_path, A, "NCI1", [0.7] * 8, planned=8)
    keep(tmp_path, A, "DD", [0.7] * 3, planned=3)
    chance = np.random.default_rng(0)
    keep(tmp_path, C, "NCI1", 0.7 + 0.001 * chance.normal(size=8), planned=8)
    keep(tmp_path, C, "DD", [0.7] * 3, planned=3)
    rule = paired([(A, C)], ["NCI1", "DD"], "second is as good")
    found, said = rule(tmp_path), overall(rule(tmp_path))
    assert (found[0].status, said.status) == ("reproduced", "reproduced")
    assert [study.runs for study in said.combined.studies] == [8]
    assert said.notes == ["Left out, with fewer than 5 planned runs: DD."]
    for row in (A, C):
        runs(tmp_path, row, 0, data=["ZINC"])
    beside = overall(paired([(A, C)], DATA, "second is as good")(tmp_path))
    assert beside.words.endswith("on ZINC")
    assert beside.notes == ["Left out, with fewer than 5 planned runs: NCI1, DD."]


def test_single_comparisons_to_the_contrary_are_said(tmp_path):
    runs(tmp_path, A, 0)
    runs(tmp_path, B, 0)
    chance = np.random.default_rng(0)
    for dataset, lead in (("NCI1", 0.06), ("PROTEINS", 0), ("DD", 0), ("NCI109", -0.06)):
        ours = 0.7 + 0.001 * chance.normal(size=10)
        keep(tmp_path / "x", A, dataset, list(ours + lead))
        keep(tmp_path / "x", B, dataset, list(ours + 0.001 * chance.normal(size=10)))
    found = paired([(A, B)], ["NCI1", "PROTEINS", "DD", "NCI109"], "second is as good")
    assert overall(found(tmp_path / "x")).words.endswith("; 1 of 4 comparisons to the contrary")


def test_what_no_pair_decides_is_counted():
    found = [
        Finding("NCI1", "means", 20, status="reproduced"),
        Finding("DD", "means", 3, status="undecided"),
        Finding("ZINC", "means"),
    ]
    assert overall(found)[:2] == ("undecided on DD, reproduced on NCI1", "undecided")
    assert overall(found[:1])[:2] == ("reproduced on NCI1", "reproduced")
    against = Finding("DD", "means", 20, status="not reproduced")
    assert overall([*found[:1], against]).status == "mixed"
    assert overall([*found[1:], against])[:2] == ("not reproduced on DD", "not reproduced")
    assert overall([found[1]]).status == "undecided"
    assert overall([found[2]])[:2] == ("", "not run")
    once = Finding("NCI1", "gap", 1, status="reproduced")
    assert overall([once]).words == "reproduced on NCI1, from one run each"
    beside = Finding("DD", "gap", 20, status="undecided")
    decided = overall([Finding("NCI1", "gap", 1, status="not reproduced"), beside])
    assert decided.words == "not reproduced on NCI1, undecided on DD, from one run each"


def test_the_picture_has_a_line_for_each_claim_that_says_something(tmp_path):
    runs(tmp_path, A, 0)
    runs(tmp_path, B, 0)
    keep(tmp_path, C, "NCI1", [0.1, 0.9])
    said = paired([(A, B)], DATA, "second is as good")(tmp_path)
    nothing = paired([(A, C)], DATA, "second is as good")(tmp_path)
    (axes,) = picture({1: said, 2: nothing, 3: [Finding("NCI1", "means")]}).axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["1. Graclus − Complement"]
