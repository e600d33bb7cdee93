import numpy as np
import pytest

from graphpool_sanity.reproduce.plots import box_plots, curves, supervised_loss


def run(test=0.5, dataset="NCI1", **fields):
    return {"config": {"dataset": dataset}, "test": test, **fields}


def runs(*records):
    return dict(enumerate(records))


def test_box_plots_have_a_panel_for_each_data_set_and_every_run_in_its_unit():
    found = {
        "NCI1": {"a": runs(run(0.7), run(0.9)), "b": {}},
        **{name: {"a": runs(run(0.4))} for name in ("ZINC", "DD", "MUTAG", "SMNIST")},
    }
    figure = box_plots(found)
    first, second = figure.axes[:2]
    assert [axes.get_title() for axes in figure.axes] == list(found)
    assert [label.get_text() for label in first.get_xticklabels()] == ["a"]
    assert first.lines[-1].get_ydata() == pytest.approx([70.0, 90.0])
    assert second.lines[-1].get_ydata() == pytest.approx([0.4])
    assert "accuracy, %" in first.get_ylabel()


def test_curves_show_each_run_and_the_mean_as_far_as_all_go():
    found = {"ZINC": {"a": runs(run(curve=[4.0, 2.0, 1.0]), run(curve=[2.0, 1.0])), "b": {}}}
    (axes,) = curves(found, lambda record: record["curve"], "loss").axes
    *lines, mean = axes.lines
    assert [list(line.get_ydata()) for line in lines] == [[4.0, 2.0, 1.0], [2.0, 1.0]]
    assert np.array_equal(mean.get_xydata(), [[1, 3.0], [2, 1.5]])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a"]


def test_the_supervised_loss_is_the_metric_of_a_regression_and_else_may_be_missing():
    assert supervised_loss(run(dataset="ZINC", validation_curve=[0.5])) == [0.5]
    assert supervised_loss(run(dataset="NCI1", validation_curve=[0.5])) == []
    kept = run(dataset="NCI1", validation_curve=[0.5], validation_losses=[0.7])
    assert supervised_loss(kept) == [0.7]
