"""How a metric's numbers are shown: in percent and points where the paper does so."""

from collections.abc import Iterable
from dataclasses import dataclass

from graphpool_sanity.training.summary import PERCENT, mean_std


@dataclass(frozen=True)
class Unit:
    """The unit of a metric's scores and of their differences.

    >>> unit = Unit("accuracy")
    >>> unit.name, unit.difference(0.0213), unit.interval((-0.001, 0.043))
    ('accuracy, %', '+2.1 points', '[-0.1, +4.3]')
    """

    metric: str

    @property
    def scale(self) -> int:
        """What raw scores are multiplied by."""
        return 100 if self.metric in PERCENT else 1

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
        shown = f"{self.scale * value:+.{1 if self.scale == 100 else 3}f}"
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

    def mean_std(self, scores: list[float]) -> str:
        """Mean and standard deviation of raw scores."""
        return mean_std([self.scale * score for score in scores], self.metric)
