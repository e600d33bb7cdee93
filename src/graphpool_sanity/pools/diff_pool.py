"""Differentiable pooling and its null: the same layer with another selector."""

from torch import Tensor, nn
from torch.distributions import Distribution
from torch_geometric.nn import DenseSAGEConv

from graphpool_sanity.graphs.soft_coarsen import Coarse, SoftGraphs
from graphpool_sanity.losses import entropy_loss, link_prediction_loss
from graphpool_sanity.pools.soft_pool import SoftPool
from graphpool_sanity.select.assignment import LearnedAssignment, RandomAssignment


class _DiffPool(SoftPool):
    """Everything that differentiable pooling does, whatever its selector."""

    def finish(self, graphs: SoftGraphs, s: Tensor, coarse: Coarse) -> tuple[Tensor, ...]:
        """The adjacency of the clusters, the link prediction loss and the entropy."""
        link = link_prediction_loss(graphs.square_norm(), coarse.adj, coarse.overlap, graphs.sizes)
        return coarse.adj, link, entropy_loss(s, graphs.sizes)


class DiffPool(_DiffPool):
    r"""Pools nodes by an assignment that a graph neural network learns.

    .. math::
        \mathbf{S} = \mathrm{softmax}(\mathrm{GNN}(\mathbf{A}, \mathbf{X})) \qquad
        \mathbf{X}' = \mathbf{S}^\top \mathbf{Z} \qquad
        \mathbf{A}' = \mathbf{S}^\top \mathbf{A} \mathbf{S}

    The losses are those of PyG's ``dense_diff_pool``, link prediction and entropy, taken over real
    nodes: equal to PyG's where nothing is padded, and unmoved by padding.

    Args:
        in_channels: The channels :math:`F` of ``x``.
        num_clusters: The clusters :math:`K` of each graph.
        gnn: ``gnn(x, adj, mask)`` -> [B, N, K], the scores; a ``DenseSAGEConv`` if ``None``.

    Shapes:
        - **x** [B, N, F], **adj** [B, N, N], **mask** [B, N] (2-dimensional ``x`` and ``adj`` are a
          batch of one), **z** [B, N, F']: the embeddings to pool, ``x`` if ``None``. Dense input
          only, since the network takes no other.
        - returns :class:`SoftPoolOutput`: x [B, K, F'], adj [B, K, K], the two losses [].

    Raises:
        ValueError: on malformed or sparse input, or a network of another shape.

    Equations (4) and (5) of Mesquita, Souza, Kaski, NeurIPS 2020; Ying et al., NeurIPS 2018.

    >>> import torch
    >>> out = DiffPool(8, num_clusters=3)(torch.randn(2, 5, 8), torch.ones(2, 5, 5))
    >>> out.x.shape, out.adj.shape
    (torch.Size([2, 3, 8]), torch.Size([2, 3, 3]))
    """

    dense_only = True
    """Sparse graphs are not taken, though ``forward`` names ``batch``."""

    def __init__(self, in_channels: int, num_clusters: int, gnn: nn.Module | None = None) -> None:
        select = LearnedAssignment(in_channels, num_clusters, gnn, DenseSAGEConv, on_graph=True)
        super().__init__(in_channels, num_clusters, select)


class RandomDiffPool(_DiffPool):
    r"""Pools nodes by a random assignment, drawn once: the null of :class:`DiffPool`.

    .. math::
        \mathbf{S} = \mathrm{softmax}(\mathbf{X} \tilde{\mathbf{S}}') \quad \text{or} \quad
        \mathbf{S} = \mathrm{softmax}(\tilde{\mathbf{S}}), \qquad
        \mathbf{X}' = \mathbf{S}^\top \mathbf{Z}, \quad
        \mathbf{A}' = \mathbf{S}^\top \mathbf{A} \mathbf{S}

    The random matrix is a buffer and never gets a gradient, nor does :math:`\mathbf{X}` through
    :math:`\mathbf{X} \tilde{\mathbf{S}}'`. Sparse input takes :math:`O(N + E)` memory per channel.

    Args:
        in_channels: The channels :math:`F` of ``x``.
        num_clusters: The clusters :math:`K` of each graph.
        distribution: Law of the random entries: ``"uniform"`` U(0, 1), ``"normal"`` N(0, 1),
            ``"bernoulli"`` B(0.3), ``"categorical"`` (one-hot rows), or any
            ``torch.distributions.Distribution``.
        invariant: Whether :math:`\tilde{\mathbf{S}}'` [F, K] projects the features, which makes
            the layer permutation invariant (Theorem 1), or else row i of
            :math:`\tilde{\mathbf{S}}` [max_num_nodes, K] goes to node i of each graph.
        max_num_nodes: The nodes of the largest graph, needed (and read) only if not ``invariant``.
        seed: Seed of the draw; drawn from the global generator if ``None``.

    Shapes:
        - dense: as in :class:`DiffPool`.
        - sparse: **x** [N, F], **adj** an edge_index [2, E] or any sparse adjacency, whose values
          are the entries of A and whose duplicate edges add, **batch** [N] sorted, **z** [N, F'],
          **batch_size** the number of graphs, where the last ones may be empty.
        - returns :class:`SoftPoolOutput`: x [B, K, F'], adj [B, K, K], the two losses [].

    Raises:
        ValueError: on malformed input, or a graph of more than ``max_num_nodes`` nodes if not
            ``invariant``.

    Equation (6), Remark 1 and Theorem 1 of Mesquita, Souza, Kaski, NeurIPS 2020. There the layer is
    trained by the supervised loss only.

    >>> import torch
    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> out = RandomDiffPool(8, num_clusters=2, seed=0)(torch.randn(3, 8), path)
    >>> out.x.shape, out.adj.shape
    (torch.Size([1, 2, 8]), torch.Size([1, 2, 2]))
    """

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        distribution: str | Distribution = "normal",
        invariant: bool = True,
        max_num_nodes: int | None = None,
        seed: int | None = None,
    ) -> None:
        select = RandomAssignment(
            in_channels, num_clusters, distribution, invariant, max_num_nodes, seed
        )
        super().__init__(in_channels, num_clusters, select)
