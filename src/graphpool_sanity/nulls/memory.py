"""The nulls of memory pooling: distances to fixed keys, or an assignment without keys."""

import torch
from torch import nn

from graphpool_sanity.nulls.frozen import Frozen
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.nulls.replace import check_method
from graphpool_sanity.pools.memory_pool import (
    DistanceMemoryPool,
    MemoryPool,
    RandomMemoryPool,
    _KeyMemoryPool,
    _MemoryPool,
)
from graphpool_sanity.select.hashed import (
    HashedAssignment,
    ShuffledAssignment,
    UniformAssignment,
)


@register_null(MemoryPool, "distance")
def _distance(layer: MemoryPool, seed: int) -> nn.Module:
    check_method(layer, _MemoryPool, "forward")
    sizes = layer.in_channels, layer.out_channels, layer.heads, layer.num_clusters
    null = DistanceMemoryPool(*sizes, seed=seed)
    null.lin, null.conv = layer.lin, layer.conv
    return null


@register_null((MemoryPool, DistanceMemoryPool), "random")
def _random(layer: _MemoryPool, seed: int) -> nn.Module:
    return _without_keys(layer, HashedAssignment(layer.num_clusters, "uniform", seed))


@register_null((MemoryPool, DistanceMemoryPool, RandomMemoryPool), "shuffle")
def _shuffle(layer: _MemoryPool, seed: int) -> nn.Module:
    layer.select = ShuffledAssignment(layer.select, seed)
    return layer


@register_null((MemoryPool, DistanceMemoryPool), "frozen")
def _frozen(layer: _KeyMemoryPool, seed: int) -> nn.Module:
    fresh = MemoryPool(layer.in_channels, layer.out_channels, layer.heads, layer.num_clusters)
    with torch.no_grad():
        for own, drawn in ((layer.k, fresh.k), (layer.conv.weight, fresh.conv.weight)):
            if isinstance(own, nn.Parameter):  # the keys of DistanceMemoryPool are none
                own.requires_grad_(False).copy_(drawn)
    layer.select = Frozen(layer.select)
    return layer


@register_null((MemoryPool, DistanceMemoryPool, RandomMemoryPool), "none")
def _none(layer: _MemoryPool, seed: int) -> nn.Module:
    return _without_keys(layer, UniformAssignment(layer.num_clusters))


def _without_keys(layer: _MemoryPool, select: nn.Module) -> RandomMemoryPool:
    """The layer with a selector that needs neither keys nor heads, so that it has none.

    They belong to the layer, so that this one is of another class.
    """
    check_method(layer, _MemoryPool, "forward")
    sizes = layer.in_channels, layer.out_channels, layer.num_clusters
    null = RandomMemoryPool(*sizes, invariant=True)
    null.select, null.lin = select, layer.lin
    return null
