import pytest
from rich.console import Console

from graphpool_sanity.experiments.summary import mean_std, save_box_plot, scores, table

RECORDS = [
    {"config": {"variant": "a"}, "test": 0.5},
    {"config": {"variant": "b"}, "test": 0.25},
    {"config": {"variant": "a"}, "test": 0.7},
]


def test_scores_are_percent_where_the_papers_are():
    assert scores(RECORDS, "accuracy") == {"a": [50.0, 70.0], "b": [25.0]}
    assert scores(RECORDS, "mae") == {"a": [0.5, 0.7], "b": [0.25]}


def test_the_deviation_is_that_of_a_sample():
    assert mean_std([1.0, 2.0, 3.0], "accuracy") == "2.0 ± 1.0"
    assert mean_std([0.42], "mae") == "0.420"


@pytest.mark.parametrize("metric", ["accuracy", "mae"])
def test_the_table_shows_runs_scores_and_the_paper(metric):
    console = Console(record=True, width=100)
    console.print(table(scores(RECORDS, metric), "DD", metric, {"a": "72.1 ± 5.2"}))
    text = console.export_text()
    row_a = next(line for line in text.splitlines() if "│ a " in line)
    assert "72.1 ± 5.2" in row_a
    assert mean_std(scores(RECORDS, metric)["a"], metric) in row_a
    assert "not reported" in next(line for line in text.splitlines() if "│ b " in line)


def test_the_box_plot_is_saved(tmp_path):
    save_box_plot(scores(RECORDS, "mae"), "ZINC", "mae", tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
