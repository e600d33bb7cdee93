"""Hard selection: Graclus on the graph, on its complement, and on chance pairs.

A matching is kept as ``mate`` [N]: the partner of each node, or the node itself. A rule maps a
graph and the priorities of its nodes to a maximal matching; it is all that tells a layer from
its null.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.typing import Adj

from graphpool_sanity.graphs.graph import Graph, read_graph, unpack
from graphpool_sanity.select.chance import Chance, Word, draw_seed, priorities
from graphpool_sanity.select.greedy import edges_between, match_in_order, pair_up, visiting_order

Rule = Callable[[Graph, Tensor], Tensor]

_SMALL = 12  # graphs of at most so many nodes have all their non-edges listed


def match_edges(graph: Graph, priority: Tensor) -> Tensor:
    """Graclus: visit nodes by priority, pair each with a free neighbour.

    The neighbour is the one of the heaviest edge, or a uniformly random one.
    """
    row, col = graph.edge_index
    weight = graph.edge_weight
    if graph.has_loops:
        proper = (row != col).nonzero().view(-1)
        row, col = row.index_select(0, proper), col.index_select(0, proper)
        weight = None if weight is None else weight.index_select(0, proper)
    return match_in_order(row, col, visiting_order(row, col, priority, weight), graph.num_nodes)


def match_complement(graph: Graph, priority: Tensor) -> Tensor:
    """Graclus on the complement graph, in expected O(N + E) and without the complement.

    Pairs drawn by chance are edges at the rate of the graph's density. In a sparse graph this
    leaves few nodes, in a dense one there are few non-edges: either way the non-edges between
    the nodes left can be listed, and matched as Graclus matches edges. The law is that of the
    sequential visit for graphs of at most 12 nodes, and close to it for larger ones, unless a
    large clique lies beside sparse parts: there a few more nodes stay single.
    """
    row, col = graph.edge_index
    mate = torch.arange(graph.num_nodes, device=row.device)
    free = torch.ones_like(mate, dtype=torch.bool)
    nodes = _shuffled(graph, priority)
    size = left = _count(graph, nodes)
    largest = graph.largest
    while largest > _SMALL:
        # Pair three quarters of what is left, so that those refused find others in a later round.
        # How often follows from each graph's size alone, not from the others in the batch.
        pairs = (left - (left >> 2)) * (size > _SMALL) >> 1
        u, v = _chance_pairs(graph, nodes, left, pairs)
        pair_up(mate, u, v)
        refused = (mate.index_select(0, row) == col).nonzero().view(-1)
        for end in (row.index_select(0, refused), col.index_select(0, refused)):
            mate.index_copy_(0, end, end)

        single = (mate.index_select(0, nodes) == nodes).nonzero().view(-1)
        nodes = nodes.index_select(0, single)
        left = _count(graph, nodes)
        free.zero_().index_fill_(0, nodes, True)
        row, col = edges_between(free, row, col)
        size, largest = size >> 2, largest >> 2
    row, col = _non_edges(graph, nodes, left, row, col)
    late = match_in_order(row, col, visiting_order(row, col, priority, None), graph.num_nodes)
    return mate.index_copy_(0, nodes, late.index_select(0, nodes))


def match_random(graph: Graph, priority: Tensor) -> Tensor:
    """Pair the nodes of each graph by chance; edges play no part."""
    mate = torch.arange(graph.num_nodes, device=priority.device)
    nodes = _shuffled(graph, priority)
    size = _count(graph, nodes)
    pair_up(mate, *_chance_pairs(graph, nodes, size, size >> 1))
    return mate


def _shuffled(graph: Graph, priority: Tensor) -> Tensor:
    """All nodes, graph by graph, by priority within each."""
    return (graph.batch << 31 | priority).argsort()


def _count(graph: Graph, nodes: Tensor) -> Tensor:
    """[B], how many of ``nodes`` each graph has."""
    counts = nodes.new_zeros(graph.num_graphs)
    return counts.scatter_add_(0, graph.batch.index_select(0, nodes), torch.ones_like(nodes))


def _chance_pairs(graph: Graph, nodes: Tensor, size: Tensor, pairs: Tensor) -> tuple[Tensor, ...]:
    """In each graph, the i-th of its shuffled ``nodes`` with the (pairs + i)-th, for i < pairs."""
    batch = graph.batch.index_select(0, nodes)
    index = torch.arange(nodes.numel(), device=nodes.device)
    place = index - (size.cumsum(0) - size).index_select(0, batch)
    ahead = pairs.index_select(0, batch)
    first = (place < ahead).nonzero().view(-1)
    second = first + ahead.index_select(0, first)
    return nodes.index_select(0, first), nodes.index_select(0, second)


def _non_edges(
    graph: Graph, nodes: Tensor, size: Tensor, row: Tensor, col: Tensor
) -> tuple[Tensor, Tensor]:
    """All pairs of ``nodes`` of one graph that no edge joins, each once."""
    batch = graph.batch.index_select(0, nodes)
    index = torch.arange(nodes.numel(), device=nodes.device)
    start = (size.cumsum(0) - size).index_select(0, batch)
    width = size.index_select(0, batch)
    # Each graph owns a square of cells, one for each pair; a node's line begins at its `line`.
    square = size * size
    line = (square.cumsum(0) - square).index_select(0, batch) + (index - start) * width
    line_of, place_of = (nodes.new_empty(graph.num_nodes) for _ in range(2))
    line_of.index_copy_(0, nodes, line)
    place_of.index_copy_(0, nodes, index - start)

    u = torch.repeat_interleave(index, width)
    v = torch.arange(u.numel(), device=u.device) - (line - start).index_select(0, u)
    apart = u < v
    for a, b in ((row, col), (col, row)):
        apart.index_fill_(0, line_of.index_select(0, a) + place_of.index_select(0, b), False)
    cell = apart.nonzero().view(-1)
    u, v = u.index_select(0, cell), v.index_select(0, cell)
    return nodes.index_select(0, u), nodes.index_select(0, v)


class Matching(Chance):
    """Selects clusters of at most two nodes by a rule: ``match_edges`` or one of its nulls.

    Training draws a fresh matching from the module's own stream at each call. Evaluation
    hashes priorities from the seed and each node's index within its graph, so that a graph gives
    the same clusters alone and in any batch.
    """

    def __init__(self, rule: Rule, seed: int | None = None) -> None:
        super().__init__(seed)
        self.rule = rule

    def forward(self, graph: Graph) -> Tensor:
        """The cluster [N] of each node."""
        if self.training:
            return _clusters(_match_afresh(self.rule, graph, self.draw()))
        return _clusters(self.rule(graph, priorities(graph.position, self.seed)))

    def extra_repr(self) -> str:
        """The rule's name."""
        return self.rule.__name__


