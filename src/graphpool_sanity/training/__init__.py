"""The engine: train a model under the paper's protocol, keep every run."""

from graphpool_sanity._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
