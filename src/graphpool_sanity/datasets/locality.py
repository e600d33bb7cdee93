"""The positive control: graphs that only pooling of neighbours can tell apart."""

import torch
from torch import Tensor
from torch_geometric.utils import to_undirected

from graphpool_sanity.datasets.collated import collated
from graphpool_sanity.training.benchmark import Benchmark

_NODES = 56, 71
_NEAR = 8, 12
_FAR = 20


def locality_control(num_graphs: int = 2000, seed: int = 0) -> Benchmark:
    r"""Cycles with two marked nodes: are they near each other (class 0) or far (class 1)?

    A graph is a cycle of n nodes, n uniform in 56 to 71, with the features ``[1, marker]`` where
    the marker is 1 for two of the nodes. In even graphs these are 8 to 12 steps apart along the
    cycle, in odd ones 20 to n / 2, uniform in both. Nodes are in random order, edges in both
    directions, sorted.

    Pooling neighbours shortens the cycle, so near marks meet and far ones do not; under a null
    both kinds meet alike. A comparison that does not find here that *locality helps* can hardly
    find it anywhere. In the :class:`~graphpool_sanity.Backbone` with 4 pools, 4 epochs of batches
    of 32 and the paper's learning rate, ``GraclusPool`` reached a test accuracy of 100 % over 2
    seeds (1000, 1003), ``ComplementGraclusPool`` and ``RandomMatchingPool`` one of 49.5 to 55.5 %,
    where 200 test graphs give chance a standard deviation of 3.5 points.

    The split of :meth:`Benchmark.split` leaves 1600 of 2000 graphs for training.

    Args:
        num_graphs: How many graphs, even, half of each class.
        seed: Of all that is drawn; the global random state is left alone.

    Raises:
        ValueError: if ``num_graphs`` is not even and positive.

    >>> benchmark = locality_control(num_graphs=20, seed=1)
    >>> benchmark.graphs[0]
    Data(x=[56, 2], edge_index=[2, 112], y=[1])
    >>> benchmark.graphs.y.bincount().tolist()
    [10, 10]
    """
    if num_graphs < 2 or num_graphs % 2:
        raise ValueError(f"num_graphs must be even and positive, got {num_graphs}")
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_graphs) % 2
    num_nodes = _draw(torch.full_like(y, _NODES[0]), torch.full_like(y, _NODES[1]), generator)
    low = torch.tensor([_NEAR[0], _FAR])[y]
    high = torch.where(y == 0, _NEAR[1], num_nodes // 2)
    distance = _draw(low, high, generator)
    return Benchmark(
        name="locality-control",
        graphs=collated(
            *_marked_cycles(num_nodes, distance, generator),
            y=y,
            num_nodes=num_nodes,
            num_edges=2 * num_nodes,
        ),
        task="classification",
        out_channels=2,
    )


def _draw(low: Tensor, high: Tensor, generator: torch.Generator) -> Tensor:
    """An integer from ``low`` to ``high``, both included, for each of their entries."""
    share = torch.rand(low.shape, generator=generator, dtype=torch.float64)
    return low + (share * (high - low + 1)).long()


def _marked_cycles(
    num_nodes: Tensor, distance: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Features and edges of shuffled cycles, two nodes of each marked so far from each other."""
    graph = torch.arange(num_nodes.numel()).repeat_interleave(num_nodes)
    first = (num_nodes.cumsum(0) - num_nodes)[graph]
    place = torch.arange(graph.numel()) - first  # along the cycle
    shuffled = torch.randperm(graph.numel(), generator=generator)
    node = shuffled[graph[shuffled].argsort(stable=True)]  # at each place, one of the same graph

    x = torch.ones(graph.numel(), 2)
    x[node, 1] = ((place == 0) | (place == distance[graph])).float()

    following = node[first + (place + 1) % num_nodes[graph]]
    edges = to_undirected(torch.stack([node, following]), num_nodes=graph.numel())
    return x, edges - first[edges[0]]
