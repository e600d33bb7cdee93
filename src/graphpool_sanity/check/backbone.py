"""The standard backbone: a network in which any pooling layer's choice can be seen."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import BatchNorm, GraphConv, global_mean_pool

from graphpool_sanity.interface.graphs import Graphs, edges_of, one_each
from graphpool_sanity.interface.inputs import LayerCall
from graphpool_sanity.nulls.registry import is_registered

LayerFactory = Callable[[int], nn.Module]
"""``layer_factory(channels)``: a pooling layer for nodes with so many features."""


class Backbone(nn.Module):
    r"""conv → (conv, pool) × ``num_pools`` → conv → mean → MLP with one hidden layer.

    .. math::
        \mathbf{Z} = \mathrm{ReLU}(\mathrm{BatchNorm}(
            \mathbf{X} \mathbf{W}_1 + \mathbf{A} \mathbf{X} \mathbf{W}_2))

    is each convolution: the paper's network for hard pooling, but for two things without which
    a choice of nodes cannot be seen. The mean over K clusters of :math:`\mathbf{S}^T \mathbf{X}`
    is :math:`\sum_i \mathbf{x}_i / K` whatever :math:`\mathbf{S}` is; so there is a convolution
    between the last pool and the mean. Scores of embeddings that grow from layer to layer
    saturate, and a ranking of equal scores is one of indices; so embeddings are normalised, to
    a length of about one at first.

    Graphs stay sparse as long as the layer takes them so, and become padded matrices where it
    takes or returns these; the convolutions have the same weights in both forms. After a memory
    layer, which leaves no edges, they see each cluster alone. A layer's auxiliary losses are added
    up, among them its ``kl_loss(S)`` if it has one.

    Args:
        layer_factory: ``layer_factory(channels)``, a pooling layer that keeps the channels, or one
            such callable for each pool: anything with PyG's conventions of its sparse, dense or
            memory layers, or with torch-geometric-pool's.
        in_channels: The channels of ``data.x``.
        out_channels: The outputs of each graph.
        hidden: The width of all layers.
        num_pools: How often it pools; not read if factories are given one by one.
        first: ``first(data)`` -> [N, hidden], in place of the first convolution: for features that
            are categories, and for those of edges, an ``InputConv``.

    Shapes:
        - **data**: a PyG batch with x [N, F], edge_index [2, E] and batch [N]; an edge_weight [E],
          or else an edge_attr [E, D] of any width, reaches the layers that take it; a single
          number of an edge is its weight in convolutions, too.
        - returns [B, out_channels], or that and the auxiliary loss [] if there is any.

    Raises:
        ValueError: if a layer cannot be called, or does not keep the channels.

    Section 2, Case 1, and Appendix A.2 of Mesquita, Souza, Kaski, NeurIPS 2020, which alternate
    convolutions and pooling, too.

    >>> from torch_geometric.nn import TopKPooling
    >>> from graphpool_sanity.datasets import load_dataset
    >>> model = Backbone(TopKPooling, in_channels=3, out_channels=10)
    >>> model(load_dataset("digits").graphs[0]).shape
    torch.Size([1, 10])
    """

    def __init__(
        self,
        layer_factory: LayerFactory | Sequence[LayerFactory],
        in_channels: int,
        out_channels: int,
        hidden: int = 64,
        num_pools: int = 2,
        first: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.hidden = hidden
        factories = [layer_factory] * num_pools if callable(layer_factory) else layer_factory
        self.first = Conv(in_channels, hidden) if first is None else first
        self.norm = Norm(hidden) if first is not None else nn.Identity()
        self.convs = nn.ModuleList(Conv(hidden, hidden) for _ in [*factories, "last"])
        self.pools = nn.ModuleList(make(hidden) for make in factories)
        self.mlp = nn.Sequential(
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out_channels)
        )
        self.calls = [LayerCall(pool) for pool in self.pools]
        for pool in self.pools:
            if not is_registered(pool):
                vars(pool)["may_be_left_out"] = True  # whatever it returns is read here

    def forward(self, data: Data) -> Tensor | tuple[Tensor, Tensor]:
        """Outputs [B, out_channels], and the auxiliary loss if the layers have one."""
        losses: list[Tensor] = []
        *convs, last = cast(list[Conv], list(self.convs))
        graphs = self._embed(data)
        for conv, pool, call in zip(convs, self.pools, self.calls, strict=True):
            pooled = call(pool, conv.on(graphs))
            graphs = pooled.graphs
            _check_channels(pool, graphs.x, self.hidden)
            losses += pooled.losses.values()
        out = self.mlp(mean_of_nodes(last.on(graphs)))
        return (out, torch.stack(losses).sum()) if losses else out

    def _embed(self, data: Data) -> Graphs:
        size = getattr(data, "num_graphs", 1)
        weight = data.get("edge_weight", data.get("edge_attr"))
        if weight is not None and weight.is_floating_point():
            weight = weight.to(data.x.dtype if data.x.is_floating_point() else torch.float32)
        graphs = Graphs(data.x, size, data.edge_index, weight, data.batch)
        if isinstance(self.first, Conv):
            return self.first.on(graphs)
        return cast(Graphs, self.norm(graphs._replace(x=self.first(data))))


def _check_channels(pool: nn.Module, x: Tensor, hidden: int) -> None:
    if x.size(-1) != hidden:
        raise ValueError(
            f"layer must keep the {hidden} channels of its nodes, got {x.size(-1)} from {pool}"
        )


class Conv(GraphConv):
    """:class:`~torch_geometric.nn.GraphConv` on graphs in either form, with the same weights."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels)
        self.norm = Norm(out_channels)

    def on(self, graphs: Graphs) -> Graphs:
        """The graphs with features that are convolved, normalised and not below 0."""
        return cast(Graphs, self.norm(self.linear(graphs)))

    def linear(self, graphs: Graphs) -> Graphs:
        """The graphs with convolved features."""
        if not graphs.is_dense:
            edge_index, weight = edges_of(graphs)
            return graphs._replace(x=self(graphs.x, edge_index, one_each(weight)))
        x, adj = graphs.x, graphs.edges
        mask = 1 if graphs.mask is None else graphs.mask.unsqueeze(-1)
        x = x * mask  # a layer may leave anything where there is no node
        heard = torch.zeros_like(x) if adj is None else adj.transpose(1, 2) @ x
        return graphs._replace(x=(self.lin_rel(heard) + self.lin_root(x)) * mask)


class Norm(nn.Module):
    """ReLU of :class:`~torch_geometric.nn.BatchNorm` over the nodes there are, in either form.

    Its weights begin at ``channels ** -0.5``: embeddings are about as long as 1, however wide.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = BatchNorm(channels, allow_single_element=True)
        nn.init.constant_(self.norm.module.weight, channels**-0.5)

    def forward(self, graphs: Graphs) -> Graphs:
        """The graphs with normalised features, not below 0."""
        x = graphs.x
        if graphs.mask is None:
            return graphs._replace(x=self.norm(x.flatten(0, -2)).relu().view_as(x))
        real = graphs.mask.bool()
        return graphs._replace(x=torch.zeros_like(x).index_put((real,), self.norm(x[real]).relu()))


def mean_of_nodes(graphs: Graphs) -> Tensor:
    """[B, F], the mean over the nodes of each graph; 0 for a graph without nodes."""
    if not graphs.is_dense:
        return global_mean_pool(graphs.x, graphs.batch_vector, graphs.size)
    if graphs.mask is None:
        return graphs.x.mean(1)
    mask = graphs.mask.unsqueeze(-1).to(graphs.x.dtype)
    return (graphs.x * mask).sum(1) / mask.sum(1).clamp(min=1)
