"""The nulls of PyTorch Geometric's ``EdgePooling``: the layer merging other nodes.

The layer scores its edges and contracts them as ever; then ``regroup`` hands its clusters to other
nodes. The score that gates a cluster becomes the mean of those that the layer gives its nodes.
"""

from torch import Tensor, nn
from torch_geometric.nn.pool import EdgePooling
from torch_geometric.nn.pool.edge_pool import UnpoolInfo
from torch_geometric.utils import coalesce

from graphpool_sanity.graphs.coarsen import pool_batch, pool_nodes
from graphpool_sanity.nulls.frozen import Frozen, untrained
from graphpool_sanity.nulls.registry import register_null
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


def _regroup(layer: EdgePooling, regroup: nn.Module) -> nn.Module:
    set_class(layer, NullEdgePooling, EdgePooling, "_merge_edges")
    layer.regroup = regroup
    return layer


@register_null(EdgePooling, "complement")
def _complement(layer: EdgePooling, seed: int) -> nn.Module:
    return _regroup(layer, ComplementRows(seed))


@register_null(EdgePooling, "random")
def _random(layer: EdgePooling, seed: int) -> nn.Module:
    return _regroup(layer, RandomRows(seed))


@register_null(EdgePooling, "shuffle")
def _shuffle(layer: EdgePooling, seed: int) -> nn.Module:
    return _regroup(layer, ShuffledRows(seed))


@register_null(EdgePooling, "frozen")
def _frozen(layer: EdgePooling, seed: int) -> nn.Module:
    layer.lin = Frozen(untrained(layer.lin, seed))
    return layer


@register_null(EdgePooling, "none")
def _none(layer: EdgePooling, seed: int) -> nn.Module:
    return _regroup(layer, SingleRows())
