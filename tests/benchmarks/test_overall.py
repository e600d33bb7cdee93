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


def test_pairs_on_a_data_set_are_averaged_seed_by_seed_and_count_once(tmp_path):
    for row, scores in ((A, [0.7, 0.72, 0.9]), (B, [0.68, 0.68]), (C, [0.66, 0.64, 0.1])):
        keep(tmp_path, row, "NCI1", scores)
    rule = all_of(*(paired([(A, other)], ["NCI1"], "first is better") for other in (B, C)))
    (study,) = overall(rule(tmp_path)).combined.studies
    assert (study.runs, study.difference) == (2, pytest.approx((0.03 + 0.06) / 2 / 0.02))


def test_what_no_pair_decides_is_counted():
    found = [
        Finding("NCI1", "means", 20, status="reproduced"),
        Finding("DD", "means", 3, status="undecided"),
        Finding("ZINC", "means"),
    ]
    assert overall(found)[:2] == ("on 1 of 2 data sets", "reproduced")
    against = Finding("DD", "means", 20, status="not reproduced")
    assert overall([*found[:1], against]).status == "mixed"
    assert overall([found[1]]).status == "undecided"
    assert overall([found[2]])[:2] == ("", "not run")
    once = Finding("NCI1", "gap", 1, status="reproduced")
    assert overall([once]).words == "on 1 of 1 data sets, from one run each"


def test_the_picture_has_a_line_for_each_claim_that_says_something(tmp_path):
    runs(tmp_path, A, 0)
    runs(tmp_path, B, 0)
    keep(tmp_path, C, "NCI1", [0.1, 0.9])
    said = paired([(A, B)], DATA, "second is as good")(tmp_path)
    nothing = paired([(A, C)], DATA, "second is as good")(tmp_path)
    (axes,) = picture({1: said, 2: nothing, 3: [Finding("NCI1", "means")]}).axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["1. Graclus − Complement"]
