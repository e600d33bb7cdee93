"""Fair timing of alternatives: in one run, in turn, medians and ratios."""

import argparse
import ctypes
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch_geometric.data import Batch
from torch_geometric.datasets import TUDataset

_device = torch.device("cpu")
"""Where this run measures: ``--device``."""

_measured: list[dict[str, Any]] = []
"""All figures of this run, as they were printed."""


def medians(work: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median milliseconds of each piece of work, all of them measured in turn."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for run in work.values():
        run()
    gc.collect()
    gc.disable()
    for _ in range(repeats):
        for name, run in work.items():
            times[name].append(1e3 * seconds(run))
    gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}


def seconds(run: Callable[[], object]) -> float:
    """How long a piece of work takes, on a GPU until all of it is done."""
    wait()
    start = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - start


def where() -> torch.device:
    """The device that is measured."""
    return _device


def wait() -> None:
    """Until a GPU has done what it was given."""
    if _device.type == "cuda":
        torch.cuda.synchronize(_device)


def ratio(what: str, value: float, wanted: str) -> None:
    """Print one ratio beside what is wanted of it."""
    figure(what, value, "x", wanted)


def figure(what: str, value: float, unit: str, wanted: str) -> None:
    """Print one figure with its unit beside what is wanted of it."""
    value = value if isinstance(value, int) else float(f"{value:.4g}")  # as little as 1e-15, too
    print(f"  {what:<68} {value:>8}{unit:<3} (wanted: {wanted})")
    _measured.append({"what": what, "value": value, "unit": unit, "wanted": wanted})


def measure(group: str, measurements: Mapping[str, Callable[[], None]]) -> None:
    """Take those that the command line names, or all; ``--json FILE`` keeps them in the group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help=f"of {', '.join(measurements)}; all if none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="put the figures into FILE")
    parser.add_argument("--device", type=torch.device, default="cpu", help="where to measure")
    args = parser.parse_args()
    unknown = set(args.names).difference(measurements)
    if unknown:
        parser.error(f"names must be of {', '.join(measurements)}, got {', '.join(unknown)}")
    global _device
    _device = args.device
    torch.manual_seed(0)
    for name in args.names or measurements:
        start = len(_measured)
        measurements[name]()
        if args.json is not None:
            _keep(args.json, group, name, _measured[start:])


def _keep(path: Path, group: str, name: str, figures: list[dict[str, Any]]) -> None:
    """Put figures beside those of other groups, in place of older ones of the same name."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found.setdefault(group, {})[name] = {"machine": machine(), "figures": figures}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, str]:
    """What the figures depend on: the processor, the threads in use, the versions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        **({"GPU": torch.cuda.get_device_name(_device)} if _device.type == "cuda" else {}),
        "threads": str(torch.get_num_threads()),
        "Python": platform.python_version(),
        "PyTorch": version("torch"),
        "PyTorch Geometric": version("torch-geometric"),
    }


def peak_memory(forget: bool = False) -> float:
    """The most memory in GB since it was last forgotten: a GPU's, or the process's (on Linux)."""
    if _device.type == "cuda":
        if forget:
            torch.cuda.reset_peak_memory_stats(_device)
        return torch.cuda.max_memory_allocated(_device) / 2**30
    if forget:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def real_batch(name: str, num_graphs: int = 64) -> Batch:
    """The first graphs of a TU data set, from ``GRAPHPOOL_SANITY_DATA``, where is measured."""
    root = Path(os.environ["GRAPHPOOL_SANITY_DATA"])
    graphs = list(TUDataset(str(root / "TUDataset"), name)[:num_graphs])
    return Batch.from_data_list(graphs).to(_device)
