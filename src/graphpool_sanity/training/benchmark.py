"""A benchmark: graphs, what is to be predicted of them, and how they are split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch_geometric.data import Data, InMemoryDataset

from graphpool_sanity.training.tasks import TASKS, Task, Unit, as_metric_input

if TYPE_CHECKING:  # which takes seconds to import
    from torchmetrics import Metric

Split = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Graphs with a task, its metric and its split: all that a training loop needs to know.

    Each graph has ``x`` [n, in_channels], ``edge_index`` [2, e] and ``y`` [1]: int64, the class
    (classification), or float32, the target (regression) or 0 and 1 (binary, one logit).
    ``x`` is float32, or int64 where ``node_categories`` is given.

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
    """Outputs of a model: the number of classes, or 1."""
    official_split: Split | None = field(default=None, repr=False)
    """Indices of training, validation and test graphs, where the source fixes them."""
    node_categories: tuple[int, ...] | None = None
    """The number of values of each column of ``x``, where these are categories to embed."""
    edge_categories: tuple[int, ...] | None = None
    """Likewise for ``edge_attr``; without it graphs have no ``edge_attr``."""
    make_metric: "Callable[[], Metric] | None" = field(default=None, repr=False)
    """What makes the metric, in place of the task's: of outputs as the loss takes them, and
    targets (0 and 1 as int64 if binary)."""

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"task must be one of {', '.join(TASKS)}, got {self.task!r}")
        if self.make_metric is not None:
            _check_metric(self.make_metric)
        if self.official_split is not None:
            _check_split(self.official_split, len(self.graphs))

    @property
    def in_channels(self) -> int:
        """The number of columns of ``x``."""
        return int(self.graphs[0].num_node_features)

    @property
    def metric(self) -> str:
        """``"accuracy"``, ``"mae"`` or ``"auroc"``, which the paper reports, or another's class."""
        if self.make_metric is not None:
            return type(self.make_metric()).__name__
        return TASKS[self.task].metric

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger metric is the better one."""
        if self.make_metric is not None:
            return bool(self.make_metric().higher_is_better)
        return Unit(self.metric).sign > 0

    @property
    def is_share(self) -> bool:
        """Whether the metric lies in [0, 1]."""
        if self.make_metric is None:
            return Unit(self.metric).scale == 100
        metric = self.make_metric()
        return (metric.plot_lower_bound, metric.plot_upper_bound) == (0, 1)

    def score(self, outputs: Tensor, targets: Tensor) -> float:
        """The metric of outputs [B, out_channels], or [B] if that is 1, and targets [B]."""
        if self.make_metric is None:
            return TASKS[self.task].score(outputs, targets)
        metric = self.make_metric().set_dtype(torch.double).to(outputs.device)
        return float(metric(*as_metric_input(self.task, outputs, targets)))

    def error_of_constant(self) -> float:
        """The error of the best constant prediction, of the median and the mean of all targets.

        Raises:
            ValueError: if the task is not regression.
        """
        if self.task != "regression":
            raise ValueError(f"a constant prediction must be of numbers, got task={self.task!r}")
        y = torch.cat([graph.y for graph in self.graphs]).double()
        constants = (y.median(), y.mean())
        return min(self.score(constant.expand(len(y)), y) for constant in constants)

    def split(self, seed: int) -> Split:
        """Indices of training, validation and test graphs, each sorted.

        The official split whatever the seed, where there is one; else 80/10/10, drawn by
        scikit-learn's ``train_test_split(random_state=seed)``, stratified unless the task is
        regression. Neither reads nor changes any global random state.

        Raises:
            ValueError: on a seed outside [0, 2**32), or classes too small to be stratified.
        """
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
            raise ValueError(f"seed must be an int in [0, 2**32), got {seed!r}")
        if self.official_split is not None:
            return self.official_split
        strata = None
        if self.task != "regression":
            strata = torch.cat([graph.y for graph in self.graphs])
        train, rest = _divide(torch.arange(len(self.graphs)), 0.2, strata, seed)
        val, test = _divide(rest, 0.5, strata, seed)
        return train, val, test


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


def _divide(index: Tensor, share: float, strata: Tensor | None, seed: int) -> tuple[Tensor, Tensor]:
    """``index`` in two parts, the second of the given share, with the same mix of strata."""
    from sklearn.model_selection import train_test_split

    mix = None if strata is None else strata[index].numpy()
    parts = train_test_split(index.numpy(), test_size=share, stratify=mix, random_state=seed)
    first, second = (torch.from_numpy(part).sort().values for part in parts)
    return first, second
