"""The nulls of PyTorch Geometric's ``MemPooling``: those of our ``MemoryPool``, its twin."""

import torch
from torch import nn
from torch_geometric.nn import MemPooling

from graphpool_sanity.nulls.registry import MakeNull, make_null, register_null
from graphpool_sanity.nulls.replace import set_class
from graphpool_sanity.pools.memory_pool import MemoryPool
from graphpool_sanity.select.chance import draw_seed
from graphpool_sanity.select.memory import StudentT


def as_memory_pool(layer: MemPooling) -> nn.Module:
    """Make a ``MemPooling`` a ``MemoryPool``, in place: both have the same parameters.

    Raises:
        ValueError: if the layer is of a subclass that pools in another way.
    """
    set_class(layer, MemoryPool, MemPooling, "forward")
    layer.select = StudentT(layer.tau)
    return layer


def _null_of_twin(name: str) -> MakeNull:
    def make(layer: MemPooling, seed: int) -> nn.Module:
        own_seed = draw_seed(torch.Generator().manual_seed(seed))  # that of a model's first layer
        return make_null(as_memory_pool(layer), name, own_seed)

    return make


for _name in ("distance", "random", "shuffle", "frozen", "none"):
    register_null(MemPooling, _name)(_null_of_twin(_name))
