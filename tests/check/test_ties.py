import pytest
import torch
from _helpers.any_layers import PAN, TGP
from _helpers.small_checks import CYCLES
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import SAGPooling, TopKPooling

from graphpool_sanity import GraclusPool
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.ties import tied_cuts
from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.training.protocol import Protocol, train


class Net(nn.Module):
    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, data):
        return self.pool(data.x, data.edge_index, batch=data.batch)[0]


def graphs(*features):
    edges = torch.zeros(2, 0, dtype=torch.long)
    return Batch.from_data_list([Data(torch.tensor(x).view(-1, 1), edges) for x in features])


def topk(**arguments):
    pool = TopKPooling(1, **arguments)
    nn.init.ones_(pool.select.weight)
    return Net(pool)


def test_a_cut_among_saturated_scores_of_nodes_that_differ_is_a_tie():
    """tanh of 20 and of 30 is 1 in single precision."""
    distinct, saturated, saturated_above = (
        [0.1, 0.2, 0.3, 0.4],
        [20.0, 30, 40, 50],
        [1.0, 2, 30, 40],
    )
    batch = graphs(distinct, saturated, saturated_above)
    assert tied_cuts(topk(), batch) == {"pool": 1 / 3}
    assert tied_cuts(topk(nonlinearity=nn.Identity()), batch) == {"pool": 0}


def test_equal_nodes_may_tie():
    assert tied_cuts(topk(), graphs([1.0, 1, 1, 1], [2.0, 1, 1, 0], [3.0])) == {"pool": 0}


def test_nothing_is_cut_where_all_is_kept():
    assert tied_cuts(topk(ratio=0.9), graphs([20.0, 30], [40.0, 50])) == {"pool": 0}


def test_what_ranks_no_nodes_is_left_out():
    assert tied_cuts(Net(GraclusPool()), graphs([1.0, 2])) == {}


RANKING = {"topk": TopKPooling, "sag": SAGPooling} | PAN
RANKING |= {f"{name} of tgp": TGP[name] for name in ("topk", "sag") if name in TGP}


@pytest.mark.parametrize("layer", RANKING)
@pytest.mark.filterwarnings("ignore")  # of tgp's package
def test_the_backbone_leaves_no_ties_where_scores_once_saturated(layer):
    digits = load_dataset("digits")
    test = Batch.from_data_list([digits.graphs[i] for i in range(200)])
    built = []

    def build(i, o):
        built.append(Backbone(RANKING[layer], i, o))
        return built[-1]

    train(build, digits, 0, Protocol(epochs=4, learning_rate=3e-3), device="cpu")
    shares = tied_cuts(built[-1].eval(), test)
    assert len(shares) == 2
    assert max(shares.values()) < 0.02


def test_the_model_and_the_random_state_stay_as_they_were():
    model = Backbone(TopKPooling, 2, 2, hidden=8)
    data = Batch.from_data_list([CYCLES.graphs[0]])
    state = torch.get_rng_state()
    tied_cuts(model, data)
    assert torch.equal(state, torch.get_rng_state())
    assert model.training
    assert not model.pools[0]._forward_hooks