def _match_afresh(rule: Rule, graph: Graph, seed: Word) -> Tensor:
    index = torch.arange(graph.num_nodes, device=graph.batch.device)
    return rule(graph, priorities(index, seed))


def _clusters(mate: Tensor) -> Tensor:
    """Number the clusters from 0 in the order of their first nodes."""
    return _number(torch.minimum(mate, torch.arange(mate.numel(), device=mate.device)))


def match_none(graph: Graph, priority: Tensor) -> Tensor:
    """Leave every node single."""
    return torch.arange(graph.num_nodes, device=priority.device)


def number_clusters(cluster: Tensor) -> Tensor:
    """[N], the clusters numbered from 0 in the order of their first nodes."""
    index = torch.arange(cluster.numel(), device=cluster.device)
    first = torch.full_like(index, cluster.numel()).scatter_reduce_(0, cluster, index, "amin")
    return _number(first.index_select(0, cluster))


def _number(first: Tensor) -> Tensor:
    """[N], the number of each cluster from the ``first`` node of the cluster of each node."""
    is_first = first == torch.arange(first.numel(), device=first.device)
    return (is_first.cumsum(0) - 1).index_select(0, first)


def graclus(
    edge_index: Adj,
    num_nodes: int,
    batch: Tensor | None = None,
    edge_weight: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Greedy matching of neighbouring nodes, as Graclus coarsens a graph by one level.

    Visits the nodes in random order and pairs each that is still free with a free neighbour:
    the one of the heaviest edge, or a uniformly random one. Edges count as undirected, self-loops
    are ignored, of duplicate edges the heaviest counts. The law is exactly that of the sequential
    algorithm with shuffled nodes and neighbours.

    Args:
        edge_index: The graph: [2, E], or any sparse adjacency.
        num_nodes: The number of nodes :math:`N`.
        batch: [N], the graph of each node, sorted; one graph if ``None``.
        edge_weight: [E], edge weights, beside an edge_index [2, E] only.
        generator: Where chance is drawn from; the global generator if ``None``.

    Returns:
        [N], the cluster of each node: 0 to C - 1 in the order of their first nodes.

    Raises:
        ValueError: on a malformed graph, batch or weights.

    Dhillon, Guan, Kulis, *Weighted graph cuts without eigenvectors*, PAMI 2007, section 5.

    >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    >>> graclus(path, 4, edge_weight=torch.tensor([9.0, 1.0, 9.0])).tolist()
    [0, 0, 1, 1]
    """
    edge_index, _ = unpack(edge_index, num_nodes, edge_weight=edge_weight)
    graph = read_graph(edge_index, num_nodes, batch, edge_weight)
    return _clusters(_match_afresh(match_edges, graph, draw_seed(generator)))


def complement_graclus(
    edge_index: Adj,
    num_nodes: int,
    batch: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Greedy matching of nodes that are *not* neighbours: Graclus on the complement graph.

    No two adjacent nodes share a cluster, and no two single nodes of a graph are left that are
    not adjacent. Takes expected :math:`O(N + E)` time and memory: the complement is never built.

    Args:
        edge_index: The graph: [2, E], or any sparse adjacency.
        num_nodes: The number of nodes :math:`N`.
        batch: [N], the graph of each node, sorted; one graph if ``None``.
        generator: Where chance is drawn from; the global generator if ``None``.

    Returns:
        [N], the cluster of each node: 0 to C - 1 in the order of their first nodes.

    Raises:
        ValueError: on a malformed graph or batch.

    Section 2, Case 1, *Clustering the complement graph*, of Mesquita, Souza, Kaski, *Rethinking
    pooling in graph neural networks*, NeurIPS 2020.

    >>> path = torch.tensor([[0, 1], [1, 2]])
    >>> complement_graclus(path, 3).tolist()
    [0, 1, 0]
    """
    edge_index, _ = unpack(edge_index, num_nodes)
    graph = read_graph(edge_index, num_nodes, batch)
    return _clusters(_match_afresh(match_complement, graph, draw_seed(generator)))
