import pytest
import torch
from torch import nn
from torch_geometric.nn import GraphUNet, SAGPooling, SumAggregation, TopKPooling

from graphpool_sanity import DiffPool, GraclusPool, MemoryPool, randomize
from graphpool_sanity.analysis import record_activations
from graphpool_sanity.nulls import registry
from graphpool_sanity.nulls.registry import pooling_layers, shared_nulls


class Block(nn.Module):
    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)


class NetWithPool(Block):
    """A model, for all its name."""


class GlobalPooling(SumAggregation):
    """An aggregation, for all its name."""


def test_pooling_layers_are_found_at_any_depth_in_order():
    pools = GraclusPool(), MemoryPool(2, 2, 1, 2), DiffPool(2, 2)
    model = Block(
        conv=nn.Conv2d(1, 1, 1),
        image=nn.MaxPool2d(2),
        readout=GlobalPooling(),
        deep=Block(pools=nn.ModuleList(pools[:2])),
        last=pools[2],
    )
    found = pooling_layers(model)
    assert list(found) == ["deep.pools.0", "deep.pools.1", "last"]
    assert list(found.values()) == list(pools)


def test_what_has_a_known_layer_inside_is_looked_into():
    inner = TopKPooling(2)
    outer = NetWithPool(inner=inner)
    assert pooling_layers(Block(outer=outer)) == {"outer.inner": inner}
    assert pooling_layers(outer) == {"inner": inner}


def test_a_layer_by_itself():
    pool = SAGPooling(2)
    assert pooling_layers(pool) == {"": pool}
    assert pooling_layers(pool, [pool]) == {"": pool}


class SAGPoolingLayer(nn.Linear):
    """A pooling layer of research code, by its name."""


class Unpool(nn.Linear):
    pass


class KnnUnpooling(nn.Linear):
    pass


class global_pool(nn.Linear):  # noqa: N801  (as research code has it)
    pass


class GlobalMeanPool(nn.Linear):
    pass


class Coarsen(nn.Linear):
    """A layer with a null, whatever it is called."""


def test_a_name_that_ends_in_pool_is_neither_enough_nor_needed(monkeypatch):
    monkeypatch.setattr(registry, "_NULLS", {k: dict(v) for k, v in registry._NULLS.items()})
    registry.register_null(Coarsen, "none")(lambda layer, seed: layer)
    others = [Unpool(1, 1), KnnUnpooling(1, 1), global_pool(1, 1), GlobalMeanPool(1, 1)]
    pools = [SAGPoolingLayer(1, 1), Coarsen(1, 1), TopKPooling(2)]
    found = pooling_layers(nn.ModuleList([*others, *pools]))
    assert list(found.values()) == pools


def test_a_graph_u_net_is_randomized_and_looked_into():
    net = GraphUNet(4, 4, 2, depth=2)
    net.unpool, net.readout = Unpool(1, 1), global_pool(4, 1)
    assert list(pooling_layers(net)) == ["pools.0", "pools.1"]
    null = randomize(net, "random", 0)
    x, edges = torch.randn(6, 4), torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
    assert null(x, edges).shape == (6, 2)
    shares = record_activations(net, (x, edges)).homogeneity()
    assert list(shares) == [f"{when} pools.{i}" for i in (0, 1) for when in ("before", "after")]


def test_the_user_says_which_are_meant():
    model = Block(first=TopKPooling(2), second=GraclusPool(), other=SAGPoolingLayer(1, 1))
    with pytest.raises(ValueError, match=r"layer SAGPoolingLayer has no null: .* say by layers"):
        randomize(model).other(torch.ones(3, 1))
    for layers in (["second"], "second", GraclusPool, [GraclusPool], model.second):
        null = randomize(model, "complement", 0, layers)
        assert repr(null.second.select) == "Matching(match_complement)"
        assert repr(null.first) == repr(model.first)
    assert pooling_layers(model, [nn.Linear]) == {"other": model.other}
    assert shared_nulls(model, ["first"]) == ["random", "shuffle", "frozen", "none"]
    with pytest.raises(ValueError, match="layers must name a module or more, got none"):
        randomize(model, layers=[])


def test_a_layer_at_two_places_is_one():
    pool = GraclusPool()
    model = Block(a=Block(pool=pool), b=Block(pool=pool))
    assert pooling_layers(model) == {"a.pool": pool}
    assert pooling_layers(model, [pool, "a.pool"]) == {"a.pool": pool}


def test_any_module_may_be_named_or_given():
    model = Block(conv=nn.Linear(2, 2), pool=GraclusPool())
    assert pooling_layers(model, ["conv"]) == {"conv": model.conv}
    assert pooling_layers(model, [model.pool, "conv"]) == {"pool": model.pool, "conv": model.conv}


@pytest.mark.parametrize("layer", ["pools", GraclusPool(), None])
def test_what_is_not_in_the_model_is_refused(layer):
    with pytest.raises(
        ValueError, match="layers must be modules of the model, their names or their classes"
    ):
        pooling_layers(Block(pool=GraclusPool()), [layer])


def test_a_model_without_pooling_is_refused():
    with pytest.raises(ValueError, match="model must have a pooling layer, got Block without any"):
        pooling_layers(Block(conv=nn.Linear(2, 2)))
