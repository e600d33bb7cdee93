"""Modules copied, and run under a seed, without a trace."""

import copy
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

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

    Tensors with a history (attention weights or embeddings that a layer keeps to be looked at),
    which PyTorch refuses to copy, are copied without it.

    Args:
        module: What is copied.
        memo: Copies of parts, by ``id``, as :func:`copy.deepcopy` takes them; it is added to.

    >>> linear = nn.Linear(2, 1)
    >>> linear.seen = linear(torch.ones(1, 2))
    >>> copied(linear).seen.requires_grad
    False
    """
    memo = {} if memo is None else memo
    seen: set[int] = set()
    for part in module.modules():
        for tensor in _tensors_in(vars(part), seen):
            if tensor.grad_fn is not None:
                memo.setdefault(id(tensor), tensor.detach().clone())
    return copy.deepcopy(module, memo)


def _tensors_in(value: Any, seen: set[int]) -> Iterator[Tensor]:  # noqa: ANN401  (anything)
    """All tensors in containers and objects, modules apart, each object once."""
    if isinstance(value, Tensor):
        yield value
        return
    if id(value) in seen or isinstance(value, nn.Module | type):
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, list | tuple | set):
        inside = list(value)
    else:
        inside = list(getattr(value, "__dict__", {}).values())
    for part in inside:
        yield from _tensors_in(part, seen)
