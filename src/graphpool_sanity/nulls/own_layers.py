"""The nulls of our own layers: each with another selector."""

from typing import Any

from torch import nn

from graphpool_sanity.nulls.frozen import Frozen, frozen
from graphpool_sanity.nulls.registry import MakeNull, exchange, register_null
from graphpool_sanity.nulls.replace import set_class
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
    match_edges,
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
register_null(ComplementGraclusPool, "local")(_matching(match_edges))
register_null((GraclusPool, ComplementGraclusPool), "random")(_matching(match_random))
register_null((GraclusPool, ComplementGraclusPool), "shuffle")(exchange("select", ShuffledClusters))
register_null(_HARD, "none")(_matching(match_none))


@register_null(MemoryPool, "distance")
def _distance(layer: Any, seed: int) -> nn.Module:  # noqa: ANN401  (of two classes in turn)
    sizes = layer.in_channels, layer.out_channels, layer.heads, layer.num_clusters
    drawn = DistanceMemoryPool(*sizes, seed=seed)
    conv = getattr(layer, "conv", drawn.conv)  # a null without keys has none
    set_class(layer, DistanceMemoryPool, MemoryPool)
    _exchange_keys(layer, drawn.select)
    layer.conv, layer.key_scale, layer._given_seed = conv, drawn.key_scale, seed
    for name, buffer in drawn.named_buffers():
        layer.register_buffer(name, buffer)
    return layer


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
    for name, own in layer.named_parameters():
        if name in ("k", "conv.weight"):  # the keys of DistanceMemoryPool are no parameter
            own.requires_grad_(False).data.copy_(fresh.get_parameter(name))
    layer.select = Frozen(layer.select)
    return layer


@register_null((*_SOFT, *_RANDOM), "none")
def _equal(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = UniformAssignment(layer.num_clusters)
    return layer


@register_null((*_MEMORY, RandomMemoryPool), "none")
def _equal_memory(layer: _MemoryPool, seed: int) -> nn.Module:
    return _without_keys(layer, UniformAssignment(layer.num_clusters))


def _without_keys(layer: _MemoryPool, select: nn.Module) -> nn.Module:
    """The layer with a selector that needs neither keys nor heads, so that it has none."""
    if type(layer) in _MEMORY:
        layer.__class__ = RandomMemoryPool
    _exchange_keys(layer, select)
    return layer


def _exchange_keys(layer: nn.Module, select: nn.Module) -> None:
    """Put a selector in the place of a layer's own, of its keys and of what merges its heads."""
    layer.select = select
    for name in ("k", "conv", "coded_seed"):
        if hasattr(layer, name):
            delattr(layer, name)
