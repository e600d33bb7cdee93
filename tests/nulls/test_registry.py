"""What every null promises, and how a model gets it."""

import copy
import pickle
import sys

import pytest
import torch
from null_layers import HOSTILE, LAYERS, PAIRS, F, K, X, call, layer, pairs, same
from torch import nn
from torch_geometric.nn import GraphConv, MeanAggregation
from torch_geometric.nn import Sequential as GraphSequential

from graphpool_sanity import (
    ComplementGraclusPool,
    DiffPool,
    GraclusPool,
    MemoryPool,
    MinCutPool,
    RandomMatchingPool,
    matched_nulls,
    randomize,
    register_null,
)
from graphpool_sanity.nulls import registry

every_pair = pairs()
drawn = pairs(lambda name, null: null != "none")


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    known = {kind: dict(nulls) for kind, nulls in registry._NULLS.items()}
    monkeypatch.setattr(registry, "_NULLS", known)


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


# Any layer and any of its nulls


@drawn
def test_a_null_follows_from_its_seed_alone(name, null):
    pool, state = layer(name), torch.get_rng_state()
    first, again, *others = (randomize(pool, null, seed) for seed in (3, 3, 4, 5, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert same(call(first, name), call(again, name))
    assert not all(same(call(first, name), call(other, name)) for other in others)
    assert not all(same(call(first, name), call(p, name)) for p in (pool, *others))
    first.train()
    again.train()
    assert same(call(first, name), call(again, name))
    assert torch.equal(torch.get_rng_state(), state)


@drawn
def test_without_a_seed_it_follows_from_the_global_generator(name, null):
    pool = layer(name)
    torch.manual_seed(1)
    first, *others = (randomize(pool, null) for _ in range(4))
    torch.manual_seed(1)
    assert same(call(randomize(pool, null), name), call(first, name))
    assert not all(same(call(first, name), call(other, name)) for other in others)


@every_pair
def test_the_layer_is_left_as_it_was(name, null):
    pool = layer(name)
    state, wanted = copy.deepcopy(pool.state_dict()), call(pool, name)
    other = randomize(pool, null, 0)
    for p in other.parameters():
        p.data.zero_()
    assert same(call(pool, name), wanted)
    assert pool.state_dict().keys() == state.keys()
    assert all(torch.equal(state[key], value) for key, value in pool.state_dict().items())
    assert all(p.requires_grad for p in pool.parameters())
    assert repr(pool) == repr(layer(name))


@every_pair
def test_a_null_can_be_copied_kept_and_loaded_into_one_of_another_seed(name, null):
    pool = layer(name)
    first, other = randomize(pool, null, 1), randomize(pool, null, 2)
    wanted = call(first, name)
    other.load_state_dict(first.state_dict())
    for twin in (other, copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert same(call(twin, name), wanted)


@every_pair
@pytest.mark.parametrize("training", [True, False])
def test_mode_and_type_are_those_of_the_layer(name, null, training):
    pool = layer(name).train(training).to(torch.bfloat16)
    other = randomize(pool, null, 0)
    assert all(module.training == training for module in other.modules())
    for t in (*other.parameters(), *other.buffers()):
        assert t.dtype in (torch.bfloat16, torch.long)


@every_pair
def test_what_does_not_learn_still_does_not(name, null):
    pool = layer(name).requires_grad_(False)
    assert not any(p.requires_grad for p in randomize(pool, null, 0).parameters())


@every_pair
@pytest.mark.parametrize("second", ["auto", "shuffle", "none"])
def test_a_null_of_a_null_is_a_null(name, null, second):
    once = randomize(layer(name), null, 1)
    if second != "auto" and second not in matched_nulls(once):
        with pytest.raises(ValueError, match="null must be"):
            randomize(once, second, 2)
        return
    twice = randomize(once, second, 2)
    out = call(twice, name)
    assert all(t.isfinite().all() for t in out if t.is_floating_point())
    if second == "none":
        assert same(out, call(randomize(layer(name), "none", 0), name))


@every_pair
def test_all_nulls_run_in_training_and_backward(name, null):
    pool = randomize(layer(name), null, 0).train()
    x = X.clone().requires_grad_()
    for _ in range(2):
        out = call(pool, name, x)
        sum(t.sum() for t in out if t.is_floating_point() and t.requires_grad).backward()
    assert x.grad.isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every_pair
def test_nulls_give_on_cuda_what_they_give_on_the_cpu(name, null):
    wanted = call(randomize(layer(name), null, 0), name)
    found = randomize(layer(name).to("cuda"), null, 0)
    assert all(t.is_cuda for t in (*found.parameters(), *found.buffers()))
    graphs = HOSTILE._replace(
        edge_index=HOSTILE.edge_index.to("cuda"), batch=HOSTILE.batch.to("cuda")
    )
    for a, b in zip(call(found, name, X.to("cuda"), graphs), wanted, strict=True):
        torch.testing.assert_close(a.cpu(), b)


# Models


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
        "Matching(match_random)",
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


@every_pair
def test_a_model_that_is_a_pooling_layer_becomes_its_null(name, null):
    alone = randomize(layer(name), null, 0)
    inside = randomize(nn.Sequential(layer(name)), null, 0)[0]
    assert same(call(alone, name), call(inside, name))


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


# Refusals


class HomemadePooling(nn.Module):
    def forward(self, x, edge_index):
        return x, edge_index


class SortPool(MeanAggregation):
    """A readout by another name."""


class BlockPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = GraclusPool(seed=0)


@pytest.mark.parametrize(
    "model", [nn.Linear(2, 2), nn.Sequential(), nn.Sequential(nn.MaxPool1d(2), SortPool())]
)
def test_a_model_without_pooling_is_refused(model):
    message = f"model must have a pooling layer, got {type(model).__name__} without any"
    with pytest.raises(ValueError, match=message):
        randomize(model)


def test_a_pooling_layer_that_is_not_known_is_refused():
    message = r"layer must be a pooling layer that is known, got HomemadePooling; .*register_null"
    with pytest.raises(ValueError, match=message):
        matched_nulls(HomemadePooling())
    with pytest.raises(ValueError, match=message):
        randomize(nn.Sequential(GraclusPool(), nn.ModuleList([HomemadePooling()])))
    with pytest.raises(ValueError, match=r"got Linear"):
        matched_nulls(nn.Linear(2, 2))


def test_readouts_are_left_and_modules_around_known_layers_are_entered():
    null = randomize(nn.ModuleList([BlockPool(), SortPool()]), "complement", 0)
    assert repr(null[0].pool.select) == "Matching(match_complement)"
    assert type(null[1]) is SortPool


@pytest.mark.parametrize("null", ["distance", "Shuffle", "", None])
def test_a_null_that_a_layer_does_not_have_is_refused(null):
    model = nn.ModuleList([MemoryPool(F, F, 2, K), GraclusPool()])
    message = r"null must be 'auto' or one that .* has \(.*none\), got " + repr(null)
    with pytest.raises(ValueError, match=message):
        randomize(model, null)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "0"])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match=r"^seed must be None or an int"):
        randomize(GraclusPool(), seed=seed)


