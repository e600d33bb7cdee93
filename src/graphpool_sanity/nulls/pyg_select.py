"""The nulls of PyTorch Geometric's top-k layers: the layer with another ``select``.

The score is the selection and, as the gate of what it selects, a part of the pooling. The random
null keeps the gate, and with it everything trainable; the frozen null trains neither.
"""

from torch import nn
from torch_geometric.nn.pool import PANPooling, SAGPooling, TopKPooling

from graphpool_sanity.nulls.frozen import Frozen, untrained
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.nulls.topk import AllNodes, ChanceNodes, ShuffledNodes, own_selection


@register_null((TopKPooling, SAGPooling, PANPooling), "random")
def _random(layer: TopKPooling, seed: int) -> nn.Module:
    layer.select = ChanceNodes(own_selection(layer.select), seed)
    return layer


@register_null((TopKPooling, SAGPooling, PANPooling), "shuffle")
def _shuffle(layer: TopKPooling, seed: int) -> nn.Module:
    layer.select = ShuffledNodes(own_selection(layer.select), seed)
    return layer


@register_null((TopKPooling, SAGPooling, PANPooling), "frozen")
def _frozen(layer: TopKPooling, seed: int) -> nn.Module:
    layer = untrained(layer, seed).requires_grad_(False)
    layer.select = Frozen(layer.select)
    return layer


@register_null((TopKPooling, SAGPooling, PANPooling), "none")
def _none(layer: TopKPooling, seed: int) -> nn.Module:
    layer.select = AllNodes(own_selection(layer.select))
    return layer
