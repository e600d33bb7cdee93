import pytest

from graphpool_sanity.datasets.load import NAMES, load_dataset
from graphpool_sanity.training.summary import mean_std, metric_of


def test_the_deviation_is_that_of_a_sample():
    assert mean_std([1.0, 2.0, 3.0], "accuracy") == "2.0 ± 1.0"
    assert mean_std([0.42], "mae") == "0.420"


@pytest.mark.parametrize("name", ["digits", "locality-control"])
def test_the_metric_of_a_name_is_that_of_its_data(name):
    assert metric_of(name) == load_dataset(name).metric


def test_two_of_the_papers_data_sets_are_not_classified_by_accuracy():
    metrics = {name: metric_of(name) for name in NAMES}
    others = {name: metric for name, metric in metrics.items() if metric != "accuracy"}
    assert others == {"ZINC": "mae", "ogbg-molhiv": "auroc"}
