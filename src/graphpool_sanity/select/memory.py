"""Soft selection by memory: how near each node is to keys, learned or fixed.

A selector maps nodes, keys [H, K, F] and the weights of the heads [H] to S [n, K]: rows that sum
to one. It is all that tells a layer from its null.
"""

import torch
from torch import Tensor, nn

from graphpool_sanity.graphs.nodes import Nodes
from graphpool_sanity.numerics import widen
from graphpool_sanity.select.assignment import check_scale


class _KeySelector(nn.Module):
    """Scores nodes by the keys of each head, merges the heads, takes the softmax over keys."""

    def forward(self, nodes: Nodes, keys: Tensor, weight: Tensor) -> Tensor:
        """S [n, K]."""
        device = nodes.x.device.type
        if torch.is_autocast_enabled(device):  # distances are differences: half is too coarse
            with torch.autocast(device, enabled=False):
                return self.forward(nodes, keys, weight)
        scores = self.score(widen(nodes.x), widen(keys))
        merged = (widen(weight) @ scores.flatten(1)).view(scores.shape[1:])
        return nodes.mask_padding(merged.softmax(0).t().to(nodes.x.dtype))

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """The scores [H, K, n] of ``queries`` [n, F] by ``keys`` [H, K, F]."""
        raise NotImplementedError


class StudentT(_KeySelector):
    r"""Scores by Student's t, in shares of each head.

    .. math::
        \mathbf{S}_h[i, j] \propto
        (1 + \|\mathbf{q}_i - \mathbf{k}_{jh}\|^2 / \tau)^{-\frac{\tau + 1}{2}}
    """

    def __init__(self, tau: float) -> None:
        super().__init__()
        check_scale(tau=tau)
        self.tau = tau

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """The shares [H, K, n], as a softmax of logarithms: exact for any tau, however far."""
        scaled = squared_distances(queries, keys, 1 / self.tau)
        return (scaled.log1p() * (-(self.tau + 1) / 2)).softmax(1)

    def extra_repr(self) -> str:
        """The temperature."""
        return f"tau={self.tau}"


class KeyDistance(_KeySelector):
    r"""Scores by the distance itself, :math:`\|\mathbf{q}_i - \mathbf{k}_{jh}\|`."""

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """The distances [H, K, n]; at a key itself the tiniest, with a zero gradient."""
        tiniest = torch.finfo(queries.dtype).tiny
        return squared_distances(queries, keys).clamp_min(tiniest).sqrt()


def squared_distances(queries: Tensor, keys: Tensor, scale: float = 1.0) -> Tensor:
    """[H, K, n], of ``queries`` [n, F] from ``keys`` [H, K, F], by one product of matrices.

    All are multiplied by ``scale``, at no cost for each of them.
    """
    flat = keys.flatten(0, 1)
    own = queries.square().sum(1)
    square = torch.addmm(own, flat, queries.t(), beta=scale, alpha=-2 * scale)
    square.add_(flat.square().sum(1, keepdim=True), alpha=scale).relu_()
    return square.view(*keys.shape[:2], queries.size(0))
