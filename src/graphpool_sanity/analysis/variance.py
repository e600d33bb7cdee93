"""How much of the variance of node embeddings lies within graphs."""

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from graphpool_sanity.graphs.nodes import read_nodes

_ROUNDING = 4  # units in the last place by which the entries of a constant channel may differ


def homogeneity(
    x: Tensor,
    batch: Tensor | None = None,
    mask: Tensor | None = None,
    batch_size: int | None = None,
) -> float:
    r"""The share of the variance of embeddings within graphs; 0 if each graph's nodes are equal.

    .. math::
        \frac{\sum_g \sum_{i \in g} \|\mathbf{x}_i - \boldsymbol{\mu}_g\|^2}
        {\sum_i \|\mathbf{x}_i - \boldsymbol{\mu}\|^2} \in [0, 1]

    with the mean :math:`\boldsymbol{\mu}_g` of graph g and that of all nodes,
    :math:`\boldsymbol{\mu}`. The *lower*, the more homogeneous graphs are, against how much they
    differ from each other. Channels that differ from each other, but are alike in all graphs,
    do not lower it, though images of the embeddings then show vertical bars, too. Sums over
    nodes, as soft layers pool, do where graphs differ in size.

    Chance alone (independent entries) gives (n − B)/(n − 1) on average for n nodes in B graphs
    that are not empty, so that few nodes per graph lower it; graphs of one node are homogeneous.

    It is 0 where all nodes of all graphs are equal, or differ by no more than rounding, and for
    a single graph it is otherwise 1. It does not change if ``x`` is shifted, scaled or rotated.

    Shapes:
        **x** [N, F] with **batch** [N] sorted (one graph if ``None``), or **x** [B, N, F] with
        **mask** [B, N], true for real nodes (all if ``None``). Graphs may be empty, and do not
        count: **batch_size** B, the number of graphs, is checked and changes nothing.

    Raises:
        ValueError: on malformed input, or embeddings that are not finite.

    One minus the correlation ratio of Fisher's analysis of variance, over all channels together;
    it puts a number on Figures 5 and 6 of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> batch = torch.tensor([0, 0, 1, 1])
    >>> homogeneity(torch.tensor([[1.0], [1.0], [5.0], [5.0]]), batch)
    0.0
    >>> round(homogeneity(torch.tensor([[1.0], [3.0], [5.0], [7.0]]), batch), 6)
    0.2
    """
    nodes = read_nodes(x, batch, mask, batch_size=batch_size)
    x, batch = nodes.x.detach(), nodes.batch
    check_finite(x)
    if x.numel() == 0:
        return 0.0
    x = _varying(x)
    sizes = torch.bincount(batch, minlength=nodes.num_graphs)
    first = x[(sizes.cumsum(0) - sizes)[batch]]
    apart = x - first  # exactly zero where all nodes of a graph are equal
    shift = scatter(apart, batch, 0, nodes.num_graphs, reduce="mean")[batch]
    within = (apart - shift).square().sum()
    mean = first + shift
    between = (mean - mean.mean(0)).square().sum()
    return float(within / (within + between)) if within > 0 else 0.0


def _varying(x: Tensor) -> Tensor:
    """In double precision, at most 2, and zero in the channels whose entries are all equal."""
    eps = torch.finfo(x.dtype).eps
    x = x.double()
    x = x / x.abs().max().clamp(min=torch.finfo(x.dtype).tiny)
    peak = x.abs().amax(0)
    x = x - x[0]
    spread = x.abs().amax(0)
    return x.masked_fill(spread <= _ROUNDING * eps * peak, 0)


def check_finite(x: Tensor) -> None:
    """Raise a ``ValueError`` unless all entries are finite."""
    if not x.isfinite().all():
        raise ValueError("x must be finite, got NaN or infinity")
