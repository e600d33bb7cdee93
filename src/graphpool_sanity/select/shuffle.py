"""The shuffle: what a layer selects for its nodes, handed to other nodes of the same graph.

A shuffle is a permutation of the nodes of each graph, ``row``: node i takes the row of S of node
``row[i]``. Whatever S is (a cluster of each node, shares [.., K], a sparse matrix),
:func:`take_rows` does that; where a selection lists nodes instead, ``row.argsort()`` tells which
node takes the place of each.
"""

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from graphpool_sanity.graphs.graph import Graph
from graphpool_sanity.graphs.nodes import Nodes
from graphpool_sanity.graphs.soft_coarsen import SoftGraphs
from graphpool_sanity.select.chance import Chance, mix, priorities
from graphpool_sanity.select.matching import number_clusters


class NodeShuffle(Chance):
    """Permutes the nodes of each graph among themselves.

    Training draws a fresh permutation from the module's own stream at each call; evaluation
    derives it from the seed and each node's index within its graph alone.
    """

    def forward(self, batch: Tensor, position: Tensor, mask: Tensor | None = None) -> Tensor:
        """[N], a node of the same graph for each node, each node once.

        Shapes:
            **batch** [N], the graph of each node, sorted; **position** [N], the index of each
            node within its graph, ascending; **mask** [N], true for real nodes: padding is left
            where it is.
        """
        if self.training:
            index = torch.arange(batch.numel(), device=batch.device)
            chance = priorities(index, self.draw())
        else:
            chance = priorities(position, self.seed)
        chance = mix(chance)  # no longer the order in which a matching of the same seed visits
        if mask is None:
            return (batch << 31 | chance).argsort()
        # The real nodes of each graph, then its padding: in their order, and in that of chance.
        part = batch << 32 | mask.logical_not().long() << 31
        row = (part | position).argsort()
        source = (part | torch.where(mask, chance, position)).argsort()
        return scatter_to(row, source)


class RandomOrder(nn.Module):
    """Lists the nodes graph by graph, and those of each graph in random order.

    Batches need not be sorted: layers that contract edges return unsorted ones.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.shuffle = NodeShuffle(seed)

    def reset_parameters(self) -> None:
        """Start the stream of orders anew."""
        self.shuffle.reset_parameters()

    def forward(self, batch: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The nodes [N] graph by graph, and [N] those of each graph by chance.

        Shapes:
            **batch** [N], the graph of each node; **mask** [N], true for real nodes: padding is
            left where it is.
        """
        node = batch.argsort(stable=True)
        position = position_in_graph(batch).index_select(0, node)
        mask = None if mask is None else mask.index_select(0, node)
        order = self.shuffle(batch.index_select(0, node), position, mask)
        return node, node.index_select(0, order)


class Shuffled(nn.Module):
    """The selection of another selector, shuffled."""

    def __init__(self, select: nn.Module, seed: int | None = None) -> None:
        super().__init__()
        self.select = select
        self.shuffle = NodeShuffle(seed)

    def reset_parameters(self) -> None:
        """Initialise the selector and the shuffle anew."""
        reset(self.select)
        self.shuffle.reset_parameters()

    def forward(self, graphs: Graph | SoftGraphs | Nodes, *memory: Tensor) -> Tensor:
        """The cluster [N] of each node, or S [.., K]."""
        s = self.select(graphs, *memory)
        return take_rows(s, self.shuffle(*graphs.node_index()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.select})"


class ShuffledClusters(Shuffled):
    """The clusters of another selector, shuffled and numbered anew."""

    def forward(self, graphs: Graph | SoftGraphs | Nodes, *memory: Tensor) -> Tensor:
        """The cluster [N] of each node."""
        return number_clusters(super().forward(graphs, *memory))


def take_rows(s: Tensor, row: Tensor) -> Tensor:
    """Row ``row[i]`` of S for each node i; S is [N], [.., K], or sparse [N, K]."""
    if s.is_sparse:
        node, cluster = s.indices()
        taker = row.argsort().index_select(0, node)
        return torch.sparse_coo_tensor(torch.stack([taker, cluster]), s.values(), s.shape)
    rows = s if s.dim() == 1 else s.flatten(0, -2)
    return rows.index_select(0, row).view_as(s)


def position_in_graph(batch: Tensor) -> Tensor:
    """[N], the index of each node within its graph."""
    node = batch.argsort(stable=True)
    listed = batch.index_select(0, node)
    index = torch.arange(batch.numel(), device=batch.device)
    return scatter_to(node, index - torch.searchsorted(listed, listed))


def scatter_to(index: Tensor, value: Tensor) -> Tensor:
    """[N], ``value[k]`` at ``index[k]``, a permutation."""
    return torch.empty_like(value).scatter_(0, index, value)
