"""Where an object is documented: under the name by which a user imports it."""

import sys
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

_FOREIGN = {
    "torch.nn.modules.module.Module": "torch.nn.Module",
    "torch.distributions.distribution.Distribution": "torch.distributions.Distribution",
}
"""Where an annotation names the module that defines an object, not the one that documents it."""


def public_name(name: str) -> str:
    """The shortest name under which a package exports an object of one of its modules.

    >>> public_name("graphpool_sanity.datasets.benchmark.Benchmark")
    'graphpool_sanity.Benchmark'
    """
    *path, last = name.split(".")
    home = sys.modules.get(".".join(path))
    if home is not None:
        for package in _packages(path):
            exported = getattr(sys.modules[package], "__all__", ())
            if last in exported and getattr(sys.modules[package], last) is getattr(home, last):
                return f"{package}.{last}"
    return _FOREIGN.get(name, name)


def _packages(path: list[str]) -> Iterator[str]:
    names = (".".join(path[:length]) for length in range(1, len(path)))
    return (name for name in names if name in sys.modules)


def skip_exported(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Leave an object out of its module's list if a package above exports it."""
    module = app.env.current_document.autodoc_module or ""
    full = f"{module}.{name}"
    return True if what == "module" and public_name(full) != full else None


def use_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to the name under which its target is documented."""
    target = public_name(node["reftarget"])
    if target == node["reftarget"]:
        return None
    node["reftarget"] = target  # for those that look for it elsewhere, next
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], target, node, content
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect("autodoc-skip-member", skip_exported)
    app.connect("missing-reference", use_public_name, priority=100)
    return {"parallel_read_safe": True}
