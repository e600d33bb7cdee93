"""Runs: carry out every configuration that the ledger does not hold yet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from graphpool_sanity.experiments.ledger import Ledger, Record
from graphpool_sanity.experiments.protocol import OnEpoch

Config = Mapping[str, Any]
RunOne = Callable[[Config, OnEpoch | None], Mapping[str, Any]]
"""``run_one(config, on_epoch)``: the result of one configuration."""


def run_all(
    configs: Iterable[Config], run_one: RunOne, ledger: Ledger, jobs: int = 1
) -> list[Record]:
    """Run what is missing and return the records of all ``configs``, in their order.

    Args:
        configs: What to run; a configuration is its run's identity.
        run_one: Runs one; picklable if there are several jobs.
        ledger: Where each result is kept as soon as it is there.
        jobs: How many processes run at once, one thread each unless there are cores to spare.

    Raises:
        RuntimeError: after all other runs, if any failed.

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
        attempts = (
            delayed(_attempt)(run_one, config, on_epoch if jobs == 1 else None)
            for config in missing
        )
        workers = Parallel(n_jobs=jobs, return_as="generator_unordered")
        for config, result in workers(attempts):
            if isinstance(result, Exception):
                failures.append((config, result))
            else:
                ledger.append(config, result)
            advance()
    if failures:
        config, error = failures[0]
        raise RuntimeError(
            f"{len(failures)} of {len(missing)} runs failed, first {config}"
        ) from error
    return [record for record in ledger.find(configs) if record is not None]


def _attempt(
    run_one: RunOne, config: Config, on_epoch: OnEpoch | None
) -> tuple[Config, Mapping[str, Any] | Exception]:
    try:
        return config, run_one(config, on_epoch)
    except Exception as error:  # reported once the others are done
        return config, error


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
    with Progress(*columns, console=Console(stderr=True), disable=not total) as progress:
        runs = progress.add_task("runs", total=total, note="")

        def advance() -> None:
            progress.update(runs, advance=1, note="")

        def on_epoch(epoch: int, validation: float) -> None:
            progress.update(runs, note=f"epoch {epoch}, validation {validation:.4g}")

        yield advance, on_epoch
