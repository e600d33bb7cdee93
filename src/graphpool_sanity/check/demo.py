"""Two checks small enough to watch: what a null is for."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.sanity import sanity_check
from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.locality import locality_control
from graphpool_sanity.pools.graclus import GraclusPool
from graphpool_sanity.pools.mincut_pool import MinCutPool
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.protocol import Protocol

MARGIN = 0.03
"""What makes no difference here: with so few runs less cannot be told."""


class _Demo(NamedTuple):
    data: str
    load: Callable[[], Benchmark]
    make_pool: Callable[[int], nn.Module]
    null: str
    others: str
    """What the null pools."""
    num_pools: int
    pairs: int
    protocol: Protocol


def half_of_digits() -> Benchmark:
    """Half of the digits to train with, so that enough are left to test with: 900, 180, 717."""
    benchmark = digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(99))
    return replace(benchmark, official_split=(order[:900], order[900:1080], order[1080:]))


def graclus(channels: int) -> nn.Module:
    """Pools pairs of neighbours."""
    return GraclusPool()


def mincut(channels: int) -> nn.Module:
    """Learns which nodes to pool, and by its loss that these be neighbours."""
    return MinCutPool(channels, 9)


# Found on seeds from 1000 on, which these checks do not use.
_DEMOS = (
    _Demo(
        "cycles that only pooling of neighbours can tell apart",
        partial(locality_control, 400),
        graclus,
        "complement",
        "nodes that are no neighbours",
        num_pools=4,
        pairs=6,
        protocol=Protocol(epochs=8, batch_size=16, learning_rate=3e-3),
    ),
    _Demo(
        "images of handwritten digits",
        half_of_digits,
        mincut,
        "random",
        "nodes by chance",
        num_pools=1,
        pairs=12,
        protocol=Protocol(epochs=16, batch_size=32, learning_rate=1e-2, halve_after=1),
    ),
)


def checks(jobs: int, out: Path | None = None) -> Iterator[tuple[str, SanityReport]]:
    """What each check asks, and its report: a control first, then real images.

    ``out`` is a folder to keep both in; they are then resumed from there.
    """
    for demo in _DEMOS:
        layer = type(demo.make_pool(1)).__name__
        report = sanity_check(
            partial(Backbone, demo.make_pool, hidden=32, num_pools=demo.num_pools),
            demo.load(),
            demo.null,
            demo.pairs,
            MARGIN,
            max_runs=demo.pairs,
            protocol=demo.protocol,
            n_jobs=jobs,
            out=None if out is None else out / layer,
            name=layer,
        )
        (found,) = report.comparisons.values()
        yield (
            f"On {demo.data}, {layer} was compared with its null, which pools {demo.others}, "
            f"in {found.runs} pairs:",
            report,
        )
