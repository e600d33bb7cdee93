"""What is refused, and how a layer is given a null."""

import sys

import pytest
import torch
from _helpers.null_layers import F, K
from torch import nn
from torch_geometric.nn import MeanAggregation

from graphpool_sanity import (
    GraclusPool,
    MemoryPool,
    matched_nulls,
    randomize,
    register_null,
)
from graphpool_sanity.nulls import registry


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    known = {kind: dict(nulls) for kind, nulls in registry._NULLS.items()}
    monkeypatch.setattr(registry, "_NULLS", known)


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


def test_a_pooling_layer_that_chooses_nothing_is_refused():
    assert matched_nulls(HomemadePooling()) == ["scores", "shuffle"]
    null = randomize(nn.Sequential(nn.ModuleList([HomemadePooling()])))
    with pytest.raises(ValueError, match=r"layer HomemadePooling has no null: no call .*register"):
        null[0][0](torch.ones(3, 2), torch.zeros(2, 0).long())
    message = "layer must be a pooling layer that is known, got Linear"
    with pytest.raises(ValueError, match=message):
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


@pytest.mark.parametrize("model", [None, GraclusPool, {"pool": GraclusPool()}])
def test_what_is_no_module_is_refused(model):
    with pytest.raises(ValueError, match=r"^model must be a torch.nn.Module, got"):
        randomize(model)


@pytest.mark.parametrize("layer", [None, "GraclusPool", (GraclusPool, GraclusPool())])
def test_a_null_is_named_for_a_class(layer):
    with pytest.raises(ValueError, match=r"^layer must be a class, or several, got"):
        register_null(layer, "random")(lambda layer, seed: layer)


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


def test_several_classes_share_a_null():
    class One(nn.Module):
        pass

    class Other(nn.Module):
        pass

    register_null((One, Other), "shared")(lambda layer, seed: nn.Identity())
    register_null(Other, "own")(lambda layer, seed: nn.Identity())
    assert matched_nulls(One()) == ["shared"]
    assert matched_nulls(Other()) == ["shared", "own"]
