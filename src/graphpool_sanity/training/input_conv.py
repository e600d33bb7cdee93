"""The first convolution of every model: the only layer that sees raw features."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GraphConv

from graphpool_sanity.training.benchmark import Benchmark


class InputConv(nn.Module):
    r"""A graph convolution that embeds categories and hears edge features.

    .. math::
        \mathbf{z}_i = \mathbf{W}_1 \mathbf{x}_i + \mathbf{W}_2 \sum_{j \in \mathcal{N}(i)}
        \mathrm{ReLU}(\mathbf{x}_j + \mathbf{e}_{ji})

    where atoms :math:`\mathbf{x}` and bonds :math:`\mathbf{e}` are sums of embedded categories,
    as in OGB's baselines, and bonds of numbers are mapped linearly to the width of
    :math:`\mathbf{x}`; without edge features the plain :class:`~torch_geometric.nn.GraphConv`.

    Equation (1) and Appendix A.2 of Mesquita, Souza, Kaski, NeurIPS 2020.
    """

    def __init__(self, benchmark: Benchmark, out_channels: int, aggr: str = "add") -> None:
        super().__init__()
        atoms, bonds = benchmark.node_categories, benchmark.edge_categories
        self.atoms = None if atoms is None else _Categories(atoms, out_channels)
        in_channels = benchmark.in_channels if atoms is None else out_channels
        width = benchmark.edge_channels
        self.bonds: nn.Module | None = None
        if bonds is not None:
            self.bonds = _Categories(bonds, in_channels)
        elif width:
            self.bonds = _Numbers(width, in_channels)
        conv = GraphConv if self.bonds is None else _BondConv
        self.conv = conv(in_channels, out_channels, aggr=aggr)

    def forward(self, data: Data) -> Tensor:
        """[N, out_channels], before any activation."""
        x = self.features(data)
        if self.bonds is None:
            return self.conv(x, data.edge_index)
        return self.conv(x, data.edge_index, self.bonds(data.edge_attr))

    def features(self, data: Data) -> Tensor:
        """[N, in_channels], what is convolved: categories are embedded."""
        return data.x if self.atoms is None else self.atoms(data.x)


class _Categories(nn.Module):
    """The sum of one embedding per column of categories."""

    def __init__(self, sizes: Sequence[int], channels: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, channels) for size in sizes)

    def forward(self, x: Tensor) -> Tensor:
        parts = [embed(x[:, i]) for i, embed in enumerate(self.embeddings)]
        return torch.stack(parts).sum(0)


class _Numbers(nn.Linear):
    """Numbers of edges, [E] or [E, D], as vectors."""

    def forward(self, numbers: Tensor) -> Tensor:
        return super().forward(numbers.view(len(numbers), -1).to(self.weight.dtype))


class _BondConv(GraphConv):
    """GraphConv whose ``edge_weight`` is a vector that is added to each message."""

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:
        return (x_j + edge_weight).relu()
