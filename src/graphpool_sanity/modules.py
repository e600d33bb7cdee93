"""Modules copied, and run under a seed, without a trace."""

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

Module = TypeVar("Module", bound=nn.Module)


def seed_all(seed: int) -> None:
    """Seed all global generators: PyTorch's on every device in use, NumPy's and Python's."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    np.random.seed([seed % 2**32, seed >> 32])
    random.seed(seed)


@contextmanager
def fork_rng(seed: int) -> Iterator[None]:
    """Seed all global generators inside; afterwards they are as they were.

    >>> with fork_rng(0):
    ...     first = torch.rand(2)
    >>> with fork_rng(0):
    ...     torch.equal(torch.rand(2), first)
    True
    """
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    of_numpy, of_python = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=gpus):
        try:
            seed_all(seed)
            yield
        finally:
            np.random.set_state(of_numpy)
            random.setstate(of_python)


def copied(module: Module, memo: dict[int, Any] | None = None) -> Module:
    """A deep copy of a module, even if it keeps results of a forward pass.

    Tensors with a history (attention weights, embeddings to be looked at), which PyTorch refuses to
    copy, are copied without it. ``memo`` has copies of parts by ``id``, as for ``copy.deepcopy``.

    >>> linear = nn.Linear(2, 1)
    >>> linear.seen = linear(torch.ones(1, 2))
    >>> copied(linear).seen.requires_grad
    False
    """
    with patch.object(Tensor, "__deepcopy__", _without_history):
        return copy.deepcopy(module, memo)


_deepcopy: Callable[[Tensor, dict[int, Any]], Tensor] = Tensor.__deepcopy__


def _without_history(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    return _deepcopy(tensor, memo) if tensor.is_leaf else tensor.detach().clone()
