"""Packages whose public names are imported when they are first asked for."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

_EXTRA = {
    "dask": "cluster",
    "distributed": "cluster",
    "ogb": "ogb",
    "torch_sparse": "sparse",
    "torch_scatter": "sparse",
}
"""The extras of packages that ``check`` does not bring."""


def attach(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, by the module that has each public name.

    A name whose module needs what is not installed says which extra brings it.

    >>> getattr_, dir_ = attach("graphpool_sanity", {"sqrt": "math"})
    >>> dir_()
    ['sqrt']
    """

    def get(name: str) -> Any:  # noqa: ANN401  (whatever the module has)
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = import_module(modules[name])
        except ModuleNotFoundError as error:
            raise ImportError(f"{package}.{name} {needs(error)}") from error
        found = module if modules[name] == f"{package}.{name}" else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    return get, lambda: sorted(modules)


def needs(error: ModuleNotFoundError) -> str:
    """What is missing, and how it is installed."""
    missing = str(error.name).partition(".")[0]
    extra = _EXTRA.get(missing, "check")
    return f'needs {missing}: pip install "graphpool-sanity[{extra}]"'
