"""Nulls are made on the CPU, where a seed draws the same for every device, and taken back."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

Homes = Mapping[nn.Module, torch.device]
"""Where the tensors of each part of a layer lie."""


def take_to_cpu(layer: nn.Module) -> Homes:
    """Take a layer to the CPU, where a seed draws the same for every device; where it has been."""
    homes = {part: own[0].device for part in layer.modules() if (own := _own_tensors(part))}
    if any(home.type not in ("cpu", "meta") for home in homes.values()):
        layer.cpu()
    return homes


def match_type(made: nn.Module, like: list[Tensor]) -> None:
    """Give the tensors that a null has added the floating point type of the rest."""
    dtype = next((tensor.dtype for tensor in like if tensor.is_floating_point()), None)
    kept = {id(tensor) for tensor in like}
    for own in (*made.parameters(), *made.buffers()):
        if id(own) not in kept and own.is_floating_point():
            own.data = own.data.to(dtype)


def take_back(made: nn.Module, homes: Homes) -> None:
    """Take a null to where its layer has been, and what it has added to where the layer begins."""
    for part in made.modules():
        home = homes.get(part, next(iter(homes.values()), torch.device("cpu")))
        if home.type != "cpu":
            part._apply(partial(torch.Tensor.to, device=home), recurse=False)


def _own_tensors(part: nn.Module) -> list[Tensor]:
    return [*part.parameters(recurse=False), *part.buffers(recurse=False)]
