"""A benchmark: graphs, what is to be predicted of them, and how they are split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset

from graphpool_sanity.training.faults import nearest
from graphpool_sanity.training.store import values_of
from graphpool_sanity.training.tasks import METRICS, TASKS, Score, Task, Unit, score_of_targets

if TYPE_CHECKING:  # which takes seconds to import
    from torchmetrics import Metric

Split = tuple[Tensor, Tensor, Tensor]

_LEAST = 10
"""Graphs of a class that is sure to be in all parts of a split."""


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Graphs with a task, its metric and its split: all that a training loop needs to know.

    Each graph has ``x`` [n, in_channels], ``edge_index`` [2, e] and ``y``: int64 [1], the class
    (classification), or float32, numbers (regression) or 0 and 1 (binary, a logit for each), [1]
    or, of several targets, [1, out_channels], NaN where one is missing: the loss is the mean over
    what is there, the metric that over targets. ``x`` is float32, or int64 where
    ``node_categories`` is given; ``edge_attr`` is float32, or int64 with ``edge_categories``.

    Raises:
        ValueError: on an unknown task, a metric that is none or does not say which way is up, or
            an official split that is none of these graphs.

    >>> from graphpool_sanity.datasets.digits import digits
    >>> benchmark = digits()
    >>> benchmark.task, benchmark.metric, benchmark.in_channels, benchmark.out_channels
    ('classification', 'accuracy', 3, 10)
    >>> [len(part) for part in benchmark.split(seed=0)]
    [1437, 180, 180]
    """

    name: str
    graphs: InMemoryDataset | Sequence[Data]
    """All graphs of all splits: a PyG dataset or a list."""
    task: Task
    out_channels: int
    """Outputs of a model: the number of classes, or of targets."""
    official_split: Split | None = field(default=None, repr=False)
    """Indices of training, validation and test graphs, where the source fixes them."""
    node_categories: tuple[int, ...] | None = None
    """The number of values of each column of ``x``, where these are categories to embed."""
    edge_categories: tuple[int, ...] | None = None
    """Likewise for ``edge_attr``."""
    make_metric: "str | Callable[[], Metric] | None" = field(default=None, repr=False)
    """The metric in place of the task's: by its name, or what makes a metric of outputs as the
    loss takes them, and targets (0 and 1 as int64 if binary)."""
    class_weights: "Literal['balanced'] | Tensor | None" = field(default=None, repr=False)
    """What the loss weighs classes by [out_channels], or class 1 of binary targets;
    ``"balanced"``: inversely to how often the training graphs have them."""
    features: Literal["constant", "degree"] | None = None
    """What stands for the features of nodes that have none."""

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"task must be one of {', '.join(TASKS)}, got {self.task!r}")
        if isinstance(self.make_metric, str):
            _check_name(self.make_metric, self.task)
        elif self.make_metric is not None:
            _check_metric(self.make_metric)
        if self.class_weights is not None:
            _check_weights(self.class_weights, self.task, self.out_channels)
        if self.official_split is not None:
            _check_split(self.official_split, len(self.graphs))

    @property
    def in_channels(self) -> int:
        """The number of columns of ``x``."""
        return int(self.graphs[0].num_node_features)

    @property
    def edge_channels(self) -> int:
        """The number of columns of ``edge_attr``; 0 if there is none."""
        bonds = self.graphs[0].edge_attr
        return 0 if bonds is None else int(bonds.shape[1:].numel())

    @property
    def y(self) -> Tensor:
        """The targets of all graphs [B], or [B, out_channels] if there are several of each."""
        return values_of(self.graphs, "y")

    @property
    def metric(self) -> str:
        """One of those that have a name, as ``"accuracy"`` or ``"mae"``, or another's class."""
        if self.make_metric is None:
            return TASKS[self.task].metric
        if isinstance(self.make_metric, str):
            return self.make_metric
        return type(self.make_metric()).__name__

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger metric is the better one."""
        if self.make_metric is None or isinstance(self.make_metric, str):
            return Unit(self.metric).sign > 0
        return bool(self.make_metric().higher_is_better)

    @property
    def is_share(self) -> bool:
        """Whether the metric lies in [0, 1]."""
        if self.make_metric is None or isinstance(self.make_metric, str):
            return METRICS[self.metric].is_share
        metric = self.make_metric()
        return (metric.plot_lower_bound, metric.plot_upper_bound) == (0, 1)

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        """The metric of outputs [B, out_channels], or [B] if that is 1, and targets alike.

        Of several targets the mean over all of which the graphs have more than one class.
        """
        if targets.dim() == 1:
            return self._score(outputs, targets)
        return score_of_targets(self._score, outputs, targets, self.task == "binary")

    @property
    def _score(self) -> Score:
        if self.make_metric is None or isinstance(self.make_metric, str):
            return METRICS[self.metric].score
        make_metric, numbers = self.make_metric, self.task == "regression"

        def score(outputs: Tensor, targets: Tensor) -> float:
            metric = make_metric().set_dtype(torch.double).to(outputs.device)
            return float(metric(outputs.double(), targets.double() if numbers else targets.long()))

        return score

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss [] of outputs and targets, as for :meth:`score`; missing targets count not.

        Weighed by ``class_weights``, once these are numbers: see :meth:`weighed`.
        """
        kind, given = TASKS[self.task], {}
        if kind.weight is not None and isinstance(self.class_weights, Tensor):
            given[kind.weight] = self.class_weights.to(outputs)
        if targets.dim() == 1:
            return kind.loss(outputs, targets, **given)
        known = ~targets.isnan()
        losses = kind.loss(outputs, targets.nan_to_num(), reduction="none", **given)
        return (losses * known).sum() / known.sum().clamp(min=1)

    def weighed(self, seed: int) -> "Benchmark":
        """The same with ``class_weights`` in numbers, of the training graphs of a seed."""
        if not isinstance(self.class_weights, str):
            return self
        y = self.y[self.split(seed)[0]]
        if self.task == "classification":
            count = y.bincount(minlength=self.out_channels)
            weights = len(y) / (self.out_channels * count.clamp(min=1))
        else:
            ones, zeros = (y == 1).sum(0), (y == 0).sum(0)
            weights = (zeros / ones.clamp(min=1)).clamp(min=1 / len(y)).view(-1)
        return replace(self, class_weights=weights)

    def score_of_constant(self) -> float:
        """The metric of the best constant prediction: the majority, the median or the mean."""
        y = self.y if self.task == "classification" else self.y.double()
        if self.task == "classification":
            count = y.bincount(minlength=self.out_channels)
            return self.score(count.double().expand(len(y), -1), y)
        if self.task == "binary":
            return self.score(y.nanmean(0).sub(0.5).expand(y.shape), y)
        constants = (y.nanmedian(0).values if y.dim() == 2 else y.median(), y.nanmean(0))
        return min(self.score(constant.expand(y.shape), y) for constant in constants)

    def error_of_constant(self) -> float:
        """The error of the best constant prediction, of the median and the mean of all targets.

        Raises:
            ValueError: if the task is not regression.
        """
        if self.task != "regression":
            raise ValueError(f"a constant prediction must be of numbers, got task={self.task!r}")
        return self.score_of_constant()

    def split(self, seed: int) -> Split:
        """Indices of training, validation and test graphs, each sorted.

        The official split whatever the seed, where there is one; else 80/10/10, drawn by
        scikit-learn's ``train_test_split(random_state=seed)``, stratified by the class if there is
        one target; classes too small for that form one stratum. Neither reads nor changes any
        global random state.

        Raises:
            ValueError: on a seed outside [0, 2**32), or classes too small to be stratified.
        """
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ValueError(f"seed must be an int in [0, 2**32), got {seed!r}")
        if self.official_split is not None:
            return self.official_split
        y = None if self.task == "regression" else self.y
        strata = y if y is not None and y.dim() == 1 else None
        try:
            return _divided(len(self.graphs), strata, seed)
        except ValueError:  # of classes that are not in all parts
            small = torch.tensor([]) if strata is None else strata.long().bincount() < _LEAST
            if strata is None or small.sum() < 2:
                raise
        joined = strata.masked_fill(small[strata.long()], strata.max() + 1)
        return _divided(len(self.graphs), joined, seed)


