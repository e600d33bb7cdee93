"""Graph pooling layers for PyTorch Geometric, each beside its null."""

from graphpool_sanity._lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__)
