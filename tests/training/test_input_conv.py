import pytest
import torch
from torch_geometric.data import Data

from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.training.input_conv import InputConv


def test_plain_features_meet_a_plain_graph_convolution():
    data = Data(torch.randn(4, 3), torch.tensor([[0, 1, 2], [1, 2, 3]]), y=torch.tensor([0]))
    layer = InputConv(Benchmark("toy", [data], "classification", 2), 5)
    assert torch.equal(layer(data), layer.conv(data.x, data.edge_index))


def test_messages_hear_bonds():
    torch.manual_seed(0)
    data = Data(
        torch.tensor([[0, 1], [2, 0], [1, 1]]),
        torch.tensor([[0, 2], [1, 1]]),
        edge_attr=torch.tensor([[0], [3]]),
        y=torch.tensor([1.0]),
    )
    molecules = Benchmark("toy", [data], "binary", 1, node_categories=(3, 2), edge_categories=(4,))
    layer = InputConv(molecules, 6)
    atoms = layer.atoms.embeddings[0].weight[data.x[:, 0]]
    atoms = atoms + layer.atoms.embeddings[1].weight[data.x[:, 1]]
    bonds = layer.bonds.embeddings[0].weight[data.edge_attr[:, 0]]
    heard = (atoms[[0, 2]] + bonds).relu().sum(0)
    expected = layer.conv.lin_root(atoms[1]) + layer.conv.lin_rel(heard)
    torch.testing.assert_close(layer(data)[1], expected)

    layer(data).sum().backward()
    assert layer.bonds.embeddings[0].weight.grad[3].abs().sum() > 0


@pytest.mark.parametrize(
    "bonds",
    [torch.tensor([0.5, 2]), torch.tensor([[1.0, 2, 3], [4, 5, 6]]), torch.tensor([[-1], [7]])],
)
def test_messages_hear_numbers_of_edges(bonds):
    torch.manual_seed(0)
    edges = torch.tensor([[0, 2], [1, 1]])
    data = Data(torch.randn(3, 2), edges, edge_attr=bonds, y=torch.tensor([0]))
    layer = InputConv(Benchmark("toy", [data], "classification", 2), 5)
    told = bonds.float().view(2, -1) @ layer.bonds.weight.t() + layer.bonds.bias
    heard = (data.x[[0, 2]] + told).relu().sum(0)
    expected = layer.conv.lin_root(data.x[1]) + layer.conv.lin_rel(heard)
    torch.testing.assert_close(layer(data)[1], expected)
