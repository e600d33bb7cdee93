"""Two checks small enough to watch: what a null is for."""

from collections.abc import Iterator
from functools import partial

from torch import nn

from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.report import SanityReport
from graphpool_sanity.check.sanity import sanity_check
from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.locality import locality_control
from graphpool_sanity.pools.graclus import GraclusPool
from graphpool_sanity.training.protocol import Protocol

# Found on seeds from 1000 on, which these checks do not use.
_CONTROL = Protocol(epochs=8, batch_size=16, learning_rate=3e-3)
_DIGITS = Protocol(epochs=16, batch_size=32, learning_rate=3e-3)
_FEWEST, _MOST = 6, 60


def graclus(channels: int) -> nn.Module:
    """Pools pairs of neighbours."""
    return GraclusPool()


def checks(jobs: int) -> Iterator[tuple[str, SanityReport]]:
    """What each check asks and finds, and its report: a control first, then real images."""
    control = sanity_check(
        partial(Backbone, graclus, hidden=32, num_pools=4),
        locality_control(400),
        "complement",
        _FEWEST,
        max_runs=_MOST,
        protocol=_CONTROL,
        n_jobs=jobs,
        name="GraclusPool",
    )
    yield _told(control, "cycles that only pooling of neighbours can tell apart"), control
    images = sanity_check(
        partial(Backbone, graclus, hidden=32, num_pools=1),
        digits(),
        "complement",
        _FEWEST,
        max_runs=_MOST,
        protocol=_DIGITS,
        n_jobs=jobs,
        name="GraclusPool",
    )
    yield _told(images, "images of handwritten digits"), images


def _told(report: SanityReport, data: str) -> str:
    (found,) = report.comparisons.values()
    return (
        f"On {data}, GraclusPool was compared with its null, which pools nodes that are no "
        f"neighbours, in {found.runs} pairs: {report.verdict}.\n"
    )
