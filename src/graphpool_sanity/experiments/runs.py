"""Runs: carry out every configuration that the ledger does not hold yet."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

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
RunOne = Callable[[Config, OnEpoch], Mapping[str, Any]]
"""``run_one(config, on_epoch)``: the result of one configuration."""


def run_all(configs: Iterable[Config], run_one: RunOne, ledger: Ledger) -> list[Record]:
    """Run what is missing and return the records of all ``configs``, in their order.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger(Path(folder) / "runs.jsonl")
    ...     records = run_all([{"seed": 1}], lambda config, _: {"test": 0.5}, ledger)
    >>> records
    [{'config': {'seed': 1}, 'test': 0.5}]
    """
    configs = list(configs)
    missing = [config for config in configs if ledger.find(config) is None]
    if missing:
        with _progress() as progress:
            runs = progress.add_task("runs", total=len(missing), note="")
            for config in missing:
                ledger.append(config, _run_shown(config, run_one, progress))
                progress.advance(runs)
    found = [ledger.find(config) for config in configs]
    return [record for record in found if record is not None]


def _run_shown(config: Config, run_one: RunOne, progress: Progress) -> Mapping[str, Any]:
    name = f"{config.get('variant', 'run')}, seed {config.get('seed', '-')}"
    task = progress.add_task(name, total=config.get("epochs"), note="")

    def on_epoch(epoch: int, validation: float) -> None:
        progress.update(task, completed=epoch, note=f"validation {validation:.4g}")

    try:
        return run_one(config, on_epoch)
    finally:
        progress.remove_task(task)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
