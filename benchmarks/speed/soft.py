"""Soft pooling against PyG, on real batches: 64 channels, forward and backward, all losses.

    GRAPHPOOL_SANITY_DATA=... python -m benchmarks.speed.soft [name ...] [--json FILE]

Needs the TU data sets NCI1 and DD. Without names, every measurement is taken.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.nn import dense_diff_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

from benchmarks.speed.measure import (
    figure,
    measure,
    medians,
    peak_memory,
    ratio,
    real_batch,
    seconds,
)
from graphpool_sanity import RandomDiffPool

CHANNELS = 64


def backward(outputs: Iterable[Tensor]) -> None:
    """Differentiate the sum of all outputs."""
    torch.stack([out.sum() for out in outputs]).sum().backward()


def features(data: Batch) -> Tensor:
    """Random features of the nodes of a batch."""
    return torch.randn(data.num_nodes, CHANNELS, device=data.batch.device, requires_grad=True)


def describe(name: str, data: Batch, ms: dict[str, float]) -> None:
    """Print the batch and the times taken on it."""
    print(f"{name}: {data.num_graphs} graphs, {data.num_nodes} nodes, {data.num_edges} edges")
    print("  " + ", ".join(f"{what} {value:.2f} ms" for what, value in ms.items()))


def diff_pool(name: str, num_graphs: int, clusters: int, repeats: int, wanted: str) -> None:
    """``RandomDiffPool`` of sparse graphs against padding them for ``dense_diff_pool``."""
    data = real_batch(name, num_graphs)
    x, pool = features(data), RandomDiffPool(CHANNELS, clusters).to(data.batch.device)
    matrix = pool.get_buffer("select.matrix")

    def pyg() -> None:
        padded, mask = to_dense_batch(x, data.batch)
        adj = to_dense_adj(data.edge_index, data.batch)
        backward(dense_diff_pool(padded, adj, padded.detach() @ matrix, mask))

    ours = {"sparse": lambda: backward(pool(x, data.edge_index, batch=data.batch))}
    ms = medians(ours | {"pyg": pyg}, repeats)
    describe(name, data, ms)
    ratio("to dense + dense_diff_pool / RandomDiffPool", ms["pyg"] / ms["sparse"], wanted)


def large_batch() -> None:
    """64 graphs of DD, the largest of 5748 nodes: PyG's way takes more than 24 GB."""
    data = real_batch("DD")
    x, pool = features(data), RandomDiffPool(CHANNELS, 29).to(data.batch.device)
    before = peak_memory(forget=True)
    once = seconds(lambda: backward(pool(x, data.edge_index, batch=data.batch)))
    describe("DD", data, {"RandomDiffPool, once": 1e3 * once})
    figure("RandomDiffPool, memory", peak_memory() - before, "GB", "under 2")


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "diff-pool-nci1": lambda: diff_pool("NCI1", 64, 12, 200, "at least 1.2"),
    "diff-pool-dd": lambda: diff_pool("DD", 8, 29, 5, "at least 40"),
    "diff-pool-dd-memory": large_batch,
}

if __name__ == "__main__":
    measure("bench_soft", MEASUREMENTS)
