"""Soft selection by memory: how near each node is to keys, learned or fixed.

A selector maps nodes, keys [H, K, F] and the weights of the heads [H] to S [n, K]: rows that sum
to one. It is all that tells a layer from its null.
"""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from graphpool_sanity.nodes import Nodes
from graphpool_sanity.numerics import widen


class _KeySelector(nn.Module):
    """Scores nodes by the keys of each head, merges the heads, takes the softmax over keys."""

    def forward(self, nodes: Nodes, keys: Tensor, weight: Tensor) -> Tensor:
        """S [n, K]."""
        with torch.autocast(nodes.x.device.type, enabled=False):
            scores = self.score(widen(nodes.x), widen(keys), widen(weight))
            s = scores.softmax(0).t()
        return nodes.real(s.to(nodes.x.dtype))

    def score(self, queries: Tensor, keys: Tensor, weight: Tensor) -> Tensor:
        """[K, n], the weighted sum of the heads' scores of queries [n, F]."""
        raise NotImplementedError


class StudentT(_KeySelector):
    r"""Scores by Student's t, in shares of each head.

    .. math::
        \mathbf{S}_h[i, j] \propto
        (1 + \|\mathbf{q}_i - \mathbf{k}_{jh}\|^2 / \tau)^{-\frac{\tau + 1}{2}}
    """

    def __init__(self, tau: float) -> None:
        super().__init__()
        if not tau > 0:
            raise ValueError(f"tau must be positive, got {tau}")
        self.tau = tau

    def score(self, queries: Tensor, keys: Tensor, weight: Tensor) -> Tensor:
        """[K, n], the weighted sum of the heads' scores of queries [n, F]."""
        scores: Tensor = _StudentT.apply(queries, keys, weight, self.tau)  # type: ignore[no-untyped-call]
        return scores

    def extra_repr(self) -> str:
        """The temperature."""
        return f"tau={self.tau}"


class KeyDistance(_KeySelector):
    r"""Scores by the distance itself, :math:`\|\mathbf{q}_i - \mathbf{k}_{jh}\|`."""

    def score(self, queries: Tensor, keys: Tensor, weight: Tensor) -> Tensor:
        """[K, n], the weighted sum of the heads' scores of queries [n, F]."""
        scores: Tensor = _Distance.apply(queries, keys, weight)  # type: ignore[no-untyped-call]
        return scores


class _Context(Protocol):
    """What autograd hands to ``forward`` and ``backward``."""

    saved_tensors: tuple[Tensor, ...]
    needs_input_grad: tuple[bool, ...]
    tau: float

    def save_for_backward(self, *tensors: Tensor) -> None: ...


# Autograd would keep a dozen tensors [H, K, n] for either score: by hand two of them are enough.
# `slope` is the derivative of the loss with respect to the squared distances.


class _StudentT(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, queries: Tensor, keys: Tensor, weight: Tensor, tau: float) -> Tensor:
        spread = _squared_distances(queries, keys).div_(tau).add_(1)
        shares = spread.amin(1, keepdim=True) / spread  # at most 1: no power of it overflows
        shares.pow_((tau + 1) / 2)
        shares.div_(shares.sum(1, keepdim=True))
        ctx.save_for_backward(queries, keys, weight, spread, shares)
        ctx.tau = tau
        return _merge(weight, shares)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, weight, spread, shares = ctx.saved_tensors
        slope = shares * grad
        mean = slope.sum(1, keepdim=True)
        slope.addcmul_(shares, mean, value=-1).div_(spread)
        slope.mul_(weight.view(-1, 1, 1) * (-(ctx.tau + 1) / (2 * ctx.tau)))
        return *_pull_back(ctx, queries, keys, slope), mean.sum((1, 2)), None


class _Distance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, queries: Tensor, keys: Tensor, weight: Tensor) -> Tensor:
        distance = _squared_distances(queries, keys).sqrt_()
        ctx.save_for_backward(queries, keys, weight, distance)
        return _merge(weight, distance)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, weight, distance = ctx.saved_tensors
        slope = grad * (weight / 2).view(-1, 1, 1)
        slope.div_(distance).masked_fill_(distance == 0, 0)  # no direction leads off a key
        return *_pull_back(ctx, queries, keys, slope), distance.flatten(1) @ grad.flatten()


def _squared_distances(queries: Tensor, keys: Tensor) -> Tensor:
    """[H, K, n], by one product of matrices."""
    flat = keys.flatten(0, 1)
    square = torch.addmm(queries.square().sum(1), flat, queries.t(), alpha=-2)
    square.add_(flat.square().sum(1, keepdim=True)).clamp_(min=0)
    return square.view(*keys.shape[:2], queries.size(0))


def _merge(weight: Tensor, scores: Tensor) -> Tensor:
    return (weight @ scores.flatten(1)).view(scores.shape[1:])


def _pull_back(
    ctx: _Context, queries: Tensor, keys: Tensor, slope: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of queries and keys, by one product of matrices each."""
    flat, slope = keys.flatten(0, 1), slope.flatten(0, 1)
    to_queries = to_keys = None
    if ctx.needs_input_grad[0]:
        to_queries = queries * slope.sum(0).unsqueeze(1)
        to_queries.addmm_(slope.t(), flat, beta=2, alpha=-2)
    if ctx.needs_input_grad[1]:
        to_keys = flat * slope.sum(1, keepdim=True)
        to_keys = to_keys.addmm_(slope, queries, beta=2, alpha=-2).view_as(keys)
    return to_queries, to_keys
