import numpy as np
import pytest
import torch
from sklearn import metrics
from sklearn.metrics import accuracy_score

from graphpool_sanity.datasets.load import NAMES, load_dataset, metric_of
from graphpool_sanity.training.tasks import METRICS, TASKS, Unit


def test_the_deviation_is_that_of_a_sample():
    assert Unit("accuracy").mean_std([0.01, 0.02, 0.03]) == "2.0 ± 1.0"
    assert Unit("mae").mean_std([0.42]) == "0.420"


@pytest.mark.parametrize("name", ["digits", "locality-control"])
def test_the_metric_of_a_name_is_that_of_its_data(name):
    assert metric_of(name) == load_dataset(name).metric


def test_two_of_the_papers_data_sets_are_not_classified_by_accuracy():
    found = {name: metric_of(name) for name in NAMES}
    others = {name: metric for name, metric in found.items() if metric != "accuracy"}
    assert others == {"ZINC": "mae", "ogbg-molhiv": "auroc"}


def test_metrics_are_in_double_precision():
    outputs, targets = torch.eye(3)[[0, 1, 2, 0, 0, 0, 0]], torch.tensor([0, 1, 2, 1, 1, 2, 2])
    assert TASKS["classification"].score(outputs, targets) == 3 / 7
    assert accuracy_score([0, 1, 2, 1, 1, 2, 2], [0, 1, 2, 0, 0, 0, 0]) == 3 / 7
    thirds = torch.full((3,), 1 / 3)
    error = TASKS["regression"].score(torch.zeros(3), thirds)
    assert error == float(np.float32(1 / 3))  # of the targets as they are, not of a rounded sum


def test_the_area_under_the_curve_counts_pairs_and_needs_both_classes():
    score = TASKS["binary"].score
    scores = torch.tensor([0.1, 0.4, 0.35, 0.8])
    assert score(scores, torch.tensor([0.0, 0.0, 1.0, 1.0])) == 0.75
    assert np.isnan(score(scores, torch.zeros(4)))


@pytest.mark.parametrize(("metric", "sign"), [("accuracy", 1), ("auroc", 1), ("mae", -1)])
def test_which_way_is_better(metric, sign):
    assert Unit(metric).sign == sign


def test_each_task_has_a_loss_and_one_of_its_metrics_in_the_table():
    for task, kind in TASKS.items():
        assert task in METRICS[kind.metric].tasks
        assert kind.score is METRICS[kind.metric].score
    errors = {name for name, kind in METRICS.items() if not kind.is_share}
    assert errors == {name for name in METRICS if Unit(name).sign < 0} == {"mae", "rmse"}


OUTPUTS = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)
CLASSES = torch.arange(50) % 3
ONES = (CLASSES == 1).float()


@pytest.mark.parametrize("name", ["accuracy", "balanced_accuracy", "f1"])
def test_metrics_of_classes_are_those_of_scikit_learn(name):
    score, own = METRICS[name].score, getattr(metrics, f"{name.removeprefix('balanced_')}_score")
    if name == "balanced_accuracy":
        own = metrics.balanced_accuracy_score
    average = {"average": "macro"} if name == "f1" else {}
    assert score(OUTPUTS, CLASSES) == pytest.approx(own(CLASSES, OUTPUTS.argmax(1), **average))
    assert score(OUTPUTS[:, 0], ONES) == pytest.approx(own(ONES, OUTPUTS[:, 0] > 0))


def test_metrics_of_ranks_hold_each_class_against_the_rest():
    shares = OUTPUTS.softmax(1)
    whole = metrics.roc_auc_score(CLASSES, shares, multi_class="ovr")
    assert METRICS["auroc"].score(OUTPUTS, CLASSES) == pytest.approx(whole)
    whole = metrics.average_precision_score(torch.eye(3)[CLASSES], shares)
    assert METRICS["average_precision"].score(OUTPUTS, CLASSES) == pytest.approx(whole)
    two = torch.stack([torch.zeros(50), OUTPUTS[:, 0]], 1)
    for name in ("auroc", "average_precision"):
        score = METRICS[name].score
        assert score(two, ONES.long()) == pytest.approx(score(OUTPUTS[:, 0], ONES))
        assert np.isnan(score(OUTPUTS, torch.zeros(50).long()))  # of one class alone
    some = METRICS["auroc"].score(OUTPUTS, CLASSES % 2)  # none of class 2: the mean of two
    sides = [metrics.roc_auc_score(c == CLASSES % 2, shares[:, c]) for c in (0, 1)]
    assert some == pytest.approx(np.mean(sides))


def test_the_root_of_the_mean_square():
    error = METRICS["rmse"].score(torch.tensor([1.0, 2]), torch.tensor([1.0, 5]))
    assert error == pytest.approx(np.sqrt(9 / 2))
