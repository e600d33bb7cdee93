"""The nulls of PyTorch Geometric's ``DMoNPooling``: the layer with another ``mlp``.

The assignment is the softmax of what ``mlp`` scores the nodes with, whatever that is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import DMoNPooling
from torch_geometric.nn.inits import reset

from graphpool_sanity.nulls.frozen import Frozen, untrained
from graphpool_sanity.nulls.registry import MakeNull, register_null
from graphpool_sanity.nulls.replace import set_class
from graphpool_sanity.select.hashed import HashedAssignment
from graphpool_sanity.select.rows import ShuffledRows
from graphpool_sanity.select.shuffle import take_rows


class NullDMoNPooling(DMoNPooling):
    """``DMoNPooling`` whose ``mlp`` is told which rows are nodes."""

    def forward(self, x: Tensor, adj: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """S, x, adj and three losses, as ``DMoNPooling`` gives them."""
        self.mlp.mask = mask
        try:
            return super().forward(x, adj, mask)
        finally:
            self.mlp.mask = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.mlp})"


class ShuffledScores(nn.Module):
    """The scores of ``mlp``, those of the nodes of each graph permuted by chance."""

    mask: Tensor | None = None

    def __init__(self, mlp: nn.Module, seed: int | None = None) -> None:
        super().__init__()
        self.mlp = mlp
        self.out_channels = mlp.out_channels
        self.chance = ShuffledRows(seed)

    def reset_parameters(self) -> None:
        """Initialise the network and chance anew."""
        reset(self.mlp)
        self.chance.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, K]."""
        scores = self.mlp(x)
        graph = torch.arange(x.size(0), device=x.device).repeat_interleave(x.size(1))
        mask = None if self.mask is None else self.mask.flatten().bool()
        row = self.chance.rows(graph, mask)
        return take_rows(scores, row)


class HashedScores(nn.Module):
    """Scores drawn by chance from N(0, 1), one row for each position of a node."""

    def __init__(self, out_channels: int, seed: int | None = None) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.chance = HashedAssignment(out_channels, "normal", seed)

    def reset_parameters(self) -> None:
        """Draw other scores."""
        self.chance.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, K]."""
        scores = self.chance.scores(torch.arange(x.size(1), device=x.device))
        return scores.to(x.dtype).expand(x.size(0), -1, -1)


class FrozenScores(Frozen):
    """The scores of an untrained ``mlp``."""

    def __init__(self, mlp: nn.Module) -> None:
        super().__init__(mlp)
        self.out_channels = mlp.out_channels


class EqualScores(nn.Module):
    """The same score for each cluster."""

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, K]."""
        return x.new_zeros(*x.shape[:-1], self.out_channels)

    def reset_parameters(self) -> None:
        """There is nothing to draw."""


def _rescore(make: Callable[[Any, int], nn.Module]) -> MakeNull:
    def null(layer: DMoNPooling, seed: int) -> nn.Module:
        set_class(layer, NullDMoNPooling, DMoNPooling)
        layer.mlp = make(layer.mlp, seed)
        return layer

    return null


register_null(DMoNPooling, "random")(
    _rescore(lambda mlp, seed: HashedScores(mlp.out_channels, seed))
)
register_null(DMoNPooling, "shuffle")(_rescore(ShuffledScores))
register_null(DMoNPooling, "frozen")(_rescore(lambda mlp, seed: FrozenScores(untrained(mlp, seed))))
register_null(DMoNPooling, "none")(_rescore(lambda mlp, seed: EqualScores(mlp.out_channels)))
