"""Min-cut pooling and its null: the same layer with another selector."""

from torch import Tensor, nn
from torch.distributions import Distribution

from graphpool_sanity.graphs.soft_coarsen import Coarse, SoftGraphs, normalise_adj
from graphpool_sanity.losses import mincut_loss, orthogonality_loss
from graphpool_sanity.pools.soft_pool import SoftPool
from graphpool_sanity.select.assignment import LearnedAssignment, RandomAssignment


class _MinCutPool(SoftPool):
    """Everything that min-cut pooling does, whatever its selector."""

    def finish(self, graphs: SoftGraphs, s: Tensor, coarse: Coarse) -> tuple[Tensor, ...]:
        """The normalised adjacency of the clusters, the min-cut and the orthogonality loss."""
        mincut = mincut_loss(coarse.adj, graphs.volumes(s), graphs.sizes)
        return normalise_adj(coarse.adj), mincut, orthogonality_loss(coarse.overlap, graphs.sizes)


class MinCutPool(_MinCutPool):
    r"""Pools nodes by an assignment that a perceptron learns from their features.

    .. math::
        \mathbf{S} = \mathrm{softmax}(\mathrm{MLP}(\mathbf{X})) \qquad
        \mathbf{X}' = \mathbf{S}^\top \mathbf{Z} \qquad
        \hat{\mathbf{A}} = \mathbf{S}^\top \mathbf{A} \mathbf{S} - \mathrm{diag} \qquad
        \mathbf{A}' = \hat{\mathbf{D}}^{-1/2} \hat{\mathbf{A}} \hat{\mathbf{D}}^{-1/2}

    The losses are those of PyG's ``dense_mincut_pool``, min-cut and orthogonality, taken over real
    nodes: equal to PyG's where nothing is padded, unmoved by padding, and finite for a graph
    without edges (where the min-cut loss is 0). Batch means are over the graphs that have nodes.

    Args:
        in_channels: The channels :math:`F` of ``x``.
        num_clusters: The clusters :math:`K` of each graph.
        mlp: ``mlp(x)`` -> [.., K], the scores; a ``Linear`` if ``None``.

    Shapes:
        - dense: **x** [B, N, F], **adj** [B, N, N], **mask** [B, N] (2-dimensional ``x`` and
          ``adj`` are a batch of one), **z** [B, N, F']: the embeddings to pool, ``x`` if ``None``.
        - sparse: **x** [N, F], **adj** an edge_index [2, E] or any sparse adjacency, whose values
          are the entries of A and whose duplicate edges add, **batch** [N] sorted, **z** [N, F'].
        - returns :class:`SoftPoolOutput`: x [B, K, F'], adj [B, K, K], the two losses [].

    Raises:
        ValueError: on malformed input, or an ``mlp`` of another shape.

    Appendix B of Mesquita, Souza, Kaski, NeurIPS 2020; Bianchi, Grattarola, Alippi, ICML 2020.

    >>> import torch
    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> out = MinCutPool(8, num_clusters=2)(torch.randn(3, 8), path)
    >>> out.x.shape, out.adj.shape
    (torch.Size([1, 2, 8]), torch.Size([1, 2, 2]))
    """

    def __init__(self, in_channels: int, num_clusters: int, mlp: nn.Module | None = None) -> None:
        select = LearnedAssignment(in_channels, num_clusters, mlp, nn.Linear, on_graph=False)
        super().__init__(in_channels, num_clusters, select)


class RandomMinCutPool(_MinCutPool):
    r"""Pools nodes by a random assignment, drawn once: the null of :class:`MinCutPool`.

    .. math::
        \mathbf{S} = \mathrm{softmax}(\tilde{\mathbf{S}}) \quad \text{or} \quad
        \mathbf{S} = \mathrm{softmax}(\mathbf{X} \tilde{\mathbf{S}}')

    The rest is as in :class:`MinCutPool`; the random matrix is as in :class:`RandomDiffPool`.

    Args:
        in_channels: The channels :math:`F` of ``x``.
        num_clusters: The clusters :math:`K` of each graph.
        distribution: As in :class:`RandomDiffPool`. The paper's text draws from N(0, 1), its
            released code from U(0, 1).
        invariant: As in :class:`RandomDiffPool`, but off by default, as in the paper.
        max_num_nodes: The nodes of the largest graph, needed (and read) only if not ``invariant``.
        seed: Seed of the draw; drawn from the global generator if ``None``.

    Shapes:
        As in :class:`MinCutPool`.

    Raises:
        ValueError: on malformed input, or a graph of more than ``max_num_nodes`` nodes if not
            ``invariant``.

    Appendix B of Mesquita, Souza, Kaski, NeurIPS 2020. There the layer is trained by the supervised
    loss only.

    >>> import torch
    >>> pool = RandomMinCutPool(8, num_clusters=2, max_num_nodes=3, seed=0)
    >>> pool(torch.randn(4, 8), torch.ones(4, 4))
    Traceback (most recent call last):
    ValueError: graph 0 of the batch has 4 nodes, max_num_nodes is 3
    """

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        distribution: str | Distribution = "normal",
        invariant: bool = False,
        max_num_nodes: int | None = None,
        seed: int | None = None,
    ) -> None:
        select = RandomAssignment(
            in_channels, num_clusters, distribution, invariant, max_num_nodes, seed
        )
        super().__init__(in_channels, num_clusters, select)
