"""Which modules are pooling layers, as far as their names tell."""

from torch import nn
from torch_geometric.nn.aggr import Aggregation


def calls_itself_pooling(module: nn.Module) -> bool:
    """Whether a module's class has a name that ends with Pool or Pooling.

    But for torch's own, which pool images, and for PyG's aggregations, which are readouts.

    >>> from torch_geometric.nn import TopKPooling
    >>> calls_itself_pooling(TopKPooling(2)), calls_itself_pooling(nn.AdaptiveMaxPool1d(1))
    (True, False)
    """
    kind = type(module)
    foreign = not kind.__module__.startswith("torch.nn.") and not isinstance(module, Aggregation)
    return foreign and kind.__name__.lower().endswith(("pool", "pooling"))
