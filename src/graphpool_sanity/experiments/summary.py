"""Summaries of a ledger: the table of means beside the paper's, and the box plot."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from graphpool_sanity.experiments.ledger import Record

PERCENT = ("accuracy", "auroc")
"""Metrics that are shown in percent, as the paper does."""

Scores = dict[str, list[float]]


def scores(records: Iterable[Record], metric: str) -> Scores:
    """The test metrics of each variant, in percent where the paper's are.

    >>> scores([{"config": {"variant": "graclus"}, "test": 0.5}], "accuracy")
    {'graclus': [50.0]}
    """
    found: Scores = defaultdict(list)
    for record in records:
        scale = 100 if metric in PERCENT else 1
        found[record["config"]["variant"]].append(scale * record["test"])
    return dict(found)


def mean_std(values: list[float], metric: str) -> str:
    """The mean and the sample standard deviation.

    >>> mean_std([80.0, 82.0], "accuracy"), mean_std([0.43], "mae")
    ('81.0 ± 1.4', '0.430')
    """
    digits = 1 if metric in PERCENT else 3
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"


def table(found: Scores, dataset: str, metric: str, paper: Mapping[str, str]) -> Table:
    """Mean and standard deviation of each variant beside what the paper reports."""
    unit = f"{metric}, %" if metric in PERCENT else metric
    shown = Table("variant", "runs", f"test {unit}", "paper", title=dataset)
    for variant, values in found.items():
        shown.add_row(
            variant, str(len(values)), mean_std(values, metric), paper.get(variant, "not reported")
        )
    return shown


def save_box_plot(found: Scores, dataset: str, metric: str, path: Path) -> None:
    """Box plots of the variants' test metrics, as in the paper's Figures 1, 2 and 4."""
    figure = Figure(figsize=(1.2 + 1.1 * len(found), 3.2), layout="constrained")
    axes = figure.subplots()
    axes.boxplot(list(found.values()), tick_labels=list(found), widths=0.5)
    for place, values in enumerate(found.values(), start=1):
        axes.plot([place] * len(values), values, "o", alpha=0.4, markersize=4)
    axes.set_title(dataset)
    axes.set_ylabel(f"test {metric}" + (" (%)" if metric in PERCENT else ""))
    figure.savefig(path, dpi=150)
