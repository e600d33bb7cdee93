"""What each null asks of its layer."""

from typing import NamedTuple


class Question(NamedTuple):
    """What is asked by a null, and the verdict in its favour and against it."""

    asks: str
    helps: str
    """What is said where the layer beats the null."""


_QUESTIONS = {
    "complement": Question("must pooled nodes be neighbours?", "locality helps"),
    "local": Question("must pooled nodes be no neighbours?", "pooling apart helps"),
    "random": Question("does it matter which nodes are kept or joined?", "locality helps"),
    "shuffle": Question("does it matter which nodes get the layer's choices?", "locality helps"),
    "scores": Question("does it matter which nodes get the layer's scores?", "its scores help"),
    "distance": Question("must the keys be learned?", "learned keys help"),
    "frozen": Question("must the layer learn to choose?", "learning to choose helps"),
    "none": Question("must nodes be pooled, or distinguished, at all?", "pooling helps"),
}
_OWN = Question("does the layer beat this null?", "the layer helps")


def question(null: str) -> Question:
    """The question of a null; a general one for names of the user's own.

    >>> question("complement").asks
    'must pooled nodes be neighbours?'
    """
    return _QUESTIONS.get(null, _OWN)
