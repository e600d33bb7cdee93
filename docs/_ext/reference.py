"""The pages of the API reference, one for each part of the package, as the code has them."""

import sys
from collections import defaultdict
from importlib import import_module
from inspect import isfunction, ismodule
from itertools import chain
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from sphinx.application import Sphinx

import graphpool_sanity

TITLES = {
    "": "graphpool_sanity",
    "check": "The check",
    "training": "Training",
    "reproduce": "The paper's studies",
    "nulls": "Nulls",
    "testing": "Symmetries as assertions",
    "analysis": "Analysis",
    "datasets": "Data sets",
    "losses": "Losses",
    "select": "Selectors",
    "inside": "Coarsening, input, bases",
}
"""The parts in the order of the reference; modules of no other part are ``inside``."""


def parts() -> dict[str, list[str]]:
    """The public modules of each part."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in walk_packages(graphpool_sanity.__path__, "graphpool_sanity."):
        names = module.name.split(".")[1:]
        if not any(name.startswith("_") for name in names) and _can_be_imported(module.name):
            found[names[0] if names[0] in TITLES else "inside"].append(module.name)
    return found


def _can_be_imported(module: str) -> bool:
    """Whether the packages are there that it is about: nulls of another library need that."""
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("graphpool_sanity"):
            raise
        return False
    return True


def write_pages(app: Sphinx) -> None:
    """Write one page for each part, if it has changed."""
    found = parts()
    for module in (graphpool_sanity, *map(import_module, chain(*found.values()))):
        for name in getattr(module, "__all__", ()):  # some are imported when they are asked for
            setattr(module, name, getattr(module, name))
    folder = Path(app.srcdir, "api")
    layers = {path.read_text().partition("\n")[0] for path in folder.parent.glob("layers/*.rst")}
    own = {name for name in graphpool_sanity.__all__ if not ismodule(vars(graphpool_sanity)[name])}
    _write(folder / "index.rst", _front_page(sorted(own - layers)))
    for part in [part for part in TITLES if part]:
        modules = "\n".join(_module(name) for name in found[part])
        _write(folder / f"{part}.rst", f"{_title(TITLES[part])}\n{modules}")


def _front_page(names: list[str]) -> str:
    pages = "\n   ".join(part for part in TITLES if part)
    members = ", ".join(names)
    return (
        f"{_title('API reference')}\n"
        "What :doc:`layers </layers/index>` do is on their own pages. All else that\n"
        "``graphpool_sanity`` exports is here; what its modules hold besides is listed by part.\n"
        f"\n.. toctree::\n   :maxdepth: 1\n\n   {pages}\n"
        f"\n.. automodule:: graphpool_sanity\n   :members: {members}\n"
    )


def _module(name: str) -> str:
    heading = f"``{name}``"
    package, _, last = name.rpartition(".")
    body = f".. automodule:: {name}\n   :members:\n"
    if isfunction(getattr(import_module(package), last, None)):  # which hides the module
        members = vars(sys.modules[name]).values()
        body = "\n".join(
            f".. autofunction:: {name}.{found.__name__}\n"
            for found in members
            if isfunction(found) and found.__module__ == name and not found.__name__.startswith("_")
            if found.__name__ != last
        )
    return f"{heading}\n{'-' * len(heading)}\n\n{body}" if body else ""


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}
