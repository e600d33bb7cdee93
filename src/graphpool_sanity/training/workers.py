"""Where runs are carried out: in this process, in others on this machine, or on a Dask cluster."""

import os
import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from threading import RLock, Thread
from typing import IO, Any

import cloudpickle
import torch
from joblib import cpu_count, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor

from graphpool_sanity._lazy import needs
from graphpool_sanity.training.protocol import OnEpoch

Config = Mapping[str, Any]
RunOne = Callable[[Config, OnEpoch | None], Mapping[str, Any]]
"""``run_one(config, on_epoch)``: the result of one configuration."""
Outcome = tuple[Config, Mapping[str, Any] | Exception]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What tells the libraries below torch and NumPy how many threads to have."""


_ALONE = RLock()
"""A run at a time in a process: it seeds the process's random state, which threads would share."""
_POLL = 5
"""After how many seconds to look again for more workers of a cluster, or for a worker's parent."""


def run_here(
    run_one: RunOne, configs: Iterator[Config], jobs: int, on_epoch: OnEpoch | None
) -> Iterator[Outcome]:
    """Outcomes of runs in this process or in others on this machine, as they come.

    The next configuration is asked for once the outcome before it has been taken. A run that kills
    its process is tried once more, when no other is left, and then has failed.
    """
    jobs = effective_n_jobs(jobs)
    if jobs == 1:
        yield from (_attempt(run_one, on_epoch, config) for config in configs)
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        parcel = Path(folder) / "run_one.pt"
        _send(run_one, parcel)
        killers = []
        for config, result in _side_by_side(str(parcel), configs, jobs):
            if isinstance(result, BrokenExecutor):
                killers.append(config)
            else:
                yield config, result
        for config in killers:  # alone: it may have lacked the memory that others had
            yield from _side_by_side(str(parcel), iter([config]), 1)


def _side_by_side(parcel: str, configs: Iterator[Config], jobs: int) -> Iterator[Outcome]:
    """Outcomes of runs, each job in a process of its own, so that one that dies takes no other."""
    threads = max(cpu_count() // jobs, 1)
    running = dict[Future[Outcome], tuple[ProcessPoolExecutor, Config]]()

    def start(worker: ProcessPoolExecutor) -> None:
        config = next(configs, None)
        if config is None:
            worker.shutdown(wait=False)
            return
        future = worker.submit(_attempt_sent, config, parcel)
        running[future] = worker, config

    try:
        for _ in range(jobs):
            start(_new_worker(threads))
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker, config = running.pop(future)
                error = future.exception()
                yield (config, error) if isinstance(error, Exception) else future.result()
                start(_new_worker(threads) if isinstance(error, BrokenExecutor) else worker)
    finally:
        for worker, _ in running.values():
            worker.shutdown(kill_workers=True)


def _new_worker(threads: int) -> ProcessPoolExecutor:
    env = {name: os.environ.get(name, str(threads)) for name in _THREADS}
    return ProcessPoolExecutor(1, env=env, initializer=_end_after, initargs=(os.getpid(),))


def _end_after(parent: int) -> None:
    """Have this process end soon after its parent, which may be killed in the midst of a run."""

    def watch() -> None:
        while os.getppid() == parent:  # on Windows it never changes
            time.sleep(_POLL)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def run_on_cluster(run_one: RunOne, configs: Iterator[Config], scheduler: str) -> Iterator[Outcome]:
    """Outcomes of runs on a Dask cluster, as they come; as many at once as it has threads.

    Not by joblib's Dask backend, which waits for ever for a run that kills its workers.

    Raises:
        ImportError: if Dask is not installed.
        ValueError: if the address is malformed.
        OSError: if nothing answers there.
    """
    client = _client_of(scheduler)
    import dask

    _send(run_one, packed := BytesIO())
    large = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
    with client:
        with dask.config.set(large):  # a task is done again if the workers that hold it die
            parcel = client.submit(bytes, packed.getvalue(), pure=False)
        running: dict[Any, tuple[Config, str | None]] = {}
        # no result is held: it is computed anew if a worker dies
        done: Queue[Any] = Queue()
        while True:
            free = Counter(client.nthreads())  # threads of each worker without a run of ours
            free.subtract(worker for _, worker in running.values())
            for worker in [*free.elements()] or [None] * (not running):
                config = next(configs, None)
                if config is None:
                    break
                where = {"workers": worker, "allow_other_workers": True} if worker else {}
                future = client.submit(_attempt_sent, config, parcel, pure=False, **where)
                running[future] = config, worker
                future.add_done_callback(done.put)
            if not running:
                return
            try:
                future = done.get(timeout=_POLL)
            except Empty:  # meanwhile workers may have come
                continue
            config, _ = running.pop(future)
            try:
                outcome = future.result()
            except Exception as error:  # its workers died, or the scheduler went away
                outcome = config, error
            del future
            yield outcome


def _client_of(scheduler: str) -> Any:  # noqa: ANN401  (Dask's, which is imported late)
    """A client of a Dask scheduler."""
    try:
        from dask.distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        raise ImportError(f"a scheduler {needs('dask')}") from error
    try:
        if not scheduler.startswith("inproc:"):
            get_address_host_port(scheduler)  # a client that fails at this hangs when it is closed
    except ValueError as error:
        raise ValueError(
            f"scheduler must be an address as tcp://host:8786, got {scheduler!r}: {error}"
        ) from error
    try:
        return Client(scheduler, set_as_default=False)
    except OSError as error:
        raise OSError(f"scheduler {scheduler} does not answer: {error}") from error


def _send(run_one: RunOne, file: Path | IO[bytes]) -> None:
    """Write what all runs share, with each tensor's storage once, however many views there are.

    By pickle each view of a few rows would take all of its storage along.
    """
    torch.save(run_one, file, pickle_module=cloudpickle)


@lru_cache(maxsize=1)
def _received(parcel: str | bytes) -> RunOne:
    """What was sent: read once in a process; from a file, its tensors stay there."""
    in_file = isinstance(parcel, str)
    source = parcel if isinstance(parcel, str) else BytesIO(parcel)
    return torch.load(source, weights_only=False, mmap=in_file)


def _attempt_sent(config: Config, parcel: str | bytes) -> Outcome:
    return _attempt(lambda *args: _received(parcel)(*args), None, config)


def _attempt(run_one: RunOne, on_epoch: OnEpoch | None, config: Config) -> Outcome:
    try:
        with _ALONE:
            return config, run_one(config, on_epoch)
    except Exception as error:  # reported once the others are done
        return config, _portable(error)


def _portable(error: Exception) -> Exception:
    """The error, or its words if it would not survive the way from another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        words = f"{type(error).__name__}: {error}"
        return RuntimeError(words).with_traceback(error.__traceback__)
    return error
