"""The check: a model and its nulls trained in pairs, judged and reported."""

from graphpool_sanity._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
