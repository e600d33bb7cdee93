import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphpool_sanity.datasets import digits
from graphpool_sanity.datasets.from_graphs import as_benchmark

EDGES = torch.tensor([[0, 1], [1, 0]])


def graphs(n=20, y=lambda i: torch.tensor([i % 2]), x=lambda i: torch.ones(2, 3)):
    return [Data(x=x(i), edge_index=EDGES, y=y(i)) for i in range(n)]


@pytest.mark.parametrize(
    ("y", "task", "out_channels", "dtype"),
    [
        (lambda i: torch.tensor([i % 3]), "classification", 3, torch.long),
        (lambda i: torch.tensor(i % 2 == 0), "classification", 2, torch.long),
        (lambda i: torch.tensor([[i % 2]], dtype=torch.int32), "classification", 2, torch.long),
        (lambda i: torch.tensor(i / 7, dtype=torch.float64), "regression", 1, torch.float32),
    ],
)
def test_the_task_is_read_off_the_targets(y, task, out_channels, dtype):
    benchmark = as_benchmark(graphs(y=y))
    assert (benchmark.task, benchmark.out_channels) == (task, out_channels)
    assert {(g.y.dtype, g.y.shape) for g in benchmark.graphs} == {(dtype, (1,))}


def test_a_task_may_be_given():
    benchmark = as_benchmark(graphs(), task="binary")
    assert (benchmark.out_channels, benchmark.metric) == (1, "auroc")
    assert benchmark.graphs[1].y.tolist() == [1.0]
    assert as_benchmark(graphs(), task="regression").graphs[1].y.dtype == torch.float32
    numbers = graphs(y=lambda i: torch.tensor([float(i % 2)]))
    assert as_benchmark(numbers, task="classification").graphs[1].y.tolist() == [1]


def test_graphs_of_the_user_are_left_as_they_are():
    own = graphs(x=lambda i: torch.ones(2, 3).long(), y=lambda i: torch.tensor(i % 2))
    benchmark = as_benchmark(own)
    assert benchmark.graphs[0].x.dtype == torch.float32
    assert own[0].x.dtype == torch.long
    assert own[0].y.shape == ()


def test_a_pyg_dataset_that_fits_is_taken_as_it_is():
    dataset = digits().graphs
    benchmark = as_benchmark(dataset, name="mine")
    assert benchmark.graphs is dataset
    assert (benchmark.name, benchmark.out_channels) == ("mine", 10)
    dataset.name = "DIGITS"
    assert as_benchmark(dataset, task="regression").name == "DIGITS"
    part = as_benchmark(dataset[:200])
    assert len(part.graphs) == 200


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (7, "dataset must be a Benchmark, a known name, .* got int"),
        (graphs(9), "dataset must have 10 graphs or more, got 9"),
        ([np.ones(3)] * 10, r"dataset\[0\] must be a torch_geometric.data.Data, got ndarray"),
        (graphs(x=lambda i: None), r"dataset\[0\] must have node features x, got none"),
        (graphs(y=lambda i: None), r"dataset\[0\] must have a target y, got none"),
        (
            [Data(torch.ones(2, 3), y=torch.ones(1))] * 10,
            r"dataset\[0\] must have edges, got none \(edge_index is NoneType\)",
        ),
        (
            graphs(y=lambda i: torch.ones(1, 4 if i == 3 else 1)),
            r"dataset\[3\] must have one target y, got y of shape \[1, 4\]",
        ),
        (graphs(x=lambda i: torch.ones(2)), r"x of shape \[n, F\], got \[2\]"),
        (graphs(x=lambda i: torch.ones(2, 3 + i % 2)), r"x of one width, got \[3, 4\] columns"),
        (
            [Data(g.x, g.edge_index, torch.ones(2, 1), y=g.y) for g in graphs()] + graphs(),
            r"edge_attr in all graphs or in none, got none in dataset\[20\]",
        ),
        (graphs(y=lambda i: torch.tensor([1])), r"y must have two classes or more, got \[1\]"),
        (graphs(y=lambda i: torch.tensor([i % 2 - 1])), r"numbered from 0, got \[-1, 0\]"),
        (graphs(y=lambda i: torch.tensor([float("nan")])), "y must be finite"),
    ],
)
def test_faults_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        as_benchmark(bad)


def test_a_task_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"y must be 0 or 1 for task='binary', got \[0, 1, 2\]"):
        as_benchmark(graphs(y=lambda i: torch.tensor([i % 3])), task="binary")
    with pytest.raises(ValueError, match=r"task must be one of .* got 'ranking'"):
        as_benchmark(graphs(), task="ranking")
    with pytest.raises(ValueError, match=r"classes numbered from 0, got \[0.5"):
        as_benchmark(graphs(y=lambda i: torch.tensor([i + 0.5])), task="classification")
