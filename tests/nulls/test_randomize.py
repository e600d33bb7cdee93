"""How a whole model gets its nulls."""

import copy
import pickle
from types import SimpleNamespace

import pytest
import torch
from _helpers import featured
from _helpers.null_layers import HOSTILE, F, K, X
from torch import nn
from torch_geometric.nn import GraphConv, global_mean_pool
from torch_geometric.nn import Sequential as GraphSequential

from graphpool_sanity import (
    ComplementGraclusPool,
    GraclusPool,
    MemoryPool,
    MinCutPool,
    randomize,
)
from graphpool_sanity.testing import assert_batch_invariant


class Net(nn.Module):
    """Convolutions between pooling layers, one of them used twice."""

    def __init__(self):
        super().__init__()
        self.first = GraphConv(F, F)
        self.pools = nn.ModuleList([GraclusPool(seed=1), ComplementGraclusPool(seed=2)])
        self.inner = nn.ModuleDict({"norm": nn.BatchNorm1d(F), "pool": GraclusPool(seed=3)})
        self.again = self.pools[0]
        self.memory = MemoryPool(F, 2, 2, K)

    def forward(self, x, edge_index, batch):
        x = self.inner["norm"](self.first(x, edge_index)).relu()
        for pool in (*self.pools, self.again, self.inner["pool"]):
            x, edge_index, _, batch, _ = pool(x, edge_index, batch=batch)
        return self.memory(x, batch)[0]


def net(seed=0):
    torch.manual_seed(seed)
    return Net().double().eval()


def answer(model):
    return model(X, HOSTILE.edge_index, HOSTILE.batch)


def test_every_pooling_layer_of_a_model_is_replaced_and_nothing_else():
    model = net()
    null = randomize(model, "none", 0)
    assert [type(m) for m in null.pools] == [GraclusPool, ComplementGraclusPool]
    assert torch.equal(null.pools[1](X, HOSTILE.edge_index, batch=HOSTILE.batch).x, X)
    weights, own = dict(null.named_parameters()), dict(model.named_parameters())
    gone = {"memory.k", "memory.conv.weight"}  # those of the selection
    assert own.keys() - weights.keys() == gone
    for key in weights:
        assert torch.equal(weights[key], own[key])
        assert weights[key].data_ptr() != own[key].data_ptr()
    assert answer(null).shape == answer(model).shape


def test_auto_takes_the_most_telling_null_of_each_layer():
    null = randomize(net(), seed=0)
    shown = [repr(pool.select) for pool in (*null.pools, null.inner["pool"])]
    assert shown == [
        "Matching(match_complement)",
        "Matching(match_edges)",
        "Matching(match_complement)",
    ]
    assert "KeyDistance" in repr(null.memory)


def test_a_layer_used_twice_has_one_null():
    null = randomize(net(), seed=0)
    assert null.again is null.pools[0]
    assert null.again is not null.inner["pool"]


@pytest.mark.parametrize("container", [nn.ModuleList, lambda two: nn.Sequential(*two)])
def test_a_layer_named_twice_in_one_module_has_one_null(container):
    pool = MemoryPool(F, F, 2, K)
    null = randomize(container([pool, pool]), "random", 0)
    assert null[0] is null[1]
    assert type(null[0]).__name__ == "RandomMemoryPool"


def test_a_layer_in_a_container_used_twice_has_one_null():
    inner = nn.Sequential(MemoryPool(F, F, 2, K))
    null = randomize(nn.ModuleList([inner, nn.ModuleDict({"inner": inner})]), "distance", 0)
    assert null[0] is null[1]["inner"]
    assert type(null[0][0]).__name__ == "DistanceMemoryPool"


def test_layers_of_one_model_draw_apart():
    pools = randomize(nn.ModuleList([GraclusPool(seed=0) for _ in range(4)]), "random", 0)
    seeds = {pool.select.seed.item() for pool in pools}
    assert len(seeds) == 4
    assert 0 not in seeds
    fewer = randomize(nn.ModuleList([GraclusPool(seed=0) for _ in range(2)]), "random", 0)
    assert [p.select.seed for p in fewer] == [p.select.seed for p in pools[:2]]


def test_models_of_pyg_are_entered():
    model = GraphSequential(
        "x, edge_index, batch",
        [
            (GraphConv(F, F), "x, edge_index -> x"),
            (GraclusPool(seed=0), "x, edge_index -> x, edge_index, attr, batch, cluster"),
            (nn.ReLU(), "x -> x"),
        ],
    ).double()
    null = randomize(model, "none", 0)
    x = model[0](X, HOSTILE.edge_index)
    assert len(null(X, HOSTILE.edge_index, HOSTILE.batch)) == len(x)
    assert len(model(X, HOSTILE.edge_index, HOSTILE.batch)) < len(x)


