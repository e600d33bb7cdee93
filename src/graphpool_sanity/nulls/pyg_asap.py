"""The nulls of PyTorch Geometric's ``ASAPooling``.

All that it trains serves the selection: the attention tells how much of each neighbour belongs to
the cluster around a node (S [N, N]), the fitness which clusters are kept. The shuffle permutes
the rows of S: clusters of other nodes, of the same sizes and shares, around the same centres. The
random null keeps clusters drawn by chance, which stay neighbourhoods: it asks about the fitness.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, leaky_relu
from torch_geometric.nn.pool import ASAPooling
from torch_geometric.utils import (
    add_remaining_self_loops,
    remove_self_loops,
    scatter,
    softmax,
    to_edge_index,
    to_torch_coo_tensor,
    to_torch_csr_tensor,
)

from graphpool_sanity.nulls.frozen import Frozen, untrain
from graphpool_sanity.nulls.registry import register_null
from graphpool_sanity.nulls.replace import Regroups, set_class
from graphpool_sanity.nulls.topk import AllNodes, ChanceNodes, own_selection
from graphpool_sanity.select.rows import ShuffledRows

Clusters = tuple[Tensor, Tensor, Tensor]
"""Which node belongs to the cluster around which [2, E], with what share [E]; the centres kept."""


class NullASAPooling(Regroups, ASAPooling):
    """``ASAPooling`` with other nodes in its clusters: ``regroup`` says which."""

    lin: nn.Module
    att: nn.Module
    gnn_score: nn.Module
    gnn_intra_cluster: nn.Module | None
    select: nn.Module
    negative_slope: float
    dropout: float
    add_self_loops: bool

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        batch: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor, Tensor]:
        """The pooled features, edges, weights and batch, and the centres of the clusters."""
        x = x.unsqueeze(-1) if x.dim() == 1 else x
        if batch is None:
            batch = edge_index.new_zeros(x.size(0))
        edge_index, edge_weight = add_remaining_self_loops(
            edge_index, edge_weight, fill_value=1.0, num_nodes=x.size(0)
        )
        share = self._share(x, edge_index, edge_weight)
        fitness = self.gnn_score(_gather(x, edge_index, share), edge_index).sigmoid().view(-1)
        centre = self.select(fitness, batch).node_index

        member, share, kept = self.regroup(batch, (edge_index, share, centre))

        x = _gather(x, member, share)[centre] * fitness[centre].view(-1, 1)
        s = to_torch_coo_tensor(member, share, batch.numel()).index_select(1, centre)
        edge_index, edge_weight = self._coarsen(edge_index, edge_weight, s)
        return x, edge_index, edge_weight, batch[kept], kept

    def _share(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None) -> Tensor:
        """[E], the share of the first node of each edge in the cluster around the second."""
        source, centre = edge_index
        if self.gnn_intra_cluster is not None:
            x = self.gnn_intra_cluster(x=x, edge_index=edge_index, edge_weight=edge_weight)
        query = self.lin(scatter(x[source], centre, dim=0, dim_size=x.size(0), reduce="max"))
        score = self.att(torch.cat([query[centre], x[source]], dim=-1)).view(-1)
        share = softmax(leaky_relu(score, self.negative_slope), centre, num_nodes=x.size(0))
        return dropout(share, self.dropout, self.training)

    def _coarsen(
        self, edge_index: Tensor, edge_weight: Tensor | None, s: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """The edges of SᵀAS and their weights, as the layer has them."""
        num_nodes, num_clusters = s.shape
        s = s.to_sparse_csr()
        a = to_torch_csr_tensor(edge_index, edge_weight, size=(num_nodes, num_nodes))
        pooled, weight = to_edge_index(s.t().to_sparse_csr() @ (a @ s))
        weight = None if edge_weight is None else weight
        if self.add_self_loops:
            return add_remaining_self_loops(pooled, weight, num_nodes=num_clusters)
        return remove_self_loops(pooled, weight)


def _gather(x: Tensor, member: Tensor, share: Tensor) -> Tensor:
    """SᵀX [N, F]."""
    source, centre = member
    return scatter(x[source] * share.view(-1, 1), centre, 0, dim_size=x.size(0), reduce="sum")


class ShuffledMembers(nn.Module):
    """Permutes the rows of S by chance within each graph."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.chance = ShuffledRows(seed)

    def reset_parameters(self) -> None:
        """Start the stream of permutations anew."""
        self.chance.reset_parameters()

    def forward(self, batch: Tensor, clusters: Clusters) -> Clusters:
        """Other members, the same shares; the centres as they are permuted, too."""
        (source, around), share, centre = clusters
        takes = self.chance.rows(batch).argsort()
        return torch.stack([takes[source], around]), share, takes[centre]


class NoNeighbours(nn.Module):
    """Leaves each node alone in its cluster."""

    def forward(self, batch: Tensor, clusters: Clusters) -> Clusters:
        """Each node around itself, with a share of one."""
        _, share, centre = clusters
        node = torch.arange(batch.numel(), device=batch.device)
        return torch.stack([node, node]), share.new_ones(node.numel()), centre


@register_null(ASAPooling, "shuffle")
def _shuffle(layer: ASAPooling, seed: int) -> nn.Module:
    set_class(layer, NullASAPooling, ASAPooling, "forward")
    layer.regroup = ShuffledMembers(seed)
    return layer


@register_null(ASAPooling, "random")
def _random(layer: ASAPooling, seed: int) -> nn.Module:
    layer.select = ChanceNodes(own_selection(layer.select), seed)
    return layer


@register_null(ASAPooling, "frozen")
def _frozen(layer: ASAPooling, seed: int) -> nn.Module:
    untrain(layer, seed)
    layer.att, layer.gnn_score = Frozen(layer.att), Frozen(layer.gnn_score)
    return layer


@register_null(ASAPooling, "none")
def _none(layer: ASAPooling, seed: int) -> nn.Module:
    set_class(layer, NullASAPooling, ASAPooling, "forward")
    layer.select, layer.regroup = AllNodes(own_selection(layer.select)), NoNeighbours()
    return layer
