"""A site that needs no other host, and references that end where the public names are."""

from importlib.resources import files
from pathlib import Path
from shutil import copyfile
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PUBLIC_NAMES: dict[str, str] = {
    "torch.nn.modules.module.Module": "torch.nn.Module",
    "torch.distributions.distribution.Distribution": "torch.distributions.Distribution",
}
"""Where an annotation names the module that defines an object, not the one that documents it."""


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put MathJax beside the pages: its one file that loads no other."""
    if error is None and app.builder.format == "html":
        target = Path(app.outdir, "_static", app.config.mathjax_path)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = files("sphinx-mathjax-offline") / "static" / "mathjax" / target.name
        copyfile(str(source), target)


def use_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> None:
    """Rename the target of a reference, for those that look for it next."""
    node["reftarget"] = PUBLIC_NAMES.get(node["reftarget"], node["reftarget"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both."""
    app.connect("build-finished", copy_mathjax)
    app.connect("missing-reference", use_public_name, priority=100)
    return {"parallel_read_safe": True}
