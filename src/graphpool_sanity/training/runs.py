"""Runs: carry out every configuration that the ledger does not hold yet."""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import IO, Any

import cloudpickle
import torch
from joblib import cpu_count, effective_n_jobs
from joblib.externals.loky import ProcessPoolExecutor
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from graphpool_sanity.training.ledger import Ledger, Record
from graphpool_sanity.training.protocol import OnEpoch, resolve_device

Config = Mapping[str, Any]
RunOne = Callable[[Config, OnEpoch | None], Mapping[str, Any]]
"""``run_one(config, on_epoch)``: the result of one configuration."""
_Outcome = tuple[Config, Mapping[str, Any] | Exception]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What tells the libraries below torch and NumPy how many threads to have."""

_KEPT = 60
"""How many seconds a process without a run is kept, for those of a next call."""
_IDLE: dict[int, list[ProcessPoolExecutor]] = {}
"""Workers without a run, by their number of threads."""

_ALONE = RLock()
"""A run at a time in a process: it seeds the process's random state, which threads would share."""


def run_all(
    configs: Iterable[Config],
    run_one: RunOne,
    ledger: Ledger,
    jobs: int = 1,
    scheduler: str | None = None,
) -> list[Record]:
    """Run what is missing and return the records of all ``configs``, in their order. Experimental.

    On a cluster, Dask's scheduler hands the runs to its workers, however many there are and
    whenever they come. Runs of a worker that dies go to another; a run whose workers die time
    and again has failed (four times, if ``distributed.scheduler.allowed-failures`` is Dask's own;
    twice without Dask). What all runs share, as the graphs, goes to each process once.
    Only this process writes the ledger. A worker process carries out one run at a time, so give
    each one thread: ``dask worker ADDRESS --nthreads 1``.

    Args:
        configs: What to run; a configuration is its run's identity.
        run_one: Runs one; picklable if there are several jobs or a cluster, and then ``on_epoch``
            is ``None``.
        ledger: Where each result is kept as soon as it is there.
        jobs: How many processes run at once, one thread each unless there are cores to spare;
            not with a scheduler.
        scheduler: The address of a Dask scheduler, as ``tcp://host:8786``; ``None`` runs here.

    Raises:
        RuntimeError: after all other runs, if any failed.
        ImportError: if a scheduler is named and Dask is not installed.
        ValueError: if its address is malformed.
        OSError: if nothing answers there.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger(Path(folder) / "runs.jsonl")
    ...     records = run_all([{"seed": 1}], lambda config, _: {"test": 0.5}, ledger)
    >>> records
    [{'config': {'seed': 1}, 'test': 0.5}]
    """
    configs = list(configs)
    held = zip(configs, ledger.find(configs), strict=True)
    missing = [config for config, record in held if record is None]
    failures: list[tuple[Config, Exception]] = []
    with _progress(len(missing)) as (advance, on_epoch):
        if scheduler is None or not missing:
            outcomes = _run_here(run_one, missing, jobs, on_epoch if jobs == 1 else None)
        else:
            outcomes = _run_on_cluster(run_one, missing, scheduler)
        for config, result in outcomes:
            if isinstance(result, Exception):
                failures.append((config, result))
            else:
                ledger.append(config, result)
            advance()
    if failures:
        config, error = failures[0]
        first = f"{type(error).__name__}: {error}"
        raise RuntimeError(
            f"{len(failures)} of {len(missing)} runs failed, the first by {first}, with {config}"
        ) from error
    return [record for record in ledger.find(configs) if record is not None]


def jobs_on(device: str) -> int:
    """How many runs share this machine if nobody says: one for each core, or one on a GPU."""
    return cpu_count() if resolve_device(device).type == "cpu" else 1


def _run_here(
    run_one: RunOne, configs: Iterable[Config], jobs: int, on_epoch: OnEpoch | None
) -> Iterator[_Outcome]:
    """Outcomes of runs in this process or in others on this machine, as they come.

    A run that kills its process is tried once more, when no other is left, and then has failed.
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
            yield from _side_by_side(str(parcel), [config], 1)


def _side_by_side(parcel: str, configs: Iterable[Config], jobs: int) -> Iterator[_Outcome]:
    """Outcomes of runs, each job in a process of its own, so that one that dies takes no other."""
    threads = max(cpu_count() // jobs, 1)
    idle = _IDLE.setdefault(threads, [])
    waiting, running = iter(configs), dict[Future[_Outcome], tuple[ProcessPoolExecutor, Config]]()

    def start(worker: ProcessPoolExecutor) -> None:
        config = next(waiting, None)
        if config is None:
            idle.append(worker)
            return
        try:
            future = worker.submit(_attempt_sent, config, parcel)
        except BrokenExecutor:  # its process died while it had no run
            worker = _new_worker(threads)
            future = worker.submit(_attempt_sent, config, parcel)
        running[future] = worker, config

    try:
        for _ in range(jobs):
            start(idle.pop() if idle else _new_worker(threads))
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker, config = running.pop(future)
                error = future.exception()
                start(_new_worker(threads) if isinstance(error, BrokenExecutor) else worker)
                yield (config, error) if isinstance(error, Exception) else future.result()
    finally:
        for worker, _ in running.values():
            worker.shutdown(kill_workers=True)


def _new_worker(threads: int) -> ProcessPoolExecutor:
    env = {name: os.environ.get(name, str(threads)) for name in _THREADS}
    return ProcessPoolExecutor(1, env=env, timeout=_KEPT)


def _run_on_cluster(
    run_one: RunOne, configs: Iterable[Config], scheduler: str
) -> Iterator[_Outcome]:
    """Outcomes of runs on a Dask cluster, as they come.

    Not by joblib's Dask backend, which waits for ever for a run that kills its workers.
    """
    try:
        import dask
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise ImportError(
            'a scheduler needs Dask: pip install "graphpool-sanity[cluster]"'
        ) from error
    _send(run_one, packed := BytesIO())
    large = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
    with Client(scheduler, set_as_default=False) as client:
        with dask.config.set(large):  # a task is done again if the workers that hold it die
            parcel = client.submit(bytes, packed.getvalue(), pure=False)
        futures = client.map(_attempt_sent, configs, parcel=parcel, pure=False)
        config_of = {future.key: config for future, config in zip(futures, configs, strict=True)}
        finished = as_completed(futures, loop=client.loop)
        del futures  # a result that is still held would be computed again if its worker died
        for future in finished:
            try:
                outcome = future.result()
            except Exception as error:  # its workers died, or the scheduler went away
                outcome = config_of[future.key], error
            yield outcome


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


def _attempt_sent(config: Config, parcel: str | bytes) -> _Outcome:
    return _attempt(lambda *args: _received(parcel)(*args), None, config)


def _attempt(run_one: RunOne, on_epoch: OnEpoch | None, config: Config) -> _Outcome:
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


@contextmanager
def _progress(total: int) -> Iterator[tuple[Callable[[], None], OnEpoch]]:
    """A bar of the runs; what advances it, and what shows an epoch of the present run."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    progress = Progress(  # rich's own estimate of the time left is of the last 30 seconds
        *columns, console=Console(stderr=True), disable=not total, speed_estimate_period=inf
    )
    with progress:
        runs = progress.add_task("runs", total=total, note="")
        progress.advance(runs, 0)  # time counts from here, not from the first run's end

        def advance() -> None:
            progress.update(runs, advance=1, note="")

        def on_epoch(epoch: int, validation: float) -> None:
            progress.update(runs, note=f"epoch {epoch}, validation {validation:.4g}")

        yield advance, on_epoch
