"""Models in words: all that their code and their values say, and nothing that changes by itself."""

import ast
import copyreg
import dis
import inspect
import sys
import textwrap
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache, cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import ReferenceType

import numpy as np
import torch
from torch import Tensor

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
_LANGUAGE = ("builtins", "torch", "typing", "abc")
_NAMED = ("torch", "torch_geometric", "typing", "abc", "inspect")
"""Packages whose objects are known by their classes' names, but for distributions."""
_OF_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME")


def summary(value: Tensor) -> str:
    """A tensor by shape, type and size, to which each entry adds by its place and its sign."""
    size = value.detach().double().flatten()
    weight = torch.linspace(1, 2, size.numel(), dtype=size.dtype, device=size.device)
    size = torch.where(size < 0, -1.5 * size, size) * weight
    return f"{list(value.shape)} {value.dtype} {size.mean().item() if size.numel() else 0:.2e}"


class Description:
    """Values in words, and the code that they rest on."""

    def __init__(self) -> None:
        self.code: list[str] = []
        self.unknown: list[str] = []
        """The classes of what cannot be described."""
        self._added: dict[int, object] = {}

    def of(self, value: Any, inside: tuple[int, ...] = ()) -> str:  # noqa: ANN401  (anything)
        """Plain values in full, functions by their code, objects by their class and attributes.

        Never by an address in memory; ``inside`` are the objects that hold this one.
        """
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, Tensor):
            return summary(value)
        if id(value) in inside:
            return "itself"
        inside = (*inside, id(value))
        parts = self._parts_of(value)
        if isinstance(parts, str):
            return parts
        shown = [(key, self.of(part, inside)) for key, part in parts.items()]
        ordered = sorted(shown) if isinstance(value, set | frozenset) else shown
        return f"{named(type(value))} {ordered}"

    def add(self, what: type | FunctionType) -> None:
        """Note the code of a class or function, and of what it uses, once."""
        if id(what) in self._added or (isinstance(what, type) and _is_of(what, _LANGUAGE)):
            return
        self._added[id(what)] = what
        used: dict[str, str] = {}
        if isinstance(what, FunctionType):
            if not _is_users(what):
                return
            names, attributes = _names_in(what.__code__)
            found = {name: what.__globals__[name] for name in names if name in what.__globals__}
            used = {name: self._of_global(value, attributes) for name, value in found.items()}
        elif _is_users(what):
            held = sorted(item for item in vars(what).items() if _is_held(*item))
            used = {name: self.of(value) for name, value in held}
        self.code.append(f"{named(what)}: {_code_of(what)} {used}")

    def _of_global(self, value: Any, attributes: list[str]) -> str:  # noqa: ANN401  (anything)
        """A module by what is asked of it, if it is the user's."""
        if not isinstance(value, ModuleType) or not _is_users(value):
            return self.of(value)
        asked = [name for name in attributes if name in vars(value)]
        rest = [name for name in attributes if name not in asked]
        return str({name: self._of_global(vars(value)[name], rest) for name in asked})

    def _parts_of(self, value: Any) -> str | dict[str, Any]:  # noqa: ANN401  (anything)
        """What a value consists of, by name; or its description, if it is not looked into."""
        if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
            return summary(torch.as_tensor(np.asarray(value, np.float64))) + f" {value.dtype}"
        if isinstance(value, list | tuple | np.ndarray):
            return {str(i): part for i, part in enumerate(value)}
        if isinstance(value, set | frozenset):
            return {self.of(part): None for part in value}
        if isinstance(value, Mapping):
            return {self.of(key): part for key, part in value.items()}
        if isinstance(value, Enum | ReferenceType):
            return str(value) if isinstance(value, Enum) else "a reference"
        return self._parts_of_code(value) or self._parts_of_object(value)

    def _parts_of_code(self, value: Any) -> str | dict[str, Any] | None:  # noqa: ANN401  (anything)
        """Of what can be called, or is asked for by a name."""
        if isinstance(value, ModuleType):
            return value.__name__
        if isinstance(value, partial):
            return {"function": value.func, "args": value.args, "keywords": value.keywords}
        if isinstance(value, MethodType):
            return {"function": value.__func__, "of": value.__self__}
        if isinstance(value, property):
            return {"get": value.fget, "set": value.fset}
        if isinstance(value, staticmethod | classmethod):
            return {"function": value.__func__}
        if isinstance(value, cached_property):
            return {"function": value.func}
        if isinstance(value, FunctionType):
            self.add(value)
            closure = [cell.cell_contents for cell in value.__closure__ or () if _is_full(cell)]
            defaults = value.__defaults__, value.__kwdefaults__
            return {named(value): closure, "defaults": defaults}
        if isinstance(value, type):
            self.add(value)
        elif hasattr(value, "__wrapped__"):  # by a cache, say
            return {"function": value.__wrapped__}
        return named(value) if callable(value) and hasattr(value, "__qualname__") else None

    def _parts_of_object(self, value: Any) -> str | dict[str, Any]:  # noqa: ANN401  (anything)
        """What an object would be pickled by: what cannot be pickled hides something."""
        kind = type(value)
        if _is_of(kind, _NAMED) and not kind.__module__.startswith("torch.distributions"):
            return named(kind)
        for base in kind.__mro__:
            if _is_users(base):
                self.add(base)
        try:
            reduce = copyreg.dispatch_table.get(kind)
            reduced = value.__reduce_ex__(4) if reduce is None else reduce(value)
        except Exception:
            self.unknown.append(named(kind))
            return named(kind)
        if isinstance(reduced, str):
            return reduced
        make, args, state, *items = (*reduced, None, None, None)[:5]
        held = [None if part is None else list(part) for part in items]
        return {"make": make, "args": args, "state": state, "items": held}


