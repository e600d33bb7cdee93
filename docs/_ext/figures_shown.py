"""Figures that a gallery script makes without pyplot, shown like those that it makes with it."""

from itertools import chain
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import matplotlib_scraper


class Figures:
    """Hands the new figures of a block to sphinx-gallery's own scraper."""

    def __init__(self) -> None:
        self.seen: list[Figure] = []

    def __repr__(self) -> str:
        return "Figures()"  # the same in each build, or all pages would count as changed

    def __call__(
        self, block: tuple[Any, ...], block_vars: dict[str, Any], conf: dict[str, Any]
    ) -> str:
        """Make pyplot adopt them, then draw."""
        self.seen += map(plt.figure, plt.get_fignums())
        values = list(block_vars["example_globals"].values())
        lists = [value for value in values if isinstance(value, list)]
        for value in chain(values, *lists):
            if isinstance(value, Figure) and not any(value is figure for figure in self.seen):
                self.seen.append(value)
                plt.figure(value)
        return matplotlib_scraper(block, block_vars, conf)


_FIGURES = Figures()


def _get_sg_image_scraper() -> Figures:
    """By this name sphinx-gallery finds it, before each block."""
    return _FIGURES
