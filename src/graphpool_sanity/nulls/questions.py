"""What each null asks of its layer, and what its verdicts mean in words."""

from collections.abc import Mapping
from typing import NamedTuple

from graphpool_sanity.check.comparison import Comparison, Verdict


class Question(NamedTuple):
    """What is asked by a null, and the verdict in its favour and against it."""

    asks: str
    helps: str
    """What is said where the layer beats the null."""


_QUESTIONS = {
    "complement": Question("must pooled nodes be neighbours?", "locality helps"),
    "random": Question("does it matter which nodes are kept or joined?", "locality helps"),
    "shuffle": Question("does it matter which nodes get the layer's choices?", "locality helps"),
    "distance": Question("must the keys be learned?", "learned keys help"),
    "frozen": Question("must the layer learn to choose?", "learning to choose helps"),
    "none": Question("must nodes be pooled, or told apart, at all?", "pooling helps"),
}
_OWN = Question("does the layer beat this null?", "the layer helps")


def question(null: str) -> Question:
    """The question of a null; a general one for names of the user's own.

    >>> question("complement").asks
    'must pooled nodes be neighbours?'
    """
    return _QUESTIONS.get(null, _OWN)


def answer(null: str, comparison: Comparison) -> str:
    """The verdict against one null in the words of its question."""
    if comparison.verdict == "locality helps":
        return question(null).helps
    return comparison.verdict


def overall(comparisons: Mapping[str, Comparison]) -> tuple[Verdict, str]:
    """The verdict over all nulls and the null that it comes from.

    A layer has earned its way of choosing only if it beats *every* null that chooses otherwise:
    one that does as well shows that another reason must be found. So the verdict is, of those
    against the nulls, the first of *null is better*, *null is as good*, *undecided*, *locality
    helps*. The null ``"none"``, which asks another question, counts only where it is alone. Levels
    are not corrected for the number of nulls: to beat them all by chance is no likelier for there
    being several, but that one of several only seems as good is.

    >>> from graphpool_sanity.check.comparison import compare
    >>> better, same = compare([0.3, 0.4, 0.3], 0.02, 0), compare([0.0, 1e-4, 0.0], 0.02, 0)
    >>> overall({"complement": better, "random": same, "none": better})
    ('null is as good', 'random')
    """
    order: list[Verdict] = ["null is better", "null is as good", "undecided", "locality helps"]
    asked = [null for null in comparisons if null != "none"] or list(comparisons)
    null = min(asked, key=lambda name: order.index(comparisons[name].verdict))
    return comparisons[null].verdict, null
