"""PyTorch Geometric's pooling layers, as the tests of their nulls build and call them."""

import pytest
import torch
from torch_geometric.nn import DMoNPooling, GCNConv, MemPooling
from torch_geometric.nn.pool import (
    ASAPooling,
    ClusterPooling,
    EdgePooling,
    PANPooling,
    SAGPooling,
    TopKPooling,
)
from torch_geometric.typing import WITH_TORCH_SPARSE, SparseTensor
from torch_geometric.utils import to_undirected

from _helpers.null_layers import HOSTILE, LARGE, F, K, batch_for, on_cpu  # noqa: F401 (as ours)
from _helpers.soft_oracles import dense, normal

X = normal(HOSTILE.num_nodes, F).float()
LAYERS = {
    "TopKPooling": lambda: TopKPooling(F),
    "TopKPooling of a score": lambda: TopKPooling(F, min_score=0.3, multiplier=2.0),
    "SAGPooling": lambda: SAGPooling(F, ratio=2, GNN=GCNConv),
    "ASAPooling": lambda: ASAPooling(F),
    "ASAPooling with a GNN": lambda: ASAPooling(F, 0.7, GCNConv, add_self_loops=True),
    "EdgePooling": lambda: EdgePooling(F),
    "EdgePooling by sigmoid": lambda: EdgePooling(F, EdgePooling.compute_edge_score_sigmoid),
    "ClusterPooling": lambda: ClusterPooling(F),
    "ClusterPooling by sigmoid": lambda: ClusterPooling(F, "sigmoid"),
    "DMoNPooling": lambda: DMoNPooling([F, 6], K),
    "MemPooling": lambda: MemPooling(F, 5, 2, K),
}
if WITH_TORCH_SPARSE:
    LAYERS["PANPooling"] = lambda: PANPooling(F)

_TOP_K = ["random", "shuffle", "frozen", "none"]
_BY_KIND = {
    "TopK": _TOP_K,
    "SAGP": _TOP_K,
    "PANP": _TOP_K,
    "ASAP": ["shuffle", "random", "frozen", "none"],
    "Edge": ["complement", "random", "shuffle", "frozen", "none"],
    "Clus": ["random", "shuffle", "frozen", "none"],
    "DMoN": ["random", "shuffle", "frozen", "none"],
    "MemP": ["distance", "random", "shuffle", "frozen", "none"],
}
NULLS = {name: _BY_KIND[name[:4]] for name in LAYERS}
PAIRS = [(name, null) for name, nulls in NULLS.items() for null in nulls]
SOFT = ("DMoNPooling", "MemPooling")


def pairs(wanted=lambda layer, null: True):
    chosen = [pair for pair in PAIRS if wanted(*pair)]
    return pytest.mark.parametrize(("name", "null"), chosen, ids=map("-".join, chosen))


def features(graphs):
    return normal(graphs.num_nodes, F).float()


def layer(name, seed=0):
    torch.default_generator.manual_seed(seed)
    return LAYERS[name]().eval()  # in float32: ClusterPooling knows no other


def call(pool, name, x=X, graphs=HOSTILE, padding=0):
    """What the layer, or its null, returns for a batch in the form that the layer takes."""
    if name == "DMoNPooling":
        both_ways = to_undirected(graphs.edge_index)
        both = on_cpu(graphs._replace(edge_index=both_ways))
        y, adj, mask = dense(both, x.cpu().double(), padding=padding)
        return pool(y.to(x), adj.to(x), mask.to(x.device))
    if name == "MemPooling":
        return pool(x, graphs.batch)
    if name.startswith("PAN"):
        row, col = graphs.edge_index
        size = (graphs.num_nodes, graphs.num_nodes)
        return pool(x, SparseTensor(row, None, col, weights(graphs), size), graphs.batch)
    if name.startswith("ASA"):
        return pool(x, graphs.edge_index, weights(graphs), graphs.batch)
    return pool(x, graphs.edge_index, batch=graphs.batch)


def weights(graphs):
    """A weight for each edge, the same in a batch and alone."""
    start = torch.searchsorted(graphs.batch, graphs.batch)
    place = graphs.edge_index - start[graphs.edge_index]
    return 1 + (3 * place[0] + place[1]).sin().abs()


def pooled(name, out):
    x = out[1] if name == "DMoNPooling" else out[0]
    return x, None if name in SOFT else pooled_batch(name, out)


def pooled_batch(name, out):
    """The graph of each cluster that a hard layer gives."""
    place = {"Edge": 2, "Clus": 2}.get(name[:4], 3)
    return out[place]
