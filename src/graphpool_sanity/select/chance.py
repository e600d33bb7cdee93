"""Where chance comes from: seeds, and priorities hashed from a seed and an index."""

from numbers import Integral
from typing import TypeVar

import torch
from torch import Tensor, nn

_MASK = 2**31 - 1
Word = TypeVar("Word", int, Tensor)
"""31 bits, or a tensor of such."""


def resolve_seed(seed: int | None) -> int:
    """The seed itself, or one drawn from the global generator if it is ``None``."""
    if seed is None:
        return draw_seed(None)
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**63:
        raise ValueError(f"seed must be None or an int in [0, 2**63), got {seed!r}")
    return int(seed)


def draw_seed(generator: torch.Generator | None) -> int:
    """A fresh 62-bit seed from ``generator`` (the global one if ``None``)."""
    device = "cpu" if generator is None else generator.device
    return int(torch.randint(2**62, (), generator=generator, device=device))


class Chance(nn.Module):
    """What draws from a generator of its own, and from the seed that it is saved with."""

    seed: Tensor

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self._given_seed = seed
        self.register_buffer("seed", torch.zeros((), dtype=torch.long))
        self.generator = torch.Generator()
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start the stream of draws anew (from another seed if none was given)."""
        seed = resolve_seed(self._given_seed)
        self.seed.fill_(seed)
        self.generator.manual_seed(seed)


def mix(x: Word) -> Word:
    r"""A bijection of :math:`\{0, \dots, 2^{31} - 1\}` that looks like chance.

    Two rounds of xor-shift and odd multiplication, as in the finalisers of the MurmurHash
    family. All products stay below :math:`2^{63}`, so every device gives the same numbers.
    """
    x = x ^ (x >> 15)
    x = (x * 0x2C1B3C6D) & _MASK
    x = x ^ (x >> 12)
    x = (x * 0x297A2D39) & _MASK
    return x ^ (x >> 15)


def priorities(index: Tensor, seed: Word) -> Tensor:
    r"""Priorities in :math:`[0, 2^{31})`: distinct for distinct indices, random in the seed.

    Sorting nodes by priority is visiting them in random order; no draw depends on the device,
    or on how many other nodes there are.
    """
    low, high, top = seed & _MASK, (seed >> 31) & _MASK, seed >> 62
    # Mixed before they meet the index: else seeds of near numbers would pair the same nodes.
    return mix(mix(index ^ mix(low ^ 0x5BD1E995)) ^ mix(high ^ 0x1B873593) ^ top)
