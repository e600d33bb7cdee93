"""Fair timing of alternatives: in one run, in turn, medians and ratios."""

import ctypes
import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from torch_geometric.data import Batch
from torch_geometric.datasets import TUDataset


def medians(work: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each piece of work, all of them measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for run in work.values():
        run()
    gc.collect()
    gc.disable()
    for _ in range(repeats):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


def ratio(what: str, value: float, wanted: str) -> None:
    """Print one ratio beside what is wanted of it."""
    print(f"  {what:<68} {value:8.2f}x   (wanted: {wanted})")


def peak_memory(forget: bool = False) -> float:
    """The most memory of the process in GB, since it was last told to forget it (on Linux)."""
    if forget:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def real_batch(name: str, num_graphs: int = 64) -> Batch:
    """The first graphs of a TU data set, from ``GRAPHPOOL_SANITY_DATA``."""
    root = Path(os.environ["GRAPHPOOL_SANITY_DATA"])
    return Batch.from_data_list(list(TUDataset(str(root / "TUDataset"), name)[:num_graphs]))
