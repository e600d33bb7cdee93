"""Graphs with features, attributes and scores in float64."""

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.utils import coalesce, erdos_renyi_graph


def graph(size, seed, with_attr=True):
    torch.manual_seed(seed)
    ring = torch.stack([torch.arange(size), torch.arange(size).roll(1)])
    edge_index = coalesce(torch.cat([ring, ring.flip(0), erdos_renyi_graph(size, 0.3)], dim=1))
    attr = torch.randn(edge_index.size(1), 2, dtype=torch.double)
    x = torch.randn(size, 4, dtype=torch.double)
    return Data(x, edge_index, attr if with_attr else None, s=torch.randn(size, 3).double())


BATCH = Batch.from_data_list([graph(size, seed=size) for size in (7, 1, 12, 5)])
PLAIN = Batch.from_data_list([graph(size, size, with_attr=False) for size in (7, 2, 12, 5)])


def built(layer, *args, **kwargs):
    torch.manual_seed(0)
    return layer(*args, **kwargs).double()
