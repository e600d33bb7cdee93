"""What a model is trained for: loss, metric, which way is better, and how it is shown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor
from torch.nn import functional as F

Task = Literal["classification", "regression", "binary"]

MARGIN = 0.02
"""The difference below which two models count as equally good, if nobody says another."""


class TaskKind(NamedTuple):
    """The loss and the metric of a task."""

    loss: Callable[[Tensor, Tensor], Tensor]
    metric: str
    score: Callable[[Tensor, Tensor], float]
    """The metric of outputs and targets, in double precision."""


def _accuracy(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(targets.cpu(), outputs.argmax(1).cpu()))


def _mean_absolute_error(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(targets.double().cpu(), outputs.double().cpu()))


def _area_under_roc(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import roc_auc_score

    if targets.unique().numel() < 2:  # undefined
        return float("nan")
    return float(roc_auc_score(targets.cpu(), outputs.double().cpu()))


TASKS: dict[Task, TaskKind] = {
    "classification": TaskKind(F.cross_entropy, "accuracy", _accuracy),
    "regression": TaskKind(F.l1_loss, "mae", _mean_absolute_error),
    "binary": TaskKind(F.binary_cross_entropy_with_logits, "auroc", _area_under_roc),
}
_PERCENT = ("accuracy", "auroc")
_ERRORS = ("mae",)


@dataclass(frozen=True)
class Unit:
    """How a metric is read: which way is better, and how scores and differences are shown.

    >>> unit = Unit("accuracy")
    >>> unit.name, unit.difference(0.0213), unit.interval((-0.001, 0.043))
    ('accuracy, %', '+2.1 points', '[-0.1, +4.3]')
    >>> Unit("mae").sign
    -1
    """

    metric: str

    @property
    def sign(self) -> int:
        """1 if more is better, -1 for an error."""
        return -1 if self.metric in _ERRORS else 1

    @property
    def scale(self) -> int:
        """What raw scores are multiplied by."""
        return 100 if self.metric in _PERCENT else 1

    @property
    def digits(self) -> int:
        """Decimals of a scaled score."""
        return 1 if self.metric in _PERCENT else 3

    @property
    def name(self) -> str:
        """Of scores."""
        return f"{self.metric}, %" if self.scale == 100 else self.metric

    @property
    def points(self) -> str:
        """Of differences."""
        return "points" if self.scale == 100 else self.metric

    def signed(self, value: float) -> str:
        """A raw difference, with its sign."""
        shown = f"{self.scale * value:+.{self.digits}f}"
        return shown if float(shown) else shown[1:]  # zero has no sign

    def difference(self, value: float) -> str:
        """A raw difference with its unit."""
        return f"{self.signed(value)} {self.points}"

    def interval(self, ends: Iterable[float]) -> str:
        """An interval of raw differences."""
        return f"[{', '.join(self.signed(end) for end in ends)}]"

    def margin(self, value: float) -> str:
        """A raw margin with its unit."""
        return f"{self.scale * value:g} {self.points}"

    def mean_std(self, scores: Sequence[float]) -> str:
        """The mean of raw scores, and their sample standard deviation."""
        values = self.scale * np.asarray(scores)
        mean = f"{values.mean():.{self.digits}f}"
        return mean if len(values) < 2 else f"{mean} ± {values.std(ddof=1):.{self.digits}f}"


def as_metric_input(task: Task, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs and targets as a ``torchmetrics.Metric`` takes them, in double precision."""
    return outputs.double(), targets.double() if task == "regression" else targets.long()
