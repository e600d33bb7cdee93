"""What runs need on a Dask cluster: their code, and a cluster on this machine if there is none."""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joblib import cpu_count

from graphpool_sanity._lazy import needs
from graphpool_sanity.training.protocol import OnEpoch
from graphpool_sanity.training.workers import Config, RunOne


class ByValue:
    """What runs one configuration, and travels with its script and those beside it.

    A worker has this package, but not the scripts of ``examples/``. Needs cloudpickle, which
    comes with Dask.

    Args:
        run_one: What is called.
        origin: A function of the script.
    """

    def __init__(self, run_one: RunOne, origin: Callable[..., object]) -> None:
        self.run_one = run_one
        self.folder = Path(inspect.getfile(origin)).resolve().parent

    def __call__(self, config: Config, on_epoch: OnEpoch | None) -> Mapping[str, Any]:
        """As ``run_one``."""
        return self.run_one(config, on_epoch)

    def __reduce__(self) -> tuple[Callable[[bytes], RunOne], tuple[bytes]]:
        import cloudpickle

        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if file and Path(file).resolve().parent == self.folder:
                cloudpickle.register_pickle_by_value(module)
        return cloudpickle.loads, (cloudpickle.dumps(self.run_one),)


@contextmanager
def local_cluster(workers: int | None) -> Iterator[str]:
    """The address of a Dask cluster on this machine, one worker for each core if not set."""
    try:
        from dask.distributed import LocalCluster
    except ImportError as error:
        raise ImportError(f"the backend dask {needs('dask')}") from error
    with LocalCluster(
        n_workers=workers or cpu_count(), threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        yield cluster.scheduler_address
