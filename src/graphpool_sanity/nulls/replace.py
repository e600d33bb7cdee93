"""Giving a layer the forward pass of its null, where no child of it is the selector."""

from torch import nn
from torch_geometric.nn.inits import reset


class Regrouped(nn.Module):
    """Mixin of layers that form their clusters, and then have ``regroup`` hand them on."""

    regroup: nn.Module

    def reset_parameters(self) -> None:
        """Initialise the layer and ``regroup`` anew."""
        super().reset_parameters()  # type: ignore[misc]
        reset(self.regroup)


def become(layer: nn.Module, null: type[nn.Module], kind: type[nn.Module]) -> None:
    """Make a layer of class ``kind`` one of its subclass ``null``, in place.

    Raises:
        ValueError: if the layer is of another subclass, whose own methods would be lost.

    >>> layer = nn.Linear(2, 2)
    >>> become(layer, nn.modules.linear.NonDynamicallyQuantizableLinear, nn.Linear)
    >>> type(layer).__name__
    'NonDynamicallyQuantizableLinear'
    """
    if type(layer) not in (kind, null):
        raise ValueError(
            f"layer must be a {kind.__name__} itself for this null, got the subclass "
            f"{type(layer).__name__}; name a null for it with graphpool_sanity.register_null"
        )
    layer.__class__ = null
