"""Which modules of a model are meant: by their names in it, their classes, or as pooling layers."""

import re
from collections.abc import Sequence

from torch import nn
from torch_geometric.nn.aggr import Aggregation

Layers = str | type[nn.Module] | nn.Module | Sequence[str | type[nn.Module] | nn.Module]
"""Which modules of a model are its pooling layers: their names in it, their classes, themselves."""

_POOLING = re.compile(r"pool(ing)?(layer|block|module)?$", re.IGNORECASE)
_OTHER = re.compile(r"un_?pool|global|readout", re.IGNORECASE)
"""Names of classes that look like pooling layers, and of those among them that are none."""


def given_layers(model: nn.Module, layers: Layers) -> dict[str, nn.Module]:
    """The modules that are meant, by their first names.

    Raises:
        ValueError: if what is meant is not of the model.
    """
    every = dict(model.named_modules(remove_duplicate=False))
    asked = [layers] if isinstance(layers, str | type | nn.Module) else list(layers)
    chosen: set[nn.Module] = set()
    for one in asked:
        found = {
            module
            for name, module in every.items()
            if name == one or module is one or (isinstance(one, type) and isinstance(module, one))
        }
        if not found:
            raise ValueError(
                "layers must be modules of the model, their names or their classes, got "
                f"{one!r}, which {type(model).__name__} does not have"
            )
        chosen |= found
    if not chosen:
        raise ValueError("layers must name a module or more, got none")
    return {name: module for name, module in model.named_modules() if module in chosen}


def is_called_pooling(module: nn.Module) -> bool:
    """Whether a module has the name of a pooling layer, and is no other."""
    name = type(module).__name__
    called_so = _POOLING.search(name) and not _OTHER.search(name)
    return bool(called_so) and not is_basic(module)


def is_basic(module: nn.Module) -> bool:
    """Whether a module is PyTorch's own, which pools images if anything, or a readout."""
    return type(module).__module__.startswith("torch.nn.") or isinstance(module, Aggregation)
