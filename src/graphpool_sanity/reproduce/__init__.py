"""The paper: its experiments, studies, tables and numbers."""

from graphpool_sanity._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
