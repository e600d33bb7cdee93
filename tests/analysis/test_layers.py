import pytest
from torch import nn
from torch_geometric.nn import SAGPooling, SumAggregation, TopKPooling

from graphpool_sanity import DiffPool, GraclusPool, MemoryPool
from graphpool_sanity.analysis.layers import chosen_layers


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
    found = chosen_layers(model)
    assert list(found) == ["deep.pools.0", "deep.pools.1", "last"]
    assert list(found.values()) == list(pools)


def test_of_nested_layers_the_outermost_is_taken():
    inner = TopKPooling(2)
    outer = NetWithPool(inner=inner)
    assert chosen_layers(Block(outer=outer)) == {"outer": outer}
    assert chosen_layers(outer) == {"inner": inner}  # a model is looked into


def test_a_layer_by_itself():
    pool = SAGPooling(2)
    assert chosen_layers(pool) == {"SAGPooling": pool}
    assert chosen_layers(pool, [pool]) == {"SAGPooling": pool}


def test_a_layer_at_two_places_is_one():
    pool = GraclusPool()
    model = Block(a=Block(pool=pool), b=Block(pool=pool))
    assert chosen_layers(model) == {"a.pool": pool}
    assert chosen_layers(model, [pool, "a.pool"]) == {"a.pool": pool}


def test_any_module_may_be_named_or_given():
    model = Block(conv=nn.Linear(2, 2), pool=GraclusPool())
    assert chosen_layers(model, ["conv"]) == {"conv": model.conv}
    assert chosen_layers(model, [model.pool, "conv"]) == {"pool": model.pool, "conv": model.conv}


@pytest.mark.parametrize("layer", ["pools", GraclusPool(), None])
def test_what_is_not_in_the_model_is_refused(layer):
    with pytest.raises(ValueError, match="layers must be modules of the model or their names"):
        chosen_layers(Block(pool=GraclusPool()), [layer])


def test_a_model_without_pooling_is_refused():
    with pytest.raises(ValueError, match="model must have a pooling layer, got Block without any"):
        chosen_layers(Block(conv=nn.Linear(2, 2)))
