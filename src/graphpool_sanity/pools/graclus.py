"""Graclus pooling and its two nulls: the same layer with another selector."""

from typing import NamedTuple

from torch import Tensor, nn
from torch_geometric.nn.inits import reset
from torch_geometric.typing import Adj

from graphpool_sanity.graphs.coarsen import check_aggregation, pool_batch, pool_edges, pool_nodes
from graphpool_sanity.graphs.graph import check_features, read_graph, repack, unpack
from graphpool_sanity.select.matching import Matching, match_complement, match_edges, match_random


class PoolOutput(NamedTuple):
    """A pooled batch of graphs, in the order in which PyG's sparse pooling layers return it."""

    x: Tensor
    """[C, F], the features of each cluster."""
    edge_index: Adj
    """The edges between clusters, as the kind of adjacency that came in."""
    edge_attr: Tensor | None
    """[E'] or [E', D], merged edge attributes."""
    batch: Tensor
    """[C], the graph of each cluster, sorted."""
    cluster: Tensor
    """[N], the cluster of each node."""


class _MatchingPool(nn.Module):
    """Everything that hard pooling does, whatever its selector."""

    def __init__(self, select: Matching, aggr: str, edge_aggr: str) -> None:
        super().__init__()
        check_aggregation("aggr", aggr)
        check_aggregation("edge_aggr", edge_aggr)
        self.select: nn.Module = select
        self._own_rule = select.rule
        self.aggr = aggr
        self.edge_aggr = edge_aggr

    def reset_parameters(self) -> None:
        """Start the layer's stream of random matchings anew."""
        reset(self.select)

    def forward(
        self,
        x: Tensor,
        edge_index: Adj,
        edge_attr: Tensor | None = None,
        batch: Tensor | None = None,
        edge_weight: Tensor | None = None,
        batch_size: int | None = None,
    ) -> PoolOutput:
        """Pool ``x`` [N, F] and the graph."""
        check_features(x)
        if x.dim() != 2:
            raise ValueError(f"x must have shape [N, F], got {list(x.shape)}")
        edges, value = unpack(edge_index, x.size(0), edge_attr, edge_weight)
        graph = read_graph(edges, x.size(0), batch, edge_weight, batch_size)

        cluster = self.select(graph)

        num_clusters = int(cluster.max()) + 1 if cluster.numel() else 0
        x = pool_nodes(x, cluster, num_clusters, self.aggr)
        edges, value = pool_edges(edges, value, cluster, num_clusters, self.edge_aggr)
        batch = pool_batch(graph.batch, cluster, num_clusters)
        adj = repack(edge_index, edges, value, num_clusters)
        return PoolOutput(x, adj, None if edge_attr is None else value, batch, cluster)

    def __repr__(self) -> str:
        own = getattr(self.select, "rule", None) is self._own_rule
        other = "" if own else f", select={self.select}"
        return f"{type(self).__name__}(aggr={self.aggr!r}, edge_aggr={self.edge_aggr!r}{other})"


