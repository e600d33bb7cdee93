"""The paper's kinds of figures: box plots of test metrics, and curves over epochs."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graphpool_sanity.analysis.picture import Picture
from graphpool_sanity.datasets.load import metric_of
from graphpool_sanity.training.ledger import Record
from graphpool_sanity.training.tasks import Unit

Found = Mapping[str, Mapping[str, Mapping[int, Record]]]
"""For each data set and model the record of each seed; a model without runs may be there."""


def box_plots(found: Found) -> Figure:
    """The distributions of the models' test metrics, as in the paper's Figures 1, 2 and 4."""
    widest = max(len(models) for models in found.values())
    figure, panels = panels_of(found, width=1.4 + 0.75 * widest)
    for axes, (dataset, models) in zip(panels, found.items(), strict=True):
        unit = Unit(metric_of(dataset))
        values = {
            label: [unit.scale * record["test"] for record in runs.values()]
            for label, runs in models.items()
            if runs
        }
        axes.boxplot(list(values.values()), tick_labels=list(values), widths=0.5, showfliers=False)
        for place, scores in enumerate(values.values(), start=1):
            axes.plot([place] * len(scores), scores, "o", alpha=0.4, markersize=4)
        axes.tick_params("x", rotation=30)
        axes.set_ylabel(f"test {unit.name}")
    return figure


def curves(found: Found, of: Callable[[Record], Sequence[float]], name: str) -> Figure:
    """What ``of`` reads in a record, by epoch: runs thin, and their mean as far as all go.

    Args:
        found: The runs.
        of: The values of a run, one for each epoch.
        name: What they are; ``{metric}`` in it stands for the data set's.
    """
    figure, panels = panels_of(found, width=4.2)
    for axes, (dataset, models) in zip(panels, found.items(), strict=True):
        for color, (label, runs) in enumerate(models.items()):
            lines = [np.asarray(of(record)) for record in runs.values()]
            for line in lines:
                axes.plot(range(1, len(line) + 1), line, f"C{color}", lw=0.6, alpha=0.3)
            if lines:
                shortest = min(map(len, lines))
                mean = np.mean([line[:shortest] for line in lines], axis=0)
                axes.plot(range(1, shortest + 1), mean, f"C{color}", lw=2, label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name.format(metric=metric_of(dataset)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
    return figure


def supervised_loss(record: Record) -> list[float]:
    """The validation loss after each epoch; empty if the run was kept without it."""
    is_loss = Unit(metric_of(record["config"]["dataset"])).sign < 0  # which regression minimises
    return record.get("validation_losses") or (record["validation_curve"] if is_loss else [])


def panels_of(found: Found, width: float, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """A panel, so many inches wide, for each data set, four in a row."""
    columns = min(len(found), 4)
    rows = -(-len(found) // columns)
    figure = Picture(figsize=(columns * width, rows * height), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, dataset in zip(panels, found, strict=False):
        axes.set_title(dataset)
    for unused in panels[len(found) :]:
        unused.remove()
    return figure, panels[: len(found)]
