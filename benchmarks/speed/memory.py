"""Memory pooling against PyG and the released code: 64 channels, forward and backward.

    GRAPHPOOL_SANITY_DATA=... python -m benchmarks.speed.memory [name ...] [--json FILE]

Needs the TU data sets NCI1 and DD. Without names, both are measured.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch_geometric.nn import MemPooling
from torch_geometric.utils import to_dense_batch

from benchmarks.speed.measure import measure, medians, ratio, real_batch
from graphpool_sanity import DistanceMemoryPool, MemoryPool, RandomMemoryPool

CHANNELS, HEADS, KEYS = 64, 5, 10


class BroadcastPool(nn.Module):
    """The yardstick: memory pooling as released with the paper, by differences [B, H, N, K, F]."""

    def __init__(self) -> None:
        super().__init__()
        self.k = nn.Parameter(torch.rand(HEADS, KEYS, CHANNELS))
        self.conv = nn.Conv2d(HEADS, 1, 1)
        self.lin = nn.Linear(CHANNELS, CHANNELS)

    def forward(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Pool ``x`` [N, F]."""
        queries, mask = to_dense_batch(x, batch)
        gap = queries[:, None, :, None, :] - self.k[None, :, None, :, :]
        t = 1 / (1 + gap.square().sum(-1))
        scores = self.conv(t / t.sum(-1, keepdim=True)).squeeze(1)
        s = scores.softmax(-1) * mask.unsqueeze(-1)
        return self.lin(s.transpose(1, 2) @ queries), s


def memory_pool(name: str, repeats: int, keyed: str, random: str, yardstick: str | None) -> None:
    """All memory pooling layers on the first 64 graphs of a data set."""
    data = real_batch(name)
    device = data.batch.device
    x = torch.randn(data.num_nodes, CHANNELS, device=device, requires_grad=True)
    largest = int(data.ptr.diff().max())
    layers: dict[str, nn.Module] = {
        "MemPooling": MemPooling(CHANNELS, CHANNELS, HEADS, KEYS),
        "MemoryPool": MemoryPool(CHANNELS, CHANNELS, HEADS, KEYS),
        "DistanceMemoryPool": DistanceMemoryPool(CHANNELS, CHANNELS, HEADS, KEYS),
        "RandomMemoryPool": RandomMemoryPool(CHANNELS, CHANNELS, KEYS, max_num_nodes=largest),
    }
    if yardstick:
        layers["broadcast"] = BroadcastPool()

    def step(layer: nn.Module) -> Callable[[], None]:
        pool = layer.to(device)
        return lambda: pool(x, data.batch)[0].square().sum().backward()

    ms = medians({what: step(pool) for what, pool in layers.items()}, repeats)
    print(f"{name}: {data.num_graphs} graphs, {data.num_nodes} nodes, the largest of {largest}")
    print("  " + ", ".join(f"{what} {value:.2f} ms" for what, value in ms.items()))
    wanted = {"MemoryPool": keyed, "DistanceMemoryPool": keyed, "RandomMemoryPool": random}
    for what, target in wanted.items():
        ratio(f"MemPooling / {what}", ms["MemPooling"] / ms[what], target)
    if yardstick:
        value = ms["broadcast"] / ms["RandomMemoryPool"]
        ratio("memory pooling by broadcasting / RandomMemoryPool", value, yardstick)


MEASUREMENTS: dict[str, Callable[[], None]] = {
    "nci1": lambda: memory_pool("NCI1", 100, "at least 2.5", "at least 5", "at least 10"),
    "dd": lambda: memory_pool("DD", 5, "at least 15", "at least 30", None),
}

if __name__ == "__main__":
    measure("bench_memory", MEASUREMENTS)
