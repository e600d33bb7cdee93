import numpy as np
import pytest
import torch
from _helpers.adjacencies import as_dense, every_kind
from _helpers.strategies import batches
from hypothesis import given
from torch_geometric import EdgeIndex
from torch_geometric.typing import SparseTensor
from torch_geometric.utils import coalesce

from graphpool_sanity import GraclusPool, graclus
from graphpool_sanity.graphs.graph import read_graph, repack, unpack

EDGES = torch.tensor([[0, 1, 3], [1, 2, 2]])


@given(batches())
def test_reading_tells_sizes_places_and_loops(graphs):
    edge_index, num_nodes, batch = graphs
    graph = read_graph(edge_index, num_nodes, batch)
    of_graph = [0] * (1 + max(batch.tolist(), default=-1))
    places = []
    for number in batch.tolist():
        places.append(of_graph[number])
        of_graph[number] += 1
    assert graph.position.tolist() == places
    assert graph.num_graphs == len(of_graph)
    assert graph.largest == max(of_graph, default=0)
    assert graph.has_loops == any(u == v for u, v in edge_index.t().tolist())


def test_without_a_batch_there_is_one_graph():
    graph = read_graph(EDGES, 5)
    assert graph.batch.tolist() == [0] * 5
    assert graph.position.tolist() == [0, 1, 2, 3, 4]
    assert (graph.num_graphs, graph.largest) == (1, 5)


def test_without_nodes_there_is_no_graph():
    graph = read_graph(EDGES[:, :0], 0)
    assert (graph.num_graphs, graph.largest, graph.batch.numel()) == (0, 0, 0)


def test_graphs_at_the_end_may_be_empty():
    graph = read_graph(EDGES, 5, torch.tensor([0, 0, 0, 0, 2]), batch_size=4)
    assert (graph.num_graphs, graph.largest) == (4, 4)
    assert read_graph(EDGES[:, :0], 0, batch_size=np.int64(3)).num_graphs == 3


MALFORMED = {
    "index too large": ({"edge_index": EDGES + 1}, "edge_index .*4 nodes.* from 1 to 4"),
    "negative index": ({"edge_index": EDGES - 1}, "edge_index .*from -1 to 2"),
    "edges without nodes": ({"num_nodes": 0}, "edge_index must be empty .* got 3 edges"),
    "unsorted batch": ({"batch": torch.tensor([0, 0, 1, 0])}, "batch must be sorted"),
    "negative batch": ({"batch": torch.tensor([-1, -1, -1, -1])}, "batch .*negative, got -1"),
    "batch too short": ({"batch": torch.zeros(3).long()}, r"batch .*\[4\].* got .*\[3\]"),
    "batch of two dimensions": ({"batch": torch.zeros(4, 1).long()}, r"batch .* got .*\[4, 1\]"),
    "batch of floats": ({"batch": torch.zeros(4)}, r"batch must be .*int64.* got torch.float32"),
    "edge between graphs": ({"batch": torch.tensor([0, 0, 1, 1])}, "edge_index .*two graphs"),
    "too few weights": ({"edge_weight": torch.ones(2)}, r"edge_weight .*\[3\].* got \[2\]"),
    "weights as a column": ({"edge_weight": torch.ones(3, 1)}, r"edge_weight .* got \[3, 1\]"),
    "too few graphs": (
        {"batch": torch.ones(4).long(), "batch_size": 1},
        "batch_size must be at least 2 for this batch, got 1",
    ),
    "half a graph": ({"batch_size": 1.5}, "batch_size must be an int or None, got float"),
    "fewer than no graphs": (
        {"edge_index": EDGES[:, :0], "num_nodes": 0, "batch_size": -1},
        "batch_size must be at least 0 for this batch, got -1",
    ),
    "NaN weight": ({"edge_weight": torch.tensor([1.0, torch.nan, 2.0])}, "edge_weight .*NaN"),
}


