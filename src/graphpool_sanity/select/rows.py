"""Rules by which the clusters of a layer are handed to other nodes of the same graph.

A rule maps the graph of each node, the cluster of each node and the edges to the node whose gate
each node takes [N], and its new cluster [N]. A shuffle hands the gates on with the clusters; the
other rules leave each node its own, which is trained, and is not the choice of its cluster.
Batches need not be sorted.
"""

import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.matching import Matching, match_complement
from graphpool_sanity.select.shuffle import RandomOrder, scatter_to


class ShuffledRows(nn.Module):
    """Permutes the rows of each graph by chance."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.order = RandomOrder(seed)

    def reset_parameters(self) -> None:
        """Start the stream of permutations anew."""
        self.order.reset_parameters()

    def rows(self, batch: Tensor, mask: Tensor | None = None) -> Tensor:
        """[N], the node whose row each node takes."""
        node, by_chance = self.order(batch, mask)
        return scatter_to(node, by_chance)

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """The givers of the gates, and the new clusters."""
        row = self.rows(batch)
        return row, cluster.index_select(0, row)


class RandomRows(ShuffledRows):
    """Gives the rows, largest cluster first, to the nodes of each graph in random order.

    Who is with whom follows from the sizes of the clusters and from chance, and from nothing else.
    """

    def random_rows(self, batch: Tensor, cluster: Tensor) -> Tensor:
        """[N], the node whose row each node takes."""
        _, by_chance = self.order(batch)
        return scatter_to(by_chance, sort_by_cluster(batch, cluster))

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes themselves, and their new clusters."""
        return _index(batch), cluster.index_select(0, self.random_rows(batch, cluster))


class ComplementRows(ShuffledRows):
    """Gives the pairs of a layer to pairs of nodes that no edge joins, drawn by chance.

    Each graph keeps its number of pairs, unless a maximal matching of non-adjacent nodes has
    fewer: then the other pairs are parted.
    """

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)
        self.matching = Matching(match_complement, seed)

    def reset_parameters(self) -> None:
        """Start the streams of matchings and orders anew."""
        super().reset_parameters()
        self.matching.reset_parameters()

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes themselves, and their new clusters."""
        node, by_chance = self.order(batch)
        position = node.argsort()
        graph = read_graph(position[edge_index], node.numel(), batch.index_select(0, node))
        pair = self.matching(graph).index_select(0, position)
        rank = by_chance.argsort()
        first = torch.full_like(rank, rank.numel()).scatter_reduce_(0, pair, rank, "amin")
        pairs = sort_by_cluster(batch, first.index_select(0, pair))
        row = scatter_to(pairs, sort_by_cluster(batch, cluster))
        return _index(batch), _part(cluster.index_select(0, row), edge_index)


class SingleRows(nn.Module):
    """Leaves each node alone in its cluster."""

    def reset_parameters(self) -> None:
        """There is nothing to draw."""

    def forward(self, batch: Tensor, cluster: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """The nodes themselves, and their new clusters."""
        return _index(batch), _index(batch)


def sort_by_cluster(batch: Tensor, cluster: Tensor) -> Tensor:
    """[N], the nodes graph by graph, in each its largest cluster first, cluster by cluster."""
    smallness = -torch.bincount(cluster).index_select(0, cluster)
    order = _index(batch)
    for key in (cluster, smallness, batch):
        order = order.index_select(0, key.index_select(0, order).argsort(stable=True))
    return order


def gate_clusters(gate: Tensor, cluster: Tensor) -> Tensor:
    """[C], the mean of the gates [N] of the nodes of each cluster."""
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
