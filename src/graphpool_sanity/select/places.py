"""Where the nodes and edges of a batch of graphs lie in a tensor, and how they are exchanged there.

A shuffle is a permutation of the nodes of each graph. A layer holds one number a node in many
forms: [N], [N, 1], padded [B, W], padded and flat, graph by graph; or one an edge. The same
permutation is applied to each of them, along the axes where the nodes lie.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from graphpool_sanity.select.rows import ShuffledRows
from graphpool_sanity.select.shuffle import position_in_graph, scatter_to


class Axes(NamedTuple):
    """Along which axes of a tensor the nodes lie."""

    kind: str
    """``"nodes"``; ``"padded"``; ``"graph"``, those of one graph; ``"edges"``."""
    axis: int
    """The axis of nodes or edges."""
    graphs: int | None = None
    """The axis of graphs before it, of padded tensors."""


class Places:
    """The places of a batch of graphs, whose nodes exchange what they hold by chance.

    Args:
        chance: Permutes the nodes of each graph.
        batch: [N], the graph of each node, or of each padded row.
        mask: [N], which padded rows are nodes.
        size: The number of graphs B.
        width: Of padded graphs; the nodes of the largest if they come one after the other.
    """

    def __init__(
        self,
        chance: ShuffledRows,
        batch: Tensor,
        size: int,
        mask: Tensor | None = None,
        width: int | None = None,
    ) -> None:
        self.chance, self.size = chance, size
        self.batch, self.mask, self.padded_width = batch, mask, width
        self.count = torch.bincount(batch if mask is None else batch[mask], minlength=size).tolist()
        self.width = max(self.count, default=0) if width is None else width
        self.levels = {len(batch): batch}
        """The graph of each node, by the number of nodes: of the input, and of what is pooled."""
        self.edges: dict[int, tuple[Tensor, Tensor]] = {}
        """Edges [2, E] and the graph of each of their nodes, by the number of edges."""
        self._rows: dict[tuple[str, int], Tensor] = {}

    def see(self, of: object, index: Tensor) -> None:
        """Remember edges [2, E], and the graphs of nodes that are kept, taken from all nodes'."""
        size = index.size(-1) if index.dim() else 0
        if size in self.levels:
            return
        if index.dim() == 2 and len(index) == 2:
            self.edges[size] = index, next(reversed(self.levels.values()))
        elif (
            index.dim() == 1
            and size not in self.edges
            and any(of is batch for batch in self.levels.values())
        ):
            self.levels[size] = index

    def find(self, shape: torch.Size, turn: int = 0) -> Axes | None:
        """The axes along which nodes or edges lie, if there is one way to read a shape.

        Args:
            turn: Which graph it is, where a layer goes through them one by one.
        """
        shape = torch.Size(shape)
        of_nodes = _axes(shape, self.levels)
        if of_nodes:
            return Axes("nodes", of_nodes[0]) if len(of_nodes) == 1 else None
        padded = [
            Axes("padded", axis, graphs)
            for axis in _axes(shape, (self.width,))
            for graphs in _axes(shape[:axis], (self.size,))
        ]
        if padded:
            return padded[0] if len(padded) == 1 else None
        of_edges = _axes(shape, self.edges)
        if of_edges:
            return Axes("edges", of_edges[0]) if len(of_edges) == 1 else None
        alone = _axes(shape, self.count[turn % self.size : turn % self.size + 1])
        return Axes("graph", alone[0]) if len(alone) == 1 else None

    def has(self, axes: Axes, shape: torch.Size, turn: int = 0) -> bool:
        """Whether a tensor has nodes or edges along these axes."""
        if axes.axis >= len(shape):
            return False
        length = shape[axes.axis]
        if axes.kind == "padded":
            return shape[axes.graphs or 0] == self.size and length == self.width
        if axes.kind == "graph":
            return length == self.count[turn % self.size]
        return length in (self.levels if axes.kind == "nodes" else self.edges)

    @staticmethod
    def numbers(value: Tensor, axes: Axes) -> int:
        """How many numbers a tensor has for each node."""
        nodes = value.size(axes.axis) * (1 if axes.graphs is None else value.size(axes.graphs))
        return value.numel() // max(nodes, 1)

    def exchange(self, value: Tensor, axes: Axes, turn: int = 0) -> Tensor:
        """The value whose nodes (or edges) have exchanged what they hold."""
        length = value.size(axes.axis)
        if axes.kind == "padded":
            graphs = axes.graphs or 0
            rows = value.movedim((graphs, axes.axis), (0, 1))
            flat = rows.flatten(0, 1).index_select(0, self._slots())
            return flat.view_as(rows).movedim((0, 1), (graphs, axes.axis))
        if axes.kind == "graph":
            return value.index_select(axes.axis, self._of_graph(turn % self.size))
        row = self._of_nodes(length) if axes.kind == "nodes" else self._of_edges(length)
        return value.index_select(axes.axis, row)

    def _of_nodes(self, length: int) -> Tensor:
        """[N], the node whose number each takes."""
        key = ("nodes", length)
        if key not in self._rows:
            batch = self.levels[length]
            mask = self.mask if batch is self.batch else None
            self._rows[key] = self.chance.rows(batch, mask)
        return self._rows[key]

    def _slots(self) -> Tensor:
        """[B * W], the padded row whose number each takes."""
        row = self._of_nodes(len(self.batch))
        if self.padded_width is not None:
            return row
        slot = self.batch * self.width + position_in_graph(self.batch)
        every = torch.arange(self.size * self.width, device=row.device)
        return every.scatter(0, slot, slot.index_select(0, row))

    def _of_graph(self, number: int) -> Tensor:
        """[n], the node of a graph whose number each takes."""
        row = self._of_nodes(len(self.batch))
        own = self.batch == number if self.mask is None else (self.batch == number) & self.mask
        return torch.searchsorted(own.nonzero().view(-1), row[own])

    def _of_edges(self, length: int) -> Tensor:
        """[E], the edge of the same graph whose number each takes, whatever their order."""
        key = ("edges", length)
        if key not in self._rows:
            (source, target), batch = self.edges[length]
            order = (source * len(batch) + target).argsort(stable=True)
            graph = batch[source]
            row = self.chance.rows(graph[order])
            self._rows[key] = scatter_to(order, order.index_select(0, row))
        return self._rows[key]


def _axes(shape: torch.Size, lengths: object) -> list[int]:
    return [axis for axis, length in enumerate(shape) if length > 1 and length in lengths]  # type: ignore[operator]