@pytest.mark.parametrize(("wrong", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_graphs_are_refused_by_name(wrong, message):
    with pytest.raises(ValueError, match=message):
        read_graph(**{"edge_index": EDGES, "num_nodes": 4, **wrong})


def test_infinite_and_integer_weights_are_welcome():
    read_graph(EDGES, 4, edge_weight=torch.tensor([torch.inf, 0.0, -torch.inf]))
    read_graph(EDGES, 4, edge_weight=torch.tensor([3, 2, 1]))


@every_kind
@given(graphs=batches(max_graphs=2, max_size=8))
def test_what_is_unpacked_and_sorted_is_repacked_as_it_was(graphs, make):
    index, size, _ = graphs
    adj = make(index, torch.arange(1.0, index.size(1) + 1), size)
    before = as_dense(adj, size)

    edges, value = coalesce(*unpack(adj, size), num_nodes=size)
    again = repack(adj, edges, value, size)

    assert type(again) is type(adj)
    assert torch.equal(as_dense(again, size), before.clamp(max=1) if value is None else before)
    assert torch.equal(as_dense(adj, size), before)
    if isinstance(adj, torch.Tensor):
        assert (again.layout, again.dtype) == (adj.layout, adj.dtype)
    if isinstance(adj, EdgeIndex):
        assert again.is_undirected == adj.is_undirected
        again.validate()
    if isinstance(adj, SparseTensor):
        assert again.has_value() == adj.has_value()


WRONG_ADJACENCIES = {
    "three rows": (torch.zeros(3, 4).long(), r"int64 .*\[2, E\], got torch.int64 .*\[3, 4\]"),
    "one dimension": (torch.zeros(4).long(), r"got torch.int64 of shape \[4\]"),
    "int32": (torch.zeros(2, 4).int(), r"got torch.int32 of shape \[2, 4\]"),
    "floats": (torch.zeros(2, 4), r"got torch.float32"),
    "another size": (torch.zeros(3, 3).to_sparse(), r"of size 4 x 4 .* got \[3, 3\]"),
    "not square": (torch.zeros(4, 3).to_sparse_csr(), r"of size 4 x 4 .* got \[4, 3\]"),
    "a list": ([[0, 1], [1, 0]], "got list"),
    "None": (None, "got NoneType"),
}


@pytest.mark.parametrize(("adj", "message"), WRONG_ADJACENCIES.values(), ids=WRONG_ADJACENCIES)
def test_wrong_adjacencies_are_refused_by_name(adj, message):
    with pytest.raises(ValueError, match=f"^edge_index must be .*{message}"):
        unpack(adj, num_nodes=4)


@pytest.mark.parametrize("shape", [(), (2,), (4, 3), (1, 3)], ids=str)
def test_attributes_that_do_not_fit_the_edges_are_refused_by_name(shape):
    with pytest.raises(ValueError, match=r"^edge_attr must have shape \[3\] or \[3, D\].*got"):
        unpack(EDGES, 4, torch.ones(shape))


def test_attributes_beside_values_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^edge_attr must be None"):
        unpack(torch.eye(4).to_sparse(), 4, torch.ones(4))


@pytest.mark.parametrize("name", ["batch", "edge_attr", "edge_weight"])
@pytest.mark.parametrize("value", [[0, 0], "x", 1.5, np.zeros(2)])
def test_what_is_no_tensor_is_refused_by_name(name, value):
    pool, message = GraclusPool(), f"^{name} must be a torch.Tensor, got {type(value).__name__}"
    with pytest.raises(ValueError, match=message):
        pool(torch.ones(2, 1), torch.tensor([[0, 1], [1, 0]]), **{name: value})


def test_a_number_of_nodes_may_be_of_numpy():
    edges = torch.tensor([[0, 1], [1, 0]])
    assert torch.equal(graclus(edges, np.int64(2)), torch.tensor([0, 0]))


@pytest.mark.parametrize("num_nodes", [None, "3", 2.0, -1])
def test_a_number_of_nodes_that_is_none_is_refused(num_nodes):
    with pytest.raises(ValueError, match=r"^num_nodes must be an int of 0 or more, got"):
        graclus(torch.tensor([[0, 1], [1, 0]]), num_nodes)
