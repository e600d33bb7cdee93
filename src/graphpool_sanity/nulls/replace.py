"""Giving a layer the forward pass of its null, where no child of it is the selector."""

from typing import Any

from torch import nn
from torch_geometric.nn.inits import reset


class Regroups(nn.Module):
    """Mixin of layers that form their clusters, and then have ``regroup`` hand them on."""

    regroup: nn.Module

    def reset_parameters(self) -> None:
        """Initialise the layer and ``regroup`` anew."""
        super().reset_parameters()  # type: ignore[misc]
        reset(self.regroup)


def set_class(
    layer: nn.Module, null: type[nn.Module], kind: type[nn.Module], lost: str | None = None
) -> None:
    """Make a layer of class ``kind`` one of its subclass ``null``, in place.

    A layer of another subclass keeps its own methods beside those of ``null``.

    Args:
        lost: The method of ``kind`` that ``null`` has another for, instead of calling it.

    Raises:
        ValueError: if the layer has its own in the place of the one that would be lost.
    """
    own = type(layer)
    if issubclass(own, null):
        return
    if lost is not None:
        check_method(layer, kind, lost)
    known = own.__bases__ if vars(own).get("__reduce_ex__") is _reduce else (own,)
    layer.__class__ = null if own is kind else _joined(null, *known)


_JOINED: dict[tuple[type, ...], type] = {}


def _joined(*bases: type) -> type:
    """A class with the methods of several, the first of them first; its layers can be saved."""
    if bases not in _JOINED:
        members = {"__reduce_ex__": _reduce, "__module__": __name__, "__doc__": bases[0].__doc__}
        _JOINED[bases] = type(bases[-1].__name__, bases, members)
    return _JOINED[bases]


def _reduce(layer: nn.Module, protocol: int) -> tuple[Any, ...]:
    """How a layer is saved whose class has no name to import it by: with the bases of its class."""
    _, _, *state = tuple(object.__reduce_ex__(layer, max(protocol, 2)))
    return _new, type(layer).__bases__, *state


def _new(*bases: type) -> object:
    return object.__new__(_joined(*bases))


def check_method(layer: nn.Module, kind: type[nn.Module], method: str) -> None:
    """Raise a ``ValueError`` if a layer of class ``kind`` has a ``method`` of its own."""
    if getattr(type(layer), method) is not getattr(kind, method):
        raise ValueError(
            f"layer must pool as {kind.__name__.lstrip('_')} does for this null, got "
            f"{type(layer).__name__} with a {method} of its own; name a null for it with "
            "graphpool_sanity.register_null"
        )
