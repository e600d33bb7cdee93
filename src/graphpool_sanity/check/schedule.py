"""Which runs a check still needs: pairs, until every null has its verdict."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from graphpool_sanity.check.pairs import LAYER

Key = tuple[str, int]
"""A variant, and the number of its pair from 0."""


@dataclass
class Schedule:
    """The runs of a check, one after the other, chosen by what the runs before have shown.

    ``runs`` pairs of the layer and each null; then more of the nulls that have no verdict yet, up
    to ``max_runs``, and none after the deadline. A null stops at the first number of pairs, from
    ``runs`` on, at which it is decided. It is looked at in the order of the seeds, so that the
    number does not depend on which run is done first: what ran ahead is kept, and not used.

    >>> schedule = Schedule(["random"], 2, 9, lambda layer, null: len(layer) == 3)
    >>> for variant, pair in schedule:
    ...     schedule.tell((variant, pair), 0.5)
    >>> schedule.pairs("random"), len(schedule.scores["layer"])
    (3, 3)
    """

    nulls: Sequence[str]
    runs: int
    max_runs: int
    is_decided: Callable[[list[float], list[float]], bool]
    """``is_decided(scores of the layer, scores of a null)``, pair by pair."""
    deadline: float = inf
    """In the seconds of ``time.monotonic``."""
    is_broken: bool = False
    """Whether a run has failed: then nothing is decided, and no more is asked than ``runs``."""
    scores: dict[str, dict[int, float]] = field(default_factory=dict)
    _looked: dict[str, int] = field(default_factory=dict)
    _decided: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.scores = {variant: {} for variant in (LAYER, *self.nulls)}
        self._looked = dict.fromkeys(self.nulls, 0)

    def __iter__(self) -> Iterator[Key]:
        for pair in range(self.max_runs):
            for variant in self.scores:
                if self._is_wanted(variant, pair):
                    yield variant, pair

    def tell(self, key: Key, score: float) -> None:
        """What a run scored."""
        variant, pair = key
        self.scores[variant][pair] = score
        for null in self.open if variant == LAYER else [variant]:
            self._look(null)

    @property
    def open(self) -> list[str]:
        """The nulls without a verdict."""
        return [null for null in self.nulls if null not in self._decided]

    def pairs(self, null: str) -> int:
        """How many pairs count: those up to its verdict, or all that are there without a gap."""
        return self._looked[null]

    def of_pairs(self, null: str, pairs: int) -> tuple[list[float], list[float]]:
        """The scores of the layer and of a null in so many pairs."""
        layer, own = ([self.scores[v][i] for i in range(pairs)] for v in (LAYER, null))
        return layer, own

    def _is_wanted(self, variant: str, pair: int) -> bool:
        if pair < self.runs:
            return True
        if self.is_broken or time.monotonic() > self.deadline:
            return False
        return bool(self.open) if variant == LAYER else variant in self.open

    def _look(self, null: str) -> None:
        layer, own = self.scores[LAYER], self.scores[null]
        while null in self.open and (pairs := self._looked[null]) in layer and pairs in own:
            self._looked[null] = pairs = pairs + 1
            if pairs >= self.runs and self.is_decided(*self.of_pairs(null, pairs)):
                self._decided.add(null)
