"""Soft pooling by definition: one graph at a time, with the whole of every matrix."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from _helpers.strategies import Graphs


class Dense(NamedTuple):
    """A batch padded to [B, N, ...]."""

    x: Tensor
    adj: Tensor
    mask: Tensor


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def members(graphs: Graphs) -> list[Tensor]:
    """The nodes of each graph, up to the last that has some."""
    num_graphs = int(graphs.batch.max()) + 1 if graphs.num_nodes else 0
    return [(graphs.batch == g).nonzero().view(-1) for g in range(num_graphs)]


def adjacencies(graphs: Graphs, weight: Tensor | None = None) -> list[Tensor]:
    """The adjacency matrix of each graph; duplicate edges add."""
    weight = torch.ones(graphs.edge_index.size(1)).double() if weight is None else weight
    whole = weight.new_zeros(graphs.num_nodes, graphs.num_nodes)
    whole = whole.index_put(tuple(graphs.edge_index), weight, accumulate=True)
    return [whole[own][:, own] for own in members(graphs)]


def dense(graphs: Graphs, x: Tensor, weight: Tensor | None = None, padding: int = 0) -> Dense:
    """The batch padded to its largest graph and ``padding`` nodes more."""
    own = members(graphs)
    size = max(len(nodes) for nodes in own) + padding
    missing = [size - len(nodes) for nodes in own]
    adj = adjacencies(graphs, None if weight is None else weight)
    return Dense(
        torch.stack([pad(x[nodes], (0, 0, 0, m)) for nodes, m in zip(own, missing, strict=True)]),
        torch.stack([pad(a, (0, m, 0, m)) for a, m in zip(adj, missing, strict=True)]).to(x.dtype),
        torch.stack([torch.arange(size) < len(nodes) for nodes in own]),
    )


def permuted(graphs: Graphs, seed: int) -> tuple[Graphs, Tensor]:
    """The graphs with their nodes in another order, and which old node stands where."""
    chance = torch.Generator().manual_seed(seed)
    order = torch.cat([own[torch.randperm(len(own), generator=chance)] for own in members(graphs)])
    return graphs._replace(edge_index=order.argsort()[graphs.edge_index]), order
