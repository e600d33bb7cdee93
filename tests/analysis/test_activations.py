import copy

import pytest
import torch
from torch import nn
from torch_geometric.data import Batch
from torch_geometric.nn import GraphConv, TopKPooling, global_mean_pool

from graphpool_sanity import GraclusPool
from graphpool_sanity.analysis import (
    Activations,
    dirichlet_energy,
    homogeneity,
    low_frequency_share,
    plot_activations,
    record_activations,
)
from graphpool_sanity.datasets import load_dataset


class Net(nn.Module):
    """conv → pool → conv → pool, the second time with the same layers or others."""

    def __init__(self, shared=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv = GraphConv(3, 3)
        self.dropout = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(3)
        pool = GraclusPool(seed=0)
        self.pools = nn.ModuleList([pool, pool if shared else TopKPooling(3)])

    def forward(self, data):
        return self.embed(data.x, data.edge_index, data.batch)

    def embed(self, x, edge_index, batch):
        for pool in self.pools:
            x = self.norm(self.dropout(self.conv(x, edge_index)))
            x, edge_index, _, batch, *_ = pool(x, edge_index, batch=batch)
        return global_mean_pool(x, batch)


class OfTensors(Net):
    def forward(self, x, edge_index, batch=None):
        return self.embed(x, edge_index, batch)


@pytest.fixture(scope="module")
def batch():
    graphs = load_dataset("digits").graphs
    return Batch.from_data_list([graphs[i] for i in range(6)])


def assert_equal(one, other):
    assert one.layers.keys() == other.layers.keys()
    for stage, embeddings in one.stages().items():
        for a, b in zip(embeddings, other.stages()[stage], strict=True):
            assert torch.equal(torch.as_tensor(a), torch.as_tensor(b)), stage


def test_each_layer_has_a_before_and_an_after(batch):
    activations = record_activations(Net(), batch)
    assert list(activations.layers) == ["pools.0", "pools.1"]
    stages = activations.stages()
    assert list(stages) == ["before pools.0", "after pools.0", "before pools.1", "after pools.1"]
    counts = [stages[stage].counts for stage in stages]
    assert torch.equal(counts[0], batch.ptr.diff())
    assert (counts[1] < counts[0]).all()
    assert torch.equal(counts[1], counts[2])
    assert (counts[3] < counts[2]).all()


def test_homogeneity_is_that_of_each_stage(batch):
    activations = record_activations(Net(), batch)
    after = activations.layers["pools.1"].after
    shares = activations.homogeneity()
    assert list(shares) == list(activations.stages())
    assert shares["after pools.1"] == homogeneity(after.x, after.batch)


def test_the_model_runs_in_evaluation_mode_and_is_left_as_it_was(batch):
    net = Net()
    net.norm.eval()
    net.norm.weight.requires_grad_(False)
    state = {key: value.clone() for key, value in net.state_dict().items()}
    first = record_activations(net, batch)
    assert net.training
    assert net.dropout.training
    assert not net.norm.training
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert not any(module._forward_hooks for module in net.modules())
    assert not any(module._forward_pre_hooks for module in net.modules())
    assert torch.is_grad_enabled()
    assert_equal(record_activations(net.eval(), batch), first)
    assert not any(module.training for module in net.modules())


def test_a_model_that_fails_is_left_as_it_was():
    net = Net()
    with pytest.raises(AttributeError):
        record_activations(net, "no batch of graphs")
    assert all(module.training for module in net.modules())
    assert not any(module._forward_hooks for module in net.modules())
    assert not any(module._forward_pre_hooks for module in net.modules())


def test_calls_of_one_layer_are_told_apart(batch):
    activations = record_activations(Net(shared=True), batch)
    assert list(activations.layers) == ["pools.0", "pools.0 (2)"]
    first, second = activations.layers.values()
    assert torch.equal(first.after.counts, second.before.counts)
    assert len(second.after.x) < len(first.after.x)


def test_nested_layers_may_be_recorded_at_once(batch):
    class Outer(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x, edge_index, batch):
            return self.inner(2 * x, edge_index, batch=batch)

    net = Net()
    net.pools[0] = Outer(net.pools[0])
    net.embed = lambda x, edge_index, batch: net.pools[0](x, edge_index, batch)
    activations = record_activations(net, batch, layers=["pools.0", net.pools[0].inner])
    assert list(activations.layers) == ["pools.0.inner", "pools.0"]  # the inner one ends first
    inner, outer = activations.layers.values()
    assert torch.equal(inner.before.x, 2 * outer.before.x)
    assert torch.equal(inner.after.x, outer.after.x)


def test_layers_may_be_chosen(batch):
    net = Net()
    every = record_activations(net, batch)
    for layer in ("pools.1", net.pools[1]):
        one = record_activations(net, batch, layers=[layer])
        assert_equal(one, Activations({"pools.1": every.layers["pools.1"]}))


def test_models_of_tensors(batch):
    expected = record_activations(Net(), batch)
    x, edge_index, vector = batch.x, batch.edge_index, batch.batch
    assert_equal(record_activations(OfTensors(), (x, edge_index, vector)), expected)
    keywords = {"batch": vector, "x": x, "edge_index": edge_index}
    assert_equal(record_activations(OfTensors(), keywords), expected)
    alone = record_activations(OfTensors(), (x, edge_index))
    assert alone.layers["pools.0"].before.counts.tolist() == [batch.num_nodes]


def test_batches_one_by_one_are_one_batch(batch):
    net = Net(shared=True)  # top-k breaks ties by rounding
    graphs = batch.to_data_list()
    parts = [Batch.from_data_list(graphs[:2]), Batch.from_data_list(graphs[2:])]
    found = Activations.concat([record_activations(net, part) for part in parts])
    expected = record_activations(net, batch)
    for stage, embeddings in expected.stages().items():
        other = found.stages()[stage]
        assert torch.equal(other.batch, embeddings.batch)
        assert other.num_graphs == embeddings.num_graphs
        torch.testing.assert_close(other.x, embeddings.x)


def test_only_recordings_of_the_same_calls_make_one(batch):
    one = record_activations(Net(), batch)
    other = record_activations(Net(shared=True), batch)
    for parts in ([one, other], []):
        with pytest.raises(ValueError, match="parts must be one or more recordings of the same"):
            Activations.concat(parts)


def test_a_layer_that_is_never_called_is_missed(batch):
    net = Net()
    net.embed = lambda *_: None
    with pytest.raises(ValueError, match="model must call a pooling layer"):
        record_activations(net, batch)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_it_gives_on_cuda_what_it_gives_on_the_cpu(batch):
    net = Net(shared=True).double()
    batch = copy.copy(batch)
    batch.x = batch.x.double()
    expected = record_activations(net, batch)
    found = record_activations(net.to("cuda"), batch.to("cuda"))
    assert found.homogeneity() == pytest.approx(expected.homogeneity())
    on_gpu, on_cpu = (each.layers["pools.0"].before for each in (found, expected))
    assert on_gpu.x.is_cuda
    edges = batch.edge_index
    for measure in (dirichlet_energy, low_frequency_share):
        energy = measure(on_gpu.x, edges, on_gpu.batch)
        assert energy.is_cuda
        torch.testing.assert_close(energy.cpu(), measure(on_cpu.x, edges.cpu(), on_cpu.batch))
    assert plot_activations(found).axes
