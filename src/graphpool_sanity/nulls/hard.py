"""The nulls of hard pooling: other rules of matching, shuffled clusters, no pooling."""

import torch
from torch import Tensor, nn

from graphpool_sanity.graphs.graph import Graph
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.pools.graclus import (
    ComplementGraclusPool,
    GraclusPool,
    RandomMatchingPool,
    _MatchingPool,
)
from graphpool_sanity.select.matching import (
    Matching,
    match_complement,
    match_random,
    number_clusters,
)
from graphpool_sanity.select.shuffle import Shuffled


class ShuffledClusters(Shuffled):
    """The clusters of another selector, handed to the nodes of each graph in chance order."""

    def forward(self, graph: Graph) -> Tensor:
        """The cluster [N] of each node."""
        cluster = self.select(graph)
        order = self.shuffle(graph.batch, graph.position)
        return number_clusters(cluster.index_select(0, order))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.select})"


def match_none(graph: Graph, priority: Tensor) -> Tensor:
    """Leave every node single."""
    return torch.arange(graph.num_nodes, device=priority.device)


@register_null((GraclusPool, RandomMatchingPool), "complement")
def _complement(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = Matching(match_complement, seed)
    return layer


@register_null((GraclusPool, ComplementGraclusPool), "random")
def _random(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = Matching(match_random, seed)
    return layer


@register_null((GraclusPool, ComplementGraclusPool), "shuffle")
def _shuffle(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = ShuffledClusters(layer.select, seed)
    return layer


@register_null((GraclusPool, ComplementGraclusPool, RandomMatchingPool), "none")
def _none(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = Matching(match_none, seed)
    return layer
