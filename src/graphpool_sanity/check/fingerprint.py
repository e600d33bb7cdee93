"""Fingerprints: what tells one model, or one set of graphs, from another in a ledger."""

import hashlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import is_sparse, to_edge_index

_LENGTH = 16
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)


def model_fingerprint(model: nn.Module) -> str:
    """16 hex digits of a model's structure, the same in every process.

    They follow from the classes of its modules and their source (and that of their bases, torch's
    excepted), their plain attributes, and name, shape, type and mean absolute value, in three
    digits, of each parameter and buffer. What a function that the source calls does elsewhere is
    not seen.

    >>> a, b = nn.Linear(2, 3), nn.Linear(2, 4)
    >>> model_fingerprint(a) == model_fingerprint(a), model_fingerprint(a) == model_fingerprint(b)
    (True, False)
    """
    known: set[type] = set()
    parts: list[str] = []
    for name, module in model.named_modules():
        own = vars(module).keys() - vars(nn.Module()).keys()
        values = {key: _described(vars(module)[key]) for key in sorted(own)}
        parts.append(f"{name}: {_named(type(module))} {values}")
        known |= {kind for kind in type(module).__mro__ if not _is_foreign(kind)}
    parts += sorted(f"{_named(kind)}: {_source(kind)}" for kind in known)
    parts += [
        f"{name}: {_summary(value)}"
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor)
    ]
    return _digest(part.encode() for part in parts)


def data_fingerprint(graphs: Iterable[Data]) -> str:
    """16 hex digits of features, edges, targets and all else that the graphs have, in their order.

    >>> graph = Data(torch.ones(2, 1), torch.tensor([[0], [1]]))
    >>> data_fingerprint([graph]) == data_fingerprint([graph, graph])
    False
    """
    return _digest(part for graph in graphs for part in _bytes_of(graph))


def split_fingerprint(split: Iterable[Tensor]) -> str:
    """16 hex digits of the graphs of each part.

    >>> a, b = torch.tensor([0, 1]), torch.tensor([2])
    >>> split_fingerprint([a, b]) == split_fingerprint([b, a])
    False
    """
    return _digest(str(part.tolist()).encode() for part in split)


def _bytes_of(graph: Data) -> Iterator[bytes]:
    first = ("x", "edge_index", "edge_attr", "y")
    for key in (*first, *sorted(set(graph.keys()) - set(first))):
        value = graph.get(key)
        if is_sparse(value):
            for part in to_edge_index(value):
                yield from _bytes_of_tensor(key, part)
        elif isinstance(value, Tensor):
            yield from _bytes_of_tensor(key, value)
        elif value is not None:
            yield f"{key} {_described(value)}".encode()


def _bytes_of_tensor(key: str, value: Tensor) -> Iterator[bytes]:
    yield f"{key} {list(value.shape)} {value.dtype}".encode()
    yield value.detach().cpu().contiguous().numpy().tobytes()


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part + b"\n")
    return digest.hexdigest()[:_LENGTH]


def _is_foreign(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in ("builtins", "torch", "typing", "abc")


def _named(kind: Any) -> str:  # noqa: ANN401  (a class or a function)
    return f"{kind.__module__}.{kind.__qualname__}"


def _source(what: type | FunctionType) -> str:
    """The source, or the bytecode where there is none, as in an interactive session."""
    try:
        return inspect.getsource(what)
    except (OSError, TypeError):
        functions = vars(what).values() if isinstance(what, type) else [what]
        return str([_code(f.__code__) for f in functions if isinstance(f, FunctionType)])


def _code(code: CodeType) -> list[Any]:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]


def _described(value: Any) -> str:  # noqa: ANN401  (whatever a module holds)
    """Plain values in full, functions by their source, all else by its name or its class's."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, list | tuple):
        return str([_described(item) for item in value])
    if isinstance(value, set | frozenset):
        return str(sorted(_described(item) for item in value))
    if isinstance(value, Mapping):
        return str([(_described(key), _described(item)) for key, item in value.items()])
    if isinstance(value, partial):
        return str([_described(part) for part in (value.func, value.args, value.keywords)])
    if isinstance(value, FunctionType):
        return f"{_named(value)} {_source(value)}"
    return _named(value if hasattr(value, "__qualname__") else type(value))


def _summary(value: Tensor) -> str:
    size = value.detach().double().abs().mean().item() if value.numel() else 0.0
    return f"{list(value.shape)} {value.dtype} {size:.2e}"
