import torch
from scipy.sparse.csgraph import connected_components
from sklearn.datasets import load_digits
from torch_geometric.data import Batch
from torch_geometric.utils import (
    coalesce,
    contains_self_loops,
    degree,
    is_undirected,
    to_scipy_sparse_matrix,
)

from graphpool_sanity.datasets import digits

BENCHMARK = digits()
BATCH = Batch.from_data_list(list(BENCHMARK.graphs))


def test_counts():
    assert len(BENCHMARK.graphs) == 1797
    assert BATCH.num_nodes == 58736
    assert BATCH.num_edges == 319784
    assert BENCHMARK.in_channels == 3


def test_a_graph_is_its_inked_pixels_and_their_neighbours():
    source = load_digits()
    for i in (0, 1, 500, 1796):
        graph, image = BENCHMARK.graphs[i], source.images[i]
        pixels = [(r, c) for r in range(8) for c in range(8) if image[r, c] > 0]
        features = [[image[r, c] / 16, r / 7, c / 7] for r, c in pixels]
        edges = [
            [u, v]
            for u, (r, c) in enumerate(pixels)
            for v, (s, d) in enumerate(pixels)
            if max(abs(r - s), abs(c - d)) == 1
        ]
        torch.testing.assert_close(graph.x, torch.tensor(features, dtype=torch.float32))
        assert graph.edge_index.t().tolist() == edges
        assert graph.y.tolist() == [source.target[i]]


def test_features_lie_in_the_unit_interval_and_are_inked():
    assert BATCH.x.dtype == torch.float32
    assert BATCH.x.max() == 1
    assert BATCH.x.min() == 0
    assert BATCH.x[:, 0].min() == 1 / 16


def test_edges_are_undirected_sorted_and_within_a_graph():
    assert is_undirected(BATCH.edge_index)
    assert not contains_self_loops(BATCH.edge_index)
    assert torch.equal(BATCH.edge_index, coalesce(BATCH.edge_index))
    assert torch.equal(BATCH.batch[BATCH.edge_index[0]], BATCH.batch[BATCH.edge_index[1]])


def test_every_graph_is_connected():
    assert degree(BATCH.edge_index[0], BATCH.num_nodes).min() >= 1
    adjacency = to_scipy_sparse_matrix(BATCH.edge_index, num_nodes=BATCH.num_nodes)
    assert connected_components(adjacency)[0] == 1797


def test_all_ten_classes():
    assert BATCH.y.dtype == torch.long
    assert BATCH.y.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert BENCHMARK.out_channels == 10
