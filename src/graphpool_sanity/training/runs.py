"""Runs: carry out every configuration that the ledger does not hold yet."""

from collections.abc import Iterable, Iterator, Sized
from itertools import chain
from math import inf
from types import TracebackType
from typing import Protocol

from joblib import cpu_count
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from graphpool_sanity.training.ledger import Ledger, Record, identity
from graphpool_sanity.training.protocol import resolve_device
from graphpool_sanity.training.workers import (
    Config,
    Outcome,
    RunOne,
    run_here,
    run_on_cluster,
)


class Watch(Protocol):
    """Is told how runs go, while they do."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None: ...

    def ran(self, config: Config, outcome: Record | Exception, is_new: bool) -> None:
        """A run is done or has failed, now or, if it is not new, in an earlier call."""

    def epoch(self, epoch: int, validation: float) -> None:
        """An epoch of the only run in this process is done."""


def run_all(
    configs: Iterable[Config],
    run_one: RunOne,
    ledger: Ledger,
    jobs: int = 1,
    scheduler: str | None = None,
    watch: Watch | None = None,
) -> list[Record]:
    """Run what is missing and return the records of all ``configs``, in their order. Experimental.

    On a cluster, Dask's scheduler hands the runs to its workers, however many there are and
    whenever they come. Runs of a worker that dies go to another; a run whose workers die time
    and again has failed (four times, if ``distributed.scheduler.allowed-failures`` is Dask's own;
    twice without Dask). What all runs share, as the graphs, goes to each process once.
    Only this process writes the ledger. A worker process carries out one run at a time, so give
    each one thread: ``dask worker ADDRESS --nthreads 1``.

    Args:
        configs: What to run; a configuration is its run's identity. An iterator is asked for the
            next once a process is free, so that it may go by what the watch was told.
        run_one: Runs one; picklable if there are several jobs or a cluster, and then ``on_epoch``
            is ``None``.
        ledger: Where each result is kept as soon as it is there.
        jobs: How many processes run at once, one thread each unless there are cores to spare;
            not with a scheduler.
        scheduler: The address of a Dask scheduler, as ``tcp://host:8786``; ``None`` runs here.
        watch: Is told of each run; a progress bar if ``None``.

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
    held = ledger.by_config()
    asked: list[Config] = []
    failures: list[tuple[Config, Exception]] = []
    watch = _Bar(configs, ledger) if watch is None else watch

    def missing() -> Iterator[Config]:
        for config in configs:
            asked.append(config)
            record = held.get(identity(config))
            if record is None:
                yield config
            else:
                watch.ran(config, record, is_new=False)

    with watch:
        for config, result in _outcomes(run_one, missing(), jobs, scheduler, watch):
            if isinstance(result, Exception):
                failures.append((config, result))
                watch.ran(config, result, is_new=True)
            else:
                held[identity(config)] = record = ledger.append(config, result)
                watch.ran(config, record, is_new=True)
    if failures:
        config, error = failures[0]
        first = f"{type(error).__name__}: {error}"
        tried = len(failures) + sum(identity(config) in held for config in asked)
        raise RuntimeError(
            f"{len(failures)} of {tried} runs failed, the first by {first}, with {config}"
        ) from error
    return [held[identity(config)] for config in asked]


def _outcomes(
    run_one: RunOne, missing: Iterator[Config], jobs: int, scheduler: str | None, watch: Watch
) -> Iterator[Outcome]:
    first = next(missing, None)
    if first is None:
        return iter(())
    configs = chain([first], missing)
    if scheduler is not None:
        return run_on_cluster(run_one, configs, scheduler)
    return run_here(run_one, configs, jobs, watch.epoch if jobs == 1 else None)


def jobs_on(device: str) -> int:
    """How many runs share this machine if nobody says: one for each core, or one on a GPU."""
    return cpu_count() if resolve_device(device).type == "cpu" else 1


class _Bar:
    """A bar of the runs that are missing, on a terminal."""

    def __init__(self, configs: Iterable[Config], ledger: Ledger) -> None:
        total, console = None, Console(stderr=True)
        if isinstance(configs, Sized):
            total = sum(record is None for record in ledger.find(configs))
            kept, asked = len(configs) - total, len(configs)
            if kept:
                console.print(f"{kept} of {asked} runs are kept from before.", highlight=False)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self.progress = Progress(  # rich's own estimate of the time left is of the last 30 seconds
            *columns, console=console, disable=total == 0, speed_estimate_period=inf
        )
        self.runs = self.progress.add_task("runs", total=total, note="")

    def __enter__(self) -> "_Bar":
        self.progress.start()
        self.progress.advance(self.runs, 0)  # time counts from here, not from the first run's end
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def ran(self, config: Config, outcome: Record | Exception, is_new: bool) -> None:
        if is_new:
            self.progress.update(self.runs, advance=1, note="")

    def epoch(self, epoch: int, validation: float) -> None:
        self.progress.update(self.runs, note=f"epoch {epoch}, validation {validation:.4g}")
