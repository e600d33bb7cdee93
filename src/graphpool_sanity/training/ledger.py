"""The ledger: one JSON line per finished run, appended and never rewritten."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Ledger:
    """An append-only file of runs, each known by its configuration. Experimental.

    A run that is killed loses nothing but itself: a line is written in one piece once its run is
    done, torn and blank lines are passed over, and several processes may append. To merge the
    ledger of another machine, append it: ``cat theirs.jsonl >> ours.jsonl``. A run that is in both
    counts once, as the first of the two has it.

    Args:
        path: Where it is; the file need not be there yet.
        usable: Which records to read; all if not given.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger(Path(folder) / "runs.jsonl")
    ...     _ = ledger.append({"seed": 0}, {"test": 0.8})
    ...     ledger.find([{"seed": 0}, {"seed": 1}])
    [{'config': {'seed': 0}, 'test': 0.8}, None]
    """

    def __init__(
        self, path: str | os.PathLike[str], usable: Callable[[Record], object] = lambda _: True
    ) -> None:
        self.path = Path(path)
        self.usable = usable

    def __iter__(self) -> Iterator[Record]:
        """All complete and usable records, in the order in which they were written."""
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue  # torn by a kill in the middle of a write
            if isinstance(record, dict) and "config" in record and self.usable(record):
                yield record

    def find(self, configs: Iterable[Mapping[str, Any]]) -> list[Record | None]:
        """For each configuration its first record, or ``None`` if it has not run."""
        first = self.by_config()
        return [first.get(identity(config)) for config in configs]

    def by_config(self) -> dict[str, Record]:
        """The first record of each configuration, by the configuration as text."""
        first: dict[str, Record] = {}
        for record in self:
            first.setdefault(identity(record["config"]), record)
        return first

    def append(self, config: Mapping[str, Any], result: Mapping[str, Any]) -> Record:
        """Add a finished run, wait until it is on the disk, and return it as it reads there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"config": dict(config), **result}) + "\n"
        with self.path.open("ab+") as file:
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # torn, or half seen while another process writes it
                    line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        return json.loads(line)


def identity(config: Mapping[str, Any]) -> str:
    """A configuration as text, the same whatever the order of its entries."""
    return json.dumps(config, sort_keys=True)
