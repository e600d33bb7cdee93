"""What goes in and comes out of each kind of layer, against what it is known to be."""

import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    ASAPooling,
    DMoNPooling,
    EdgePooling,
    MemPooling,
    SAGPooling,
    TopKPooling,
    dense_diff_pool,
)
from torch_geometric.utils import to_dense_adj, to_dense_batch

from graphpool_sanity import (
    ComplementGraclusPool,
    DiffPool,
    DistanceMemoryPool,
    GraclusPool,
    MemoryPool,
    MinCutPool,
    RandomDiffPool,
    RandomMatchingPool,
    RandomMemoryPool,
    RandomMinCutPool,
)
from graphpool_sanity.analysis import record_activations

SIZES = (7, 1, 12, 5)


def graph(size):
    ring = torch.stack([torch.arange(size), torch.arange(size).roll(1)])
    x = torch.randn(size, 4, generator=torch.Generator().manual_seed(size))
    return Data(x, torch.cat([ring, ring.flip(0)], 1)[:, : 2 * size * (size > 1)])


BATCH = Batch.from_data_list([graph(size) for size in SIZES])
DENSE, MASK = to_dense_batch(BATCH.x, BATCH.batch, fill_value=99.0)
ADJ = to_dense_adj(BATCH.edge_index, BATCH.batch)


class Net(nn.Module):
    """Calls a layer as it is told to, and keeps what came out."""

    def __init__(self, layer, call):
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, data):
        self.out = self.call(self.layer, data)


def by_place(layer, data):
    return layer(data.x, data.edge_index, None, data.batch)


def by_name(layer, data):
    return layer(batch=data.batch, edge_index=data.edge_index, x=data.x)


def dense(layer, data):
    return layer(DENSE, ADJ, MASK)


def dense_by_name(layer, data):
    return layer(mask=MASK, adj=ADJ, x=DENSE)


def sparse(layer, data):
    return layer(data.x, data.edge_index, batch=data.batch)


def nodes(layer, data):
    return layer(data.x, data.batch)


def padded_nodes(layer, data):
    return layer(DENSE, mask=MASK)


def recorded(layer, call, data=BATCH):
    torch.manual_seed(0)
    net = Net(layer, call)
    activations = record_activations(net, data, layers=["layer"])
    return *activations.layers["layer"], net.out


def assert_is_input(before):
    assert torch.equal(before.x, BATCH.x)
    assert torch.equal(before.batch, BATCH.batch)
    assert before.counts.tolist() == list(SIZES)


HARD = [TopKPooling(4), SAGPooling(4), GraclusPool(), ComplementGraclusPool(), RandomMatchingPool()]


@pytest.mark.parametrize("call", [by_place, by_name])
@pytest.mark.parametrize("layer", [*HARD, ASAPooling(4)], ids=lambda layer: type(layer).__name__)
def test_hard_layers(layer, call):
    before, after, out = recorded(layer, call)
    assert_is_input(before)
    assert torch.equal(after.x, out[0])
    assert torch.equal(after.batch, out[3])
    assert after.num_graphs == 4


def test_clusters_in_any_order_are_sorted_by_graph():
    before, after, out = recorded(EdgePooling(4), by_name)
    assert_is_input(before)
    assert (out[2].diff() < 0).any()
    for g in range(4):
        assert torch.equal(after.of(g), out[0][out[2] == g])


SOFT = [
    DiffPool(4, 3),
    RandomDiffPool(4, 3),
    MinCutPool(4, 3),
    RandomMinCutPool(4, 3, "normal", True),
]


@pytest.mark.parametrize("call", [dense, dense_by_name])
@pytest.mark.parametrize("layer", SOFT, ids=lambda layer: type(layer).__name__)
def test_soft_layers_on_dense_graphs(layer, call):
    before, after, out = recorded(layer, call)
    assert_is_input(before)
    assert torch.equal(after.x.view(4, 3, 4), out[0])
    assert after.counts.tolist() == [3] * 4


