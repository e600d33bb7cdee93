"""Graph memory networks against fixed and random keys: the paper's Figure 4 and Table 3.

    python examples/reproduce_gmn.py                                # the embedded digits
    python examples/reproduce_gmn.py --dataset NCI1 --runs 20       # as in the paper

``gmn`` learns its keys, ``distance`` keeps them where chance put them, ``random`` ignores the
nodes' features; ``none`` pools nothing and takes the mean of three convolutions.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GraphConv, global_mean_pool

from graphpool_sanity import DistanceMemoryPool, MemoryPool, RandomMemoryPool
from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce import Experiment, reproduce
from graphpool_sanity.training.input_conv import InputConv
from graphpool_sanity.training.workers import Config

WIDTH = 64  # of the query network
READOUT = 50  # hidden units of the MLP


class Queries(nn.Module):
    """Convolutions, each with ReLU, then BatchNorm: a query for every node."""

    def __init__(self, first: InputConv, convs: int) -> None:
        super().__init__()
        self.first = first
        self.convs = nn.ModuleList(GraphConv(WIDTH, WIDTH) for _ in range(1, convs))
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, data: Data) -> Tensor:
        x = self.first(data).relu()
        for conv in self.convs:
            x = conv(x, data.edge_index).relu()
        return self.norm(x)


class Net(nn.Module):
    """Queries → memory layers, ever fewer keys → mean over the last keys → MLP."""

    def __init__(
        self, queries: Queries, pools: list[nn.Module], hidden: int, out_channels: int
    ) -> None:
        super().__init__()
        self.queries = queries
        self.pools = nn.ModuleList(pools)
        self.mlp = nn.Sequential(
            nn.Linear(hidden, READOUT), nn.LeakyReLU(), nn.Linear(READOUT, out_channels)
        )

    def forward(self, data: Data) -> Tensor:
        x, _ = self.pool(data)
        return self.mlp(x.mean(dim=1))

    def pool(self, data: Data) -> tuple[Tensor, list[Tensor]]:
        """The last keys [B, K, hidden], and the assignment of each layer."""
        x, batch, assignments = self.queries(data), data.batch, []
        for pool in self.pools:
            x, s = pool(x, batch)
            x, batch = nn.functional.leaky_relu(x), None
            assignments.append(s)
        return x, assignments

    def compile(self, *args: object, **kwargs: object) -> None:
        """Compile the queries alone: compiled distances to fixed keys are slower."""
        self.queries.compile(*args, **kwargs)


class LearnedKeys(Net):
    """The same with keys that the KL loss trains, and nothing else: one step every few epochs."""

    def __init__(
        self,
        queries: Queries,
        pools: list[nn.Module],
        hidden: int,
        out_channels: int,
        kl_period: int,
        learning_rate: float,
    ) -> None:
        super().__init__(queries, pools, hidden, out_channels)
        self.kl_period = kl_period
        self.keys: list[nn.Parameter] = [pool.get_parameter("k") for pool in pools]
        self.optimizer = torch.optim.Adam(self.keys, learning_rate)
        self._train_keys(False)

    def after_epoch(self, epoch: int, batches: Iterable[Batch]) -> None:
        if epoch % self.kl_period:
            return
        self.eval()
        self._train_keys(True)
        self.optimizer.zero_grad()
        for batch in batches:
            _, assignments = self.pool(batch)
            torch.stack([MemoryPool.kl_loss(s) for s in assignments]).sum().backward()
        self.optimizer.step()
        self._train_keys(False)

    def _train_keys(self, on: bool) -> None:
        for key in self.keys:
            key.requires_grad_(on)


class GlobalMean(nn.Module):
    """Queries → mean → MLP: no pooling at all."""

    def __init__(self, queries: Queries, out_channels: int) -> None:
        super().__init__()
        self.queries = queries
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, READOUT), nn.LeakyReLU(), nn.Linear(READOUT, out_channels)
        )

    def forward(self, data: Data) -> Tensor:
        return self.mlp(global_mean_pool(self.queries(data), data.batch, data.num_graphs))


def build(config: Config, benchmark: Benchmark) -> nn.Module:
    hidden, variant, keys = config["hidden"], config["variant"], config["keys"]
    queries = Queries(
        InputConv(benchmark, WIDTH), convs=3 if variant == "none" else config["convs"]
    )
    if variant == "none":
        return GlobalMean(queries, benchmark.out_channels)

    sizes = [max(graph.num_nodes for graph in benchmark.graphs), *keys]  # of what each layer pools
    widths = [WIDTH, *[hidden] * len(keys)]

    def pool(i: int, k: int) -> nn.Module:
        seed = config["seed"] * len(keys) + i
        if variant == "gmn":
            return MemoryPool(widths[i], hidden, config["heads"], k)
        if variant == "distance":
            return DistanceMemoryPool(widths[i], hidden, config["heads"], k, seed=seed)
        return RandomMemoryPool(widths[i], hidden, k, max_num_nodes=sizes[i], seed=seed)

    with torch.random.fork_rng(devices=()):  # swapping pools moves no other weight
        pools = [pool(i, k) for i, k in enumerate(keys)]
    if variant == "gmn":
        rate = config["learning_rate"]
        return LearnedKeys(
            queries, pools, hidden, benchmark.out_channels, config["kl_period"], rate
        )
    return Net(queries, pools, hidden, benchmark.out_channels)


# Table S4.
GMN = Experiment(
    family="gmn",
    build=build,
    variants=["gmn", "distance", "random", "none"],
    quick_variants=["gmn", "distance", "random"],
    settings={
        "default": {
            "keys": [32, 1],
            "heads": 5,
            "hidden": 16,
            "batch_size": 128,
            "kl_period": 5,
            "convs": 2,
        },
        "NCI1": {"keys": [10, 1], "hidden": 100},
        "ZINC": {"keys": [10, 1], "hidden": 100},
        "IMDB-BINARY": {"heads": 1},
        "IMDB-C": {"heads": 1},
        "SMNIST": {"heads": 10},
        "DD": {"keys": [32, 8, 1], "hidden": 64},
    },
)

if __name__ == "__main__":
    reproduce(GMN)
