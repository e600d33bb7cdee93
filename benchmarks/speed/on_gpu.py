"""What a GPU does with the layers, their nulls, the models and a whole check.

    GRAPHPOOL_SANITY_DATA=... python -m benchmarks.speed.on_gpu --device cuda [name ...]

Needs the TU data sets NCI1 and DD; ``--json FILE`` keeps the figures. Takes under eight minutes;
``--device cpu`` tries it without a GPU, where nothing waits for one and no test is for one.
"""

import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import torch
from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN
from reproduce_graclus import GRACLUS
from reproduce_mincut import MINCUT
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.nn import SAGPooling, TopKPooling
from torch_geometric.utils import to_dense_adj, to_dense_batch

import graphpool_sanity as gs
from benchmarks.speed import matching, memory, soft
from benchmarks.speed.measure import figure, measure, medians, ratio, real_batch, where
from graphpool_sanity.datasets.load import load_once
from graphpool_sanity.reproduce.experiment import Experiment, configs_of, settings_of
from graphpool_sanity.training.protocol import Protocol, train_epoch

ROOT = Path(__file__).parents[2]
CHANNELS, CLUSTERS = 64, 12

Step = Callable[[], object]


def layers(largest: int) -> dict[str, nn.Module]:
    """Every public layer, for graphs of at most ``largest`` nodes."""
    limit: Mapping[str, Any] = {"max_num_nodes": largest}
    return {
        "GraclusPool": gs.GraclusPool(),
        "ComplementGraclusPool": gs.ComplementGraclusPool(),
        "RandomMatchingPool": gs.RandomMatchingPool(),
        "DiffPool": gs.DiffPool(CHANNELS, CLUSTERS),
        "RandomDiffPool": gs.RandomDiffPool(CHANNELS, CLUSTERS),
        "MinCutPool": gs.MinCutPool(CHANNELS, CLUSTERS),
        "RandomMinCutPool": gs.RandomMinCutPool(CHANNELS, CLUSTERS, **limit),
        "MemoryPool": gs.MemoryPool(CHANNELS, CHANNELS, 5, CLUSTERS),
        "DistanceMemoryPool": gs.DistanceMemoryPool(CHANNELS, CHANNELS, 5, CLUSTERS),
        "RandomMemoryPool": gs.RandomMemoryPool(CHANNELS, CHANNELS, CLUSTERS, **limit),
        "TopKPooling shuffled": gs.randomize(TopKPooling(CHANNELS), "shuffle"),
        "SAGPooling shuffled": gs.randomize(SAGPooling(CHANNELS), "shuffle"),
    }


def call(pool: nn.Module, x: Tensor, data: Batch) -> tuple[Any, ...]:
    """What a layer returns for node features and a batch."""
    if isinstance(pool, gs.DiffPool):
        padded, mask = to_dense_batch(x, data.batch)
        return pool(padded, to_dense_adj(data.edge_index, data.batch), mask)
    if isinstance(pool, gs.MemoryPool | gs.DistanceMemoryPool | gs.RandomMemoryPool):
        return pool(x, data.batch)
    return pool(x, data.edge_index, batch=data.batch)


