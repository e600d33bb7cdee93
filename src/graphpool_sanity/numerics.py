"""Numerics that soft coarsening and its losses share."""

import torch
from torch import Tensor


def widen(t: Tensor) -> Tensor:
    """At least single precision: squares and tiny constants overflow and vanish in half."""
    return t.float() if t.dtype in (torch.float16, torch.bfloat16) else t


def safe_sqrt(t: Tensor) -> Tensor:
    """The square root, with zero gradient, zero where ``t`` is not positive; NaN if infinite."""
    rounding = (t <= 0) & t.isfinite()
    return torch.where(rounding, 0, torch.where(rounding, 1, t).sqrt())
