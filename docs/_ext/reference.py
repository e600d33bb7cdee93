"""The API reference: one page for each public package, with what its ``__all__`` names."""

from importlib import import_module
from inspect import ismodule
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import graphpool_sanity

FRONT = "graphpool_sanity"
TITLES = {
    "check": "The check",
    "datasets": "Data sets",
    "training": "Training",
    "nulls": "Nulls",
    "testing": "Symmetries as assertions",
    "analysis": "Analysis",
}
"""Of each package below the front, in the order of the reference."""

FOREIGN = {
    "torch._C.Generator": "torch.Generator",
    "torch.nn.modules.module.Module": "torch.nn.Module",
    "torch_geometric.data.batch.Batch": "torch_geometric.data.Batch",
    "torch_geometric.data.data.Data": "torch_geometric.data.Data",
    "torchmetrics.metric.Metric": "torchmetrics.Metric",
}
"""Where annotations have the module that defines a class, not the one that documents it."""


def exports(part: str) -> list[str]:
    """What a package below the front exports."""
    return list(import_module(f"{FRONT}.{part}").__all__)


def write_pages(app: Sphinx) -> None:
    """Write each page, if it has changed; the front's has the entries that no other page has."""
    layers = [path.read_text().partition("\n")[0] for path in Path(app.srcdir).glob("layers/*.rst")]
    elsewhere = {*TITLES, *layers}.union(*map(exports, TITLES))
    own = ", ".join(name for name in graphpool_sanity.__all__ if name not in elsewhere)
    parts = "\n   ".join(["", *TITLES])
    pages = {"index": f"{_page('API reference', FRONT, own)}\n.. toctree::\n   :hidden:\n{parts}\n"}
    pages |= {part: _page(title, f"{FRONT}.{part}") for part, title in TITLES.items()}
    folder = Path(app.srcdir, "api")
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _page(title: str, module: str, members: str = "") -> str:
    return f"{title}\n{'=' * len(title)}\n\n.. automodule:: {module}\n   :members: {members}\n"


def begin_with_table(
    app: Sphinx, what: str, name: str, obj: Any, options: object, lines: list[str]
) -> None:
    """Put a table of its names below the first line of a package's docstring."""
    if what == "module":
        names = sorted(obj.__all__, key=lambda name: (ismodule(getattr(obj, name)), name.lower()))
        table = ["", ".. autosummary::", "   :nosignatures:", ""]
        lines[1:1] = [*table, *(f"   {name}" for name in names), ""]


def keep_colons(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let the first line of an attribute's docstring be prose, though it has a colon."""
    if what in ("attribute", "property"):
        lines.insert(0, "\\ ")  # nothing, on a line of its own


def add_front_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Let what the front exports be found by that name, too."""
    objects = env.domains.python_domain.objects
    for part in TITLES:
        for name in set(exports(part)).intersection(graphpool_sanity.__all__):
            entry = objects[f"{FRONT}.{part}.{name}"]
            objects[f"{FRONT}.{name}"] = entry._replace(aliased=True)


def find_elsewhere(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to another page's only object of that name, or to another package's."""
    node["reftarget"] = FOREIGN.get(node["reftarget"], node["reftarget"])
    node["refspecific"] = True
    return env.domains.python_domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], node["reftarget"], node, content
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of them."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", keep_colons, priority=100)
    app.connect("autodoc-process-docstring", begin_with_table)
    app.connect("env-updated", add_front_names)
    app.connect("missing-reference", find_elsewhere, priority=100)
    return {"parallel_read_safe": True}
