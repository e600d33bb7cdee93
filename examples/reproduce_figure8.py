"""Figure 8: by how much Graclus beats Complement, for other depths and widths.

python examples/reproduce_figure8.py                              # the embedded digits
python examples/reproduce_figure8.py --dataset NCI1 ZINC --runs 1 # as in the paper
python examples/reproduce_figure8.py --show                       # all that has run

Numbers are the test metric of Graclus, minus the error for ZINC; red where Complement is better.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from reproduce_graclus import GRACLUS

from graphpool_sanity.datasets.load import metric_of
from graphpool_sanity.reproduce import Row, Study, reproduce
from graphpool_sanity.reproduce.plots import Found, panels_of
from graphpool_sanity.training.ledger import Record
from graphpool_sanity.training.tasks import Unit

PAIR = ("graclus", "complement")
LAYERS, WIDTHS = (2, 3, 4, 5), (16, 32, 64, 128)
GAP = 0.05  # at which colours are full: "not larger than 0.05" in the paper


def label(variant: str, layers: int, hidden: int) -> str:
    return f"{variant.capitalize()} {layers}x{hidden}"


def rows(layers: tuple[int, ...], widths: tuple[int, ...]) -> list[Row]:
    return [
        Row(label(variant, depth, hidden), variant, GRACLUS, {"layers": depth, "hidden": hidden})
        for depth, hidden in product(layers, widths)
        for variant in PAIR
    ]


def draw(found: Found) -> Figure:
    figure, panels = panels_of(found, width=3.6)
    for axes, (dataset, models) in zip(panels, found.items(), strict=True):
        graclus, complement = (grid(variant, dataset, models) for variant in PAIR)
        image = axes.imshow(graclus - complement, cmap="RdBu", vmin=-GAP, vmax=GAP, origin="lower")
        for (row, column), value in np.ndenumerate(graclus):
            if np.isfinite(value):
                dark = abs(value - complement[row, column]) > 0.6 * GAP
                color = "white" if dark else "black"
                axes.text(column, row, f"{value:.2f}", c=color, ha="center", va="center", size=8)
        axes.set_xticks(range(len(WIDTHS)), map(str, WIDTHS))
        axes.set_yticks(range(len(LAYERS)), map(str, LAYERS))
        axes.set_xlabel("hidden channels")
        axes.set_ylabel("layers")
    figure.colorbar(image, ax=panels, label="Graclus − Complement")
    return figure


def grid(variant: str, dataset: str, models: Mapping[str, Mapping[int, Record]]) -> NDArray[Any]:
    """The mean performance at each depth and width; what has not run is not a number."""
    sign = Unit(metric_of(dataset)).sign
    values = np.full((len(LAYERS), len(WIDTHS)), np.nan)
    for (row, layers), (column, hidden) in product(enumerate(LAYERS), enumerate(WIDTHS)):
        runs = models.get(label(variant, layers, hidden), {}).values()
        if runs:
            values[row, column] = sign * np.mean([run["test"] for run in runs])
    return values


FIGURE_8 = Study(
    "Figure 8",
    rows=rows(LAYERS, WIDTHS),
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC", "PROTEINS", "NCI109", "DD", "ogbg-molhiv"],
    draw=draw,
    runs=1,
    quick_rows=rows(LAYERS[:2], WIDTHS[1:3]),
)

if __name__ == "__main__":
    reproduce(FIGURE_8)
