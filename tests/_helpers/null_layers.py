"""The layers whose nulls are under test, a batch made to break them, and how each is called."""

import pytest
import torch

from _helpers.soft_oracles import dense, normal
from _helpers.strategies import batch_of, clique, cycle, edgeless, path, star
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
    matched_nulls,
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
PAIRS = [(name, null) for name, build in LAYERS.items() for null in matched_nulls(build())]

# An empty graph in between, lone nodes, no edges, loops, and edges that come twice.
_PLAIN = batch_of(cycle(5), edgeless(1), (0, []), star(4), path(7), edgeless(3), clique(4))
HOSTILE = _PLAIN._replace(
    edge_index=torch.cat([_PLAIN.edge_index, torch.tensor([[0, 0, 1, 5, 6], [0, 1, 0, 5, 7]])], 1)
)
X = normal(HOSTILE.num_nodes, F)


def pairs(wanted=lambda layer, null: True):
    chosen = [pair for pair in PAIRS if wanted(*pair)]
    return pytest.mark.parametrize(("name", "null"), chosen, ids=map("-".join, chosen))


def layer(name, seed=0):
    torch.manual_seed(seed)
    return LAYERS[name]().double().eval()


def is_hard(name):
    return name.endswith(("GraclusPool", "MatchingPool"))


def on_cpu(graphs):
    return graphs._replace(edge_index=graphs.edge_index.cpu(), batch=graphs.batch.cpu())


def call(pool, name, x=X, graphs=HOSTILE, padding=0):
    """What the layer, or its null, returns for a batch in the form that the layer takes."""
    if is_hard(name):
        attr = normal(graphs.edge_index.size(1), 2).to(x)
        return pool(x, graphs.edge_index, attr, graphs.batch)
    if "Memory" in name:
        return pool(x, graphs.batch)
    if name == "DiffPool":
        return pool(*(t.to(x.device) for t in dense(on_cpu(graphs), x.cpu(), padding=padding)))
    return pool(x, graphs.edge_index, batch=graphs.batch)


def same(out, other):
    return all(map(torch.equal, out, other))