def tests() -> None:
    """The tests that only a GPU can run, and how many pass."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "tests", "-k", "cuda", f"--junitxml={report}"]
        subprocess.run(command, cwd=ROOT, check=False)
        (suite,) = ElementTree.parse(report).getroot()
    found = {name: int(suite.attrib[name]) for name in ("tests", "skipped", "failures", "errors")}
    failed = found["failures"] + found["errors"]
    figure("tests for a GPU, passed", found["tests"] - found["skipped"] - failed, "", "all")
    figure("tests for a GPU, failed", failed, "", "0")


def clusters() -> None:
    """Whether a GPU gives in evaluation what the CPU gives: clusters drawn by chance, too."""
    data, cpu = real_batch("NCI1"), torch.device("cpu")
    x = torch.randn(data.num_nodes, CHANNELS, dtype=torch.float64)
    largest, furthest = int(data.ptr.diff().max()), 0.0
    for name, layer in layers(largest).items():
        pool = layer.double().eval()
        wanted = call(pool.to(cpu), x, data.to("cpu"))
        found = call(pool.to(where()), x.to(where()), data.to(where()))
        gaps = [_gap(a, b) for a, b in zip(found, wanted, strict=True) if isinstance(b, Tensor)]
        print(f"  {name:<24} differs by at most {max(gaps):.1e}")
        furthest = max(furthest, *gaps)
    figure("furthest from what the CPU gives, of all layers", furthest, "", "under 1e-9")


def _gap(found: Tensor, wanted: Tensor) -> float:
    """The largest difference; infinite if the shapes differ, as of other clusters."""
    if found.shape != wanted.shape:
        return torch.inf
    gap = (found.detach().cpu().double() - wanted.detach().double()).abs()
    return float(gap.max()) if gap.numel() else 0.0


@contextmanager
def waits() -> Iterator[Counter[str]]:
    """How often the CPU waits for the GPU inside, by the line that has it wait."""
    found = Counter[str]()
    if where().type != "cuda":
        yield found
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield found
        finally:
            torch.cuda.set_sync_debug_mode("default")
    found.update(
        f"{Path(one.filename).name}:{one.lineno}"
        for one in said
        if "synchronizing CUDA operation" in str(one.message)
    )


def synchronisations() -> None:
    """How often a forward pass in training has the CPU wait for the GPU, layer by layer."""
    data = real_batch("NCI1")
    x = torch.randn(data.num_nodes, CHANNELS, device=where())
    for name, layer in layers(int(data.ptr.diff().max())).items():
        pool = layer.to(where())
        call(pool, x, data)
        with waits() as found:
            call(pool, x, data)
        print(f"  {name}: {', '.join(f'{line} × {count}' for line, count in found.items())}")
        figure(f"{name}: waits for the GPU in a forward pass", found.total(), "", "few")


def nulls() -> None:
    """What a null costs beside its layer, forward and backward."""
    data = real_batch("NCI1")
    x = torch.randn(data.num_nodes, CHANNELS, device=where(), requires_grad=True)

    def step(pool: nn.Module) -> Step:
        return lambda: call(pool, x, data)[0].square().sum().backward()

    for kind in (TopKPooling, SAGPooling):
        pool = kind(CHANNELS).to(where())
        for null in ("shuffle", "frozen"):
            other = gs.randomize(pool, null)
            ms = medians({"layer": step(pool), "null": step(other)}, 100)
            ratio(f"{kind.__name__}'s null {null} / the layer", ms["null"] / ms["layer"], "under 2")


def steps() -> None:
    """A step of training of each of the paper's models against that without its pooling."""
    benchmark = load_once("NCI1")
    for experiment in (GRACLUS, DIFFPOOL, GMN, MINCUT):
        variants = [name for name in experiment.variants if name != "none"]
        work = {name: _step(experiment, name, benchmark) for name in (*variants, "none")}
        ms = medians(work, 30)
        for name in variants:
            what = f"{experiment.family}, {name}: a step / without pooling"
            print(f"  {what}: {ms[name]:.2f} ms / {ms['none']:.2f} ms")
            ratio(what, ms[name] / ms["none"], "under 5")


def _step(experiment: Experiment, variant: str, benchmark: gs.datasets.Benchmark) -> Step:
    (config,) = configs_of(experiment, "NCI1", variant, 1, settings_of(experiment, "NCI1", {}))
    model = experiment.build(config, benchmark).to(where())
    optimizer = torch.optim.Adam(model.parameters(), foreach=True)
    batches = [real_batch("NCI1", config["batch_size"])]
    return partial(train_epoch, model, benchmark, batches, optimizer, None, where())


def check() -> None:
    """A whole check on digits: proofs, two processes that train, the report."""
    with TemporaryDirectory() as folder:
        report = gs.sanity_check(
            partial(gs.Backbone, TopKPooling),
            "digits",
            runs=5,
            max_runs=5,
            protocol=Protocol(epochs=2),
            device=str(where()),
            n_jobs=2,
            out=folder,
            name="TopKPooling",
        )
    print(report)
    counts = [found.runs for found in report.comparisons.values()]
    figure("pairs of a whole check", min(counts), "", "5")


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "tests": tests,
    "clusters": clusters,
    "synchronisations": synchronisations,
    "nulls": nulls,
    "steps": steps,
    "check": check,
    **{f"matching-{name}": work for name, work in matching.MEASUREMENTS.items()},
    **{f"soft-{name}": work for name, work in soft.MEASUREMENTS.items()},
    **{f"memory-{name}": work for name, work in memory.MEASUREMENTS.items()},
}

if __name__ == "__main__":
    measure("on_gpu", MEASUREMENTS)
