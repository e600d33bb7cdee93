"""Rows of an assignment handed to other nodes of the same graph, by chance.

A rule maps the graph of each node, the cluster of each node and the edges to the node whose gate
each node takes, and to its new cluster. A shuffle hands the gates on with the clusters; the other
rules leave each node its own, which is trained, and is not the choice of its cluster. Batches need
not be sorted: layers that contract edges return unsorted ones.
"""

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.matching import Matching, match_complement
from graphpool_sanity.select.shuffle import NodeShuffle

HandedOn = tuple[Tensor, Tensor]
"""The node whose gate each node takes [N], and the new cluster of each node [N]."""


class ChanceOrder(nn.Module):
    """Lists the nodes graph by graph, and those of each graph by chance.

    Training draws a fresh order at each call; evaluation derives it from the seed and each node's
    index within its graph.

    >>> node, chance = ChanceOrder(seed=0)(torch.tensor([0, 1, 0]))
    >>> node.tolist(), sorted(chance[:2].tolist()), chance[2].item()
    ([0, 2, 1], [0, 2], 1)
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
        place = place_in_graph(batch).index_select(0, node)
        mask = None if mask is None else mask.index_select(0, node)
        order = self.shuffle(batch.index_select(0, node), place, mask)
        return node, node.index_select(0, order)


class ShuffledRows(nn.Module):
    """Permutes the rows of each graph by chance.

    >>> cluster, no_edges = torch.tensor([0, 0, 1, 1]), torch.empty(2, 0).long()
    >>> row, shuffled = ShuffledRows(seed=0)(torch.zeros(4).long(), cluster, no_edges)
    >>> sorted(row.tolist()), sorted(shuffled.tolist())
    ([0, 1, 2, 3], [0, 0, 1, 1])
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.order = ChanceOrder(seed)

    def reset_parameters(self) -> None:
        """Start the stream of permutations anew."""
        self.order.reset_parameters()

    def rows(self, batch: Tensor, mask: Tensor | None = None) -> Tensor:
        """[N], the node whose row each node takes."""
        node, chance = self.order(batch, mask)
        return put(node, chance)

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> HandedOn:
        """The givers of the gates, and the new clusters."""
        row = self.rows(batch)
        return row, cluster.index_select(0, row)


class DealtRows(ShuffledRows):
    """Deals the rows, largest cluster first, to the nodes of each graph in chance order.

    Who is with whom follows from the sizes of the clusters and from chance, and from nothing else.
    """

    def deal(self, batch: Tensor, cluster: Tensor) -> Tensor:
        """[N], the node whose row each node takes."""
        _, chance = self.order(batch)
        return put(chance, list_clusters(batch, cluster))

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> HandedOn:
        """The nodes themselves, and their new clusters."""
        return _index(batch), cluster.index_select(0, self.deal(batch, cluster))


class NonAdjacentRows(ShuffledRows):
    """Hands the pairs of a layer to pairs of nodes that no edge joins, drawn by chance.

    Each graph keeps its number of pairs, unless a maximal matching of non-adjacent nodes has
    fewer: then the other pairs are parted.

    >>> path, pairs = torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([0, 0, 1, 1])
    >>> _, cluster = NonAdjacentRows(seed=0)(torch.zeros(4).long(), pairs, path)
    >>> bool((cluster[:-1] != cluster[1:]).all())
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)
        self.matching = Matching(match_complement, seed)

    def reset_parameters(self) -> None:
        """Start the streams of matchings and orders anew."""
        super().reset_parameters()
        self.matching.reset_parameters()

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> HandedOn:
        """The nodes themselves, and their new clusters."""
        node, chance = self.order(batch)
        place = inverse(node)
        graph = read_graph(place[edge_index], node.numel(), batch.index_select(0, node))
        pair = self.matching(graph).index_select(0, place)
        rank = inverse(chance)
        first = torch.full_like(rank, rank.numel()).scatter_reduce_(0, pair, rank, "amin")
        by_chance = list_clusters(batch, first.index_select(0, pair))
        row = put(by_chance, list_clusters(batch, cluster))
        return _index(batch), _part(cluster.index_select(0, row), edge_index)


class OwnRows(nn.Module):
    """Leaves each node alone in its cluster."""

    def reset_parameters(self) -> None:
        """There is nothing to draw."""

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> HandedOn:
        """The nodes themselves, and their new clusters."""
        return _index(batch), _index(batch)


def place_in_graph(batch: Tensor) -> Tensor:
    """[N], the index of each node within its graph.

    >>> place_in_graph(torch.tensor([0, 2, 0, 2, 2])).tolist()
    [0, 0, 1, 1, 2]
    """
    node = batch.argsort(stable=True)
    listed = batch.index_select(0, node)
    return put(node, _index(batch) - torch.searchsorted(listed, listed))


def put(place: Tensor, value: Tensor) -> Tensor:
    """[N], ``value`` k at ``place`` k, for places that are a permutation.

    >>> put(torch.tensor([2, 0, 1]), torch.tensor([5, 6, 7]))
    tensor([6, 7, 5])
    """
    return torch.empty_like(value).scatter_(0, place, value)


def inverse(permutation: Tensor) -> Tensor:
    """[N], where each node went.

    >>> inverse(torch.tensor([2, 0, 1])).tolist()
    [1, 2, 0]
    """
    return put(permutation, _index(permutation))


def list_clusters(batch: Tensor, cluster: Tensor) -> Tensor:
    """[N], the nodes graph by graph, in each its largest cluster first, cluster by cluster.

    >>> list_clusters(torch.tensor([0, 0, 0, 1]), torch.tensor([4, 2, 2, 0])).tolist()
    [1, 2, 0, 3]
    """
    smallness = -torch.bincount(cluster).index_select(0, cluster)
    order = _index(batch)
    for key in (cluster, smallness, batch):
        order = order.index_select(0, key.index_select(0, order).argsort(stable=True))
    return order


def gate_clusters(gate: Tensor, cluster: Tensor) -> Tensor:
    """[C], the mean of the gates [N] of the nodes of each cluster.

    >>> gate_clusters(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0, 1, 0]))
    tensor([2.5000, 2.0000])
    """
    return scatter(gate, cluster, dim=0, reduce="mean")


def _part(cluster: Tensor, edge_index: Tensor) -> Tensor:
    """The clusters, the second node of each adjacent pair in a new one of its own."""
    ends = cluster[edge_index]
    adjacent = (ends[0] == ends[1]) & (edge_index[0] != edge_index[1])
    second = edge_index.amax(0)[adjacent].unique()
    num_clusters = int(cluster.max()) + 1 if cluster.numel() else 0
    return cluster.index_copy(0, second, num_clusters + _index(second))


def _index(like: Tensor) -> Tensor:
    return torch.arange(like.numel(), device=like.device)