# Registering


class Homemade(GraclusPool):
    """A layer of a user, derived from a known one."""


def test_a_subclass_has_its_own_nulls_first_and_then_those_of_its_base():
    assert matched_nulls(Homemade()) == matched_nulls(GraclusPool())
    assert type(randomize(Homemade(), "complement", 0)) is Homemade

    @register_null(Homemade, "mine")
    @register_null(Homemade, "random")
    def mine(layer, seed):
        return nn.Identity()

    assert matched_nulls(Homemade()) == ["random", "mine", "complement", "shuffle", "none"]
    assert isinstance(randomize(Homemade()), nn.Identity)
    assert "mine" not in matched_nulls(GraclusPool())
    assert isinstance(mine(None, 0), nn.Identity)


def test_a_name_that_comes_again_replaces_its_null_in_its_place():
    order = matched_nulls(GraclusPool())
    register_null(GraclusPool, "random")(lambda layer, seed: nn.Identity())
    assert matched_nulls(GraclusPool()) == order
    assert isinstance(randomize(GraclusPool(), "random"), nn.Identity)


def test_what_a_null_adds_takes_type_and_mode_and_its_chance_from_the_seed():
    class Scored(HomemadePooling):
        def __init__(self):
            super().__init__()
            self.score = nn.Linear(2, 1)

    @register_null(Scored, "random")
    def other_scores(layer, seed):
        layer.noise = nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))  # from the global generator
        return layer

    model, state = Scored().half().eval(), torch.get_rng_state()
    model.score.weight.requires_grad_(False)
    first, again, other = (randomize(model, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.noise[0].weight, again.noise[0].weight)
    assert not torch.equal(first.noise[0].weight, other.noise[0].weight)
    assert first.noise[0].weight.dtype == first.noise[1].running_mean.dtype == torch.half
    assert first.noise[1].num_batches_tracked.dtype == torch.long
    assert not any(module.training for module in first.modules())
    assert first.noise[0].weight.requires_grad
    assert not first.score.weight.requires_grad


def test_a_null_may_wrap_the_layer():
    class Wrapped(nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.layer = layer

    @register_null(HomemadePooling, "wrap")
    def wrap(layer, seed):
        return Wrapped(layer)

    shared = nn.Sequential(HomemadePooling())
    null = randomize(nn.ModuleList([shared, shared, shared[0]]), "wrap", 0)
    assert null[0] is null[1]
    assert null[0][0] is null[2]
    assert type(null[2].layer) is HomemadePooling
    assert len(list(null.modules())) == 4


def test_nulls_of_other_packages_come_when_the_first_layer_is_met(monkeypatch, tmp_path):
    (tmp_path / "late_nulls.py").write_text(
        "from torch import nn\n"
        "from late_package import Layer\n"
        "from graphpool_sanity import register_null\n"
        "register_null(Layer, 'none')(lambda layer, seed: nn.Identity())\n"
    )
    (tmp_path / "late_package.py").write_text(
        "from torch import nn\nclass Layer(nn.Module):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_PROVIDERS", {"late_package": "late_nulls"})
    randomize(GraclusPool(), seed=0)
    assert "late_nulls" not in sys.modules
    from late_package import Layer

    register_null(Layer, "mine")(lambda layer, seed: nn.Flatten())  # ours come first all the same
    assert matched_nulls(Layer()) == ["none", "mine"]
    assert isinstance(randomize(nn.Sequential(Layer()))[0], nn.Identity)
    for module in ("late_nulls", "late_package"):
        monkeypatch.delitem(sys.modules, module)


def test_every_layer_of_ours_has_nulls():
    assert {name for name, _ in PAIRS} == set(LAYERS)
    assert {GraclusPool, RandomMatchingPool, DiffPool, MinCutPool} <= set(registry._NULLS)
