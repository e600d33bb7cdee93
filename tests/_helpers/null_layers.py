"""The layers whose nulls are under test, a batch made to break them, and how each is called."""

import pytest
import torch

from _helpers.soft_oracles import dense, normal
from _helpers.strategies import Graphs, batch_of, clique, cycle, edgeless, erdos_renyi, path, star
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

F, OUT, H, K, PLACES = 4, 5, 2, 3, 30
LAYERS = {
    "GraclusPool": lambda: GraclusPool("mean", "max"),
    "ComplementGraclusPool": ComplementGraclusPool,
    "RandomMatchingPool": RandomMatchingPool,
    "DiffPool": lambda: DiffPool(F, K),
    "RandomDiffPool": lambda: RandomDiffPool(F, K),
    "MinCutPool": lambda: MinCutPool(F, K),
    "RandomMinCutPool": lambda: RandomMinCutPool(F, K, max_num_nodes=PLACES),
    "MemoryPool": lambda: MemoryPool(F, OUT, H, K),
    "DistanceMemoryPool": lambda: DistanceMemoryPool(F, OUT, H, K),
    "RandomMemoryPool": lambda: RandomMemoryPool(F, OUT, K, max_num_nodes=PLACES),
}
# The nulls of each, the most telling first.
NULLS = {
    "GraclusPool": ["complement", "random", "shuffle", "none"],
    "ComplementGraclusPool": ["local", "random", "shuffle", "none"],
    "RandomMatchingPool": ["complement", "none"],
    "DiffPool": ["random", "shuffle", "frozen", "none"],
    "RandomDiffPool": ["shuffle", "none"],
    "MinCutPool": ["random", "shuffle", "frozen", "none"],
    "RandomMinCutPool": ["shuffle", "none"],
    "MemoryPool": ["distance", "random", "shuffle", "frozen", "none"],
    "DistanceMemoryPool": ["random", "shuffle", "frozen", "none"],
    "RandomMemoryPool": ["shuffle", "none"],
}
PAIRS = [(name, null) for name, nulls in NULLS.items() for null in nulls]
SOFT = [name for name in LAYERS if not name.endswith(("GraclusPool", "MatchingPool"))]

# An empty graph in between, lone nodes, no edges, loops, and edges that come twice.
_PLAIN = batch_of(cycle(5), edgeless(1), (0, []), star(4), path(7), edgeless(3), clique(4))
HOSTILE = _PLAIN._replace(
    edge_index=torch.cat([_PLAIN.edge_index, torch.tensor([[0, 0, 1, 5, 6], [0, 1, 0, 5, 7]])], 1)
)
X = normal(HOSTILE.num_nodes, F)
LARGE = batch_of(cycle(3), erdos_renyi(90, 0.06, 0))


def pairs(wanted=lambda layer, null: True):
    chosen = [pair for pair in PAIRS if wanted(*pair)]
    return pytest.mark.parametrize(("name", "null"), chosen, ids=map("-".join, chosen))


def layer(name, seed=0):
    torch.default_generator.manual_seed(seed)
    return LAYERS[name]().double().eval()


def batch_for(name):
    return HOSTILE


def features(graphs):
    return normal(graphs.num_nodes, F)


def on_cpu(graphs):
    return graphs._replace(edge_index=graphs.edge_index.cpu(), batch=graphs.batch.cpu())


def call(pool, name, x=X, graphs=HOSTILE, padding=0):
    """What the layer, or its null, returns for a batch in the form that the layer takes."""
    if name not in SOFT:
        attr = normal(graphs.edge_index.size(1), 2).to(x)
        return pool(x, graphs.edge_index, attr, graphs.batch)
    if "Memory" in name:
        return pool(x, graphs.batch)
    if name == "DiffPool":
        return pool(*(t.to(x.device) for t in dense(on_cpu(graphs), x.cpu(), padding=padding)))
    return pool(x, graphs.edge_index, batch=graphs.batch)


def pooled(name, out):
    """The features of the clusters, and the graph of each if the layer tells it."""
    return out[0], None if name in SOFT else out.batch


def graph_of(graphs, number):
    """A graph of a batch, alone."""
    own = (graphs.batch == number).nonzero().view(-1)
    inside = (graphs.batch == number)[graphs.edge_index[0]]
    return own, Graphs(graphs.edge_index[:, inside] - own[0], len(own), torch.zeros_like(own))
