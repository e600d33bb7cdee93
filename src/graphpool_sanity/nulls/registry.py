"""Which null belongs to which layer, and how a model gets it."""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch_geometric.nn.aggr import Aggregation

from graphpool_sanity.select.chance import resolve_seed

MakeNull = Callable[[nn.Module, int], nn.Module]
"""``make(layer, seed)``: the null of a layer. The layer is a copy, to be changed or taken from."""

_NULLS: dict[type[nn.Module], dict[str, MakeNull]] = {}


def register_null(layer: type[nn.Module], name: str) -> Callable[[MakeNull], MakeNull]:
    """Say how a null of a class of layers is made; a subclass has it too.

    The nulls of a layer keep the order in which they were registered, the most telling first:
    that is what ``null="auto"`` takes. To register a name again replaces its null.

    Args:
        layer: The class of the layer.
        name: ``"complement"``, ``"distance"``, ``"random"``, ``"shuffle"``, ``"frozen"``,
            ``"none"``, or a name of your own.

    >>> class Halve(nn.Module):
    ...     def forward(self, x):
    ...         return x[: len(x) // 2]
    >>> class HalveByChance(nn.Module):
    ...     def __init__(self, seed):
    ...         super().__init__()
    ...         self.generator = torch.Generator().manual_seed(seed)
    ...     def forward(self, x):
    ...         return x[torch.randperm(len(x), generator=self.generator)[: len(x) // 2]]
    >>> @register_null(Halve, "random")
    ... def by_chance(layer, seed):
    ...     return HalveByChance(seed)
    >>> matched_nulls(Halve())
    ['random']
    """

    def register(make: MakeNull) -> MakeNull:
        _NULLS.setdefault(layer, {})[name] = make
        return make

    return register


def matched_nulls(layer: nn.Module) -> list[str]:
    """The names of a layer's nulls, the most telling first.

    Raises:
        ValueError: if the layer is not known.

    >>> from graphpool_sanity import GraclusPool
    >>> matched_nulls(GraclusPool())
    ['complement', 'random', 'shuffle', 'none']
    """
    return list(_nulls_of(layer))


def randomize(model: nn.Module, null: str = "auto", seed: int | None = None) -> nn.Module:
    """A copy of a model whose pooling layers are replaced by a null; all other weights are equal.

    Args:
        model: Any module; left as it is. It may itself be a pooling layer.
        null: A name that all its pooling layers have, or ``"auto"``, the first null of each.
        seed: Whatever the nulls draw follows from it; drawn from the global generator if ``None``.

    Raises:
        ValueError: if the model has no pooling layer, one that is not known, or one without this
            null.

    >>> from graphpool_sanity import GraclusPool
    >>> randomize(nn.Sequential(nn.Linear(2, 2), GraclusPool()), "complement", seed=0)[1]
    ComplementGraclusPool(aggr='max', edge_aggr='sum')
    """
    seed = resolve_seed(seed)
    model = copy.deepcopy(model)
    layers = list(dict.fromkeys(_pooling_layers(model)))
    if not layers:
        raise ValueError(
            f"model must have a pooling layer, got {type(model).__name__} without any that is "
            f"known; {_HOW}"
        )
    nulls: dict[nn.Module, nn.Module] = {}
    for i, layer in enumerate(layers):
        known = _nulls_of(layer)
        name = next(iter(known)) if null == "auto" else null
        if name not in known:
            raise ValueError(
                f"null must be 'auto' or one that {type(layer).__name__} has "
                f"({', '.join(known)}), got {null!r}"
            )
        nulls[layer] = known[name](layer, (seed + i * _STRIDE) % 2**62).train(layer.training)
    return _replace(model, nulls)


_STRIDE = 0x9E3779B97F4A7C15  # seeds of the layers of one model lie far apart
_HOW = "name a null for it with graphpool_sanity.register_null(type(layer), name)"


def _nulls_of(layer: nn.Module) -> dict[str, MakeNull]:
    nulls: dict[str, MakeNull] = {}
    for kind in type(layer).__mro__:
        for name, make in _NULLS.get(kind, {}).items():
            nulls.setdefault(name, make)
    if not nulls:
        raise ValueError(
            f"layer must be a pooling layer that is known, got {type(layer).__name__}; {_HOW}"
        )
    return nulls


def _pooling_layers(module: nn.Module) -> Iterator[nn.Module]:
    """All pooling layers, outermost first, each as often as it is used; unknown ones too."""
    known = any(kind in _NULLS for kind in type(module).__mro__)
    if known or _looks_like_pooling(module):
        yield module
        return
    for child in module.children():
        yield from _pooling_layers(child)


def _looks_like_pooling(module: nn.Module) -> bool:
    """Whether a class that is not known calls itself pooling and is no readout."""
    kind = type(module)
    foreign = not kind.__module__.startswith("torch.nn.") and not isinstance(module, Aggregation)
    return foreign and kind.__name__.lower().endswith(("pool", "pooling"))


def _replace(module: nn.Module, nulls: dict[nn.Module, nn.Module]) -> nn.Module:
    if module in nulls:
        return nulls[module]
    for name, child in module.named_children():
        setattr(module, name, _replace(child, nulls))
    return module
