import copy

import pytest
import torch
from _helpers.any_layers import EDGELESS, OURS, PYG, TGP
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import PANPooling, TopKPooling
from torch_geometric.utils import subgraph

from graphpool_sanity import (
    GraclusPool,
    MinCutPool,
    RandomDiffPool,
    matched_nulls,
)
from graphpool_sanity.check.backbone import Backbone, Conv, Norm, mean_of_nodes
from graphpool_sanity.check.proofs import WatchedNull
from graphpool_sanity.interface.graphs import Graphs
from graphpool_sanity.interface.inputs import LayerCall


def batch(seed=0, edgeless=4):
    """Graphs of several sizes, one of one node; those of up to ``edgeless`` have no edges."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for n in (5, 1, 8, 4):
        ring = torch.stack([torch.arange(n), torch.arange(1, n + 1) % n])
        edges = torch.cat([ring, ring.flip(0)], 1) if n > edgeless else torch.empty(2, 0).long()
        graphs.append(Data(torch.randn(n, 2, generator=generator), edges, y=torch.tensor([n % 2])))
    return Batch.from_data_list(graphs)


def outputs(model, data):
    out = model(data)
    return out if isinstance(out, tuple) else (out, torch.zeros(()))


@pytest.mark.parametrize("name", [*OURS, *PYG])
def test_any_layer_fits_and_learns(name):
    torch.manual_seed(0)
    model = Backbone({**OURS, **PYG}[name], in_channels=2, out_channels=5, hidden=8)
    out, loss = outputs(model, batch(edgeless=EDGELESS.get(name, 4)))
    assert out.shape == (4, 5)
    assert out.isfinite().all()
    assert loss.isfinite()
    (out.square().sum() + loss).backward()
    assert model.first.lin_root.weight.grad.abs().sum() > 0
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", [*OURS, *PYG])
def test_any_null_fits_where_its_layer_did(name):
    torch.manual_seed(0)
    model = Backbone({**OURS, **PYG}[name], in_channels=2, out_channels=5, hidden=8)
    for null in matched_nulls(model.pools[0]):
        data = batch(edgeless=EDGELESS.get(name, 4))
        watched = WatchedNull(model, null, seed=0)
        out, loss = outputs(watched.model, data)
        assert out.shape == (4, 5)
        assert (out + loss).isfinite().all()
        assert watched.uncalled() == []


@pytest.mark.parametrize("name", OURS)
def test_graphs_without_nodes_are_rows_of_the_output(name):
    torch.manual_seed(0)
    none = Data(torch.empty(0, 2), torch.empty(2, 0).long(), y=torch.tensor([0]))
    first, *others = batch(edgeless=1).to_data_list()
    data = Batch.from_data_list([first, none, *others, none])
    model = Backbone(OURS[name], in_channels=2, out_channels=5, hidden=8)
    for null in (None, *matched_nulls(model.pools[0])):
        used = model if null is None else WatchedNull(model, null, seed=0).model
        out, loss = outputs(used, data)
        assert out.shape == (6, 5)
        torch.testing.assert_close(out[1], out[5], atol=1e-4, rtol=0)  # what nothing is told by
        (out.square().sum() + loss).backward()
        grads = [p.grad for p in used.parameters() if p.grad is not None]
        assert grads
        assert all(grad.isfinite().all() for grad in grads)


def test_pan_pooling_is_handed_a_sparse_tensor():
    pytest.importorskip("torch_sparse")
    torch.manual_seed(0)
    assert Backbone(PANPooling, 2, 5, hidden=8)(batch()).shape == (4, 5)


@pytest.mark.parametrize("name", sorted({*TGP} & {"diff", "dmon", "mincut", "topk"}))
@pytest.mark.filterwarnings("ignore")
def test_graphs_at_the_end_that_a_layer_loses_are_rows_of_the_output(name):
    """Soft layers of torch-geometric-pool have no batch_size."""
    torch.manual_seed(0)
    none = Data(torch.empty(0, 2), torch.empty(2, 0).long())
    graphs = [Data(torch.randn(n, 2), _ring(n)) for n in (9, 4)]
    model = Backbone(TGP[name], 2, 5, hidden=8).eval()
    out, _ = outputs(model, Batch.from_data_list([graphs[0], none, graphs[1], none, none]))
    wanted, _ = outputs(model, Batch.from_data_list([graphs[0], none, graphs[1]]))
    torch.testing.assert_close(out[:3], wanted)
    torch.testing.assert_close(out[3:], out[1].expand(2, -1))


@pytest.mark.parametrize("name", TGP)
@pytest.mark.filterwarnings("ignore")
def test_layers_of_torch_geometric_pool_fit(name):
    make = TGP[name]
    torch.manual_seed(0)
    graphs = [Data(torch.randn(9, 2), _ring(9), y=torch.tensor([0])) for _ in range(3)]
    out, loss = outputs(Backbone(make, 2, 5, hidden=8, num_pools=1), Batch.from_data_list(graphs))
    assert out.shape == (3, 5)
    assert (out + loss).isfinite().all()

    for null in matched_nulls(make(8)):
        model = Backbone(make, 2, 5, hidden=8, num_pools=1)
        if null == "frozen" and next(model.pools[0].parameters(), None) is None:
            continue
        watched = WatchedNull(model, null, seed=0)
        watched.model(Batch.from_data_list(graphs))
        assert watched.uncalled() == []


def _ring(n):
    ring = torch.stack([torch.arange(n), torch.arange(1, n + 1) % n])
    return torch.cat([ring, ring.flip(0)], 1)


def test_convolution_is_the_same_end_to_end_and_padded():
    data, conv = batch(), Conv(2, 8).double()
    sparse = Graphs(data.x.double(), 4, data.edge_index[:, :-3], batch=data.batch)  # directed
    expected = conv.linear(sparse)
    found = conv.linear(sparse.dense())
    torch.testing.assert_close(found.x[found.mask], expected.x)
    assert not found.x[~found.mask].any()
    torch.testing.assert_close(mean_of_nodes(found), mean_of_nodes(expected))


def test_an_empty_graph_in_the_batch_reads_as_zero():
    graphs = Graphs(torch.ones(3, 2), 3, _ring(3), batch=torch.tensor([0, 0, 2]))
    for each in (graphs, graphs.dense()):
        assert mean_of_nodes(each).tolist() == [[1, 1], [0, 0], [1, 1]]


def test_normalised_features_are_the_same_end_to_end_and_padded():
    graphs = Graphs(torch.randn(7, 8).double(), 3, _ring(7), batch=torch.tensor([0] * 4 + [2] * 3))
    ours, padded = Norm(8).double(), Norm(8).double()
    expected, found = ours(graphs), padded(graphs.dense())
    torch.testing.assert_close(found.x[found.mask], expected.x)
    assert not found.x[~found.mask].any()
    torch.testing.assert_close(ours.state_dict(), padded.state_dict())
    whole = Graphs(torch.randn(2, 3, 8).double(), 2)  # all rows are nodes
    assert whole.x.flatten(0, 1).shape == ours(whole).x.flatten(0, 1).shape


def test_embeddings_have_about_unit_length():
    for channels in (16, 64, 256):
        x = Norm(channels)(Graphs(5 * torch.randn(400, channels) + 3, 1)).x.detach()
        assert x.norm(dim=1).mean() == pytest.approx(0.5**0.5, abs=0.1)
        assert (x >= 0).all()


def test_a_batch_of_one_node_is_trained_on():
    graph = Data(torch.ones(1, 2), torch.zeros(2, 0).long())
    for name in ("graclus", "mincut", "memory"):
        model = Backbone(OURS[name], 2, 5, hidden=8).train()
        out, _ = outputs(model, Batch.from_data_list([graph]))
        assert out.isfinite().all()


def test_it_is_convolutions_pools_a_convolution_and_a_readout():
    model = Backbone(lambda c: GraclusPool(seed=0), 2, 5, hidden=8, num_pools=3).eval()
    data = batch()
    edge_index, index = data.edge_index, data.batch

    def convolved(conv, x):
        return conv.norm.norm(conv(x, edge_index)).relu()

    x = convolved(model.first, data.x)
    *convs, last = model.convs
    for conv, pool in zip(convs, model.pools, strict=True):
        x = convolved(conv, x)
        x, edge_index, _, index, _ = pool(x, edge_index, batch=index)
    x = convolved(last, x)
    means = torch.stack([x[index == i].mean(0) for i in range(4)])
    torch.testing.assert_close(model(data), model.mlp(means))


def test_factories_may_differ_and_losses_add_up():
    model = Backbone([OURS["mincut"], OURS["random diff"]], 2, 5, hidden=8)
    assert [type(pool) for pool in model.pools] == [MinCutPool, RandomDiffPool]
    losses = []
    for pool in model.pools:
        pool.register_forward_hook(lambda _, __, out: losses.extend(out[2:]))
    _, auxiliary = model(batch())
    torch.testing.assert_close(auxiliary, torch.stack(losses).sum())


def test_a_single_graph_without_batch_is_a_batch_of_one():
    model = Backbone(TopKPooling, 2, 5, hidden=8)
    graph = batch()[2]
    assert model(graph).shape == (1, 5)
    assert copy.deepcopy(model)(Batch.from_data_list([graph])).shape == (1, 5)


class Widens(nn.Module):
    def forward(self, x, edge_index, batch):
        return torch.cat([x, x], 1), edge_index, batch


class Returns(nn.Module):
    def __init__(self, *out):
        super().__init__()
        self.out = out

    def forward(self, x, edge_index, batch):
        return self.out


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.ReLU(), r"layer.forward must name x .* got ReLU.forward\(input\)"),
        (Widens(), r"layer must keep the 8 channels of its nodes, got 16 from Widens"),
        (Returns(torch.ones(2, 8)), r"output of Returns must tell by batch which of 4 graphs"),
        (Returns(torch.ones(2, 8), torch.zeros(2, 0).long()), "output of Returns must tell by"),
        (Returns("x"), r"output of Returns must hold embeddings .*, got str"),
    ],
)
def test_layers_that_do_not_fit_are_named(layer, message):
    with pytest.raises(ValueError, match=message):
        Backbone(lambda _: layer, 2, 5, hidden=8)(batch())


def test_a_dense_layer_without_losses_keeps_its_adjacency():
    class Dense(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.lin = nn.Linear(channels, 3)

        def forward(self, x, adj, mask=None):
            s = self.lin(x).softmax(-1)
            return s.mT @ x, s.mT @ adj @ s

    model = Backbone(Dense, 2, 2, hidden=8, num_pools=2)
    assert model(batch()).shape == (batch().num_graphs, 2)
    graphs = Graphs(torch.randn(2, 5, 8), 2, torch.ones(2, 5, 5), mask=torch.ones(2, 5).bool())
    assert model.calls[0](model.pools[0], graphs).graphs.edges.shape == (2, 3, 3)


class HalvesEach(nn.Module):
    """Keeps every other node, and returns more than PyG's layers do, in another order."""

    def __init__(self, order):
        super().__init__()
        self.order = order

    def forward(self, x, edge_index, edge_attr, batch, mask):
        assert edge_attr is None
        assert mask is None
        perm = torch.arange(0, len(x), 2)
        edges, _ = subgraph(perm, edge_index, relabel_nodes=True, num_nodes=len(x))
        parts = {"loss": x.mean(), "perm": perm, "batch": batch[perm]}
        return x[perm], edges, *(parts[name] for name in self.order)


@pytest.mark.parametrize(
    "order", [("loss", "batch"), ("perm", "batch"), ("batch", "perm"), ("batch", "loss")]
)
def test_what_a_layer_returns_may_come_in_any_order(order):
    layer, data = HalvesEach(order), batch()
    graphs = Graphs(data.x, 4, data.edge_index, batch=data.batch)
    pooled = LayerCall(layer)(layer, graphs)
    assert torch.equal(pooled.graphs.batch, data.batch[::2])
    assert len(pooled.losses) == ("loss" in order)
    assert pooled.graphs.weight is None


def test_the_loss_that_a_memory_layer_offers_is_trained():
    torch.manual_seed(0)
    model = Backbone(OURS["memory"], 2, 5, hidden=8, num_pools=1)
    _, loss = model(batch())
    (s,) = (out[1] for out in kept(model.pools[0], model, batch()))
    torch.testing.assert_close(loss, model.pools[0].kl_loss(s))
    assert loss > 0


def kept(layer, model, data):
    """What a layer returns while the model runs."""
    found = []
    hook = layer.register_forward_hook(lambda module, args, out: found.append(out))
    model(data)
    hook.remove()
    return found
