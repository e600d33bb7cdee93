"""Nulls in one line, for layers in which a child scores the nodes or shares them out."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn.inits import reset

from graphpool_sanity.interface.inputs import read_input
from graphpool_sanity.nulls.registry import MakeNull
from graphpool_sanity.nulls.replace import set_class
from graphpool_sanity.nulls.unseen import places_of
from graphpool_sanity.select.places import Axes, Places
from graphpool_sanity.select.rows import ShuffledRows
from graphpool_sanity.select.shuffle import position_in_graph


class OtherRows(nn.Module):
    """Mixin of layers in which what a child gives for the nodes is exchanged.

    The layer is asked to which graphs its nodes belong at each call; the child need not know.
    """

    exchange: ShuffledRows
    exchanged_child: str
    by_chance: bool

    def reset_parameters(self) -> None:
        """Initialise the layer and chance anew."""
        for child in self.children():
            reset(child)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """What the layer makes of what other nodes were given, or of chance."""
        places = places_of(read_input(self, args, kwargs, 0), self.exchange)

        def hand_on(child: nn.Module, args: object, out: Tensor) -> Tensor:
            axes = places.find(out.shape)
            if axes is None or axes.kind == "edges":
                raise ValueError(
                    f"child {self.exchanged_child} must give something for each node, got "
                    f"{list(out.shape)} for {len(places.batch)} nodes"
                )
            return places.exchange(_ranks(places, out, axes) if self.by_chance else out, axes)

        hook = self.get_submodule(self.exchanged_child).register_forward_hook(hand_on)
        try:
            return super().__call__(*args, **kwargs)
        finally:
            hook.remove()


def _ranks(places: Places, out: Tensor, axes: Axes) -> Tensor:
    """Numbers that tell the nodes of a graph apart, in the place of their scores."""
    if places.numbers(out, axes) != 1:
        raise ValueError(f"a child that chooses must give one number a node, got {list(out.shape)}")
    if axes.kind == "padded":
        rank = torch.arange(places.width, device=out.device).repeat(places.size)
    else:
        rank = position_in_graph(places.levels[out.size(axes.axis)])
    return (rank.to(out.dtype) / max(places.width, 1)).view_as(out)


def shuffled(child: str) -> MakeNull:
    """The null in which a child's scores, or shares, are those of other nodes of the same graph.

    For :func:`register_null`. ``child`` is the name of the module that scores nodes, [N], [N, K] or
    padded [B, N, K]. All uses of what it gives, gates among them, follow. Evaluation is a function
    of the graph alone.

    >>> from graphpool_sanity import randomize, register_null
    >>> class Best(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.score = nn.Linear(2, 1)
    ...     def forward(self, x, batch):
    ...         return x[[int(self.score(x).argmax())]]
    >>> make = register_null(Best, "shuffle")(shuffled("score"))
    >>> null = randomize(Best(), "shuffle", seed=0)
    >>> null(torch.randn(5, 2), torch.zeros(5).long()).shape
    torch.Size([1, 2])
    """
    return partial(_other_rows, child=child, by_chance=False)


def chosen_by_chance(child: str) -> MakeNull:
    """The null in which the scores that a child gives are drawn by chance: from 0 to below 1.

    For a child that does nothing but choose; where its scores are gates, too, :func:`shuffled`
    hands these on with the choice, so that they are trained.

    >>> from graphpool_sanity.nulls import register_null
    >>> class Halve(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.score = nn.Linear(2, 1)
    ...     def forward(self, x, batch):
    ...         return x[self.score(x).view(-1).topk(len(x) // 2).indices]
    >>> make = register_null(Halve, "random")(chosen_by_chance("score"))
    """
    return partial(_other_rows, child=child, by_chance=True)


def _other_rows(layer: Any, seed: int, child: str, by_chance: bool) -> nn.Module:  # noqa: ANN401
    if child not in dict(layer.named_modules()):
        raise ValueError(f"child must name a module of {type(layer).__name__}, got {child!r}")
    set_class(layer, OtherRows, nn.Module)
    layer.exchange, layer.exchanged_child = ShuffledRows(seed), child
    layer.by_chance = by_chance
    return layer
