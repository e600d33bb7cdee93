import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch_geometric.data import Batch
from torch_geometric.utils import coalesce, degree, is_undirected, to_networkx

from graphpool_sanity import ComplementGraclusPool, GraclusPool, load_dataset, locality_control

BENCHMARK = locality_control()
GRAPHS = list(BENCHMARK.graphs)
BATCH = Batch.from_data_list(GRAPHS)
LABELS = BATCH.y.numpy()


def marks(graph):
    return graph.x[:, 1].nonzero().view(-1).tolist()


def distance(graph):
    return nx.shortest_path_length(to_networkx(graph, to_undirected=True), *marks(graph))


DISTANCES = np.array([distance(graph) for graph in GRAPHS])
SIZES = np.array([graph.num_nodes for graph in GRAPHS])


def test_it_is_2000_graphs_of_which_1600_are_trained_on():
    assert BENCHMARK.name == "locality-control"
    assert [len(part) for part in BENCHMARK.split(0)] == [1600, 200, 200]
    assert (BENCHMARK.task, BENCHMARK.in_channels, BENCHMARK.out_channels) == (
        "classification", 2, 2
    )  # fmt: skip
    assert BATCH.x.dtype == torch.float32
    assert BATCH.y.dtype == BATCH.edge_index.dtype == torch.long


def test_every_graph_is_a_cycle_of_56_to_71_nodes():
    assert SIZES.min() == 56
    assert SIZES.max() == 71
    assert is_undirected(BATCH.edge_index)
    assert torch.equal(BATCH.edge_index, coalesce(BATCH.edge_index))
    assert (degree(BATCH.edge_index[0], BATCH.num_nodes) == 2).all()
    assert all(nx.is_connected(to_networkx(graph, to_undirected=True)) for graph in GRAPHS)


def test_features_are_ones_and_two_marks():
    assert (BATCH.x[:, 0] == 1).all()
    assert all(len(marks(graph)) == 2 for graph in GRAPHS)
    assert BATCH.x[:, 1].sum() == 2 * len(GRAPHS)  # that is, each is 1


def test_the_class_is_whether_the_marks_are_near_or_far():
    near, far = DISTANCES[LABELS == 0], DISTANCES[LABELS == 1]
    assert len(near) == len(far) == 1000
    assert set(near) == {8, 9, 10, 11, 12}
    assert far.min() == 20
    assert (far <= SIZES[LABELS == 1] // 2).all()
    assert far.max() == 35
    assert stats.chisquare(np.bincount(near)[8:]).pvalue > 1e-3


def test_the_class_does_not_show_in_the_size_of_a_graph():
    counts = [np.bincount(SIZES[label == LABELS])[56:] for label in (0, 1)]
    assert stats.chi2_contingency(counts).pvalue > 1e-3


def test_the_class_does_not_show_in_where_the_marked_nodes_stand():
    first, second = np.array([marks(graph) for graph in GRAPHS]).T
    for value in (first, second, second - first):
        assert stats.ks_2samp(value[LABELS == 0], value[LABELS == 1]).pvalue > 1e-3


def test_nodes_are_shuffled():
    steps = [abs(int(u) - int(v)) for graph in GRAPHS for u, v in graph.edge_index.t()[::7]]
    assert np.mean(np.array(steps) == 1) < 0.05
    places = np.concatenate([np.array(marks(g)) / (g.num_nodes - 1) for g in GRAPHS])
    assert np.histogram(places, 4, (0, 1))[0].min() > 0.2 * len(places)


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_any_number_of_graphs_from_any_seed(half, seed):
    benchmark = locality_control(num_graphs=2 * half, seed=seed)
    labels = []
    for graph in benchmark.graphs:
        assert 56 <= graph.num_nodes <= 71
        assert graph.edge_index.max() < graph.num_nodes
        assert (degree(graph.edge_index[0], graph.num_nodes) == 2).all()
        labels.append(int(graph.y))
        assert (8 <= distance(graph) <= 12) if labels[-1] == 0 else distance(graph) >= 20
    assert len(labels) == 2 * sum(labels) == 2 * half


def test_the_seed_alone_decides():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    again, other = locality_control(), locality_control(seed=1)
    assert torch.equal(before, torch.get_rng_state())
    for key in ("x", "edge_index", "y"):
        assert torch.equal(again.graphs._data[key], BENCHMARK.graphs._data[key])
    assert other.graphs.x.shape != again.graphs.x.shape
    named = load_dataset("locality-control")
    assert torch.equal(named.graphs.edge_index, BENCHMARK.graphs.edge_index)


def test_it_is_the_same_on_every_machine():
    graph = GRAPHS[0]
    assert marks(graph) == [12, 17]
    assert graph.edge_index[1, :8].tolist() == [8, 9, 58, 60, 25, 31, 35, 62]


def share_of_marks_that_meet(pool):
    """Of each class, how often the marks share a cluster or touch after four poolings."""
    x, edge_index, batch = BATCH.x, BATCH.edge_index, BATCH.batch
    for _ in range(4):
        x, edge_index, _, batch, _ = pool(x, edge_index, batch=batch)
    marked = x[:, 1] > 0
    touching = batch[edge_index[0, marked[edge_index].all(0)]].bincount(minlength=len(GRAPHS)) > 0
    meet = (touching | (batch[marked].bincount(minlength=len(GRAPHS)) == 1)).numpy()
    return meet[LABELS == 0].mean(), meet[LABELS == 1].mean()


def test_only_pooling_neighbours_brings_near_marks_together_and_far_ones_not():
    near, far = share_of_marks_that_meet(GraclusPool(seed=0).eval())
    assert near > 0.8
    assert far < 0.05
    near, far = share_of_marks_that_meet(ComplementGraclusPool(seed=0).eval())
    assert near == pytest.approx(far, abs=0.05)


@pytest.mark.parametrize("num_graphs", [0, -2, 3, 1])
def test_an_odd_number_of_graphs_is_refused(num_graphs):
    with pytest.raises(ValueError, match=f"num_graphs must be even and positive, got {num_graphs}"):
        locality_control(num_graphs)
