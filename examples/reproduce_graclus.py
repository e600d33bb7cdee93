"""Graclus against its complement: the paper's Table 1 and Figure 1.

python examples/reproduce_graclus.py                              # the embedded digits
python examples/reproduce_graclus.py --dataset NCI1 --runs 20     # as in the paper
"""

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GraphConv, global_mean_pool

from graphpool_sanity import ComplementGraclusPool, GraclusPool, RandomMatchingPool
from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce import Experiment, reproduce
from graphpool_sanity.training.input_conv import InputConv
from graphpool_sanity.training.workers import Config

POOLS = {
    "graclus": GraclusPool,
    "complement": ComplementGraclusPool,
    "random": RandomMatchingPool,
}


class Net(nn.Module):
    """conv → (conv, pool) × (layers − 1) → mean → MLP with one hidden layer.

    ``convs``, the convolutions before the first pooling, are two, or another number (Table 2).
    """

    def __init__(
        self,
        first: InputConv,
        hidden: int,
        out_channels: int,
        layers: int,
        convs: int,
        variant: str,
        seed: int,
    ) -> None:
        super().__init__()
        self.first = first
        depth = convs + layers - 3
        self.convs = nn.ModuleList(GraphConv(hidden, hidden, aggr="add") for _ in range(depth))
        self.pools = nn.ModuleList(
            POOLS[variant](seed=seed * layers + i) for i in range(1, layers) if variant in POOLS
        )
        self.before = depth - max(len(self.pools) - 1, 0)
        self.mlp = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out_channels)
        )

    def forward(self, data: Data) -> Tensor:
        x, edge_index, batch = self.embed(data), data.edge_index, data.batch
        for i, pool in enumerate(self.pools):
            if i > 0:
                x = self.convs[self.before + i - 1](x, edge_index).relu()
            x, edge_index, _, batch, _ = pool(x, edge_index, batch=batch)
        return self.mlp(global_mean_pool(x, batch, data.num_graphs))

    def embed(self, data: Data) -> Tensor:
        """All convolutions before the first pooling."""
        x = self.first(data).relu()
        for conv in self.convs[: self.before]:
            x = conv(x, data.edge_index).relu()
        return x

    def compile(self, *args: object, **kwargs: object) -> None:
        """Compile what comes before the matchings, which differ from pass to pass."""
        embed = torch.compile(self.embed, *args, **kwargs)  # type: ignore[call-overload]
        self.embed = embed  # type: ignore[method-assign]


def build(config: Config, benchmark: Benchmark) -> Net:
    return Net(
        InputConv(benchmark, config["hidden"]),
        config["hidden"],
        benchmark.out_channels,
        layers=3 if config["variant"] == "none" else config["layers"],  # the paper's global mean
        convs=config["convs"],
        variant=config["variant"],
        seed=config["seed"],
    )


# Table S2, but batches of 64 throughout, as the released code trains.
GRACLUS = Experiment(
    family="graclus",
    build=build,
    variants=[*POOLS, "none"],
    quick_variants=["graclus", "complement"],
    settings={
        "default": {"layers": 3, "hidden": 64, "batch_size": 64, "convs": 2},
        "IMDB-BINARY": {"layers": 2},
        "IMDB-C": {"layers": 2},
        "SMNIST": {"layers": 2},
        "ogbg-molhiv": {"layers": 2, "hidden": 128},
    },
)

if __name__ == "__main__":
    reproduce(GRACLUS)