@pytest.mark.parametrize("layer", [RandomDiffPool(4, 3), MinCutPool(4, 3)])
def test_soft_layers_on_sparse_graphs(layer):
    before, after, out = recorded(layer, sparse)
    assert_is_input(before)
    assert torch.equal(after.x.view(4, 3, 4), out[0])


def test_what_a_soft_layer_pools_is_z_where_it_is_given():
    z = torch.randn(4, 12, 6)
    before, after, _ = recorded(DiffPool(4, 3), lambda layer, _: layer(DENSE, ADJ, MASK, z=z))
    assert torch.equal(before.x, z[MASK])
    assert after.x.shape == (12, 6)


def test_of_dmon_the_embeddings_come_second():
    before, after, out = recorded(DMoNPooling(4, 3), dense)
    assert_is_input(before)
    assert torch.equal(after.x.view(4, 3, 4), out[1])


MEMORY = [
    MemPooling(4, 6, 2, 3),
    MemoryPool(4, 6, 2, 3),
    DistanceMemoryPool(4, 6, 2, 3),
    RandomMemoryPool(4, 6, 3, max_num_nodes=12),
]


@pytest.mark.parametrize("call", [nodes, padded_nodes])
@pytest.mark.parametrize("layer", MEMORY, ids=lambda layer: type(layer).__name__)
def test_memory_layers(layer, call):
    before, after, out = recorded(layer, call)
    assert_is_input(before)
    assert torch.equal(after.x.view(4, 3, 6), out[0])
    assert torch.equal(after.batch, torch.arange(4).repeat_interleave(3))


def test_a_single_graph_needs_no_batch():
    data = graph(6)
    before, after, out = recorded(TopKPooling(4), lambda layer, d: layer(d.x, d.edge_index), data)
    assert (before.counts.tolist(), after.counts.tolist()) == ([6], [3])
    assert torch.equal(after.x, out[0])
    path = to_dense_adj(data.edge_index)[0]
    before, after, _ = recorded(DiffPool(4, 2), lambda layer, d: layer(d.x, path), data)
    assert (before.counts.tolist(), after.counts.tolist()) == ([6], [2])
    mask = torch.arange(6) < 4
    before, _, _ = recorded(DiffPool(4, 2), lambda layer, d: layer(d.x, path, mask), data)
    assert torch.equal(before.x, data.x[:4])


def test_empty_graphs_count():
    first_and_last = Batch.from_data_list([graph(0), graph(3), graph(0), graph(2), graph(0)])
    before, after, _ = recorded(GraclusPool(), by_name, first_and_last)
    assert before.counts.tolist() == [0, 3, 0, 2, 0]
    assert after.counts.tolist() == [0, 2, 0, 1, 0]
    assert after.of(0).shape == (0, 4)
    assert after.of(4).shape == (0, 4)
    before, after, _ = recorded(MemoryPool(4, 6, 2, 3), nodes, first_and_last)
    assert before.counts.tolist() == [0, 3, 0, 2, 0]
    assert after.counts.tolist() == [3, 3, 3, 3, 0]  # the layer cannot know of the last one


def test_a_batch_without_nodes():
    before, after, _ = recorded(GraclusPool(), by_name, Batch.from_data_list([graph(0)] * 2))
    assert before.counts.tolist() == after.counts.tolist() == [0, 0]


