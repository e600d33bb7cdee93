"""Graph pooling layers for PyTorch Geometric, each beside its null."""

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from graphpool_sanity.check.sanity import SanityReport, sanity_check

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
    "SanityReport",
    "SoftPoolOutput",
    "complement_graclus",
    "graclus",
    "load_dataset",
    "locality_control",
    "matched_nulls",
    "randomize",
    "register_null",
    "sanity_check",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """The check, imported when it is asked for: it needs all that trains and plots."""
    if name in ("SanityReport", "sanity_check"):
        from graphpool_sanity.check import sanity

        return getattr(sanity, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
