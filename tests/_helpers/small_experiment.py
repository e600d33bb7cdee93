"""A small experiment on random graphs, which trains in milliseconds."""

import torch
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import global_mean_pool

from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce.experiment import Experiment


class Bag(nn.Module):
    def __init__(self, config, data):
        super().__init__()
        width = config["hidden"]
        self.mlp = nn.Sequential(
            nn.Linear(data.in_channels, width), nn.Linear(width, data.out_channels)
        )

    def forward(self, data):
        return self.mlp(global_mean_pool(data.x, data.batch))


EXPERIMENT = Experiment(
    family="graclus",
    build=Bag,
    variants=["graclus", "complement", "none"],
    quick_variants=["graclus", "complement"],
    settings={"default": {"hidden": 4, "batch_size": 8, "convs": 2}, "DD": {"hidden": 16}},
    protocol={"clip_norm": 2.0},
)


def load(name):
    edges, chance = torch.empty(2, 0, dtype=torch.long), torch.Generator().manual_seed(0)
    features = torch.rand(40, 3, 2, generator=chance)
    graphs = [Data(x, edges, y=torch.tensor([i % 2])) for i, x in enumerate(features)]
    return Benchmark(name, graphs, "classification", 2)
