"""Which null belongs to which layer, and how a model gets it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import nn

from graphpool_sanity.modules import copied, fork_rng
from graphpool_sanity.nulls.devices import match_type, take_back, take_to_cpu
from graphpool_sanity.nulls.meant import Layers as Layers
from graphpool_sanity.nulls.meant import (
    given_layers,
    is_basic,
    is_called_pooling,
)
from graphpool_sanity.select.chance import draw_seed, resolve_seed

MakeNull = Callable[[Any, int], nn.Module]
"""``make(layer, seed)``: the null of a layer. The layer is a copy, to be changed or taken from."""

_NULLS: dict[type[nn.Module], dict[str, MakeNull]] = {}
_PROVIDERS = {"tgp": "graphpool_sanity.nulls.tgp"}
"""What registers the nulls of a package's layers, imported when the first of them is met."""


def register_null(
    layer: type[nn.Module] | tuple[type[nn.Module], ...], name: str
) -> Callable[[MakeNull], MakeNull]:
    """Say how a null of a class of layers is made: ``make(layer, seed)``; a subclass has it too.

    The nulls of a layer keep the order in which they were registered, the most telling first:
    that is what ``null="auto"`` takes. To register a name again replaces its null.

    ``make`` is given a copy of the layer, to change (best: exchange its selector) or to take
    weights from. It may draw from the global generators, which then follow from the seed. Whatever
    modules it adds are moved to the layer's device and floating point type, and to its mode.

    Args:
        layer: The class of the layer, or several that have this null in common.
        name: ``"complement"``, ``"distance"``, ``"random"``, ``"shuffle"``, ``"frozen"``,
            ``"none"``, or a name of your own.

    Raises:
        ValueError: if ``layer`` is no class.

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
        for kind in layer if isinstance(layer, tuple) else (layer,):
            if not isinstance(kind, type):
                raise ValueError(f"layer must be a class, or several, got {kind!r}")
            _load_provider(kind)
            _NULLS.setdefault(kind, {})[name] = make
        return make

    return register


def exchange(child: str, make: Callable[[Any, int], nn.Module]) -> MakeNull:
    """The null that is the layer with another child: ``make(child, seed)``."""

    def null(layer: nn.Module, seed: int) -> nn.Module:
        setattr(layer, child, make(getattr(layer, child), seed))
        return layer

    return null


def nulls_of_others(
    model: nn.Module, layers: Layers | None = None
) -> dict[tuple[type[nn.Module], str], MakeNull]:
    """The nulls of a model's pooling layers that this package did not name, by class and name.

    Another process knows them only if it is told.
    """
    found = layers_to_exchange(model, layers).values()
    classes = {kind for layer in found for kind in type(layer).__mro__}
    return {
        (kind, name): make
        for kind, nulls in _NULLS.items()
        for name, make in nulls.items()
        if kind in classes
        and str(getattr(make, "__module__", "")).partition(".")[0] != __name__.partition(".")[0]
    }


def matched_nulls(layer: nn.Module) -> list[str]:
    """The names of a layer's nulls, the most telling first.

    Raises:
        ValueError: if the layer is one of PyTorch's own, which choose no nodes.

    >>> from graphpool_sanity import GraclusPool
    >>> matched_nulls(GraclusPool())
    ['complement', 'random', 'shuffle', 'none']
    """
    return list(_known_nulls_of(layer))


def shared_nulls(model: nn.Module, layers: Layers | None = None) -> list[str]:
    """The names of the nulls that all pooling layers of a model have, the most telling first.

    Raises:
        ValueError: if the model has no pooling layer, or one that is not known.
    """
    first, *others = map(matched_nulls, layers_to_exchange(model, layers).values())
    return [name for name in first if all(name in other for other in others)]


def randomize(
    model: nn.Module,
    null: str = "auto",
    seed: int | None = None,
    layers: Layers | None = None,
    select: str | None = None,
) -> nn.Module:
    """A copy of a model whose pooling layers are replaced by a null; all other weights are equal.

    A layer that is used at several places has one null at all of them, in lists and in bound
    methods, too.

    Args:
        model: Any module; left as it is. It may itself be a pooling layer.
        null: A name that all its pooling layers have, or ``"auto"``, the first null of each.
        seed: Whatever the nulls draw follows from it; drawn from the global generator if ``None``.
        layers: Which modules are meant, by name, class or themselves; all pooling layers if
            ``None``, or the model itself if it pools without any.
        select: The call by which a layer (or model) without registered nulls chooses, if there are
            several: ``"layers.py:183"``, or a pattern as of file names, ``"*topk*"``.

    Raises:
        ValueError: if the model has no pooling layer, or one without this null. What a layer that
            is not known chooses by is found at its first call, which raises if it cannot be seen.

    >>> from graphpool_sanity import GraclusPool
    >>> randomize(nn.Sequential(nn.Linear(2, 2), GraclusPool()), "complement", seed=0)[1]
    GraclusPool(aggr='max', edge_aggr='sum', select=Matching(match_complement))
    """
    seed = resolve_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    copies: dict[int, Any] = {}
    with fork_rng(seed):  # a copied Linear of PyTorch Geometric 2.6 draws weights
        for layer in layers_to_exchange(model, layers).values():
            own = copied(layer, copies)
            name_choice(own, select)
            copies[id(layer)] = make_null(own, null, draw_seed(generator))
        return copied(model, copies)  # with the nulls wherever it refers to their layers


def pooling_layers(model: nn.Module, layers: Layers | None = None) -> dict[str, nn.Module]:
    """The pooling layers of a model, known or not, by their first names (``""``: itself).

    If it is not said which are meant, they are the outermost that are known, or whose class has a
    name that ends with Pool, Pooling or PoolingLayer; not unpooling, global pooling and readouts,
    which leave no smaller graph, and not what has a known layer inside.

    Raises:
        ValueError: if there is none, or what is meant is not of the model.

    >>> from graphpool_sanity import GraclusPool
    >>> model = nn.Sequential(nn.ReLU(), GraclusPool())
    >>> pooling_layers(model)
    {'1': GraclusPool(aggr='max', edge_aggr='sum')}
    >>> pooling_layers(model, nn.ReLU)
    {'0': ReLU()}
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    if layers is not None:
        return given_layers(model, layers)
    found: dict[str, nn.Module] = {}
    inside: set[nn.Module] = set()
    for name, module in model.named_modules():
        if module not in inside and _is_pooling(module):
            found[name] = module
            inside.update(module.modules())
    if not found:
        raise ValueError(
            f"model must have a pooling layer, got {type(model).__name__} without any that is "
            f"known; {_HOW}"
        )
    return found


