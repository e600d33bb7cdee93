"""Numerics that soft coarsening and its losses share."""

import torch
from torch import Tensor


def widen(t: Tensor) -> Tensor:
    """At least single precision: squares and tiny constants overflow and vanish in half."""
    return t.float() if t.dtype in (torch.float16, torch.bfloat16) else t


def safe_sqrt(t: Tensor) -> Tensor:
    """The square root, zero with a zero gradient where ``t`` is not positive, and NaN if infinite.

    >>> t = torch.tensor([4.0, 0.0, -1e-9], requires_grad=True)
    >>> safe_sqrt(t).sum().backward()
    >>> t.grad
    tensor([0.2500, 0.0000, 0.0000])
    """
    rounding = (t <= 0) & t.isfinite()
    return torch.where(rounding, 0, torch.where(rounding, 1, t).sqrt())
