"""Runs: carry out every configuration that the ledger does not hold yet."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from math import inf
from threading import RLock
from typing import Any

from joblib import Parallel, cpu_count, delayed
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
    and again has failed (four times, if ``distributed.scheduler.allowed-failures`` is Dask's own).
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
    """Outcomes of runs in this process or in others on this machine, as they come."""
    attempts = (delayed(_attempt)(run_one, on_epoch, config) for config in configs)
    yield from Parallel(n_jobs=jobs, return_as="generator_unordered")(attempts)


def _run_on_cluster(
    run_one: RunOne, configs: Iterable[Config], scheduler: str
) -> Iterator[_Outcome]:
    """Outcomes of runs on a Dask cluster, as they come.

    Not by joblib's Dask backend, which waits for ever for a run that kills its workers.
    """
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise ImportError(
            'a scheduler needs Dask: pip install "graphpool-sanity[cluster]"'
        ) from error
    with Client(scheduler, set_as_default=False) as client:
        futures = client.map(partial(_attempt, run_one, None), configs, pure=False)
        config_of = {future.key: config for future, config in zip(futures, configs, strict=True)}
        finished = as_completed(futures, loop=client.loop)
        del futures  # a result that is still held would be computed again if its worker died
        for future in finished:
            try:
                outcome = future.result()
            except Exception as error:  # its workers died, or the scheduler went away
                outcome = config_of[future.key], error
            yield outcome


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