class Wrapped(nn.Module):
    """Hides the names of another layer's arguments."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, *args, **kwargs):
        return self.inner(*args, **kwargs)


def test_arguments_behind_stars():
    before, _, _ = recorded(Wrapped(GraclusPool()), by_name)
    assert_is_input(before)
    before, _, _ = recorded(
        Wrapped(GraclusPool()), lambda layer, d: layer(d.x, d.edge_index, batch=d.batch)
    )
    assert_is_input(before)


class OnBatches(nn.Module):
    """Takes a batch of graphs, and returns one."""

    def forward(self, data):
        return Data(x=2 * data.x[::2], batch=data.batch[::2])


class DiffPoolOfPyG(nn.Module):
    def forward(self, h, adj, mask):
        return dense_diff_pool(h, adj, h[..., :3], mask)


class Readout(nn.Module):
    def forward(self, x, batch):
        return torch.stack([x[batch == g].sum(0) for g in range(4)])


def test_layers_of_ones_own():
    before, after, out = recorded(OnBatches(), lambda layer, data: layer(data))
    assert_is_input(before)
    assert torch.equal(after.x, out.x)
    assert torch.equal(after.batch, out.batch)

    before, after, out = recorded(DiffPoolOfPyG(), lambda layer, _: layer(DENSE, ADJ, MASK))
    assert_is_input(before)
    assert torch.equal(after.x.view(4, 3, 4), out[0])

    _, after, out = recorded(Readout(), nodes)
    assert torch.equal(after.x, out)
    assert after.counts.tolist() == [1, 1, 1, 1]


def test_layers_of_torch_geometric_pool():
    get_pooler = pytest.importorskip("tgp.poolers").get_pooler
    before, after, out = recorded(
        get_pooler("topk", in_channels=4, ratio=0.5),
        lambda layer, d: layer(x=d.x, adj=d.edge_index, batch=d.batch),
    )
    assert_is_input(before)
    assert torch.equal(after.x, out.x)
    assert torch.equal(after.batch, out.batch)

    before, after, out = recorded(get_pooler("mincut", in_channels=4, k=3), dense_by_name)
    assert_is_input(before)
    assert torch.equal(after.x.view(4, 3, 4), out.x)


def test_embeddings_are_copies_without_gradient():
    def spoiled(layer, data):
        x = 1 * data.x
        out = layer(x, data.edge_index, batch=data.batch)
        x.zero_(), out.x.zero_()
        return out

    before, after, _ = recorded(GraclusPool(), spoiled)
    assert_is_input(before)
    assert after.x.abs().sum() > 0
    assert not before.x.requires_grad
    assert not after.x.requires_grad


def by_stars(layer, data):
    return layer(data.x, batch=data.batch)


@pytest.mark.parametrize(
    ("layer", "call", "message"),
    [
        (
            GraclusPool(),
            lambda layer, data: layer(data.x, data.edge_index),
            "input of GraclusPool must tell by batch which of 4 graphs",
        ),
        (
            nn.Embedding(3, 2),
            lambda layer, data: layer(data.batch % 3),
            r"input of Embedding must hold .*, got torch.int64 of \[25\]",
        ),
        (Wrapped(lambda x, batch: x[::2]), by_stars, "output of Wrapped must tell by batch"),
        (Wrapped(lambda x, batch: None), by_stars, "output of Wrapped must hold .* got NoneType"),
        (Wrapped(lambda x, batch: ()), by_stars, "output of Wrapped must hold .* got nothing"),
    ],
)
def test_what_cannot_be_read_is_refused(layer, call, message):
    with pytest.raises(ValueError, match=message):
        recorded(layer, call)


@pytest.mark.parametrize("graph", [-1, 4])
def test_of_a_graph_that_is_not_there(graph):
    before, _, _ = recorded(GraclusPool(), by_name)
    with pytest.raises(ValueError, match=rf"graph must lie in \[0, 4\), got {graph}"):
        before.of(graph)


@pytest.mark.parametrize(
    ("layer", "edges"),
    [(GraclusPool(), "edge_index"), (MinCutPool(4, 3), "adj"), (MemoryPool(4, 4, 2, 3), None)],
    ids=["hard", "soft", "memory"],
)
def test_the_number_of_graphs_is_what_the_layer_is_told(layer, edges):
    data = {"x": BATCH.x, "batch": BATCH.batch, "batch_size": 6}
    if edges is not None:
        data[edges] = BATCH.edge_index
    recorded = record_activations(layer, data)
    (found,) = recorded.layers.values()
    assert found.before.counts.tolist() == [*SIZES, 0, 0]
    assert found.after.num_graphs == 6
