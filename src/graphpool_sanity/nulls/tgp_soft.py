"""Selectors of the nulls of torch-geometric-pool without gradient: by chance, equal, untrained."""

import torch
from tgp.select import MLPSelect, Select, SelectOutput
from torch import Tensor
from torch_geometric.typing import Adj
from torch_geometric.utils import scatter

from graphpool_sanity.nulls.tgp_select import OtherSelect, rows_of
from graphpool_sanity.select.hashed import HashedAssignment
from graphpool_sanity.select.shuffle import position_in_graph


class FrozenSelect(OtherSelect):
    """What the layer's selector gives, without gradient for its parameters or its input."""

    def __init__(self, select: Select) -> None:
        super().__init__(select.requires_grad_(False))

    def forward(
        self, *, edge_index: Adj | None = None, batch: Tensor | None = None, **given: object
    ) -> SelectOutput:
        """The selection."""
        with torch.no_grad():
            return super().forward(edge_index=edge_index, batch=batch, **given)

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """The layer's ``own``."""
        return own


class EqualSelect(FrozenSelect):
    """The same share in each cluster that its graph has, for all nodes.

    The layer's selector tells how many clusters these are, and what losses take beside S.
    """

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """A softmax of scores that do not depend on the graph."""
        graph, mask = rows_of(own, batch)
        s = own.s.flatten(0, -2)
        scores = self.scores(position_in_graph(graph), s)
        if not self._has_all_clusters():
            used = scatter((s != 0).to(s.dtype), graph, dim=0, reduce="max").index_select(0, graph)
            scores = scores.masked_fill(used == 0, -torch.inf)
        s = scores.softmax(-1).to(s.dtype)
        s = s if mask is None else s.masked_fill(~mask.unsqueeze(-1), 0)
        return self.output(own, s.view_as(own.s))

    def scores(self, position: Tensor, s: Tensor) -> Tensor:
        """[N, K], of nodes at ``position`` [N], like S [N, K]."""
        return torch.zeros_like(s)

    def _has_all_clusters(self) -> bool:
        """Whether every graph has all K clusters; if not, those it lacks are zero in S."""
        select: Select = self
        while isinstance(select, OtherSelect):
            select = select.select
        return isinstance(select, MLPSelect)


class HashedSelect(EqualSelect):
    """Shares drawn by chance, one row for each position of a node: the same in all graphs."""

    def __init__(self, select: Select, seed: int | None = None) -> None:
        super().__init__(select)
        self.chance = HashedAssignment(1, "normal", seed)

    def scores(self, position: Tensor, s: Tensor) -> Tensor:
        """[N, K], of nodes at ``position`` [N], like S [N, K]."""
        self.chance.num_clusters = s.size(-1)  # what a selector without a fixed number gave
        return self.chance.scores(position)
