"""Where chance comes from: seeds, and priorities hashed from a seed and an index."""

from collections.abc import MutableMapping
from numbers import Integral
from typing import Any, TypeVar

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


class Seeded(nn.Module):
    """Mixin of what draws from a seed of its own, which is saved with it.

    Averages of models (``AveragedModel(use_buffers=True)``) take buffers for weights, compute in
    single precision and round down. So a seed is kept digit by digit, each in the middle of a range
    of numbers that stand for it.
    """

    coded_seed: Tensor

    def keep_seed(self, given: int | None) -> None:
        """Make room for a seed: the one given, or others to be drawn if it is ``None``."""
        self._given_seed = given
        self.register_buffer("coded_seed", torch.zeros(16, dtype=torch.long))

    def new_seed(self) -> int:
        """The seed given, or a fresh one, which is kept."""
        seed = resolve_seed(self._given_seed)
        self.coded_seed.copy_(_to_digits(seed))
        return seed

    @property
    def seed(self) -> Tensor:
        """[], int64."""
        shift = torch.arange(0, 64, 4, device=self.coded_seed.device)
        return (self.coded_seed >> _RANGE << shift).sum()

    def _load_from_state_dict(
        self,
        state_dict: MutableMapping[str, Any],
        prefix: str,
        *args: Any,  # noqa: ANN401
    ) -> None:
        old = state_dict.pop(f"{prefix}seed", None)  # as one number, without a counter
        if old is not None:
            state_dict[f"{prefix}coded_seed"] = _to_digits(int(old)).to(old.device)
            if "counter" in self._buffers:
                state_dict[f"{prefix}counter"] = torch.zeros_like(old)
        super()._load_from_state_dict(state_dict, prefix, *args)


_RANGE = 12  # bits of the range of numbers that stand for a digit


def _to_digits(seed: int) -> Tensor:
    """[16], hexadecimal, the lowest first."""
    digits = [seed >> shift & 15 for shift in range(0, 64, 4)]
    return (torch.tensor(digits) << _RANGE) + (1 << _RANGE - 1)


class Chance(Seeded):
    """What draws in training, each time anew: from its seed and a counter of the draws."""

    counter: Tensor

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.keep_seed(seed)
        self.register_buffer("counter", torch.zeros((), dtype=torch.long))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start the stream of draws anew (from another seed if none was given)."""
        self.new_seed()
        self.counter.zero_()

    def draw(self) -> Tensor:
        """A fresh seed [], another one at each call, on the module's device."""
        word = mix(self.counter.add_(1))
        return self.seed ^ (word << 31 | word)


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
