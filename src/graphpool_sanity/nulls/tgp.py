"""The nulls of torch-geometric-pool's layers: the layer with another ``selector``.

A selection that is computed beforehand and given to the layer (``so=``) is used as it is.
"""

from collections.abc import Callable

import tgp.poolers as tgp
import torch
from tgp.select import Select, SelectOutput, TopkSelect
from tgp.src import PoolingOutput, SRCPooling
from torch import Tensor, nn
from torch_geometric.typing import Adj

from graphpool_sanity.nulls.frozen import untrained
from graphpool_sanity.nulls.registry import MakeNull, register_null
from graphpool_sanity.nulls.replace import set_class
from graphpool_sanity.nulls.tgp_select import (
    ComplementSelect,
    EqualSelect,
    FrozenSelect,
    HashedSelect,
    RandomSelect,
    ShuffledSelect,
    SingleSelect,
)
from graphpool_sanity.nulls.topk import AllNodes, ChanceNodes

_TOP_K = (tgp.TopkPooling, tgp.SAGPooling, tgp.ASAPooling, tgp.PANPooling)
_PAIRS = (tgp.EdgeContractionPooling, tgp.GraclusPooling)
_OTHER_HARD = (tgp.KMISPooling, tgp.MaxCutPooling, tgp.NDPPooling, tgp.SEPPooling)
_MLP = (
    tgp.AsymCheegerCutPooling,
    tgp.BNPool,
    tgp.DiffPool,
    tgp.DMoNPooling,
    tgp.HOSCPooling,
    tgp.JustBalancePooling,
    tgp.MinCutPooling,
)
_OTHER_SOFT = (tgp.LaPooling, tgp.NMFPooling)
_EIGEN = (tgp.EigenPooling,)
_TRAINED = (tgp.EdgeContractionPooling, tgp.MaxCutPooling, *_TOP_K, *_MLP)


class _SelectNodes(nn.Module):
    """The selection of nodes in the type of this library."""

    is_dense = False
    select: TopkSelect

    def output(self, num_nodes: int, node: Tensor, gate: Tensor) -> SelectOutput:
        return SelectOutput(
            node_index=node,
            num_nodes=num_nodes,
            cluster_index=torch.arange(node.numel(), device=node.device),
            num_supernodes=node.numel(),
            weight=gate,
            s_inv_op=self.select.s_inv_op,
        )


class _ChanceNodes(_SelectNodes, ChanceNodes):
    pass


class _AllNodes(_SelectNodes, AllNodes):
    pass


def _own(select: Select) -> TopkSelect:
    """The selector of a layer, taken out of the null that the layer may already be."""
    while not isinstance(select, TopkSelect):
        select = select.select
    return select


class InformedGraclusPooling(tgp.GraclusPooling):
    """``GraclusPooling`` whose ``selector`` is told the graph of each node, too."""

    def forward(
        self,
        x: Tensor,
        adj: Adj | None = None,
        edge_weight: Tensor | None = None,
        so: SelectOutput | None = None,
        batch: Tensor | None = None,
        lifting: bool = False,
        **given: object,
    ) -> PoolingOutput | Tensor:
        """What ``GraclusPooling`` gives."""
        self.selector.graph = batch
        try:
            return super().forward(x, adj, edge_weight, so, batch, lifting, **given)
        finally:
            self.selector.graph = None


def _select(make: Callable[[Select, int], nn.Module]) -> MakeNull:
    def null(layer: SRCPooling, seed: int) -> nn.Module:
        if isinstance(layer, tgp.GraclusPooling):
            set_class(layer, InformedGraclusPooling, tgp.GraclusPooling)
        layer.selector = make(layer.selector, seed)
        layer.clear_cache()
        return layer

    return null


register_null(_PAIRS, "complement")(_select(ComplementSelect))
register_null(_TOP_K, "random")(_select(lambda own, seed: _ChanceNodes(_own(own), seed)))
register_null(_PAIRS + _OTHER_HARD + _EIGEN, "random")(_select(RandomSelect))
register_null(_MLP + _OTHER_SOFT, "random")(_select(HashedSelect))
register_null(_TOP_K + _PAIRS + _OTHER_HARD + _EIGEN + _MLP + _OTHER_SOFT, "shuffle")(
    _select(ShuffledSelect)
)


@register_null(_TRAINED, "frozen")
def _frozen(layer: SRCPooling, seed: int) -> nn.Module:
    for name in ("gnn", "select_scorer"):  # score the nodes before the selector does
        if hasattr(layer, name):
            setattr(layer, name, untrained(getattr(layer, name), seed).requires_grad_(False))
    for part in layer.selector.modules():  # one by one: some forget theirs in reset_parameters
        if next(part.parameters(recurse=False), None) is not None:
            part.reset_parameters()
    return _select(lambda own, seed: FrozenSelect(own))(layer, seed)


@register_null((tgp.KMISPooling, tgp.TopkPooling), "frozen")
def _frozen_if_trained(layer: SRCPooling, seed: int) -> nn.Module:
    if next(layer.parameters(), None) is None:
        raise ValueError(
            "null 'frozen' needs a layer that trains its selection, got a "
            f"{type(layer).__name__} without parameters"
        )
    return _frozen(layer, seed)


@register_null((tgp.PANPooling,), "frozen")
def _frozen_pan(layer: SRCPooling, seed: int) -> nn.Module:
    layer.reset_own_parameters()
    layer.requires_grad_(False)
    return _frozen(layer, seed)


register_null(_TOP_K, "none")(_select(lambda own, seed: _AllNodes(_own(own))))
register_null(_PAIRS + _OTHER_HARD, "none")(_select(lambda own, seed: SingleSelect(own)))
register_null(_MLP + _OTHER_SOFT, "none")(_select(lambda own, seed: EqualSelect(own)))


register_null(tgp.NoPool, "none")(lambda layer, seed: layer)
