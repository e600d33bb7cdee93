"""The folder of a check: one process at a time works in it, and it remembers what was planned."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.console import Console

PLANS = "plans.json"


@dataclass(frozen=True)
class Plan:
    """How many pairs were to be run, as it stands in the folder after all calls so far."""

    runs: int
    max_runs: int
    first: int
    """The least number of the first call: no verdict had been seen when it was chosen."""
    is_kept: bool
    """Whether the number was fixed before the first run, and never changed."""
    is_extended: bool = False
    """Whether ``first`` was fixed so, and changed later."""
    margins: tuple[float, ...] = ()
    """All that were asked for, the first first."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Work in a folder alone: who comes second waits, and finds the runs of the first done."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        Console(stderr=True).print(
            f"another check works in {folder}: waiting for it", highlight=False, soft_wrap=True
        )
        lock.acquire()
    except NotImplementedError:  # of a file system without locks
        yield
        return
    try:
        yield
    finally:
        lock.release()


def planned(
    folder: Path | None, identity: str, runs: int, max_runs: int, margin: float, has_runs: bool
) -> Plan:
    """The plan of a check, which its folder remembers from before the first run on.

    Args:
        folder: Where; nothing is remembered if ``None``.
        identity: What tells the check from others in the folder.
        runs: The least number of pairs.
        max_runs: The greatest: a plan is one number.
        margin: The margin.
        has_runs: Whether some of its runs are there already.
    """
    plans = _read(folder)
    first = plans.get(identity)
    if first is None:
        plan = Plan(runs, max_runs, runs, runs == max_runs and not has_runs, False, (margin,))
    else:
        plan = _followed(Plan(**first), runs, max_runs, margin)
    if folder is not None:
        plans[identity] = asdict(plan)
        (folder / f"{PLANS}.new").write_text(json.dumps(plans, indent=1) + "\n", encoding="utf-8")
        (folder / f"{PLANS}.new").replace(folder / PLANS)
    return plan


def _followed(first: Plan, runs: int, max_runs: int, margin: float) -> Plan:
    same = (runs, max_runs) == (first.runs, first.max_runs)
    is_kept = first.is_kept and same
    is_extended = first.is_extended or (first.is_kept and not same)
    margins = tuple(dict.fromkeys([*first.margins, margin]))
    return Plan(runs, max_runs, first.first, is_kept, is_extended, margins)


def _read(folder: Path | None) -> dict[str, Mapping[str, Any]]:
    try:
        return dict(json.loads((folder / PLANS).read_text(encoding="utf-8"))) if folder else {}
    except (OSError, ValueError):
        return {}
