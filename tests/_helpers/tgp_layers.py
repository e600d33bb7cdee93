"""torch-geometric-pool's layers, as the tests of their nulls build and call them."""

import warnings
from collections import Counter

import numpy as np
import pytest
import torch

from _helpers.null_layers import HOSTILE, F, K
from _helpers.soft_oracles import normal
from _helpers.strategies import Graphs, batch_of, cycle, edgeless, erdos_renyi, path, star

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tgp.poolers as poolers
        import torch_cluster  # noqa: F401  (what its Graclus is)
        import torch_sparse
except ImportError as error:  # its layers cannot even be imported without torch-scatter
    needed = "torch-geometric-pool, torch-cluster and torch-sparse"
    pytest.skip(f"needs {needed}: {error}", allow_module_level=True)

TOP_K = ("asap", "pan", "sag", "topk")
PAIRS = ("ec", "graclus")
HARD = (*TOP_K, *PAIRS, "kmis", "maxcut", "ndp", "sep")
MLP = ("acc", "bnpool", "diff", "dmon", "hosc", "jb", "mincut")
SOFT = (*MLP, "lap", "nmf")
NULLS = {
    **{name: ["random", "shuffle", "frozen", "none"] for name in (*TOP_K, "kmis", "maxcut", *MLP)},
    **{name: ["random", "shuffle", "none"] for name in ("ndp", "sep", "lap", "nmf")},
    "ec": ["complement", "random", "shuffle", "frozen", "none"],
    "graclus": ["complement", "random", "shuffle", "none"],
    "eigen": ["random", "shuffle"],
    "nopool": ["none"],
}
# Those draw from global generators at each call, whatever the mode.
RANDOM = ("bnpool", "eigen", "graclus", "maxcut", "ndp", "nmf")
UNBATCHED = (*MLP, "lap")
CASES = [(name, null) for name, nulls in NULLS.items() for null in nulls]


def by_graph(*graphs):
    """A batch with its edges both ways, graph by graph, as some of the layers need them."""
    batch = batch_of(*[(size, edges + [(v, u) for u, v in edges]) for size, edges in graphs])
    return batch._replace(edge_index=batch.edge_index.contiguous())


_BOTH_WAYS = torch.cat([HOSTILE.edge_index, HOSTILE.edge_index.flip(0)], 1)
MIXED = HOSTILE._replace(
    edge_index=_BOTH_WAYS[:, HOSTILE.batch[_BOTH_WAYS[0]].argsort(stable=True)]
)
_FIRST = HOSTILE.batch < 4  # with all of its loops, and of its edges that come twice
SMALL = Graphs(
    MIXED.edge_index[:, _FIRST[MIXED.edge_index[0]]], int(_FIRST.sum()), HOSTILE.batch[_FIRST]
)
# Without a graph that has no edges: unbatched, soft layers take it for the one after it.
JOINED = by_graph(cycle(12), path(14), star(9))
NOT_EMPTY = by_graph(cycle(5), edgeless(1), path(7), edgeless(3), star(6))
X = normal(MIXED.num_nodes, F).float()
LARGE = by_graph(cycle(3), erdos_renyi(90, 0.06, 0))


def cases(wanted=lambda name, null: True):
    chosen = [case for case in CASES if wanted(*case)]
    return pytest.mark.parametrize(("name", "null"), chosen, ids=map("-".join, chosen))


def layer(name, seed=0, **options):
    torch.default_generator.manual_seed(seed)
    return poolers.get_pooler(name, in_channels=F, k=K, ratio=0.5, **options).eval()


def call(pool, name, graphs=MIXED, x=None):
    """The output for a batch, of what draws always at the same point of the global generators."""
    if name in RANDOM:
        torch.default_generator.manual_seed(0)
        np.random.seed(0)
    x = features(graphs) if x is None else x
    adj = graphs.edge_index
    if name == "pan":
        value, size = torch.ones(adj.size(1)).to(x), (graphs.num_nodes, graphs.num_nodes)
        adj = torch_sparse.SparseTensor(row=adj[0], col=adj[1], value=value, sparse_sizes=size)
    return pool(x=x, adj=adj, batch=graphs.batch)


def batch_for(name):
    """The most hostile batch that the layer itself can take or has clusters for, or has in time."""
    if name in ("eigen", "ndp", "sep"):
        return SMALL
    return {"nmf": JOINED, "lap": JOINED, "acc": NOT_EMPTY}.get(name, MIXED)


def features(graphs):
    return normal(graphs.num_nodes, F).float()


def pooled(name, out):
    return out.x, None if name in SOFT else out.batch


def rows(out, graphs):
    """The rows of S of each graph, as lists to compare."""
    s = out.so.s.to_dense()
    if s.dim() == 3:
        return [s[g, : int(n)] for g, n in enumerate(graphs.batch.bincount())]
    return [s[graphs.batch == g] for g in range(int(graphs.batch.max()) + 1)]


def counted(s):
    """Each row with how often it is there."""
    return Counter(tuple(row) for row in s.detach().numpy().round(5).tolist())
