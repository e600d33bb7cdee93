"""How alike the nodes of a graph are, before and after pooling."""

from graphpool_sanity._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
