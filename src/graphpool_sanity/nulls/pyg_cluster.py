"""The nulls of PyTorch Geometric's ``ClusterPooling``: the layer with other clusters.

Each node first receives, over its edges, what its neighbours send, weighted by the edges' scores;
this stays as it is. Then the nodes of each cluster are summed; ``regroup`` says which these are.
"""

from torch import Tensor, nn
from torch_geometric.nn.pool.cluster_pool import ClusterPooling, UnpoolInfo
from torch_geometric.utils import scatter

from graphpool_sanity.graphs.coarsen import pool_batch, pool_edges, pool_nodes
from graphpool_sanity.nulls.frozen import Frozen, untrained
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.nulls.replace import Regroups, set_class
from graphpool_sanity.select.rows import RandomRows, ShuffledRows, SingleRows


class NullClusterPooling(Regroups, ClusterPooling):
    """``ClusterPooling`` of other nodes than its edges connect: ``regroup`` says which."""

    def _merge_edges(
        self, x: Tensor, edge_index: Tensor, batch: Tensor, edge_score: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, UnpoolInfo]:
        *_, own = super()._merge_edges(x, edge_index, batch, edge_score)

        _, cluster = self.regroup(batch, own.cluster, edge_index)

        num_clusters = int(cluster.max()) + 1 if cluster.numel() else 0
        received = _receive(x, edge_index, edge_score, own.cluster)
        x = pool_nodes(received, cluster, num_clusters, "sum")
        edges, _ = pool_edges(edge_index, None, cluster, num_clusters, "sum")
        info = UnpoolInfo(edge_index, cluster, batch)
        return x, edges, pool_batch(batch, cluster, num_clusters), info


def _receive(x: Tensor, edge_index: Tensor, edge_score: Tensor, cluster: Tensor) -> Tensor:
    """[N, F], what reaches each node; one that the layer leaves alone has itself, too."""
    source, target = edge_index
    sent = x[source] * edge_score.view(-1, 1)
    received = scatter(sent, target, dim=0, dim_size=x.size(0), reduce="sum")
    alone = cluster.bincount().index_select(0, cluster) == 1
    return received + x * alone.view(-1, 1)


def _regroup(layer: ClusterPooling, regroup: nn.Module) -> nn.Module:
    set_class(layer, NullClusterPooling, ClusterPooling, "_merge_edges")
    layer.regroup = regroup
    return layer


@register_null(ClusterPooling, "random")
def _random(layer: ClusterPooling, seed: int) -> nn.Module:
    return _regroup(layer, RandomRows(seed))


@register_null(ClusterPooling, "shuffle")
def _shuffle(layer: ClusterPooling, seed: int) -> nn.Module:
    return _regroup(layer, ShuffledRows(seed))


@register_null(ClusterPooling, "frozen")
def _frozen(layer: ClusterPooling, seed: int) -> nn.Module:
    layer.lin = Frozen(untrained(layer.lin, seed))
    return layer


@register_null(ClusterPooling, "none")
def _none(layer: ClusterPooling, seed: int) -> nn.Module:
    return _regroup(layer, SingleRows())
