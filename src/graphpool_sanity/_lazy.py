"""Packages whose public names are imported when they are first asked for.

A package declares its names once, for people, type checkers and :func:`attach` alike, in the stub
``__init__.pyi`` beside its ``__init__.py``.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

_EXTRA = {"dask": "cluster", "distributed": "cluster", "ogb": "ogb", "rdkit": "chem"}
"""The extras of packages that ``check`` does not bring."""


def attach(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], Any]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package, as its stub declares them.

    A name whose module needs what is not installed says which extra brings it.
    """
    modules = {}
    for node in ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            modules.update({alias.name: str(node.module) for alias in node.names})

    def get(name: str) -> Any:  # noqa: ANN401  (whatever the module has)
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            if modules[name] == package:  # a part of it
                return import_module(f"{package}.{name}")
            found = getattr(import_module(modules[name]), name)
        except ModuleNotFoundError as error:
            raise ImportError(f"{package}.{name} {needs(error.name)}") from error
        setattr(sys.modules[package], name, found)
        return found

    return get, lambda: sorted(modules), list(modules)


def needs(module: str | None) -> str:
    """What is missing, and how it is installed: the end of each message about an extra."""
    missing = str(module).partition(".")[0]
    extra = _EXTRA.get(missing, "check")
    return f'needs {missing}: in a checkout of graphpool-sanity, pip install ".[{extra}]"'
