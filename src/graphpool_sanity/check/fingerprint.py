"""Fingerprints: what tells one model, or one set of graphs, from another in a ledger."""

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import is_sparse, to_edge_index

_LENGTH = 16
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
_LANGUAGE = ("builtins", "torch", "typing", "abc")
_FOREIGN = (*_LANGUAGE, "torch_geometric", "inspect", "numpy")
"""Packages whose classes are known by their names, as modules and as values."""


def model_fingerprint(model: nn.Module) -> str:
    """16 hex digits of a model's structure, the same in every process.

    They follow from the classes of its modules and their code (and that of their bases, torch's
    excepted), their attributes, whatever is inside them, and name, shape, type and mean absolute
    value, in three digits, of each parameter and buffer. Comments, docstrings and the module in
    which a class of this package lives make no difference. What a function that the code calls
    does elsewhere is not seen.

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
        known |= {kind for kind in type(module).__mro__ if not _is_of(kind, _LANGUAGE)}
    parts += sorted(f"{_named(kind)}: {_code_of(kind)}" for kind in known)
    parts += [
        f"{name}: {_summary(value)}"
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor)
    ]
    return _digest(part.encode() for part in parts)


def data_fingerprint(graphs: Iterable[Data]) -> str:
    """16 hex digits of all that the graphs have, in their order."""
    return _digest(part for graph in graphs for part in _bytes_of(graph))


def split_fingerprint(split: Iterable[Tensor]) -> str:
    """16 hex digits of the graphs of each part."""
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


def _is_of(kind: type, packages: Iterable[str]) -> bool:
    return kind.__module__.partition(".")[0] in packages


def _named(kind: Any) -> str:  # noqa: ANN401  (a class or a function)
    module = str(kind.__module__)
    package = module.partition(".")[0]
    own = package == __name__.partition(".")[0]  # whose modules may move
    return f"{package if own else module}.{kind.__qualname__}"


def _code_of(what: type | FunctionType) -> str:
    """The syntax tree without docstrings, or the bytecode where there is no source to parse."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(what)))
    except (OSError, TypeError, SyntaxError):  # of an interactive session; of a lambda's line
        functions = vars(what).values() if isinstance(what, type) else [what]
        return str([_bytecode(f.__code__) for f in functions if isinstance(f, FunctionType)])
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return ast.dump(tree)


def _bytecode(code: CodeType) -> list[Any]:
    constants = [_bytecode(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]


def _described(value: Any, inside: tuple[int, ...] = ()) -> str:  # noqa: ANN401  (anything)
    """Plain values in full, functions by their code, objects by their class and attributes.

    Never by an address in memory; ``inside`` are the objects that hold this one.
    """
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, Tensor):
        return _summary(value)
    if id(value) in inside:
        return "itself"
    inside = (*inside, id(value))
    parts = _parts_of(value)
    if isinstance(parts, str):
        return parts
    shown = [(key, _described(part, inside)) for key, part in parts.items()]
    return f"{_named(type(value))} {sorted(shown) if isinstance(value, set | frozenset) else shown}"


def _parts_of(value: Any) -> str | dict[str, Any]:  # noqa: ANN401  (anything)
    """What a value consists of, by name; or its description, if it is not looked into."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        return _summary(torch.as_tensor(np.asarray(value, np.float64))) + f" {value.dtype}"
    if isinstance(value, list | tuple | np.ndarray):
        return {str(i): part for i, part in enumerate(value)}
    if isinstance(value, set | frozenset):
        return {_described(part): None for part in value}
    if isinstance(value, Mapping):
        return {_described(key): part for key, part in value.items()}
    return _parts_of_other(value)


def _parts_of_other(value: Any) -> str | dict[str, Any]:  # noqa: ANN401  (anything)
    if isinstance(value, partial):
        return {"function": value.func, "args": value.args, "keywords": value.keywords}
    if isinstance(value, MethodType):
        return {"function": value.__func__, "of": value.__self__}
    if isinstance(value, FunctionType):
        closure = [cell.cell_contents for cell in value.__closure__ or () if _is_full(cell)]
        defaults = value.__defaults__, value.__kwdefaults__
        return {f"{_named(value)} {_code_of(value)}": closure, "defaults": defaults}
    if isinstance(value, Enum | ModuleType):
        return str(value) if isinstance(value, Enum) else value.__name__
    if hasattr(value, "__qualname__"):  # a class, or a function without code to be seen
        return _named(value)
    if _is_of(type(value), _FOREIGN):
        return _named(type(value))
    return dict(sorted(getattr(value, "__dict__", {}).items()))


def _is_full(cell: Any) -> bool:  # noqa: ANN401  (types.CellType, whose stub knows no contents)
    try:
        return cell.cell_contents is not None
    except ValueError:  # of a function that is being defined
        return False


def _summary(value: Tensor) -> str:
    size = value.detach().double().abs().mean().item() if value.numel() else 0.0
    return f"{list(value.shape)} {value.dtype} {size:.2e}"
