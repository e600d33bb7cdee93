"""The nulls of soft pooling: the layer with another assignment."""

from torch import nn

from graphpool_sanity.nulls.frozen import Frozen, untrained
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.pools.diff_pool import DiffPool, RandomDiffPool
from graphpool_sanity.pools.mincut_pool import MinCutPool, RandomMinCutPool
from graphpool_sanity.pools.soft_pool import SoftPool
from graphpool_sanity.select.hashed import (
    HashedAssignment,
    ShuffledAssignment,
    UniformAssignment,
)


@register_null((DiffPool, MinCutPool), "random")
def _random(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = HashedAssignment(layer.num_clusters, "normal", seed)
    return layer


@register_null((DiffPool, MinCutPool, RandomDiffPool, RandomMinCutPool), "shuffle")
def _shuffle(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = ShuffledAssignment(layer.select, seed)
    return layer


@register_null((DiffPool, MinCutPool), "frozen")
def _frozen(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = Frozen(untrained(layer.select, seed))
    return layer


@register_null((DiffPool, MinCutPool, RandomDiffPool, RandomMinCutPool), "none")
def _none(layer: SoftPool, seed: int) -> nn.Module:
    layer.select = UniformAssignment(layer.num_clusters)
    return layer