def _check_name(metric: str, task: Task) -> None:
    known = [name for name, kind in METRICS.items() if task in kind.tasks]
    if metric not in known:
        raise ValueError(
            f"metric must be one of {', '.join(known)} for task={task!r}, or make a "
            f"torchmetrics.Metric, got {metric!r}{nearest(metric, known)}"
        )


def _check_weights(weights: object, task: Task, size: int) -> None:
    if task == "regression":
        raise ValueError("class_weights must be None for task='regression', which has no classes")
    if isinstance(weights, str) and weights == "balanced":
        return
    if not isinstance(weights, Tensor) or weights.shape != (size,) or not (weights > 0).all():
        got = list(weights.shape) if isinstance(weights, Tensor) else repr(weights)
        raise ValueError(f"class_weights must be 'balanced' or [{size}] above 0, got {got}")


def _check_metric(make_metric: object) -> None:
    from torchmetrics import Metric

    if isinstance(make_metric, Metric):
        raise ValueError(
            "metric must make a torchmetrics.Metric when called, got a metric itself: "
            f"lambda: {make_metric}"
        )
    metric = make_metric() if callable(make_metric) else make_metric
    if not isinstance(metric, Metric):
        raise ValueError(
            f"metric must make a torchmetrics.Metric when called, got {type(metric).__name__}"
        )
    if metric.higher_is_better is None:
        raise ValueError(
            f"metric must say by higher_is_better whether more is better, {metric} does not"
        )


def _check_split(split: Split, size: int) -> None:
    if len(split) != 3 or any(len(part) == 0 for part in split):
        sizes = [len(part) for part in split]
        raise ValueError(f"official_split must have three parts, none empty, got sizes {sizes}")
    index = torch.cat(split)
    if int(index.min()) < 0 or int(index.max()) >= size:
        raise ValueError(
            f"official_split must have indices in [0, {size}), got {int(index.min())} to "
            f"{int(index.max())}"
        )
    if index.unique().numel() < index.numel():
        raise ValueError("official_split must have disjoint parts, got a graph twice")


def _divided(size: int, strata: Tensor | None, seed: int) -> Split:
    train, rest = _divide(torch.arange(size), 0.2, strata, seed)
    val, test = _divide(rest, 0.5, strata, seed)
    return train, val, test


def _divide(index: Tensor, share: float, strata: Tensor | None, seed: int) -> tuple[Tensor, Tensor]:
    """``index`` in two parts, the second of the given share, with the same mix of strata."""
    from sklearn.model_selection import train_test_split

    mix = None if strata is None else strata[index].numpy()
    parts = train_test_split(index.numpy(), test_size=share, stratify=mix, random_state=seed)
    first, second = (torch.from_numpy(part).sort().values for part in parts)
    return first, second
