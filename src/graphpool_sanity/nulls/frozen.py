"""The frozen null: a selector as it was before training, which no gradient reaches."""

import torch
from torch import nn
from torch_geometric.nn.inits import reset

from graphpool_sanity.modules import copied, fork_rng


class Frozen(nn.Module):
    """What another module gives, without gradient for its parameters or its input."""

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


def untrain(layer: nn.Module, seed: int) -> None:
    """Give a layer copies of its parts with all their parameters drawn anew, and let none learn.

    In place: hooks and attributes stay with the layer, and its parts with whoever shares them.
    """
    drawn = vars(untrained(layer, seed))
    vars(layer).update({name: drawn[name] for name in ("_parameters", "_buffers", "_modules")})
    layer.requires_grad_(False)


def frozen(module: nn.Module, seed: int) -> Frozen:
    """A module as it was before training, with parameters of its own from a seed."""
    return Frozen(untrained(module, seed))