def layers_to_exchange(model: nn.Module, layers: Layers | None = None) -> dict[str, nn.Module]:
    """The pooling layers, or the model itself if it has none and so may pool by calls of its own.

    Raises:
        ValueError: if there is none in a model that has no calls of its own, or what is meant is
            not of the model.
    """
    try:
        return pooling_layers(model, layers)
    except ValueError:
        if layers is not None or not isinstance(model, nn.Module) or is_basic(model):
            raise
        return {"": model}


def name_choice(layer: nn.Module, select: str | None) -> None:
    """Say by which call a layer chooses, for its nulls.

    Raises:
        ValueError: if it has registered nulls, which do not ask.
    """
    if select is None:
        return
    if _nulls_of(layer):
        raise ValueError(
            f"select must be None for {type(layer).__name__}, whose nulls are known, got {select!r}"
        )
    layer.chosen_at = select  # type: ignore[assignment]


_HOW = (
    "say by layers which modules are meant, or name a null with "
    "graphpool_sanity.register_null(type(layer), name)"
)


def _nulls_of(layer: nn.Module) -> dict[str, MakeNull]:
    nulls: dict[str, MakeNull] = {}
    for kind in type(layer).__mro__:
        _load_provider(kind)
        if kind is nn.Module:
            break
        for name, make in _NULLS.get(kind, {}).items():
            nulls.setdefault(name, make)
    return nulls


def _known_nulls_of(layer: nn.Module) -> dict[str, MakeNull]:
    nulls = _nulls_of(layer)
    if not nulls and not is_basic(layer):
        nulls = dict(_NULLS.get(nn.Module, {}))  # those of a layer that nobody has seen
        if not getattr(layer, "may_be_left_out", False):
            nulls.pop("none", None)
    if not nulls:
        raise ValueError(
            f"layer must be a pooling layer that is known, got {type(layer).__name__}; {_HOW}"
        )
    return nulls


def _load_provider(kind: type) -> None:
    provider = _PROVIDERS.get(kind.__module__.partition(".")[0])
    if provider is not None:
        import_module(provider)


def is_registered(layer: nn.Module) -> bool:
    """Whether the layer has nulls that somebody has named for its class."""
    return bool(_nulls_of(layer))


def _is_pooling(module: nn.Module) -> bool:
    """Whether a layer is known, or is called pooling and has no known one inside."""
    if is_registered(module):
        return True
    return is_called_pooling(module) and not any(map(is_registered, module.modules()))


def make_null(layer: nn.Module, null: str, seed: int) -> nn.Module:
    """The null of one layer, which may be the layer itself, changed."""
    nulls = _known_nulls_of(layer)
    name = next(iter(nulls)) if null == "auto" else null
    if name not in nulls:
        raise ValueError(
            f"null must be 'auto' or one that {type(layer).__name__} has ({', '.join(nulls)}), "
            f"got {null!r}"
        )
    training, kept = layer.training, set(layer.modules())
    homes = take_to_cpu(layer)
    tensors = [*layer.parameters(), *layer.buffers()]
    with fork_rng(seed):
        made = nulls[name](layer, seed)
    for module in made.modules():
        if module not in kept:
            module.training = training
    match_type(made, tensors)
    take_back(made, homes)
    return made
