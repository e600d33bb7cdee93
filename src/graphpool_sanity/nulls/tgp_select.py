"""Selectors of the nulls of torch-geometric-pool: another S in the place of the layer's own.

Each asks the layer's selector first, and keeps of its answer what is not S. A row of S is what a
node is to the clusters: S is sparse [N, C], or dense [N, K] or [B, N, K].
"""

import torch
from tgp.reduce import Reduce
from tgp.select import MLPSelect, Select, SelectOutput
from tgp.utils.ops import connectivity_to_edge_index
from torch import Tensor
from torch_geometric.nn.inits import reset
from torch_geometric.typing import Adj
from torch_geometric.utils import scatter

from graphpool_sanity.select.hashed import HashedAssignment
from graphpool_sanity.select.matching import number_clusters
from graphpool_sanity.select.rows import ComplementRows, RandomRows, ShuffledRows
from graphpool_sanity.select.shuffle import position_in_graph, take_rows


class OtherSelect(Select):
    """What ``select`` gives, exchanged for something else of the same type."""

    select: Select
    graph: Tensor | None = None
    """[N], the graph of each node, from a layer that keeps it from its selector."""

    def __init__(self, select: Select) -> None:
        super().__init__()
        self.select = select
        self.is_dense = select.is_dense
        self.s_inv_op = getattr(select, "s_inv_op", "transpose")

    def reset_parameters(self) -> None:
        """Initialise the layer's selector and chance anew."""
        for child in self.children():
            reset(child)

    def forward(
        self, *, edge_index: Adj | None = None, batch: Tensor | None = None, **given: object
    ) -> SelectOutput:
        """The selection."""
        own = self.select(edge_index=edge_index, batch=batch, **given)
        return self.exchange(own, self.graph if batch is None else batch, edge_index)

    def multi_level_select(
        self, *, levels: int = 1, batch: Tensor | None = None, **given: object
    ) -> list[SelectOutput]:
        """The selections of all levels, for a layer that coarsens beforehand."""
        selected: list[SelectOutput] = []
        for own in self.select.multi_level_select(levels=levels, batch=batch, **given):
            selected.append(self.exchange(own, batch, None))
            batch = Reduce.reduce_batch(selected[-1], batch)
        return selected

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """The selection in the place of the layer's ``own``."""
        raise NotImplementedError

    def output(self, own: SelectOutput, s: Tensor, **changed: object) -> SelectOutput:
        """The layer's ``own`` selection with another S."""
        kept = {name: getattr(own, name) for name in own._extra_args}
        return SelectOutput(s=s, s_inv_op=self.s_inv_op, batch=own.batch, **(kept | changed))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.select})"


class ShuffledSelect(OtherSelect):
    """Permutes the rows of S by chance within each graph."""

    def __init__(self, select: Select, seed: int | None = None) -> None:
        super().__init__(select)
        self.chance = ShuffledRows(seed)

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """The layer's rows, each for another node."""
        graph, mask = rows_of(own, batch)
        return self.permute(own, self.chance.rows(graph, mask))

    def permute(self, own: SelectOutput, row: Tensor) -> SelectOutput:
        """The selection in which each node has the row of node ``row`` [N]."""
        changed: dict[str, object] = {}
        if hasattr(own, "theta"):  # the eigenvectors of clusters: more columns of the row
            changed["theta"] = _permute_blocks(own.theta, row)
        if hasattr(own, "mis"):  # the nodes at the centres of clusters
            changed["mis"] = row.argsort().index_select(0, own.mis)
        return self.output(own, take_rows(own.s, row), **changed)


class RandomSelect(ShuffledSelect):
    """Deals the clusters, largest first, to the nodes of each graph in chance order.

    If S is sparse, each node keeps the gate that the layer gives it.
    """

    chance: RandomRows

    def __init__(self, select: Select, seed: int | None = None) -> None:
        super().__init__(select)
        self.chance = RandomRows(seed)

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """The layer's rows, each for another node."""
        graph, _ = rows_of(own, batch)
        if own.s.is_sparse:  # a node that is in no cluster is with the others in none
            cluster = own.num_supernodes + graph
            cluster[own.node_index] = own.cluster_index
        else:
            cluster = own.num_supernodes * graph + own.s.argmax(-1)
        dealt = self.permute(own, self.chance.random_rows(graph, cluster))
        if not own.s.is_sparse:
            return dealt
        node, cluster = dealt.s.indices()
        gates = own_gates(own).index_select(0, node)
        s = torch.sparse_coo_tensor(torch.stack([node, cluster]), gates, dealt.s.shape)
        return self.output(own, s, **({"mis": dealt.mis} if hasattr(own, "mis") else {}))


class ComplementSelect(OtherSelect):
    """Pairs nodes that no edge joins, where the layer pairs neighbours.

    Each node keeps the gate that the layer gives it.
    """

    def __init__(self, select: Select, seed: int | None = None) -> None:
        super().__init__(select)
        self.chance = ComplementRows(seed)

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """As many pairs of other nodes."""
        graph, _ = rows_of(own, batch)
        edge_index, _ = connectivity_to_edge_index(edge_index)
        _, cluster = self.chance(graph, own.cluster_index, edge_index)
        return self.output(own, sparse_rows(number_clusters(cluster), own_gates(own)))


class SingleSelect(OtherSelect):
    """Leaves each node alone in its cluster, with the gate that the layer gives it, if any."""

    def exchange(
        self, own: SelectOutput, batch: Tensor | None, edge_index: Adj | None
    ) -> SelectOutput:
        """All nodes in their order."""
        node = torch.arange(own.num_nodes, device=own.s.device)
        changed = {"mis": node} if hasattr(own, "mis") else {}
        return self.output(own, sparse_rows(node, own_gates(own)), **changed)

    def multi_level_select(
        self, *, levels: int = 1, batch: Tensor | None = None, **given: object
    ) -> list[SelectOutput]:
        """The same nodes at all levels."""
        return [self(batch=batch, **given) for _ in range(levels)]


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


def rows_of(own: SelectOutput, batch: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The graph of each row of S [N], and which rows are nodes [N], all if ``None``."""
    if own.s.dim() == 3:
        num_graphs, width = own.s.shape[:2]
        graph = torch.arange(num_graphs, device=own.s.device).repeat_interleave(width)
        return graph, None if own.in_mask is None else own.in_mask.flatten()
    if batch is None:
        batch = torch.zeros(own.num_nodes, dtype=torch.long, device=own.s.device)
    return batch, None


def own_gates(own: SelectOutput) -> Tensor:
    """[N], the gate that the layer gives each node, selected or not; one if it gives none."""
    if hasattr(own, "scores"):
        return own.scores
    if own.weight.numel() == own.num_nodes:
        return own.weight
    return torch.ones(own.num_nodes, dtype=own.s.dtype, device=own.s.device)


def sparse_rows(cluster: Tensor, gate: Tensor) -> Tensor:
    """S [N, C] with one entry in each row: the gate [N] of a node in its cluster [N]."""
    node = torch.arange(cluster.numel(), device=cluster.device)
    size = (cluster.numel(), int(cluster.max()) + 1)
    return torch.sparse_coo_tensor(torch.stack([node, cluster]), gate, size)


def _permute_blocks(theta: Tensor | list[Tensor], row: Tensor) -> Tensor | list[Tensor]:
    """The rows of a matrix, or of one for each graph, permuted within graphs."""
    if isinstance(theta, Tensor):
        return theta.index_select(0, row)
    return list(torch.cat(theta).index_select(0, row).split([block.size(0) for block in theta]))
