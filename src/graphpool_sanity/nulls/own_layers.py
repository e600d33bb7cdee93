"""The nulls of our own layers: each with another selector."""

import torch
from torch import nn

from graphpool_sanity.nulls.frozen import Frozen, frozen
from graphpool_sanity.nulls.registry import MakeNull, exchange, register_null
from graphpool_sanity.nulls.replace import check_method
from graphpool_sanity.pools.diff_pool import DiffPool, RandomDiffPool
from graphpool_sanity.pools.graclus import ComplementGraclusPool, GraclusPool, RandomMatchingPool
from graphpool_sanity.pools.memory_pool import (
    DistanceMemoryPool,
    MemoryPool,
    RandomMemoryPool,
    _KeyMemoryPool,
    _MemoryPool,
)
from graphpool_sanity.pools.mincut_pool import MinCutPool, RandomMinCutPool
from graphpool_sanity.pools.soft_pool import SoftPool
from graphpool_sanity.select.hashed import HashedAssignment, UniformAssignment
from graphpool_sanity.select.matching import (
    Matching,
    Rule,
    match_complement,
    match_none,
    match_random,
)
from graphpool_sanity.select.shuffle import Shuffled, ShuffledClusters

_HARD = (GraclusPool, ComplementGraclusPool, RandomMatchingPool)
_SOFT, _RANDOM = (DiffPool, MinCutPool), (RandomDiffPool, RandomMinCutPool)
_MEMORY = (MemoryPool, DistanceMemoryPool)


def _matching(rule: Rule) -> MakeNull:
    return exchange("select", lambda own, seed: Matching(rule, seed))


register_null((GraclusPool, RandomMatchingPool), "complement")(_matching(match_complement))
register_null((GraclusPool, ComplementGraclusPool), "random")(_matching(match_random))
register_null((GraclusPool, ComplementGraclusPool), "shuffle")(exchange("select", ShuffledClusters))
register_null(_HARD, "none")(_matching(match_none))


@register_null(MemoryPool, "distance")
def _distance(layer: MemoryPool, seed: int) -> nn.Module:
    check_method(layer, _MemoryPool, "forward")
    sizes = layer.in_channels, layer.out_channels, layer.heads, layer.num_clusters
    null = DistanceMemoryPool(*sizes, seed=seed)
    null.lin, null.conv = layer.lin, layer.conv
    return null


@register_null(_SOFT, "random")
def _random(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = HashedAssignment(layer.num_clusters, "normal", seed)
    return layer


@register_null(_MEMORY, "random")
def _random_memory(layer: _MemoryPool, seed: int) -> nn.Module:
    return _without_keys(layer, HashedAssignment(layer.num_clusters, "uniform", seed))


register_null((*_SOFT, *_RANDOM, *_MEMORY, RandomMemoryPool), "shuffle")(
    exchange("select", Shuffled)
)
register_null(_SOFT, "frozen")(exchange("select", frozen))


@register_null(_MEMORY, "frozen")
def _frozen_memory(layer: _KeyMemoryPool, seed: int) -> nn.Module:
    fresh = MemoryPool(layer.in_channels, layer.out_channels, layer.heads, layer.num_clusters)
    with torch.no_grad():
        for own, drawn in ((layer.k, fresh.k), (layer.conv.weight, fresh.conv.weight)):
            if isinstance(own, nn.Parameter):  # the keys of DistanceMemoryPool are none
                own.requires_grad_(False).copy_(drawn)
    layer.select = Frozen(layer.select)
    return layer


@register_null((*_SOFT, *_RANDOM), "none")
def _equal(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = UniformAssignment(layer.num_clusters)
    return layer


@register_null((*_MEMORY, RandomMemoryPool), "none")
def _equal_memory(layer: _MemoryPool, seed: int) -> nn.Module:
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
