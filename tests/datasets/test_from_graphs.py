from dataclasses import replace

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, InMemoryDataset

from graphpool_sanity.datasets import digits
from graphpool_sanity.datasets.collated import collated
from graphpool_sanity.datasets.from_graphs import as_benchmark, checked
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.store import store_of

EDGES = torch.tensor([[0, 1], [1, 0]])


def graphs(n=20, y=lambda i: torch.tensor([i % 2]), x=lambda i: torch.ones(2, 3)):
    return [Data(x=x(i), edge_index=EDGES, y=y(i)) for i in range(n)]


def at(i, good, bad):
    return lambda j: bad if i == j else good


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


NONE = float("nan")


KINDS = [list, lambda listed: Stored(listed), lambda listed: Stored(listed)[:]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 3), (3,)])
@pytest.mark.parametrize(
    ("row", "task"),
    [([0, 1, NONE], "binary"), ([0.5, 1, NONE], "regression"), ([0, 1, 1], "binary")],
)
def test_several_targets_are_a_row_of_each_graph(kind, shape, row, task):
    rows = [torch.tensor(row).roll(i) for i in range(20)]
    benchmark = as_benchmark(kind(graphs(y=lambda i: rows[i].reshape(shape))))
    assert (benchmark.task, benchmark.out_channels) == (task, 3)
    assert {(g.y.dtype, g.y.shape) for g in benchmark.graphs} == {(torch.float32, (1, 3))}
    torch.testing.assert_close(benchmark.y, torch.stack(rows).float(), equal_nan=True)
    assert [len(part) for part in benchmark.split(0)] == [16, 2, 2]
    assert checked(benchmark).graphs is benchmark.graphs
    with pytest.raises(ValueError, match="y must have out_channels=2 targets, got 3"):
        checked(replace(benchmark, out_channels=2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("x", [None, torch.ones(3, 0)])
def test_nodes_without_features_get_a_constant_or_their_degree(kind, x):
    path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    bare = [Data(x, path, y=torch.tensor([i % 2]), num_nodes=3) for i in range(20)]
    found = as_benchmark(kind(bare))
    assert (found.features, found.graphs[0].x.tolist()) == ("constant", [[1], [1], [1]])
    found = as_benchmark(kind(bare), features="degree")
    assert (found.features, found.graphs[19].x.tolist()) == ("degree", [[1], [2], [1]])
    assert as_benchmark(graphs(), features="degree").features is None
    with pytest.raises(ValueError, match="features must be one of constant, degree, got 'nix'"):
        as_benchmark(kind(bare), features="nix")


def test_integers_are_categories_where_they_are_to_be_embedded():
    listed = graphs(x=lambda i: torch.tensor([[0, 4], [i, 1]]))
    for graph in listed:
        graph.edge_attr = torch.tensor([2, 0], dtype=torch.int32)
    found = as_benchmark(listed, embed=True)
    assert (found.node_categories, found.edge_categories) == ((20, 5), (3,))
    assert found.graphs[3].x.tolist() == [[0, 4], [3, 1]]
    assert found.graphs[3].edge_attr.tolist() == [[2], [0]]
    assert found.graphs[3].edge_attr.dtype == torch.int64
    assert as_benchmark(listed).node_categories is None
    numbers = graphs(x=lambda i: torch.tensor([[-1, 4], [i, 1]]))
    assert as_benchmark(numbers, embed=True).graphs[0].x.dtype == torch.float32
    many = graphs(x=lambda i: torch.tensor([[10_000, 4], [i, 1]]))
    assert as_benchmark(many, embed=True).node_categories is None


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
        (
            graphs(x=lambda i: None if i == 3 else torch.ones(2, 3)),
            r"dataset\[3\] must have node features x, got none",
        ),
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
        (graphs(y=lambda i: torch.ones(2, 3)), r"targets y of shape \[1, T\], got \[2, 3\]"),
        (
            graphs(y=lambda i: torch.tensor([[i, 2]])),
            "one target y for .* got 2: those of 0 and 1 are task=",
        ),
        (
            graphs(y=lambda i: torch.tensor([[i % 2, float("nan")]])),
            "y must have some of each target, got none of target 1",
        ),
        (
            graphs(y=at(3, torch.ones(1, 2), torch.tensor([[0, float("inf")]]))),
            r"y must be finite, got NaN or infinity in dataset\[3\]",
        ),
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


def edges(i, bad):
    return [
        Data(torch.ones(2, 3), bad if i == j else EDGES, y=torch.tensor([j % 2])) for j in range(20)
    ]


def with_edges(key, bad, i=4):
    found = graphs()
    for j, graph in enumerate(found):
        graph[key] = bad if j == i else torch.ones(2, 1)
    return found


NAN, FAR = torch.tensor([[0.0, float("nan"), 1]] * 2), torch.tensor([[0, 1], [1, 2]])
FAULTS = [
    (edges(4, FAR), r"dataset\[4\] must have edge_index in \[0, 2\).* got the edge \[1, 2\]"),
    (edges(19, torch.tensor([[0], [2]])), r"dataset\[19\] must have edge_index in \[0, 2\)"),
    (edges(0, torch.tensor([[-1], [0]])), r"dataset\[0\] must have edge_index in .* \[-1, 0\]"),
    (graphs(x=at(7, torch.ones(2, 3), NAN)), r"dataset\[7\] must have finite x, got NaN"),
    (graphs(x=at(7, torch.ones(2, 3), torch.ones(2, 3) / 0)), r"dataset\[7\] must have finite x"),
    (with_edges("edge_attr", NAN[:, 1:2]), r"dataset\[4\] must have finite edge_attr"),
    (with_edges("edge_weight", NAN[:, 1:2]), r"dataset\[4\] must have finite edge_weight"),
    (with_edges("edge_attr", torch.ones(3, 1)), r"dataset\[4\] must have edge_attr of its 2 edges"),
    (graphs(y=lambda i: torch.tensor([1 + i % 2])), r"numbered from 0, got \[1, 2\]: .*inverse"),
    (graphs(y=lambda i: torch.tensor([i % 2 * 2])), r"numbered from 0, got \[0, 2\]"),
    (graphs(y=at(3, torch.ones(1), torch.ones(1) / 0)), r"finite, got .* in dataset\[3\]"),
]


class Stored(InMemoryDataset):
    def __init__(self, listed, transform=None):
        super().__init__(None, transform)
        self.data, self.slices = self.collate(listed)


@pytest.mark.parametrize(("bad", "message"), FAULTS)
@pytest.mark.parametrize("kind", [list, Stored, lambda listed: Stored(listed)[:]])
def test_values_at_fault_are_named_whatever_holds_the_graphs(bad, message, kind):
    with pytest.raises(ValueError, match=message):
        as_benchmark(kind(bad))


def test_only_the_graphs_that_are_there_are_looked_at():
    part = Stored(edges(4, FAR))[5:]
    assert len(as_benchmark(part).graphs) == 15
    with pytest.raises(ValueError, match=r"dataset\[1\] must have edge_index"):
        as_benchmark(Stored(edges(4, FAR))[3:])


@pytest.mark.parametrize("i", [0, 3, 19])
def test_what_only_some_graphs_have_is_named(i):
    some = graphs()
    some[i].z = torch.ones(1)
    with pytest.raises(ValueError, match=r"have z in all graphs or in none, got none in data"):
        as_benchmark(some)


def test_more_nodes_than_features_are_named():
    more = graphs()
    more[3].num_nodes = 5
    for kind in (list, Stored):
        for graph in more:
            graph.num_nodes = graph.num_nodes
        with pytest.raises(
            ValueError, match=r"dataset\[3\] must have x of its 5 nodes, got \[2, 3\]"
        ):
            as_benchmark(kind(more))


def test_a_data_set_is_looked_at_without_a_graph_of_it_being_built(monkeypatch):
    dataset = Stored(graphs(1000))
    built = []
    get = InMemoryDataset.get
    monkeypatch.setattr(InMemoryDataset, "get", lambda self, i: built.append(i) or get(self, i))
    as_benchmark(dataset)
    checked(Benchmark("mine", dataset, "classification", 2))
    assert set(built) <= {0}


def test_graphs_are_laid_end_to_end_once():
    assert store_of(as_benchmark(graphs()).graphs).slices["y"].tolist() == list(range(21))
    strange = graphs()
    for graph in strange:
        graph.parts = [torch.ones(2)]
    assert isinstance(as_benchmark(strange).graphs, list)
    ints = graphs(x=lambda i: torch.ones(2, 3).long())
    for graph in ints:
        graph.parts = [torch.ones(2)]
    assert as_benchmark(ints).graphs[3].x.dtype == torch.float32


def test_a_transform_is_kept_and_what_it_gives_is_converted():
    def noise(graph):
        graph.x = torch.rand(2, 3).double()
        return graph

    found = as_benchmark(Stored(graphs(), noise)).graphs
    assert len(found) == 20
    assert found[0].x.dtype == torch.float32
    assert not torch.equal(found[0].x, found[0].x)


FLOATS = graphs(y=lambda i: torch.tensor([i % 2.0]))


def molecules(atom=1, bond=1):
    listed = [
        Data(
            torch.tensor([[0, atom if i == 5 else 1]] * 2),
            EDGES,
            torch.tensor([[0], [bond]]),
            torch.tensor([i % 2.0]),
        )
        for i in range(12)
    ]
    return Benchmark("m", listed, "binary", 1, node_categories=(1, 2), edge_categories=(2,))


@pytest.mark.parametrize(
    ("benchmark", "message"),
    [
        (molecules(atom=2), r"dataset\[5\] must have x below \[1, 2\], got \[0, 2\]"),
        (molecules(atom=-1), r"dataset\[5\] must have x below \[1, 2\], got \[0, -1\]"),
        (molecules(bond=2), r"dataset\[0\] must have edge_attr below \[2\], got \[2\]"),
        (
            Benchmark(
                "m", graphs(y=lambda i: torch.tensor([i % 2.0])), "binary", 1, edge_categories=(1,)
            ),
            "must have edge_attr for its",
        ),
    ],
)
def test_categories_out_of_range_are_named(benchmark, message):
    with pytest.raises(ValueError, match=message):
        checked(benchmark)
    assert checked(molecules()).node_categories == (1, 2)


@pytest.mark.parametrize(("bad", "message"), FAULTS[:6])
def test_a_benchmark_is_looked_at_too(bad, message):
    with pytest.raises(ValueError, match=message):
        checked(Benchmark("mine", bad, "classification", 2))


def test_what_is_published_is_looked_at(monkeypatch, tmp_path):
    assert checked(Benchmark("d", digits().graphs, "classification", 10)).name == "d"
    far = collated(
        torch.ones(20, 1),
        torch.full((2, 10), 2),
        torch.arange(10) % 2,
        torch.full((10,), 2),
        torch.ones(10).long(),
    )
    with pytest.raises(ValueError, match=r"dataset\[0\] must have edge_index"):
        checked(Benchmark("far", far, "classification", 2))
