"""Graph pooling layers for PyTorch Geometric, each beside its null."""

from graphpool_sanity.pools.graclus import (
    ComplementGraclusPool,
    GraclusPool,
    PoolOutput,
    RandomMatchingPool,
)
from graphpool_sanity.select.matching import complement_graclus, graclus

__version__ = "0.1.0"

__all__ = [
    "ComplementGraclusPool",
    "GraclusPool",
    "PoolOutput",
    "RandomMatchingPool",
    "complement_graclus",
    "graclus",
]
