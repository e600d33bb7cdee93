"""Factories of every pooling layer that is known, for nodes with so many channels."""

import inspect
from importlib.util import find_spec

from torch_geometric.nn import (
    ASAPooling,
    ClusterPooling,
    DMoNPooling,
    EdgePooling,
    MemPooling,
    PANPooling,
    SAGPooling,
    TopKPooling,
)

from graphpool_sanity import (
    ComplementGraclusPool,
    DiffPool,
    DistanceMemoryPool,
    GraclusPool,
    MemoryPool,
    MinCutPool,
    RandomDiffPool,
    RandomMatchingPool,
    RandomMemoryPool,
    RandomMinCutPool,
)

K, LIMIT = 3, 12

OURS = {
    "graclus": lambda c: GraclusPool(),
    "complement": lambda c: ComplementGraclusPool(),
    "matching": lambda c: RandomMatchingPool(),
    "diff": lambda c: DiffPool(c, K),
    "random diff": lambda c: RandomDiffPool(c, K),
    "mincut": lambda c: MinCutPool(c, K),
    "random mincut": lambda c: RandomMinCutPool(c, K, max_num_nodes=LIMIT),
    "memory": lambda c: MemoryPool(c, c, 2, K),
    "distance": lambda c: DistanceMemoryPool(c, c, 2, K),
    "random memory": lambda c: RandomMemoryPool(c, c, K, max_num_nodes=LIMIT),
}
# On a graph without edges the losses of PyG's DMoNPooling are NaN.
EDGELESS = {"dmon": 0}
PYG = {
    "topk": TopKPooling,
    "sag": SAGPooling,
    "asap": ASAPooling,
    "edge": EdgePooling,
    "cluster": ClusterPooling,
    "mem": lambda c: MemPooling(c, c, 2, K),
    "dmon": lambda c: DMoNPooling(c, K),
}
# It takes what PANConv returns in place of edges, for which it needs torch-sparse.
PAN = {"pan": PANPooling} if find_spec("torch_sparse") else {}


def _of_tgp():
    try:
        from tgp.poolers import pooler_map
    except ImportError:
        return {}

    def factory(kind):
        names = inspect.signature(kind).parameters

        def make(channels):
            known = {"in_channels": channels, "k": K, "num_modes": 1, "cached": False}
            return kind(**{name: value for name, value in known.items() if name in names})

        return make

    return {name: factory(kind) for name, kind in pooler_map.items()}


TGP = _of_tgp()
