"""Hypothesis strategies: batches of graphs made to break pooling layers."""

from itertools import combinations, product
from random import Random
from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

Edges = list[tuple[int, int]]


class Graphs(NamedTuple):
    """A batch of graphs, as pooling layers take it."""

    edge_index: Tensor
    num_nodes: int
    batch: Tensor

    def neighbours(self) -> list[set[int]]:
        """The neighbours of each node; edges count as undirected, self-loops do not count."""
        near: list[set[int]] = [set() for _ in range(self.num_nodes)]
        for u, v in self.edge_index.t().tolist():
            if u != v:
                near[u].add(v)
                near[v].add(u)
        return near

    def non_neighbours(self) -> list[set[int]]:
        """For each node the others of its graph that no edge joins to it."""
        return [
            everyone - near for everyone, near in zip(self.others(), self.neighbours(), strict=True)
        ]

    def others(self) -> list[set[int]]:
        """For each node the others of its graph."""
        graph = self.batch.tolist()
        return [
            {v for v in range(self.num_nodes) if graph[v] == graph[u] and v != u}
            for u in range(self.num_nodes)
        ]


def batch_of(*graphs: tuple[int, Edges]) -> Graphs:
    """A batch of graphs, each given as its number of nodes and its edges."""
    edges, batch = [], []
    for number, (size, own) in enumerate(graphs):
        edges += [(u + len(batch), v + len(batch)) for u, v in own]
        batch += [number] * size
    edge_index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t().contiguous()
    return Graphs(edge_index, len(batch), torch.tensor(batch, dtype=torch.long))


def clique(size: int) -> tuple[int, Edges]:
    return size, list(combinations(range(size), 2))


def star(size: int) -> tuple[int, Edges]:
    return size, [(0, v) for v in range(1, size)]


def path(size: int) -> tuple[int, Edges]:
    return size, [(v - 1, v) for v in range(1, size)]


def cycle(size: int) -> tuple[int, Edges]:
    return size, [(v, (v + 1) % size) for v in range(size)]


def edgeless(size: int) -> tuple[int, Edges]:
    return size, []


def bipartite(size: int) -> tuple[int, Edges]:
    return size, list(product(range(size // 3), range(size // 3, size)))


def clique_and_isolated(size: int) -> tuple[int, Edges]:
    return size, list(combinations(range(0, size, 2), 2))


def complement(graph: tuple[int, Edges]) -> tuple[int, Edges]:
    size, edges = graph
    joined = {frozenset(edge) for edge in edges}
    return size, [edge for edge in combinations(range(size), 2) if frozenset(edge) not in joined]


def co_path(size: int) -> tuple[int, Edges]:
    return complement(path(size))


def erdos_renyi(size: int, density: float, seed: int) -> tuple[int, Edges]:
    chance = Random(seed)
    return size, [edge for edge in combinations(range(size), 2) if chance.random() < density]


CATERPILLAR = (10, [(0, 1), (1, 2), (2, 3), (0, 4), (1, 5), (1, 6), (2, 7), (3, 8), (3, 9)])
GRID = (12, [(v, v + 1) for v in range(12) if v % 4 < 3] + [(v, v + 4) for v in range(8)])
PETERSEN = (
    10,
    cycle(5)[1] + [(v, v + 5) for v in range(5)] + [(5 + v, 5 + (v + 2) % 5) for v in range(5)],
)
PAW = (4, [(0, 1), (1, 2), (2, 0), (2, 3)])
# The rings and chains of molecules, as in NCI1: anthracene with substituents, a steroid.
ANTHRACENE = (18, cycle(14)[1] + [(1, 10), (3, 8), (0, 14), (5, 15), (15, 16), (12, 17)])
STEROID = (
    28,
    [(v, v + 1) for v in range(16)]
    + [(0, 5), (4, 9), (9, 8), (7, 13), (12, 16), (12, 17), (9, 18), (2, 19)]
    + [(16, 20), (20, 21), (20, 22), (22, 23), (23, 24), (24, 25), (25, 26), (25, 27)],
)

FAMILIES = (edgeless, path, cycle, star, bipartite, clique_and_isolated, co_path, clique)


@st.composite
def graphs(draw: st.DrawFn, max_size: int = 40) -> tuple[int, Edges]:
    """A single graph: of a family, or dense or sparse by chance."""
    size = draw(st.integers(0, 3) | st.integers(0, max_size))
    if draw(st.booleans()):
        return draw(st.sampled_from(FAMILIES))(size)
    density = draw(st.sampled_from((0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)))
    return erdos_renyi(size, density, draw(st.integers(0, 999)))


@st.composite
def batches(draw: st.DrawFn, max_graphs: int = 6, max_size: int = 40) -> Graphs:
    """A batch of graphs (some empty, also the last), with one-way and double edges and loops."""
    batch = batch_of(*draw(st.lists(graphs(max_size), max_size=max_graphs)))
    chance = Random(draw(st.integers(0, 999)))
    both_ways = draw(st.booleans())
    repeated, loops = draw(st.sampled_from((0.0, 0.3))), draw(st.sampled_from((0.0, 0.3)))
    edges: Edges = []
    for u, v in batch.edge_index.t().tolist():
        edge = (u, v) if chance.random() < 0.5 else (v, u)
        edges += [edge, edge[::-1]] if both_ways else [edge]
        edges += [edge] if chance.random() < repeated else []
    edges += [(u, u) for u in range(batch.num_nodes) if chance.random() < loops]
    chance.shuffle(edges)
    return batch._replace(edge_index=torch.tensor(edges, dtype=torch.long).view(-1, 2).t())
