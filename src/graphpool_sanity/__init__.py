"""Graph pooling layers for PyTorch Geometric, each beside its null."""

from typing import TYPE_CHECKING

from graphpool_sanity._lazy import attach

if TYPE_CHECKING:
    from graphpool_sanity import analysis, check, datasets, nulls, testing, training
    from graphpool_sanity.check.backbone import Backbone
    from graphpool_sanity.check.comparison import Comparison, compare
    from graphpool_sanity.check.report import SanityReport
    from graphpool_sanity.check.sanity import sanity_check
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
    from graphpool_sanity.training.protocol import Protocol

__version__ = "0.1.0"

__all__ = [
    "Backbone",
    "Benchmark",
    "Comparison",
    "ComplementGraclusPool",
    "DiffPool",
    "DistanceMemoryPool",
    "GraclusPool",
    "MemoryPool",
    "MinCutPool",
    "PoolOutput",
    "Protocol",
    "RandomDiffPool",
    "RandomMatchingPool",
    "RandomMemoryPool",
    "RandomMinCutPool",
    "SanityReport",
    "SoftPoolOutput",
    "analysis",
    "check",
    "compare",
    "complement_graclus",
    "datasets",
    "graclus",
    "load_dataset",
    "locality_control",
    "matched_nulls",
    "nulls",
    "randomize",
    "register_null",
    "sanity_check",
    "testing",
    "training",
]

_PACKAGES = ("analysis", "check", "datasets", "nulls", "testing", "training")
_NAMES = {
    "check.backbone": ["Backbone"],
    "check.comparison": ["Comparison", "compare"],
    "check.report": ["SanityReport"],
    "check.sanity": ["sanity_check"],
    "datasets": ["Benchmark", "load_dataset", "locality_control"],
    "nulls": ["matched_nulls", "randomize", "register_null"],
    "pools.diff_pool": ["DiffPool", "RandomDiffPool"],
    "pools.graclus": ["ComplementGraclusPool", "GraclusPool", "PoolOutput", "RandomMatchingPool"],
    "pools.memory_pool": ["DistanceMemoryPool", "MemoryPool", "RandomMemoryPool"],
    "pools.mincut_pool": ["MinCutPool", "RandomMinCutPool"],
    "pools.soft_pool": ["SoftPoolOutput"],
    "select.matching": ["complement_graclus", "graclus"],
    "training.protocol": ["Protocol"],
}
__getattr__, __dir__ = attach(
    __name__,
    {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
    | {name: f"{__name__}.{name}" for name in _PACKAGES},
)
