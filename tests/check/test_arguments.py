import pytest
import torch
from _helpers.small_checks import CYCLES
from torch_geometric.data import Data
from torchmetrics import MeanSquaredError, R2Score
from torchmetrics.classification import MulticlassF1Score

from graphpool_sanity import Benchmark
from graphpool_sanity.check.arguments import check_numbers, resolve_margin


def numbers(metric=None):
    edges = torch.tensor([[0, 1], [1, 0]])
    y = [0.0] * 6 + [1.0] * 3 + [8.0]
    graphs = [Data(torch.ones(2, 3), edges, y=torch.tensor([value])) for value in y]
    return Benchmark("numbers", graphs, "regression", 1, make_metric=metric)


def test_shares_have_a_margin_of_two_points():
    assert resolve_margin(None, CYCLES) == 0.02
    f1 = Benchmark(
        "f1", CYCLES.graphs, "classification", 2, make_metric=lambda: MulticlassF1Score(2)
    )
    assert resolve_margin(None, f1) == 0.02
    assert resolve_margin(0.05, CYCLES) == 0.05


def test_errors_have_a_margin_of_two_percent_of_the_best_constants():
    assert resolve_margin(None, numbers()) == pytest.approx(0.02 * 1.1)  # of the median, 0
    squared = 0.02 * torch.tensor([0.0] * 6 + [1.0] * 3 + [8.0]).var(unbiased=False).item()
    assert resolve_margin(None, numbers(MeanSquaredError)) == pytest.approx(squared)  # of the mean


@pytest.mark.parametrize(
    ("margin", "benchmark", "message"),
    [
        (
            2,
            CYCLES,
            r"margin must be below 1, as accuracy lies in \[0, 1\], got 2: 2 points are 0.02",
        ),
        (0, CYCLES, "margin must be positive and finite, got 0"),
        (True, CYCLES, "margin must be positive and finite, got True"),
        (None, numbers(R2Score), "margin must be given for R2Score, which has no upper bound"),
    ],
)
def test_margins_that_make_no_sense_are_refused(margin, benchmark, message):
    with pytest.raises(ValueError, match=message):
        resolve_margin(margin, benchmark)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_runs": 4}, "max_runs must be an int of runs=5 or more, got 4"),
        ({"minutes": -1}, "minutes must be positive and finite, or None, got -1"),
        ({"minutes": 0}, "minutes must be positive and finite, or None, got 0"),
        ({"minutes": "ten"}, "minutes must be positive and finite, or None, got 'ten'"),
        ({"seed": 2**31 - 8}, r"seed must be an int in \[0, 2147483639\], got 2147483640"),
    ],
)
def test_numbers_that_no_check_can_have_are_refused(changes, message):
    good = {"runs": 5, "max_runs": 9, "minutes": None, "level": 0.95, "seed": 0, "n_jobs": 1}
    check_numbers(**good)
    with pytest.raises(ValueError, match=message):
        check_numbers(**good | changes)
