"""DiffPool against random assignments: the paper's Figure 2, Tables 3 and S5.

    python examples/reproduce_diffpool.py                               # the embedded digits
    python examples/reproduce_diffpool.py --dataset NCI1 --runs 20      # as in the paper
    python examples/reproduce_diffpool.py --invariant                   # S = softmax(X S')
    python examples/reproduce_diffpool.py --version 2                   # the model of Appendix B

``gnn`` learns the assignment with its two losses; the others draw it once and train with the
supervised loss alone; ``none`` pools nothing and takes the mean of three convolutions.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import DenseSAGEConv
from torch_geometric.utils import to_dense_adj, to_dense_batch

from graphpool_sanity import DiffPool, RandomDiffPool
from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce import Experiment, reproduce
from graphpool_sanity.training.input_conv import InputConv
from graphpool_sanity.training.workers import Config


class Sages(nn.Module):
    """GraphSAGE layers, normalised, with ReLU, BatchNorm over real nodes, and residuals."""

    residual_after_last = True

    def __init__(self, *channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            DenseSAGEConv(*pair, normalize=True) for pair in pairwise(channels)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for width in channels[1:-1])

    def forward(self, x: Tensor, adj: Tensor, mask: Tensor | None = None) -> Tensor:
        for i, conv in enumerate(self.convs):
            h = conv(x, adj, mask)
            is_last = i == len(self.norms)
            if not is_last:
                h = normalized(self.norms[i], h.relu(), mask)
            has_residual = h.shape == x.shape and (self.residual_after_last or not is_last)
            x = h + x if has_residual else h
        return x


def normalized(norm: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """``x`` [B, N, F] with its real nodes normalised; all are real if there is no mask."""
    if mask is None:
        return norm(x.flatten(0, 1)).view_as(x)
    return x.masked_scatter(mask.unsqueeze(-1), norm(x[mask]))


def dense(x: Tensor, data: Data) -> tuple[Tensor, Tensor]:
    """``x`` [N, F] as [B, N, F], and which nodes are real."""
    return to_dense_batch(x, data.batch, batch_size=data.num_graphs)


class Net(nn.Module):
    """conv → (pool → 3 convs) × pools → max over clusters → MLP; without pools mean → MLP.

    Version 2 has GNNs of three layers in its pools and convolves only after the last pool. With
    ``convs=1`` (Table 2) the first convolution is the first pool's own: it embeds what that pool
    coarsens, normalised and without ReLU, and the pool assigns nodes by their raw features.
    """

    relu_after_first = True

    def __init__(
        self,
        first: InputConv,
        hidden: int,
        mlp_hidden: int,
        out_channels: int,
        pools: list[nn.Module],
        version: int,
        convs: int,
        loss_weight: float,
    ) -> None:
        super().__init__()
        self.first = first
        self.pools = nn.ModuleList(pools)
        self.single = convs == 1 and bool(pools)
        self.loss_weight = loss_weight
        depths = [1 if version == 1 else 3 for _ in pools]
        if self.single:
            depths[0] = 0  # self.first embeds
        self.embed = nn.ModuleList(Sages(*[hidden] * (depth + 1)) for depth in depths)
        after = [3 if version == 1 else 0 for _ in pools[1:]] + [3 if pools else 2]
        self.after = nn.ModuleList(Sages(*[hidden] * (convs + 1)) for convs in after)
        self.mlp = nn.Sequential(
            nn.Linear(hidden, mlp_hidden), nn.ReLU(), nn.Linear(mlp_hidden, out_channels)
        )

    def forward(self, data: Data) -> tuple[Tensor, Tensor | float]:
        first = self.first(data)
        embedded = first.relu() if self.relu_after_first else first
        mask: Tensor | None
        x, mask = dense(self.first.features(data) if self.single else embedded, data)
        z = dense(nn.functional.normalize(first, dim=-1), data)[0] if self.single else x
        adj = to_dense_adj(
            data.edge_index, data.batch, max_num_nodes=x.size(1), batch_size=data.num_graphs
        )
        if not self.pools:
            x = self.after[0](x, adj, mask) * mask.unsqueeze(-1)
            return self.mlp(x.sum(1) / mask.sum(1, keepdim=True)), 0.0

        loss: Tensor | float = 0.0
        for pool, embed, after in zip(self.pools, self.embed, self.after, strict=True):
            x, adj, link, entropy = pool(x, adj, mask, z=embed(z, adj, mask))
            mask = None
            if isinstance(pool, DiffPool):  # chance is trained by the supervised loss alone
                loss = loss + self.loss_weight * (link + entropy)
            x = z = after(x, adj)
        return self.mlp(x.amax(dim=1)), loss


def build(config: Config, benchmark: Benchmark) -> Net:
    hidden, variant, depth = config["hidden"], config["variant"], config["pools"]
    first = InputConv(benchmark, hidden, aggr="add" if "IMDB" in benchmark.name else "mean")
    largest = max(graph.num_nodes for graph in benchmark.graphs)
    share = 0.1 if depth == 1 else 0.25
    clusters = [math.ceil(share**i * largest) for i in range(1, depth + 1)]
    limits = [largest, *clusters]

    def pool(i: int, k: int) -> nn.Module:
        width = first.conv.in_channels if i == 0 and config["convs"] == 1 else hidden
        if variant == "gnn":
            inner = [hidden] * (0 if config["version"] == 1 else 2)
            return DiffPool(width, k, Sages(width, *inner, k))
        seed = config["seed"] * depth + i
        return RandomDiffPool(width, k, variant, config["invariant"], limits[i], seed)

    with torch.random.fork_rng(devices=()):  # swapping pools moves no other weight
        pools = [pool(i, k) for i, k in enumerate(clusters if variant != "none" else ())]
    return Net(
        first,
        hidden,
        config["mlp_hidden"],
        benchmark.out_channels,
        pools,
        config["version"],
        config["convs"],
        config["loss_weight"],
    )


# Table S3.
DIFFPOOL = Experiment(
    family="diffpool",
    build=build,
    variants=["gnn", "uniform", "normal", "bernoulli", "categorical", "none"],
    quick_variants=["gnn", "normal"],
    settings={
        "default": {
            "pools": 1,
            "hidden": 32,
            "mlp_hidden": 50,
            "batch_size": 64,
            "version": 1,
            "invariant": False,
            "convs": 2,
            "loss_weight": 1.0,
        },
        "NCI1": {"mlp_hidden": 32, "batch_size": 16},
        "NCI109": {"mlp_hidden": 32, "batch_size": 16},
        "IMDB-BINARY": {"batch_size": 8},
        "IMDB-C": {"batch_size": 8},
        "ZINC": {"hidden": 56, "mlp_hidden": 56},
        "PROTEINS": {"pools": 2, "batch_size": 8},
        "DD": {"pools": 2, "batch_size": 8},
        "ogbg-molhiv": {"pools": 2, "batch_size": 32},
    },
    protocol={"clip_norm": 2.0},
)

if __name__ == "__main__":
    reproduce(DIFFPOOL)
