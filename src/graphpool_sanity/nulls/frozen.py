"""The frozen null: a selector as it was before training, which no gradient reaches."""

import torch
from torch import nn
from torch_geometric.nn.inits import reset

from graphpool_sanity.modules import copied, fork_rng


class Frozen(nn.Module):
    """What another module gives, without gradient for its parameters or its input.

    >>> select = Frozen(nn.Linear(2, 3))
    >>> select(torch.ones(1, 2, requires_grad=True)).requires_grad
    False
    """

    def __init__(self, select: nn.Module) -> None:
        super().__init__()
        self.select = select.requires_grad_(False)

    def reset_parameters(self) -> None:
        """Draw other parameters."""
        reset(self.select)

    def forward(self, *args: object, **kwargs: object) -> object:
        """The output of the module."""
        with torch.no_grad():
            return self.select(*args, **kwargs)


def untrained(module: nn.Module, seed: int) -> nn.Module:
    """A copy of a module with all its parameters drawn anew from a seed.

    Raises:
        ValueError: if a parameter has nobody who draws it anew: no ``reset_parameters`` sets it.

    >>> linear = nn.Linear(2, 3)
    >>> torch.equal(untrained(linear, 0).weight, untrained(linear, 0).weight)
    True
    """
    module = copied(module)
    for parameter in module.parameters():
        parameter.data.fill_(torch.nan)
    with fork_rng(seed):
        reset(module)
    for name, parameter in module.named_parameters():
        if parameter.isnan().any():
            raise ValueError(
                "the frozen null draws the parameters of the selection anew by their modules' "
                f"reset_parameters(), got {name} of {type(module).__name__}, which none sets"
            )
    return module
