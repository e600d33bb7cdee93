from functools import partial

import pytest
import torch
from torch import nn
from torch_geometric.data import Data

from graphpool_sanity.check.fingerprint import data_fingerprint, model_fingerprint


class Net(nn.Module):
    def __init__(self, rate=0.5, act=torch.relu, out=2):
        super().__init__()
        self.rate, self.act = rate, act
        self.lin = nn.Linear(3, out)
        self.generator = torch.Generator()

    def forward(self, x):
        return nn.functional.dropout(self.act(self.lin(x)), self.rate)


class Twice(Net):
    def forward(self, x):
        return 2 * super().forward(x)


def seeded(build, seed=0):
    torch.manual_seed(seed)
    return model_fingerprint(build())


def test_a_model_built_again_is_the_same():
    assert seeded(Net) == seeded(Net)
    assert len(seeded(Net)) == 16


@pytest.mark.parametrize(
    "other",
    [
        Twice,
        partial(Net, rate=0.4),
        partial(Net, act=torch.tanh),
        partial(Net, act=lambda x: x),
        partial(Net, act=partial(torch.clamp, min=0)),
        partial(Net, out=3),
        partial(nn.Sequential, Net()),
    ],
)
def test_whatever_makes_another_model_shows(other):
    assert seeded(other) != seeded(Net)


def test_other_initial_weights_show():
    assert seeded(Net, seed=1) != seeded(Net, seed=0)


def test_rounding_does_not():
    net = Net()
    before = model_fingerprint(net)
    with torch.no_grad():
        net.lin.weight.mul_(1 + 1e-7)
    assert model_fingerprint(net) == before


def test_classes_without_source_are_told_apart_by_their_code():
    def define(body):
        space = {"nn": nn, "__name__": "own"}
        exec(f"class Own(nn.Module):\n    def forward(self, x):\n        return {body}", space)
        return space["Own"]()

    assert model_fingerprint(define("x + 1")) == model_fingerprint(define("x + 1"))
    assert model_fingerprint(define("x + 1")) != model_fingerprint(define("x + 2"))
    assert model_fingerprint(define("x + 1")) != model_fingerprint(define("x.exp()"))


def graph(**changes):
    fields = {"x": torch.ones(2, 1), "edge_index": torch.tensor([[0], [1]]), "y": torch.zeros(1)}
    return Data(**fields | changes)


@pytest.mark.parametrize(
    "other",
    [
        [graph(x=torch.zeros(2, 1))],
        [graph(x=torch.ones(1, 2))],
        [graph(edge_index=torch.tensor([[1], [0]]))],
        [graph(y=torch.ones(1))],
        [graph(edge_attr=torch.ones(1, 2))],
        [graph(), graph()],
        [],
    ],
)
def test_other_graphs_show(other):
    assert data_fingerprint(other) != data_fingerprint([graph()])
    assert data_fingerprint([graph()]) == data_fingerprint([graph()])


@pytest.mark.parametrize(
    "more",
    [
        {"pos": torch.zeros(2, 3)},
        {"pos": torch.ones(2, 3)},
        {"scale": 2.0},
        {"adj_t": torch.eye(2).to_sparse_csr()},
        {"adj_t": torch.eye(2).to_sparse()},
    ],
)
def test_whatever_else_the_graphs_have_shows(more):
    own = {"x": torch.ones(2, 1), "edge_index": torch.tensor([[0], [1]])}
    graph, other = Data(**own), Data(**own, **more)
    assert data_fingerprint([other]) == data_fingerprint([other.clone()])
    assert data_fingerprint([other]) != data_fingerprint([graph])
    assert data_fingerprint([other]) != data_fingerprint([Data(**own, pos=torch.full((2, 3), 2.0))])
