"""The nulls of top-k selection: selectors for PyG and torch-geometric-pool, and PyG's layers.

The score is the selection and, as the gate of what it selects, a part of the pooling. The random
null keeps the gate, and with it everything trainable; the frozen null trains neither.
"""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset
from torch_geometric.nn.pool import PANPooling, SAGPooling, TopKPooling
from torch_geometric.nn.pool.select import SelectOutput

from graphpool_sanity.nulls.frozen import Frozen, untrain
from graphpool_sanity.nulls.registry import MakeNull, exchange, register_null
from graphpool_sanity.select.rows import ShuffledRows
from graphpool_sanity.select.shuffle import RandomOrder


class _OtherNodes(nn.Module):
    """Selects other nodes than ``select`` does, gated by its scores."""

    def __init__(self, select: nn.Module) -> None:
        super().__init__()
        self.select = select

    def reset_parameters(self) -> None:
        """Initialise the layer's selection and chance anew."""
        for child in self.children():
            reset(child)

    def forward(self, x: Tensor, batch: Tensor | None = None, **unused: object) -> SelectOutput:
        """The nodes selected and their gates, as the layer's own selection gives them."""
        if batch is None:
            batch = torch.zeros(x.size(0), dtype=torch.long, device=x.device)
        return self.output(x.size(0), *self.choose(x, batch))

    def choose(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes selected [k], and their gates [k]."""
        raise NotImplementedError

    def output(self, num_nodes: int, node: Tensor, gate: Tensor) -> SelectOutput:
        """The selection in the type of the layer's library."""
        cluster = torch.arange(node.numel(), device=node.device)
        return SelectOutput(node, num_nodes, cluster, node.numel(), gate)

    def scores(self, x: Tensor, batch: Tensor) -> Tensor:
        """[N], the layer's score of each node: what it selects them by if it selects them all."""
        everyone: Any = copy.copy(self.select)
        if everyone.min_score is None:
            everyone.ratio = max(x.size(0), 1)
        else:
            everyone.min_score = -math.inf
        own = everyone(x, batch=batch)
        return own.weight.index_select(0, own.node_index.argsort())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.select})"


class ShuffledNodes(_OtherNodes):
    """As many nodes by chance, with the gates of those that the layer selects."""

    def __init__(self, select: nn.Module, seed: int | None = None) -> None:
        super().__init__(select)
        self.chance = ShuffledRows(seed)

    def choose(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes selected [k], and their gates [k]."""
        own = self.select(x, batch=batch)
        takes = self.chance.rows(batch).argsort()
        return takes.index_select(0, own.node_index), own.weight


class ChanceNodes(_OtherNodes):
    """As many nodes by chance, gated by the layer's score of each."""

    def __init__(self, select: nn.Module, seed: int | None = None) -> None:
        super().__init__(select)
        self.chance = RandomOrder(seed)

    def choose(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes selected [k], and their gates [k]."""
        selected = torch.zeros_like(batch, dtype=torch.bool)
        selected[self.select(x, batch=batch).node_index] = True
        _, chance = self.chance(batch)
        as_many = (batch * 2 + ~selected).argsort()  # those selected first in each graph
        node = chance[selected.index_select(0, as_many)]
        return node, self.scores(x, batch).index_select(0, node)


class AllNodes(_OtherNodes):
    """All nodes in their order, gated by the layer's score of each."""

    def choose(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes selected [N], and their gates [N]."""
        return torch.arange(x.size(0), device=x.device), self.scores(x, batch)


def own_selection(select: nn.Module) -> nn.Module:
    """A layer's selection, taken out of the null that the layer may already be."""
    while isinstance(select, _OtherNodes | Frozen):
        select = select.select
    return select


_TOP_K = (TopKPooling, SAGPooling, PANPooling)


def _other_nodes(kind: Callable[[nn.Module, int], nn.Module]) -> MakeNull:
    return exchange("select", lambda own, seed: kind(own_selection(own), seed))


register_null(_TOP_K, "random")(_other_nodes(ChanceNodes))
register_null(_TOP_K, "shuffle")(_other_nodes(ShuffledNodes))


@register_null(_TOP_K, "frozen")
def _frozen(layer: TopKPooling, seed: int) -> nn.Module:
    untrain(layer, seed)
    layer.select = Frozen(layer.select)
    return layer


register_null(_TOP_K, "none")(_other_nodes(lambda own, seed: AllNodes(own)))
