r"""The unsupervised losses of pooling layers, over real nodes alone.

None needs a matrix of the size of A: :math:`\mathbf{S}^\top \mathbf{A} \mathbf{S}` and
:math:`\mathbf{S}^\top \mathbf{S}` of each graph hold all that they ask.
"""

import torch
from torch import Tensor

from graphpool_sanity.numerics import safe_sqrt, widen


def link_prediction_loss(
    square_norm: Tensor, coarse_adj: Tensor, overlap: Tensor, sizes: Tensor
) -> Tensor:
    r"""How far the clusters' overlaps are from the adjacency, per entry of it.

    .. math::
        \frac{\big(\sum_g \|\mathbf{A}_g - \mathbf{S}_g \mathbf{S}_g^\top\|_F^2\big)^{1/2}}
        {\sum_g n_g^2}, \qquad
        \|\mathbf{A} - \mathbf{S} \mathbf{S}^\top\|_F^2 = \|\mathbf{A}\|_F^2
        - 2 \, \mathrm{tr}(\mathbf{S}^\top \mathbf{A} \mathbf{S})
        + \|\mathbf{S}^\top \mathbf{S}\|_F^2

    Args:
        square_norm: [], the sum of all squared entries of A.
        coarse_adj: [B, K, K], :math:`\mathbf{S}^\top \mathbf{A} \mathbf{S}`.
        overlap: [B, K, K], :math:`\mathbf{S}^\top \mathbf{S}`.
        sizes: [B], the number of nodes of each graph.

    Ying et al., *Hierarchical graph representation learning with differentiable pooling*,
    NeurIPS 2018.

    >>> adj, s = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]]), torch.full((1, 2, 2), 0.5)
    >>> s_t = s.transpose(1, 2)
    >>> link_prediction_loss(adj.square().sum(), s_t @ adj @ s, s_t @ s, torch.tensor([2]))
    tensor(0.2500)
    """
    square = square_norm - 2 * _trace(coarse_adj).sum() + widen(overlap).square().sum()
    return safe_sqrt(square) / sizes.square().sum().clamp(min=1)


def entropy_loss(s: Tensor, sizes: Tensor) -> Tensor:
    r"""The mean entropy of the assignments: :math:`\frac{1}{n} \sum_i H(\mathbf{s}_i)`.

    Args:
        s: [.., K], zero on padding.
        sizes: [B], the number of nodes of each graph.

    Ying et al., NeurIPS 2018; Section 2, Case 2, of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> entropy_loss(torch.full((3, 2), 0.5), torch.tensor([3]))
    tensor(0.6931)
    """
    s = widen(s)
    return -(s * (s + 1e-15).log()).sum() / sizes.sum().clamp(min=1)


def mincut_loss(coarse_adj: Tensor, volumes: Tensor, sizes: Tensor) -> Tensor:
    r"""The share of edge weight cut between clusters, minus one; 0 for a graph without edges.

    .. math::
        -\frac{\mathrm{tr}(\mathbf{S}^\top \mathbf{A} \mathbf{S})}
        {\mathrm{tr}(\mathbf{S}^\top \mathbf{D} \mathbf{S})}

    Graphs whose clusters hold less than a millionth of an edge fade towards 0, for the reason that
    :func:`~graphpool_sanity.graphs.soft_coarsen.normalise_adj` gives.

    Args:
        coarse_adj: [B, K, K], :math:`\mathbf{S}^\top \mathbf{A} \mathbf{S}`.
        volumes: [B], :math:`\mathrm{tr}(\mathbf{S}^\top \mathbf{D} \mathbf{S})`.
        sizes: [B], the number of nodes of each graph.

    Bianchi, Grattarola, Alippi, *Spectral clustering with graph neural networks for graph
    pooling*, ICML 2020.

    >>> mincut_loss(torch.tensor([[[0.5, 0.0], [0.0, 0.5]]]), torch.ones(1), torch.tensor([2]))
    tensor(-1.)
    """
    empty = volumes == 0  # apart, or else half precision's gradients are infinity times 0
    volumes = torch.where(empty, 1, torch.where(volumes.abs() < 1e-6, 1e-6, volumes))
    cut = torch.where(empty, 0, -_trace(coarse_adj)) / volumes
    return _mean(cut, sizes)


