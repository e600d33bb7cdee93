"""Means of runs, as the paper gives them."""

import numpy as np

PERCENT = ("accuracy", "auroc")
"""Metrics that are shown in percent, as the paper does."""

_METRICS = {"ZINC": "mae", "ogbg-molhiv": "auroc"}


def metric_of(dataset: str) -> str:
    """The metric of a data set, which need not be there.

    >>> metric_of("ZINC"), metric_of("NCI1")
    ('mae', 'accuracy')
    """
    return _METRICS.get(dataset, "accuracy")


def mean_std(values: list[float], metric: str) -> str:
    """The mean and the sample standard deviation.

    >>> mean_std([80.0, 82.0], "accuracy"), mean_std([0.43], "mae")
    ('81.0 ± 1.4', '0.430')
    """
    digits = 1 if metric in PERCENT else 3
    mean = f"{np.mean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1):.{digits}f}"
