"""Graph pooling layers for PyTorch Geometric, each beside its null."""

from graphpool_sanity.datasets import Benchmark, load_dataset, locality_control
from graphpool_sanity.nulls import matched_nulls, randomize, register_null
from graphpool_sanity.pools.diff_pool import DiffPool, RandomDiffPool
from graphpool_sanity.pools.graclus import (
    ComplementGraclusPool,
    GraclusPool,
    PoolOutput,
    RandomMatchingPool,
)
from graphpool_sanity.pools.memory_pool import (
    DistanceMemoryPool,
    MemoryPool,
    RandomMemoryPool,
)
from graphpool_sanity.pools.mincut_pool import MinCutPool, RandomMinCutPool
from graphpool_sanity.pools.soft_pool import SoftPoolOutput
from graphpool_sanity.select.matching import complement_graclus, graclus

__version__ = "0.1.0"

__all__ = [
    "Benchmark",
    "ComplementGraclusPool",
    "DiffPool",
    "DistanceMemoryPool",
    "GraclusPool",
    "MemoryPool",
    "MinCutPool",
    "PoolOutput",
    "RandomDiffPool",
    "RandomMatchingPool",
    "RandomMemoryPool",
    "RandomMinCutPool",
    "SoftPoolOutput",
    "complement_graclus",
    "graclus",
    "load_dataset",
    "locality_control",
    "matched_nulls",
    "randomize",
    "register_null",
]