def orthogonality_loss(overlap: Tensor, sizes: Tensor) -> Tensor:
    r"""How far the clusters are from disjoint ones of equal size.

    .. math::
        \Big\| \frac{\mathbf{S}^\top \mathbf{S}}{\|\mathbf{S}^\top \mathbf{S}\|_F}
        - \frac{\mathbf{I}_K}{\sqrt{K}} \Big\|_F

    Args:
        overlap: [B, K, K], :math:`\mathbf{S}^\top \mathbf{S}`.
        sizes: [B], the number of nodes of each graph.

    Bianchi, Grattarola, Alippi, ICML 2020.

    >>> orthogonality_loss(2 * torch.eye(4).unsqueeze(0), torch.tensor([8]))
    tensor(0.)
    """
    overlap = widen(overlap)
    ideal = torch.eye(overlap.size(-1), dtype=overlap.dtype, device=overlap.device)
    gap = _unit(overlap) - _unit(ideal)
    return _mean(torch.linalg.vector_norm(gap, dim=(1, 2)), sizes)


def kl_clustering_loss(s: Tensor, reverse: bool = False) -> Tensor:
    r"""How far the assignments are from their own squares, normalised by cluster.

    .. math::
        \frac{1}{B} \sum_g \mathrm{KL}(\mathbf{P}_g \,\|\, \mathbf{S}_g), \qquad
        P_{ij} = \frac{S_{ij}^2 / \sum_{i'} S_{i'j}}
        {\sum_{j'} \big( S_{ij'}^2 / \sum_{i'} S_{i'j'} \big)}

    Meant to sharpen the assignments, though equal rows, uniform ones among them, have a loss of 0
    (Remark 2). A mean over the graphs that have nodes, as in PyG's ``MemPooling``; the released
    code weighs it by 100.

    Args:
        s: [B, N, K], zero on padding.
        reverse: Whether to take :math:`\mathrm{KL}(\mathbf{S} \,\|\, \mathbf{P})`, as the paper's
            text has it.

    Raises:
        ValueError: on a wrong shape.

    Appendix D of Mesquita, Souza, Kaski, NeurIPS 2020; Khasahmadi et al., *Memory-based graph
    networks*, ICLR 2020.

    >>> kl_clustering_loss(torch.full((1, 5, 4), 0.25))
    tensor(0.)
    """
    if s.dim() != 3:
        raise ValueError(f"s must have shape [B, N, K], got {list(s.shape)}")
    wide = widen(s)
    total = wide.sum(1, keepdim=True)
    square = wide.square() / torch.where(total == 0, 1, total)
    norm = square.sum(2, keepdim=True)
    p, q = square / torch.where(norm == 0, 1, norm), wide
    p, q = (t.clamp(min=1e-15) for t in ((q, p) if reverse else (p, q)))
    divergence = (p * (p.log() - q.log())).sum((1, 2))
    return _mean(divergence, total.sum((1, 2))).to(s.dtype)


def _unit(t: Tensor) -> Tensor:
    """Matrices scaled to unit Frobenius norm; a zero matrix stays."""
    norm = torch.linalg.vector_norm(t, dim=(-2, -1), keepdim=True)
    return t / torch.where(norm == 0, 1, norm)


def _trace(t: Tensor) -> Tensor:
    return widen(t).diagonal(dim1=1, dim2=2).sum(1)


def _mean(values: Tensor, sizes: Tensor) -> Tensor:
    """The mean over the graphs that have nodes."""
    real = sizes > 0
    return (values * real).sum() / real.sum().clamp(min=1)
