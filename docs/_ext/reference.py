"""The API reference: a page for each public package, with what its ``__all__`` names."""

from collections.abc import Sequence
from dataclasses import MISSING
from importlib import import_module
from inspect import ismodule
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.pycode import ModuleAnalyzer

FRONT = "graphpool_sanity"

FOREIGN = {
    "Metric": "torchmetrics.Metric",
    "Tensor": "torch.Tensor",
    "torch._C.Generator": "torch.Generator",
    "torch.distributions.distribution.Distribution": "torch.distributions.Distribution",
    "torch.nn.modules.module.Module": "torch.nn.Module",
    "torch_geometric.data.batch.Batch": "torch_geometric.data.Batch",
    "torch_geometric.data.data.Data": "torch_geometric.data.Data",
    "torch_geometric.data.in_memory_dataset.InMemoryDataset": "torch_geometric.data.InMemoryDataset",
    "torchmetrics.metric.Metric": "torchmetrics.Metric",
}
"""Where annotations have the module that defines a class, not the one that documents it."""


def exports(module: str) -> dict[str, Any]:
    """What a module exports; some is imported when it is asked for."""
    found = import_module(module)
    return {name: getattr(found, name) for name in found.__all__}


def parts() -> list[str]:
    """The packages below the front."""
    return [f"{FRONT}.{name}" for name, found in exports(FRONT).items() if ismodule(found)]


def write_pages(app: Sphinx) -> None:
    """Write each page, if it has changed; the front's has the entries that no other page has."""
    names = list(map(_short, parts()))
    folder = Path(app.srcdir, "api")
    folder.mkdir(exist_ok=True)
    for name, part in zip(names, parts(), strict=True):
        _write(folder / f"{name}.rst", _title(part) + _entries(part))
    _write(
        folder / "index.rst",
        f"{_title('API reference')}What these pages list is public. All else may move without notice.\n"
        f"\n{_entries(FRONT, sorted(_own(app)))}\n.. toctree::\n   :hidden:\n\n"
        + "".join(f"   {name} <{name}>\n" for name in names),
    )


def _layers(app: Sphinx) -> set[str]:
    """Those that have a page each."""
    pages = Path(app.srcdir).glob("layers/*.rst")
    return {path.read_text(encoding="utf-8").partition("\n")[0] for path in pages}


def _own(app: Sphinx) -> set[str]:
    """What the front exports and no other page has."""
    elsewhere = _layers(app).union(*map(exports, parts()))
    return {name for name, found in exports(FRONT).items() if not ismodule(found)} - elsewhere


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n\n"


def _entries(module: str, names: Sequence[str] = ()) -> str:
    return f".. automodule:: {module}\n   :members: {', '.join(names)}\n"


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def share_comments(app: Sphinx) -> None:
    """Let packages have the comments on data that they export: only the definition has one."""
    for package in map(import_module, parts()):
        own = ModuleAnalyzer.for_module(package.__name__)
        own.analyze()
        for module in filter(ismodule, list(vars(package).values())):
            if module.__name__.startswith(f"{package.__name__}."):
                theirs = ModuleAnalyzer.for_module(module.__name__)
                theirs.analyze()
                own.attr_docs |= theirs.attr_docs


def begin_with_table(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Put tables of what it exports below the first line of a module's docstring."""
    if what != "module":
        return
    found = {"": list(exports(name))} if name != FRONT else groups(app)
    tables: list[str] = []
    for title, names in found.items():
        tables += ["", f".. rubric:: {title}"] if title else []
        tables += ["", ".. autosummary::", "   :nosignatures:", "", *(f"   {one}" for one in names)]
    lines[1:1] = [*tables, ""]


def groups(app: Sphinx) -> dict[str, list[str]]:
    """All public names: the layers, what else is the front's own, and each package's."""
    layers = _layers(app)
    names = {part: [f"~{_short(part)}.{name}" for name in exports(part)] for part in parts()}
    return {
        "Layers": [name for name in exports(FRONT) if name in layers],
        "Functions, and what layers return": sorted(_own(app)),
        "Packages": list(map(_short, parts())),
        **{_purpose(part): found for part, found in names.items()},
    }


def _purpose(part: str) -> str:
    return f":py:mod:`{_short(part)} <{part}>`"


def _short(part: str) -> str:
    return part.rpartition(".")[2]


def name_factories(
    app: Sphinx,
    what: str,
    name: str,
    obj: Any,
    options: object,
    signature: str | None,
    returns: str,
) -> tuple[str | None, str]:
    """Have a field's default that is made anew stand as a call: ``<factory>`` cannot be parsed."""
    for field in getattr(obj, "__dataclass_fields__", {}).values() if what == "class" else ():
        if signature and field.default_factory is not MISSING:
            made = f"{field.default_factory.__name__}()"
            signature = signature.replace("<factory>", made, 1)
    return signature, returns


def keep_colons(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let the first line of an attribute's docstring be prose, though it has a colon."""
    if what in ("attribute", "property"):
        lines.insert(0, "\\ ")  # nothing, on a line of its own


def add_front_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Let what the front exports be found by that name, too."""
    objects = env.domains.python_domain.objects
    for part in parts():
        for name in exports(part).keys() & exports(FRONT).keys():
            objects[f"{FRONT}.{name}"] = objects[f"{part}.{name}"]._replace(aliased=True)


def find_elsewhere(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to the only object of that name, or have it sought in other packages."""
    node["reftarget"] = FOREIGN.get(node["reftarget"], node["reftarget"])
    node["refspecific"] = True
    return env.domains.python_domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], node["reftarget"], node, content
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of them."""
    app.connect("builder-inited", write_pages)
    app.connect("builder-inited", share_comments)
    app.connect("autodoc-process-docstring", begin_with_table)
    app.connect("autodoc-process-signature", name_factories)
    app.connect("autodoc-process-docstring", keep_colons, priority=100)
    app.connect("env-updated", add_front_names)
    app.connect("missing-reference", find_elsewhere, priority=100)
    return {"parallel_read_safe": True}
