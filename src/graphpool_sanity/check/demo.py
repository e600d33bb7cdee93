"""Two checks small enough to watch: what a null is for."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from torch import nn

from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.sanity import sanity_check
from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.locality import locality_control
from graphpool_sanity.pools.graclus import GraclusPool
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.protocol import Protocol


class _Demo(NamedTuple):
    data: str
    load: Callable[[], Benchmark]
    num_pools: int
    protocol: Protocol


# Found on seeds from 1000 on, which these checks do not use.
_DEMOS = (
    _Demo(
        "cycles that only pooling of neighbours can tell apart",
        partial(locality_control, 400),
        4,
        Protocol(epochs=8, batch_size=16, learning_rate=3e-3),
    ),
    _Demo(
        "images of handwritten digits",
        digits,
        1,
        Protocol(epochs=16, batch_size=32, learning_rate=3e-3),
    ),
)
_FEWEST, _MOST = 6, 60


def graclus(channels: int) -> nn.Module:
    """Pools pairs of neighbours."""
    return GraclusPool()


def checks(jobs: int) -> Iterator[tuple[str, SanityReport]]:
    """What each check asks and finds, and its report: a control first, then real images."""
    for demo in _DEMOS:
        report = sanity_check(
            partial(Backbone, graclus, hidden=32, num_pools=demo.num_pools),
            demo.load(),
            "complement",
            _FEWEST,
            max_runs=_MOST,
            protocol=demo.protocol,
            n_jobs=jobs,
            name="GraclusPool",
        )
        (found,) = report.comparisons.values()
        yield (
            f"On {demo.data}, GraclusPool was compared with its null, which pools nodes that are "
            f"no neighbours, in {found.runs} pairs: {report.verdict}.\n",
            report,
        )
