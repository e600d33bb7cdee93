"""Hard matching against its peers, on real batches of 64 graphs.

    GRAPHPOOL_SANITY_DATA=... python -m benchmarks.speed.matching [name ...] [--json FILE]

Needs torch-cluster, the compiled peer, and the TU data sets NCI1 and DD. Without names, every
measurement is taken.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch_cluster import graclus_cluster
from torch_geometric.nn import GraphConv
from torch_geometric.utils import coalesce, unbatch_edge_index

from benchmarks.speed.measure import figure, measure, medians, peak_memory, ratio, real_batch
from graphpool_sanity import (
    ComplementGraclusPool,
    GraclusPool,
    complement_graclus,
    graclus,
)


def listed_complement(edge_index: Tensor, batch: Tensor) -> list[Tensor]:
    """The yardstick: list all non-edges of each graph, match them with compiled code."""
    clusters = []
    sizes = batch.bincount().tolist()
    for size, edges in zip(sizes, unbatch_edge_index(edge_index, batch), strict=True):
        apart = ~torch.eye(size, dtype=torch.bool)
        apart[edges[0], edges[1]] = False
        row, col = apart.nonzero().unbind(1)
        clusters.append(graclus_cluster(row, col, num_nodes=size))
    return clusters


def on_real_batches(name: str, repeats: int, listing: str, compiled: str, pooling: str) -> None:
    """Both matchings and both layers on the first 64 graphs of a data set."""
    data = real_batch(name)
    edges, n, batch = data.edge_index, data.num_nodes, data.batch
    row, col = edges
    print(f"{name}: {data.num_graphs} graphs, {n} nodes, {edges.size(1)} edges")

    x = torch.randn(n, 64, requires_grad=True)
    conv, pool, local = GraphConv(64, 64), ComplementGraclusPool(), GraclusPool()
    ms = medians(
        {
            "cluster": lambda: graclus_cluster(row, col),
            "graclus": lambda: graclus(edges, n, batch),
            "complement": lambda: complement_graclus(edges, n, batch),
            "conv": lambda: conv(x, edges).sum().backward(),
            "pool": lambda: pool(x, edges, batch=batch).x.sum().backward(),
            "local": lambda: local(x, edges, batch=batch).x.sum().backward(),
        },
        repeats,
    )
    ms |= medians({"listing": lambda: listed_complement(edges, batch)}, max(2, repeats // 30))
    print("  " + ", ".join(f"{name} {value:.2f} ms" for name, value in ms.items()))
    ratio("listing the complement / complement_graclus", ms["listing"] / ms["complement"], listing)
    ratio(
        "complement_graclus / torch-cluster on the graph",
        ms["complement"] / ms["cluster"],
        compiled,
    )
    ratio("graclus / torch-cluster on the graph", ms["graclus"] / ms["cluster"], compiled)
    ratio("ComplementGraclusPool / GraphConv, forward + backward", ms["pool"] / ms["conv"], pooling)
    ratio("GraclusPool / GraphConv, forward + backward", ms["local"] / ms["conv"], pooling)


def scaling() -> None:
    """Time and memory against the number of nodes."""
    print("one random graph with 10 directed edges per node")
    sizes, seconds = (10**4, 10**5, 10**6), []
    for n in sizes:
        edges = torch.randint(n, (2, 5 * n))
        edges = coalesce(torch.cat([edges, edges.flip(0)], dim=1))
        before = peak_memory(forget=True)
        times = []
        for _ in range(3):
            start = time.perf_counter()
            complement_graclus(edges, n)
            times.append(time.perf_counter() - start)
        extra = peak_memory() - before
        seconds.append(sorted(times)[1])
        print(f"  {n:>9} nodes: {seconds[-1]:.3f} s, peak memory +{extra:.2f} GB")
    exponent = math.log10(seconds[-1] / seconds[0]) / 2
    figure("complement_graclus: time is nodes to the power of", exponent, "", "at most 1.25")
    figure("complement_graclus of a million nodes", seconds[-1], "s", "under 2")
    figure("complement_graclus of a million nodes, memory", extra, "GB", "under 3")


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "scaling": scaling,
    "nci1": lambda: on_real_batches("NCI1", 300, "at least 4", "at most 3", "at most 2.5"),
    "dd": lambda: on_real_batches("DD", 60, "at least 100", "at most 1.5", "at most 1"),
}

if __name__ == "__main__":
    measure("bench_matching", MEASUREMENTS)
