"""A site that needs no other host: MathJax beside the pages, its one file that has all of TeX and loads no other."""

from importlib.resources import files
from pathlib import Path
from shutil import copyfile
from typing import Any

from sphinx.application import Sphinx


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put the file where the pages look for it."""
    if error is None and app.builder.format == "html":
        target = Path(app.outdir, "_static", app.config.mathjax_path)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = files("sphinx-mathjax-offline") / "static" / "mathjax" / target.name
        copyfile(str(source), target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True}
