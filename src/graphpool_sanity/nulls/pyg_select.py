"""The nulls of PyTorch Geometric's top-k layers: the layer with another ``select``.

The score is the selection and, as the gate of what it selects, a part of the pooling. The random
null keeps the gate, and with it everything trainable; the frozen null trains neither.
"""

from collections.abc import Callable

from torch import nn
from torch_geometric.nn.pool import PANPooling, SAGPooling, TopKPooling

from graphpool_sanity.nulls.frozen import Frozen, untrained
from graphpool_sanity.nulls.registry import MakeNull, exchange, register_null
from graphpool_sanity.nulls.topk import AllNodes, ChanceNodes, ShuffledNodes, own_selection

_TOP_K = (TopKPooling, SAGPooling, PANPooling)


def _other_nodes(kind: Callable[[nn.Module, int], nn.Module]) -> MakeNull:
    return exchange("select", lambda own, seed: kind(own_selection(own), seed))


register_null(_TOP_K, "random")(_other_nodes(ChanceNodes))
register_null(_TOP_K, "shuffle")(_other_nodes(ShuffledNodes))


@register_null(_TOP_K, "frozen")
def _frozen(layer: TopKPooling, seed: int) -> nn.Module:
    layer = untrained(layer, seed).requires_grad_(False)
    layer.select = Frozen(layer.select)
    return layer


register_null(_TOP_K, "none")(_other_nodes(lambda own, seed: AllNodes(own)))
