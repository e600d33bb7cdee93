"""Layers that rank nodes: how often their cut falls among equal scores."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch
from torch_geometric.utils import scatter

from graphpool_sanity.interface.inputs import call_model, read_input
from graphpool_sanity.interface.outputs import read_output
from graphpool_sanity.nulls.calls import Watch
from graphpool_sanity.nulls.finder import SORTING
from graphpool_sanity.nulls.registry import Layers, pooling_layers

_ALIKE = 1e-5
"""Embeddings that differ by no more, relative to the largest, are equal."""


def tied_cuts(model: nn.Module, batch: Batch, layers: Layers | None = None) -> dict[str, float]:
    """The share of graphs whose cut falls among equal scores of nodes that differ, by layer.

    There the index of a node decides whether it is kept, which is no choice of the layer. Nodes
    with equal embeddings may tie. Layers that rank no nodes are left out. The model is run in the
    mode in which it is, without gradient.
    """
    shares: dict[str, float] = {}
    entered: dict[nn.Module, tuple[ExitStack, _Sorted]] = {}

    def enter(layer: nn.Module, *_: object) -> None:
        entered[layer] = mode, sorting = ExitStack(), _Sorted()
        mode.enter_context(sorting)
        stack.callback(mode.close)  # if the layer fails

    def leave(
        name: str, layer: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: object
    ) -> None:
        mode, sorting = entered[layer]
        mode.close()
        given = read_input(layer, args, kwargs, batch.num_graphs)
        kept = _kept_nodes(read_output(layer, out, given).choice)
        if kept is not None and not given.is_dense:
            share = _tied(sorting.scores, kept, given.x, given.batch_vector)
            if share is not None:
                shares[name] = share

    with torch.no_grad(), ExitStack() as stack:
        for name, layer in pooling_layers(model, layers).items():
            stack.enter_context(layer.register_forward_pre_hook(enter))
            hook = partial(leave, name or type(layer).__name__)
            stack.enter_context(layer.register_forward_hook(hook, with_kwargs=True))
        call_model(model, batch)
    return shares


class _Sorted(Watch):
    """Remembers what is sorted."""

    def __init__(self) -> None:
        super().__init__()
        self.scores: list[Tensor] = []

    def called(self, name: str, args: tuple[Any, ...], out: Any) -> Any:  # noqa: ANN401
        """The result of a call as it is."""
        if name in SORTING and isinstance(args[0], Tensor):
            self.scores.append(args[0].flatten())
        return out


def _kept_nodes(choice: Mapping[str, Any]) -> Tensor | None:
    held = choice.get("perm", getattr(choice.get("select_output"), "node_index", None))
    return held if isinstance(held, Tensor) else None


def _tied(scores: list[Tensor], kept: Tensor, x: Tensor, graph: Tensor) -> float | None:
    """Of the scores by which these nodes were kept; ``None`` if there are none such."""
    size = int(graph.max()) + 1 if len(graph) else 0
    is_kept = torch.zeros(len(graph), dtype=torch.bool, device=graph.device)
    is_kept[kept] = True
    for score in scores:
        if len(score) != len(graph) or not score.is_floating_point():
            continue
        lowest = scatter(score[is_kept], graph[is_kept], 0, size, "min")
        highest = scatter(score[~is_kept], graph[~is_kept], 0, size, "max")
        cut = torch.zeros(size, dtype=torch.bool, device=graph.device)
        cut[graph[~is_kept]] = True
        if bool((lowest >= highest)[cut].all()):
            tied = cut & (lowest == highest)
            at_cut = tied[graph] & (score == lowest[graph])
            return _differing(x, graph, at_cut, is_kept, size).sum().item() / max(size, 1)
    return None


def _differing(x: Tensor, graph: Tensor, at_cut: Tensor, kept: Tensor, size: int) -> Tensor:
    """[B], whether nodes at the cut differ, some of which were kept."""
    high = scatter(x[at_cut], graph[at_cut], 0, size, "max")
    low = scatter(x[at_cut], graph[at_cut], 0, size, "min")
    return (high - low).amax(1) > _ALIKE * x.abs().amax()