def test_whole_models_follow_from_the_seed_and_travel():
    model, state = net(), torch.get_rng_state()
    first, again, other = (randomize(model, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    wanted = answer(first)
    assert torch.equal(answer(again), wanted)
    assert not torch.equal(answer(other), wanted)
    other.load_state_dict(first.state_dict())
    for twin in (other, copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert torch.equal(answer(twin), wanted)
    assert twin.again is twin.pools[0]


def test_modes_of_parts_are_kept():
    model = net().train()
    model.inner["norm"].eval()
    model.pools[1].eval()
    null = randomize(model, "none", 0)
    assert null.training
    assert not null.inner["norm"].training
    assert not any(module.training for module in null.pools[1].modules())
    assert all(module.training for module in null.pools[0].modules())


def test_modes_and_types_of_what_a_null_keeps_are_kept():
    network = nn.Sequential(nn.Linear(F, K), nn.BatchNorm1d(K))
    pool = MinCutPool(F, K, network).train()
    network[1].double().eval()
    pool.select.note = nn.Linear(1, 1).half()
    null = randomize(pool, "shuffle", 0)
    norm = null.select.select.network[1]
    assert null.select.select.network.training
    assert not norm.training
    assert norm.weight.dtype == torch.double
    assert null.select.select.note.weight.dtype == torch.half


def test_hooks_and_attributes_of_an_exchanged_layer_stay():
    seen = []
    pool = GraclusPool(seed=0)
    pool.note = "mine"
    pool.register_forward_hook(lambda module, args, out: seen.append(module))
    null = randomize(pool, "complement", 0)
    null(X, HOSTILE.edge_index, batch=HOSTILE.batch)
    assert seen == [null]
    assert null.note == "mine"


def test_a_layer_is_replaced_wherever_the_model_refers_to_it():
    class Refers(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool = MemoryPool(F, F, 2, K)
            self.stages = [("memory", self.pool)]
            self.run = self.pool.forward

    null = randomize(Refers(), "random", 0)
    assert null.stages[0][1] is null.pool
    assert null.run.__self__ is null.pool
    assert type(null.pool).__name__ == "RandomMemoryPool"


def test_what_a_layer_shares_with_its_model_stays_shared():
    model = nn.ModuleDict({"pool": MinCutPool(F, K, nn.Linear(F, K))})
    model["scores"] = model["pool"].select.network
    null = randomize(model, "shuffle", 0)
    assert null["scores"] is null["pool"].select.select.network
    assert null["scores"] is not model["scores"]


class Remembers(nn.Module):
    """Keeps what it saw in the last pass, to be looked at."""

    def __init__(self):
        super().__init__()
        self.lin, self.pool = nn.Linear(F, F), GraclusPool(seed=0)
        self.seen = {"attention": [], "last": None}

    def forward(self, x, edge_index, batch):
        x = self.lin(x)
        self.score = x.mean(1)
        self.seen["attention"].append((x, SimpleNamespace(h=x.relu())))
        x, _, _, batch, _ = self.pool(x, edge_index, batch=batch)
        return global_mean_pool(x, batch)


def test_a_model_that_keeps_tensors_of_its_last_pass_is_copied():
    model = Remembers().double()
    model(X, HOSTILE.edge_index, HOSTILE.batch).sum().backward()
    assert model.score.grad_fn is not None
    null = randomize(model, "complement", 0)
    assert null.score.grad_fn is None
    assert torch.equal(null.score, model.score)
    kept, copied = (m.seen["attention"][0] for m in (model, null))
    for mine, theirs in ((copied[0], kept[0]), (copied[1].h, kept[1].h), (null.score, model.score)):
        assert mine.grad_fn is None
        assert torch.equal(mine, theirs)
    null(X, HOSTILE.edge_index, HOSTILE.batch).sum().backward()
    assert null.lin.weight.grad is not None
    assert_batch_invariant(model.eval(), featured.BATCH)


def test_each_of_many_kept_tensors_is_copied_as_itself():
    model = nn.Sequential(GraclusPool(seed=0))
    weight = torch.ones((), requires_grad=True)
    model.kept = [i * weight for i in range(50)]
    model.same = model.kept[7]
    null = randomize(model, "random", 0)
    assert [int(one) for one in null.kept] == list(range(50))
    assert null.same is null.kept[7]