class GraclusPool(_MatchingPool):
    r"""Pools pairs of *neighbouring* nodes, matched greedily by Graclus.

    .. math::
        \mathbf{x}'_c = \max_{i \in c} \mathbf{x}_i \qquad
        a'_{cd} = 1 \Leftrightarrow \exists\, i \in c,\, j \in d: a_{ij} = 1, \; c \neq d

    Training draws a fresh matching at each call, which follows from the layer's seed and the number
    of calls before; evaluation is a function of the graph (and the seed) alone. Both are saved in
    the ``state_dict``.

    Args:
        aggr: How the features of a cluster merge: ``"max"`` (the paper), ``"min"``, ``"mean"`` or
            ``"sum"``.
        edge_aggr: How attributes of edges that fall together merge, likewise.
        seed: Seed of what the layer draws; drawn from the global generator if ``None``.

    Shapes:
        - **x** [N, F], **edge_index** [2, E] (or ``EdgeIndex``, ``SparseTensor``, ``torch.sparse``:
          what comes in goes out), **edge_attr** [E] or [E, D], **batch** [N] sorted,
          **edge_weight** [E]: heavier edges are matched first, **batch_size** the number of graphs
          (those without nodes have no clusters: it is checked, and changes nothing).
        - returns :class:`PoolOutput`: x [C, F], edge_index [2, E'], edge_attr, batch [C],
          cluster [N].

    Raises:
        ValueError: on malformed input.

    Equations (2) and (3) of Mesquita, Souza, Kaski, NeurIPS 2020; Dhillon et al., PAMI 2007.

    >>> import torch
    >>> path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> pool = GraclusPool(seed=0).eval()
    >>> weight = torch.tensor([9.0, 9.0, 1.0, 1.0, 9.0, 9.0])
    >>> out = pool(torch.arange(4.0).view(4, 1), path, edge_weight=weight)
    >>> out.cluster.tolist(), out.x.view(-1).tolist(), out.edge_index.tolist()
    ([0, 0, 1, 1], [1.0, 3.0], [[0, 1], [1, 0]])
    """

    def __init__(self, aggr: str = "max", edge_aggr: str = "sum", seed: int | None = None) -> None:
        super().__init__(Matching(match_edges, seed), aggr, edge_aggr)


class ComplementGraclusPool(_MatchingPool):
    r"""Pools pairs of nodes that are *not* neighbours: Graclus on the complement graph.

    The same layer as :class:`GraclusPool` with the opposite selector: no two adjacent nodes share
    a cluster. Features and edges are pooled from the original graph. Takes expected
    :math:`O(N + E)`, never building the complement.

    Args:
        aggr: As in :class:`GraclusPool`.
        edge_aggr: As in :class:`GraclusPool`.
        seed: As in :class:`GraclusPool`.

    Shapes:
        As in :class:`GraclusPool`. **edge_weight** is taken, so that either layer can stand for the
        other, and checked, but decides nothing: pairs have no edge to weigh.

    Raises:
        ValueError: on malformed input.

    Section 2, Case 1, *Clustering the complement graph*, of Mesquita, Souza, Kaski, NeurIPS 2020.
    Follows the definition in the text: the complement has no self-loops and keeps edgeless nodes.

    >>> import torch
    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> out = ComplementGraclusPool()(torch.tensor([[1.0], [2.0], [3.0]]), path)
    >>> out.cluster.tolist(), out.x.view(-1).tolist(), out.edge_index.tolist()
    ([0, 1, 0], [3.0, 2.0], [[0, 1], [1, 0]])
    """

    def __init__(self, aggr: str = "max", edge_aggr: str = "sum", seed: int | None = None) -> None:
        super().__init__(Matching(match_complement, seed), aggr, edge_aggr)


class RandomMatchingPool(_MatchingPool):
    r"""Pools pairs of nodes drawn by chance: edges play no part in who is pooled with whom.

    The third control beside :class:`GraclusPool` and :class:`ComplementGraclusPool`: every
    graph of :math:`n` nodes has :math:`\lceil n / 2 \rceil` clusters.

    Args:
        aggr: As in :class:`GraclusPool`.
        edge_aggr: As in :class:`GraclusPool`.
        seed: As in :class:`GraclusPool`.

    Shapes:
        As in :class:`GraclusPool`. **edge_weight** is taken, so that either layer can stand for the
        other, and checked, but decides nothing: pairs are drawn by chance.

    Raises:
        ValueError: on malformed input.

    Not in Mesquita, Souza, Kaski, NeurIPS 2020, whose question it asks of hard pooling.

    >>> import torch
    >>> no_edges = torch.empty(2, 0, dtype=torch.long)
    >>> RandomMatchingPool()(torch.ones(5, 1), no_edges).x.shape
    torch.Size([3, 1])
    """

    def __init__(self, aggr: str = "max", edge_aggr: str = "sum", seed: int | None = None) -> None:
        super().__init__(Matching(match_random, seed), aggr, edge_aggr)
