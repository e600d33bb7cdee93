"""The nulls of hard pooling: other rules of matching, shuffled clusters, no pooling."""

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from graphpool_sanity.graph import Graph
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
from graphpool_sanity.select.shuffle import NodeShuffle


class ShuffledClusters(nn.Module):
    """The clusters of another selector, handed to the nodes of each graph in chance order."""

    def __init__(self, select: nn.Module, seed: int | None = None) -> None:
        super().__init__()
        self.select = select
        self.shuffle = NodeShuffle(seed)

    def reset_parameters(self) -> None:
        """Start the selector and the shuffle anew."""
        reset(self.select)
        self.shuffle.reset_parameters()

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


@register_null(GraclusPool, "complement")
@register_null(RandomMatchingPool, "complement")
def _complement(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = Matching(match_complement, seed)
    return layer


@register_null(GraclusPool, "random")
@register_null(ComplementGraclusPool, "random")
def _random(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = Matching(match_random, seed)
    return layer


@register_null(GraclusPool, "shuffle")
@register_null(ComplementGraclusPool, "shuffle")
def _shuffle(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = ShuffledClusters(layer.select, seed)
    return layer


@register_null(GraclusPool, "none")
@register_null(ComplementGraclusPool, "none")
@register_null(RandomMatchingPool, "none")
def _none(layer: _MatchingPool, seed: int) -> nn.Module:
    layer.select = Matching(match_none, seed)
    return layer
