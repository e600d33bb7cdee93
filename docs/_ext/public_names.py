"""Where an object is documented: under the name by which a user imports it."""

import re
import sys
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

_FOREIGN = {
    "_C.Generator": "Generator",
    "axes._axes.Axes": "axes.Axes",
    "distributions.distribution.Distribution": "distributions.Distribution",
    "nn.modules.module.Module": "nn.Module",
    "data.batch.Batch": "data.Batch",
    "data.data.Data": "data.Data",
    "data.in_memory_dataset.InMemoryDataset": "data.InMemoryDataset",
    "nn.pool.mem_pool.MemPooling": "nn.pool.MemPooling",
    "nn.GraphConv": "nn.conv.GraphConv",
    "metric.Metric": "Metric",
}
"""Where annotations have the module that defines an object, not the one that documents it."""


def public_name(name: str) -> str | None:
    """The name of an object under the shortest package that exports it, or where it is defined.

    >>> public_name("graphpool_sanity.datasets.load.Benchmark")
    'graphpool_sanity.Benchmark'
    """
    package, _, rest = name.partition(".")
    if rest in _FOREIGN:
        return f"{package}.{_FOREIGN[rest]}"
    if package != "graphpool_sanity":
        return None
    module, _, last = name.rpartition(".")
    found = getattr(sys.modules.get(module), last, None)
    if found is None:
        return None
    for package in [*_above(module), module]:
        home = sys.modules.get(package)
        exports = getattr(home, "__all__", ()) if hasattr(home, "__path__") else ()
        if last in exports and getattr(home, last) is found:
            return f"{package}.{last}"
    return f"{getattr(found, '__module__', module)}.{last}"


def _above(module: str) -> list[str]:
    """The packages that a module lies in, the outermost first.

    >>> _above("graphpool_sanity.datasets.load")
    ['graphpool_sanity', 'graphpool_sanity.datasets']
    """
    path = module.split(".")
    return [".".join(path[:length]) for length in range(1, len(path))]


def skip_exported(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave an object out of its module's list if a package above exports it."""
    module = app.env.current_document.autodoc_module or ""
    full = f"{module}.{name}"
    return True if what == "module" and public_name(full) not in (None, full) else None


def use_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to the name under which its target is documented."""
    target = node["reftarget"]
    if "." not in target and node.get("py:module"):  # the module in whose docstring it stands
        target = f"{node['py:module']}.{target}"
    target = public_name(target) or node["reftarget"]
    node["reftarget"] = target  # for those that look for it elsewhere, next
    node["refspecific"] = True  # or else the only one of that name
    return env.get_domain("py").resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], target, node, content
    )


def keep_colons(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Let the first line of an attribute's docstring be prose, though it has a colon."""
    if what in ("attribute", "data", "property"):
        lines.insert(0, "\\ ")  # nothing, on a line of its own


def correct_backlinks(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: None
) -> None:
    """Lead from source code to where each object is documented.

    The extension that shows source code takes one prefix for all objects of a module, that of the
    first one it met.
    """
    if not pagename.startswith("_modules/"):
        return
    module = pagename.removeprefix("_modules/").replace("/", ".")

    def correct(link: re.Match[str]) -> str:
        path, anchor = link.groups()
        homes = [module, *_above(module)[::-1]]
        inner = next(anchor[len(home) + 1 :] for home in homes if anchor.startswith(f"{home}."))
        first, dot, rest = inner.partition(".")
        return f'{path}#{public_name(f"{module}.{first}")}{dot}{rest}"'

    context["body"] = re.sub(
        r'(class="viewcode-back" href="[^"#]*)#([^"]*)"', correct, context["body"]
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of them."""
    app.connect("autodoc-skip-member", skip_exported)
    app.connect("autodoc-process-docstring", keep_colons, priority=100)
    app.connect("html-page-context", correct_backlinks)
    app.connect("missing-reference", use_public_name, priority=100)
    return {"parallel_read_safe": True}
