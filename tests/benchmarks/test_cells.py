import pytest
from _helpers.ledgers import keep
from reproduce_table1 import TABLE_1
from reproduce_table2 import TABLE_2
from scipy import stats

from benchmarks.paper.cells import cell, costs, markdown, table

_, GIN, GRACLUS, COMPLEMENT, _ = TABLE_1.rows


def test_a_cell_has_ours_its_interval_and_the_papers(tmp_path):
    keep(tmp_path, GRACLUS, "NCI1", [0.79, 0.80, 0.81, 0.82, 0.79])
    found = cell(TABLE_1, GRACLUS, "NCI1", tmp_path)
    low, high = stats.ttest_1samp(found.values, 0).confidence_interval()
    assert str(found) == f"80.2 ± 1.3<br>[{low:.1f}, {high:.1f}], n = 5<br>paper 80.1 ± 1.6"
    assert not found.is_apart


def test_seeds_that_were_added_widen_the_interval(tmp_path):
    scores = [0.79, 0.80, 0.81, 0.82, 0.79]
    keep(tmp_path, GRACLUS, "NCI1", scores, planned=5)
    kept = cell(TABLE_1, GRACLUS, "NCI1", tmp_path).interval
    assert kept == pytest.approx(
        stats.ttest_1samp([100 * one for one in scores], 0).confidence_interval()
    )
    keep(tmp_path, GRACLUS, "NCI1", [*scores, 0.8, 0.81], planned=7)
    low, high = cell(TABLE_1, GRACLUS, "NCI1", tmp_path).interval
    assert high - low > kept[1] - kept[0]


def test_means_that_differ_significantly_are_marked(tmp_path):
    keep(tmp_path, GRACLUS, "NCI1", [0.70, 0.71, 0.72, 0.73, 0.70])
    assert "†" in str(cell(TABLE_1, GRACLUS, "NCI1", tmp_path))
    one_conv, two_convs = TABLE_2.rows[:2]
    keep(tmp_path, one_conv, "NCI1", [0.75, 0.76, 0.77, 0.78, 0.76])
    assert not cell(TABLE_2, one_conv, "NCI1", tmp_path).is_apart  # of 76.6
    assert cell(TABLE_2, two_convs, "NCI1", tmp_path).is_apart  # of 80.1


def test_too_few_runs_have_no_interval(tmp_path):
    assert str(cell(TABLE_1, GRACLUS, "ZINC", tmp_path)) == "not run<br>paper 0.42 ± 0.02"
    assert str(cell(TABLE_1, GIN, "ZINC", tmp_path)) == "cited<br>paper 0.41 ± 0.01"
    keep(tmp_path, GRACLUS, "ZINC", [0.3, 0.5])
    shown = str(cell(TABLE_1, GRACLUS, "ZINC", tmp_path))
    assert shown == "0.400 ± 0.141, n = 2<br>paper 0.42 ± 0.02"


def test_a_table_has_a_column_for_each_data_set(tmp_path):
    head, rule, *lines = table(TABLE_1, tmp_path)
    assert head.count("|") == rule.count("|") == 2 + len(TABLE_1.datasets)
    assert "ZINC<br>mae" in head
    assert len(lines) == len(TABLE_1.rows)
    assert list(markdown(["a"], iter([["b"]]))) == ["| a |", "|---|", "| b |"]


def test_costs_are_those_of_a_run(tmp_path):
    keep(tmp_path, GRACLUS, "NCI1", [0.5] * 3, seconds=4.4)
    head, _, *lines = costs([TABLE_1], tmp_path)
    assert len(lines) == len(TABLE_1.rows) - 2  # without those that are only cited
    assert head.startswith("|  | NCI1 |")
    assert lines[0].startswith("| Graclus | 4 s |  |")
