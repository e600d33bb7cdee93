import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from graphpool_sanity.datasets.load import NAMES, load_dataset, metric_of
from graphpool_sanity.training.tasks import TASKS, Unit


def test_the_deviation_is_that_of_a_sample():
    assert Unit("accuracy").mean_std([0.01, 0.02, 0.03]) == "2.0 ± 1.0"
    assert Unit("mae").mean_std([0.42]) == "0.420"


@pytest.mark.parametrize("name", ["digits", "locality-control"])
def test_the_metric_of_a_name_is_that_of_its_data(name):
    assert metric_of(name) == load_dataset(name).metric


def test_two_of_the_papers_data_sets_are_not_classified_by_accuracy():
    metrics = {name: metric_of(name) for name in NAMES}
    others = {name: metric for name, metric in metrics.items() if metric != "accuracy"}
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
