"""What edges have reaches the layers that take it, whatever its width and type."""

import pytest
import torch
import torch_geometric.nn as pyg
from _helpers.any_layers import OURS
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.utils import erdos_renyi_graph

from graphpool_sanity.check.backbone import Backbone

LAYERS = {
    **OURS,
    "topk": pyg.TopKPooling,
    "sag": pyg.SAGPooling,
    "asap": pyg.ASAPooling,
    "pan": lambda channels: pyg.PANPooling(channels),
    "edge": pyg.EdgePooling,
}
ATTRIBUTES = {
    "one number": lambda size: torch.randn(size),
    "a column": lambda size: torch.randn(size, 1),
    "numbers": lambda size: torch.randn(size, 4),
    "doubles": lambda size: torch.rand(size).double(),
    "categories": lambda size: torch.randint(0, 3, (size, 3)),
    "a category": lambda size: torch.randint(0, 3, (size,)),
}


def batch(attribute, key="edge_attr"):
    torch.manual_seed(0)
    graphs = []
    for _ in range(3):
        edges = erdos_renyi_graph(9, 0.4)
        graph = Data(torch.rand(9, 2), edges)
        graph[key] = attribute(edges.size(1))
        graphs.append(graph)
    return Batch.from_data_list(graphs)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("name", LAYERS)
def test_any_layer_takes_graphs_with_any_attribute_of_edges(name, attribute):
    if name == "pan":  # which takes a SparseTensor
        pytest.importorskip("torch_sparse")
    out = Backbone(LAYERS[name], 2, 5, hidden=8)(batch(ATTRIBUTES[attribute]))
    out = out[0] if isinstance(out, tuple) else out
    assert out.shape == (3, 5)
    assert out.isfinite().all()


class Takes(nn.Module):
    def forward(self, x, edge_index, edge_attr, batch):
        self.taken = edge_attr
        return x, edge_index, edge_attr, batch


class TakesWeight(nn.Module):
    def forward(self, x, edge_index, edge_weight=None, batch=None):
        self.taken = edge_weight
        return x, edge_index, edge_weight, batch


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_attributes_are_handed_over_as_they_are_and_weights_only_where_they_are_some(attribute):
    data = batch(ATTRIBUTES[attribute])
    for layer, as_it_is in ((Takes, True), (TakesWeight, False)):
        model = Backbone(lambda channels, layer=layer: layer(), 2, 5, hidden=8, num_pools=2)
        model(data)
        for pool in model.pools:
            if as_it_is:
                torch.testing.assert_close(pool.taken, data.edge_attr, check_dtype=False)
            elif data.edge_attr.is_floating_point() and data.edge_attr.numel() == data.num_edges:
                torch.testing.assert_close(pool.taken, data.edge_attr.float().view(-1))
            else:
                assert pool.taken is None


def test_weights_come_before_attributes():
    data = batch(ATTRIBUTES["one number"], "edge_weight")
    data.edge_attr = torch.randn(data.num_edges, 4)
    model = Backbone(lambda channels: Takes(), 2, 5, hidden=8)
    model(data)
    assert torch.equal(model.pools[0].taken, data.edge_weight)
