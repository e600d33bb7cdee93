"""What a model is trained for: the table of tasks and metrics, and how scores are shown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from statistics import fmean
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Task = Literal["classification", "regression", "binary"]
Score = Callable[[Tensor, Tensor], float]

MARGIN = 0.02
"""The difference below which two models count as equally good, if nobody says another: so much of
a metric in [0, 1], and such a share of the error of the best constant of any other."""
MARGINS = "margins"
"""What differences in unlike metrics are counted in."""


class TaskKind(NamedTuple):
    """The loss and the metric of a task."""

    loss: Callable[..., Tensor]
    metric: str
    score: Score
    """The metric of outputs and targets, in double precision."""
    weight: str | None
    """The argument of the loss that weighs classes."""


class MetricKind(NamedTuple):
    """What a metric is of, in double precision: a share, of which more is better, or an error."""

    score: Score
    """Of outputs [B, K] and classes [B], or of one target's outputs [B] and values [B]."""
    tasks: tuple[Task, ...]
    is_share: bool = True
    """Whether it lies in [0, 1]."""


def _array(values: Tensor) -> NDArray[Any]:
    """For scikit-learn, some of whose versions misread tensors."""
    return values.detach().cpu().numpy()


def _decided(outputs: Tensor) -> NDArray[Any]:
    """The classes that outputs decide for: the largest of K, or class 1 above 0."""
    return _array(outputs.argmax(1) if outputs.dim() == 2 else (outputs > 0).long())


def _accuracy(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(_array(targets.long()), _decided(outputs)))


def _balanced_accuracy(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import recall_score

    classes, decided = _array(targets.long()), _decided(outputs)
    return float(recall_score(classes, decided, labels=np.unique(classes), average="macro"))


def _f1(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import f1_score

    average = "macro" if outputs.dim() == 2 else "binary"
    classes, decided = _array(targets.long()), _decided(outputs)
    return float(f1_score(classes, decided, average=average, zero_division=0))


def _of_ranks(name: str) -> Score:
    """A metric of scikit-learn of the order of outputs: of K classes, each against the rest."""

    def score(outputs: Tensor, targets: Tensor) -> float:
        from sklearn import metrics

        if outputs.dim() == 1:
            if targets.unique().numel() < 2:  # undefined
                return nan
            return float(getattr(metrics, name)(_array(targets), _array(outputs.double())))
        if outputs.size(1) == 2:
            return score(outputs[:, 1] - outputs[:, 0], targets)
        sides = outputs.double().log_softmax(1).t()
        found = [score(side, (targets == c).long()) for c, side in enumerate(sides)]
        return _mean_of_known(found)

    return score


def _mean_absolute_error(outputs: Tensor, targets: Tensor) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(_array(targets.double()), _array(outputs.double())))


def _root_mean_squared_error(outputs: Tensor, targets: Tensor) -> float:
    return sqrt(float((outputs.double() - targets.double()).square().mean()))


def _mean_of_known(values: Iterable[float]) -> float:
    known = [value for value in values if not isnan(value)]
    return fmean(known) if known else nan


_CLASSES: tuple[Task, ...] = ("classification", "binary")
_NUMBERS: tuple[Task, ...] = ("regression",)

METRICS: dict[str, MetricKind] = {
    "accuracy": MetricKind(_accuracy, _CLASSES),
    "balanced_accuracy": MetricKind(_balanced_accuracy, _CLASSES),
    "f1": MetricKind(_f1, _CLASSES),
    "auroc": MetricKind(_of_ranks("roc_auc_score"), _CLASSES),
    "average_precision": MetricKind(_of_ranks("average_precision_score"), _CLASSES),
    "mae": MetricKind(_mean_absolute_error, _NUMBERS, is_share=False),
    "rmse": MetricKind(_root_mean_squared_error, _NUMBERS, is_share=False),
}
"""The metrics that have a name; F1 is the mean over classes, or of class 1 if binary."""


def _kind(loss: Callable[..., Tensor], metric: str, weight: str | None = None) -> TaskKind:
    return TaskKind(loss, metric, METRICS[metric].score, weight)


TASKS: dict[Task, TaskKind] = {
    "classification": _kind(F.cross_entropy, "accuracy", "weight"),
    "regression": _kind(F.l1_loss, "mae"),
    "binary": _kind(F.binary_cross_entropy_with_logits, "auroc", "pos_weight"),
}


def score_of_targets(score: Score, outputs: Tensor, targets: Tensor, binary: bool) -> float:
    """The mean of a metric over the targets [B, T], each of the graphs that have it.

    Left out are, as in OGB, a target that no graph has, and a binary one that is the same in all
    that do; NaN if none is left.
    """
    found = []
    for output, target in zip(outputs.t(), targets.t(), strict=True):
        known = ~target.isnan()
        values = target[known]
        if values.unique().numel() > binary:
            found.append(score(output[known], values))
    return _mean_of_known(found)


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
        return -1 if self.metric in METRICS and not METRICS[self.metric].is_share else 1

    @property
    def scale(self) -> int:
        """What raw scores are multiplied by."""
        return 100 if self.metric in METRICS and METRICS[self.metric].is_share else 1

    @property
    def digits(self) -> int:
        """Decimals of a scaled score."""
        return 1 if self.scale == 100 else 2 if self.metric == MARGINS else 3

    @property
    def name(self) -> str:
        """Of scores."""
        return f"{self._words}, %" if self.scale == 100 else self._words

    @property
    def points(self) -> str:
        """Of differences."""
        return "points" if self.scale == 100 else self._words

    @property
    def _words(self) -> str:
        return self.metric.replace("_", " ")

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
