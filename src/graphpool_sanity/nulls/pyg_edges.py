"""The nulls of PyTorch Geometric's layers that contract edges: the layer merging other nodes.

``EdgePooling`` and ``ClusterPooling`` score their edges and contract them as ever; then ``regroup``
gives their clusters to other nodes. In ``EdgePooling`` the score that gates a cluster becomes the
mean of those that the layer gives its nodes. In ``ClusterPooling`` each node first receives, over
its edges, what its neighbours send, weighted by the edges' scores; this stays as it is.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch_geometric.nn.pool import EdgePooling
from torch_geometric.nn.pool.cluster_pool import ClusterPooling
from torch_geometric.nn.pool.cluster_pool import UnpoolInfo as ClusterInfo
from torch_geometric.nn.pool.edge_pool import UnpoolInfo
from torch_geometric.utils import coalesce, scatter

from graphpool_sanity.graphs.coarsen import pool_batch, pool_edges, pool_nodes
from graphpool_sanity.nulls.frozen import frozen
from graphpool_sanity.nulls.registry import MakeNull, exchange, register_null
from graphpool_sanity.nulls.replace import Regroups, set_class
from graphpool_sanity.select.rows import (
    ComplementRows,
    RandomRows,
    ShuffledRows,
    SingleRows,
    gate_clusters,
)


class NullEdgePooling(Regroups, EdgePooling):
    """``EdgePooling`` of other nodes than its edges join: ``regroup`` says which."""

    def _merge_edges(
        self, x: Tensor, edge_index: Tensor, batch: Tensor, edge_score: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, UnpoolInfo]:
        *_, own = super()._merge_edges(x, edge_index, batch, edge_score)

        giver, cluster = self.regroup(batch, own.cluster, edge_index)

        gates = own.new_edge_score.index_select(0, own.cluster.index_select(0, giver))
        gate = gate_clusters(gates, cluster)
        x = pool_nodes(x, cluster, gate.numel(), "sum") * gate.view(-1, 1)
        edges = coalesce(cluster[edge_index], num_nodes=gate.numel())
        info = UnpoolInfo(edge_index, cluster, batch, gate)
        return x, edges, pool_batch(batch, cluster, gate.numel()), info


class NullClusterPooling(Regroups, ClusterPooling):
    """``ClusterPooling`` of other nodes than its edges connect: ``regroup`` says which."""

    def _merge_edges(
        self, x: Tensor, edge_index: Tensor, batch: Tensor, edge_score: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, ClusterInfo]:
        *_, own = super()._merge_edges(x, edge_index, batch, edge_score)

        _, cluster = self.regroup(batch, own.cluster, edge_index)

        num_clusters = int(cluster.max()) + 1 if cluster.numel() else 0
        received = _receive(x, edge_index, edge_score, own.cluster)
        x = pool_nodes(received, cluster, num_clusters, "sum")
        edges, _ = pool_edges(edge_index, None, cluster, num_clusters, "sum")
        info = ClusterInfo(edge_index, cluster, batch)
        return x, edges, pool_batch(batch, cluster, num_clusters), info


def _receive(x: Tensor, edge_index: Tensor, edge_score: Tensor, cluster: Tensor) -> Tensor:
    """[N, F], what reaches each node; one that the layer leaves alone has itself, too."""
    source, target = edge_index
    sent = x[source] * edge_score.view(-1, 1)
    received = scatter(sent, target, dim=0, dim_size=x.size(0), reduce="sum")
    alone = cluster.bincount().index_select(0, cluster) == 1
    return received + x * alone.view(-1, 1)


def _regroup(
    null: type[nn.Module], kind: type[nn.Module], rule: Callable[[int], nn.Module]
) -> MakeNull:
    def make(layer: nn.Module, seed: int) -> nn.Module:
        set_class(layer, null, kind, "_merge_edges")
        layer.regroup = rule(seed)
        return layer

    return make


_RULES: dict[str, Callable[[int], nn.Module]] = {"random": RandomRows, "shuffle": ShuffledRows}

register_null(EdgePooling, "complement")(_regroup(NullEdgePooling, EdgePooling, ComplementRows))
for _null, _kind in ((NullEdgePooling, EdgePooling), (NullClusterPooling, ClusterPooling)):
    for _name, _rule in _RULES.items():
        register_null(_kind, _name)(_regroup(_null, _kind, _rule))
    register_null(_kind, "frozen")(exchange("lin", frozen))
    register_null(_kind, "none")(_regroup(_null, _kind, lambda seed: SingleRows()))
