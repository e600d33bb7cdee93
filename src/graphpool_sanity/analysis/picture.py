"""Figures that a notebook shows, and that are written the same bytes each time."""

from io import StringIO
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure


class Picture(Figure):
    """A figure without pyplot, which a notebook shows all the same."""

    def _repr_svg_(self) -> str:
        return svg(self)


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure, the same bytes each time."""
    path.write_text(svg(figure), encoding="utf-8")


def svg(figure: Figure) -> str:
    """A figure as SVG, letters as shapes, so that it needs no font."""
    text = StringIO()
    with mpl.rc_context({"svg.hashsalt": "graphpool_sanity", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
