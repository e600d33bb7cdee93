"""What a check has found: the data of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphpool_sanity.check.comparison import Comparison, Verdict
from graphpool_sanity.check.pairs import LAYER
from graphpool_sanity.training.ledger import Record


@dataclass(frozen=True, repr=False)
class Findings:
    """All that the runs of a check tell; numbers are in the metric's unit."""

    name: str
    dataset: dict[str, Any]
    metric: str
    higher_is_better: bool
    comparisons: dict[str, Comparison]
    """By null; differences are positive where the layer is better."""
    scores: dict[str, list[float]]
    """The test metrics of ``"layer"`` and of each null, in the order of the seeds: a null has as
    many as its comparison has runs."""
    seeds: list[int]
    bite: dict[str, dict[str, float | None]]
    """By null how far it changes what the network says, ``"before"`` and ``"after"`` training,
    relative to how far graphs are told apart."""
    ties: dict[str, float]
    """By layer that ranks nodes the share of graphs, after training, in which its cut falls among
    equal scores of nodes that differ."""
    chosen_at: dict[str, str] = field(kw_only=True, default_factory=dict)
    """By layer whose nulls nobody has named the call by which it chooses, as it was found."""
    still_improving: dict[str, int]
    """How many runs had their best epoch among the last tenth when the epochs ran out."""
    plan: dict[str, Any]
    """The least and greatest number of pairs, the least of the first call, whether they were fixed
    beforehand and kept, and the margins that were asked for."""
    cost: dict[str, dict[str, float]]
    homogeneity: dict[str, dict[str, float]]
    """Before and after each pooling layer the share of variance within graphs, after training."""
    invariance: dict[str, dict[str, str]]
    protocol: dict[str, Any]
    environment: dict[str, Any]
    """Devices, versions, revision, dates, the command, and the layers as they are printed."""
    fingerprint: str
    records: list[Record] = field(default_factory=list, repr=False, compare=False)
    """The runs as the ledger has them."""

    @property
    def verdict(self) -> Verdict:
        """The least favourable of the verdicts against the nulls that choose otherwise."""
        return overall(self.comparisons)[0]

    @property
    def differences(self) -> dict[str, list[float]]:
        """Layer minus null of each pair, positive where the layer is better."""
        return layer_minus_nulls(self.scores, self.higher_is_better)


def overall(comparisons: Mapping[str, Comparison]) -> tuple[Verdict, str]:
    """The verdict over all nulls and the null that it comes from.

    A layer has earned its way of choosing only if it beats *every* null that chooses otherwise:
    one that does as well shows that another reason must be found. So the verdict is, of those
    against the nulls, the first of *null is better*, *null is as good*, *undecided*, *locality
    helps*. The null ``"none"``, which asks another question, counts only where it is alone. Levels
    are not corrected for the number of nulls: to beat them all by chance is no likelier for there
    being several, but that one of several only seems as good is.
    """
    order: list[Verdict] = ["null is better", "null is as good", "undecided", "locality helps"]
    asked = [null for null in comparisons if null != "none"] or list(comparisons)
    null = min(asked, key=lambda name: order.index(comparisons[name].verdict))
    return comparisons[null].verdict, null


def layer_minus_nulls(
    scores: Mapping[str, Sequence[float]], higher_is_better: bool
) -> dict[str, list[float]]:
    """By null the difference of each run, positive where the layer is better."""
    sign = 1 if higher_is_better else -1
    return {
        null: [sign * (a - b) for a, b in zip(scores[LAYER], own, strict=False)]
        for null, own in scores.items()
        if null != LAYER
    }
