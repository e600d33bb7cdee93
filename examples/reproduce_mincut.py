"""MinCutPool against random assignments: the paper's Table S5, upper half.

    python examples/reproduce_mincut.py                             # the embedded digits
    python examples/reproduce_mincut.py --dataset NCI1 --runs 20    # as in the paper

``mlp`` learns the assignment with its two losses; ``normal`` draws it once and trains with the
supervised loss alone; ``none`` pools nothing and takes the mean of three convolutions.
"""

import math
from collections.abc import Callable, Sequence
from statistics import fmean

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import DenseGraphConv, GraphConv, global_mean_pool

from graphpool_sanity import MinCutPool, RandomMinCutPool
from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce import Experiment, reproduce
from graphpool_sanity.training.input_conv import InputConv
from graphpool_sanity.training.workers import Config


class Net(nn.Module):
    """conv → (pool, conv) × (layers − 1), clusters halved each time → mean → MLP."""

    relu_after_last = True

    def __init__(
        self, first: InputConv, hidden: int, out_channels: int, pools: list[nn.Module]
    ) -> None:
        super().__init__()
        self.first = first
        self.pools = nn.ModuleList(pools)
        self.convs = nn.ModuleList(DenseGraphConv(hidden, hidden) for _ in pools)
        self.mlp = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out_channels)
        )

    def forward(self, data: Data) -> tuple[Tensor, Tensor | float]:
        x, adj, batch = self.first(data).relu(), data.edge_index, data.batch
        loss: Tensor | float = 0.0
        for pool, conv in zip(self.pools, self.convs, strict=True):
            x, adj, mincut, orthogonality = pool(x, adj, batch=batch)
            x, batch = conv(x, adj), None
            x = x.relu() if self.relu_after_last or conv is not self.convs[-1] else x
            if isinstance(pool, MinCutPool):  # chance is trained by the supervised loss alone
                loss = loss + mincut + orthogonality
        return self.mlp(x.mean(dim=1)), loss


class GlobalMean(nn.Module):
    """Three convolutions → mean → MLP: no pooling at all."""

    def __init__(self, first: InputConv, hidden: int, out_channels: int) -> None:
        super().__init__()
        self.first = first
        self.convs = nn.ModuleList(GraphConv(hidden, hidden) for _ in range(2))
        self.mlp = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out_channels)
        )

    def forward(self, data: Data) -> Tensor:
        x = self.first(data).relu()
        for conv in self.convs:
            x = conv(x, data.edge_index).relu()
        return self.mlp(global_mean_pool(x, data.batch, data.num_graphs))


def build(
    config: Config, benchmark: Benchmark, begin: Callable[[Sequence[int]], float] = fmean
) -> nn.Module:
    """``begin`` tells from the sizes of all graphs how many nodes the first pool halves."""
    hidden, layers = config["hidden"], config["layers"]
    first = InputConv(benchmark, hidden)
    if config["variant"] == "none":
        return GlobalMean(first, hidden, benchmark.out_channels)

    sizes = [graph.num_nodes for graph in benchmark.graphs]
    clusters = [math.ceil(begin(sizes) / 2**i) for i in range(1, layers)]
    limits = [max(sizes), *clusters]

    def pool(i: int, k: int) -> nn.Module:
        if config["variant"] == "mlp":
            return MinCutPool(hidden, k)
        law, seed = config["variant"], config["seed"] * layers + i
        return RandomMinCutPool(hidden, k, law, max_num_nodes=limits[i], seed=seed)

    with torch.random.fork_rng(devices=()):  # swapping pools moves no other weight
        pools = [pool(i, k) for i, k in enumerate(clusters)]
    return Net(first, hidden, benchmark.out_channels, pools)


MINCUT = Experiment(
    family="mincut",
    build=build,
    variants=["mlp", "normal", "uniform", "none"],
    quick_variants=["mlp", "normal"],
    settings={
        "default": {"layers": 3, "hidden": 32, "batch_size": 16},
        "digits": {"batch_size": 64},
        "ogbg-molhiv": {"hidden": 64, "batch_size": 32},
    },
)

if __name__ == "__main__":
    reproduce(MINCUT)