def _is_of(kind: type, packages: Iterable[str]) -> bool:
    return kind.__module__.partition(".")[0] in packages


@cache
def _is_installed(package: str) -> bool:
    """Whether a package is Python's, ours, or installed: known by name. A user's own is not."""
    if package in (*sys.stdlib_module_names, __name__.partition(".")[0]):
        return package != "__main__"
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _is_users(what: Any) -> bool:  # noqa: ANN401  (a class, a function or a module)
    module = what.__name__ if isinstance(what, ModuleType) else what.__module__
    return not _is_installed(str(module).partition(".")[0])


def named(kind: Any) -> str:  # noqa: ANN401  (a class or a function)
    """Module and name; of this package, whose modules may move, the name alone."""
    module = str(getattr(kind, "__module__", None))  # none of a method of Python's own
    package = module.partition(".")[0]
    own = package == __name__.partition(".")[0]
    return f"{package if own else module}.{kind.__qualname__}"


def _is_held(name: str, value: object) -> bool:
    """Whether a class holds an attribute because somebody wrote it there."""
    if name.startswith("__") and name.endswith("__"):
        return isinstance(value, FunctionType)
    return name != "_abc_impl"


def _names_in(code: CodeType) -> tuple[list[str], list[str]]:
    """The global names that code uses, that inside it too, and all other names."""
    found = [(i.opname, i.argval) for i in dis.get_instructions(code)]
    names = {name for operation, name in found if operation in _OF_GLOBALS}
    others = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            more, rest = _names_in(inner)
            names.update(more)
            others.update(rest)
    return sorted(names), sorted(others)


def _code_of(what: type | FunctionType) -> str:
    """The syntax tree without docstrings, or the bytecode where there is no source to parse."""
    source = what if isinstance(what, type) else what.__code__  # not of what that wraps
    try:
        if what.__name__ == "<lambda>":  # its line may have another
            raise SyntaxError
        tree = ast.parse(textwrap.dedent(inspect.getsource(source)))
    except (OSError, TypeError, SyntaxError):  # of an interactive session; of a lambda's line
        functions = vars(what).values() if isinstance(what, type) else [what]
        return str([_bytecode(f.__code__) for f in functions if isinstance(f, FunctionType)])
    for node in ast.walk(tree):
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return ast.dump(tree)


def _bytecode(code: CodeType) -> list[Any]:
    return [code.co_code.hex(), code.co_names, [_constant(value) for value in code.co_consts]]


def _constant(value: Any) -> Any:  # noqa: ANN401  (any constant)
    if isinstance(value, CodeType):
        return _bytecode(value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _is_full(cell: Any) -> bool:  # noqa: ANN401  (types.CellType, whose stub knows no contents)
    try:
        return cell.cell_contents is not None
    except ValueError:  # of a function that is being defined
        return False
