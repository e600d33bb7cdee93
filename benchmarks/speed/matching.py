"""Hard matching against its peers, on real batches of 64 graphs.

    GRAPHPOOL_SANITY_DATA=... python -m benchmarks.speed.matching [name ...] [--json FILE]

Needs the TU data sets NCI1 and DD, and torch-cluster, the compiled peer, for what is measured
against that. Without names, every measurement is taken.
"""

import math
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor
from torch_geometric.nn import GraphConv
from torch_geometric.utils import coalesce, unbatch_edge_index

from benchmarks.speed.measure import (
    figure,
    measure,
    medians,
    peak_memory,
    ratio,
    real_batch,
    seconds,
    where,
)
from graphpool_sanity import (
    ComplementGraclusPool,
    GraclusPool,
    complement_graclus,
    graclus,
)

try:
    from torch_cluster import graclus_cluster
except ImportError:  # there is no build for this machine
    graclus_cluster = None


def listed_complement(edge_index: Tensor, batch: Tensor) -> list[Tensor]:
    """The yardstick: list all non-edges of each graph, match them with compiled code."""
    clusters = []
    sizes = batch.bincount().tolist()
    for size, edges in zip(sizes, unbatch_edge_index(edge_index, batch), strict=True):
        apart = ~torch.eye(size, dtype=torch.bool, device=batch.device)
        apart[edges[0], edges[1]] = False
        row, col = apart.nonzero().unbind(1)
        clusters.append(graclus_cluster(row, col, num_nodes=size))
    return clusters


def on_real_batches(name: str, repeats: int, listing: str, compiled: str, pooling: str) -> None:
    """Both matchings and both layers on the first 64 graphs of a data set."""
    data = real_batch(name)
    edges, n, batch = data.edge_index, data.num_nodes, data.batch
    print(f"{name}: {data.num_graphs} graphs, {n} nodes, {edges.size(1)} edges")

    x = torch.randn(n, 64, device=batch.device, requires_grad=True)
    conv = GraphConv(64, 64).to(batch.device)
    pool, local = ComplementGraclusPool(), GraclusPool()
    work: dict[str, Callable[[], object]] = {
        "graclus": lambda: graclus(edges, n, batch),
        "complement": lambda: complement_graclus(edges, n, batch),
        "conv": lambda: conv(x, edges).sum().backward(),
        "pool": lambda: pool(x, edges, batch=batch).x.sum().backward(),
        "local": lambda: local(x, edges, batch=batch).x.sum().backward(),
    }
    peer = graclus_cluster is not None
    if peer:
        work["cluster"] = lambda: graclus_cluster(*edges)
    ms = medians(work, repeats)
    if peer:
        ms |= medians({"listing": lambda: listed_complement(edges, batch)}, max(2, repeats // 30))
    print("  " + ", ".join(f"{name} {value:.2f} ms" for name, value in ms.items()))
    if peer:
        apart, near, theirs = ms["complement"], ms["graclus"], ms["cluster"]
        ratio("listing the complement / complement_graclus", ms["listing"] / apart, listing)
        ratio("complement_graclus / torch-cluster on the graph", apart / theirs, compiled)
        ratio("graclus / torch-cluster on the graph", near / theirs, compiled)
    ratio("ComplementGraclusPool / GraphConv, forward + backward", ms["pool"] / ms["conv"], pooling)
    ratio("GraclusPool / GraphConv, forward + backward", ms["local"] / ms["conv"], pooling)


def scaling() -> None:
    """Time and memory against the number of nodes."""
    print("one random graph with 10 directed edges per node")
    sizes, times = (10**4, 10**5, 10**6), []
    for n in sizes:
        edges = torch.randint(n, (2, 5 * n), device=where())
        edges = coalesce(torch.cat([edges, edges.flip(0)], dim=1))
        before = peak_memory(forget=True)
        times.append(median(seconds(partial(complement_graclus, edges, n)) for _ in range(3)))
        extra = peak_memory() - before
        print(f"  {n:>9} nodes: {times[-1]:.3f} s, peak memory +{extra:.2f} GB")
    exponent = math.log10(times[-1] / times[0]) / 2
    figure("complement_graclus: time is nodes to the power of", exponent, "", "at most 1.25")
    figure("complement_graclus of a million nodes", times[-1], "s", "under 2")
    figure("complement_graclus of a million nodes, memory", extra, "GB", "under 3")


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "scaling": scaling,
    "nci1": lambda: on_real_batches("NCI1", 300, "at least 4", "at most 3", "at most 2.5"),
    "dd": lambda: on_real_batches("DD", 60, "at least 100", "at most 1.5", "at most 1"),
}

if __name__ == "__main__":
    measure("bench_matching", MEASUREMENTS)
