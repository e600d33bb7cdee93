"""The nulls of PyTorch Geometric's ``MemPooling``: those of our ``MemoryPool``, its twin."""

from torch import nn
from torch_geometric.nn import MemPooling

from graphpool_sanity.nulls.registry import MakeNull, randomize, register_null
from graphpool_sanity.nulls.replace import check_method
from graphpool_sanity.pools.memory_pool import MemoryPool


def as_memory_pool(layer: MemPooling) -> MemoryPool:
    """A ``MemoryPool`` with the parameters of a ``MemPooling``.

    Raises:
        ValueError: if the layer is of a subclass that pools in another way.
    """
    check_method(layer, MemPooling, "forward")
    sizes = layer.in_channels, layer.out_channels, layer.heads, layer.num_clusters
    twin = MemoryPool(*sizes, tau=layer.tau).train(layer.training)
    twin.k, twin.conv, twin.lin = layer.k, layer.conv, layer.lin
    return twin


def _null_of_twin(name: str) -> MakeNull:
    def make(layer: MemPooling, seed: int) -> nn.Module:
        return randomize(as_memory_pool(layer), name, seed)

    return make


for _name in ("distance", "random", "shuffle", "frozen", "none"):
    register_null(MemPooling, _name)(_null_of_twin(_name))
