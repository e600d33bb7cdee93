"""Top-k layers of PyTorch Geometric: which nodes their nulls select, and with what gates."""

from collections import Counter

import pytest
import torch
from _helpers.null_layers import HOSTILE
from _helpers.pyg_layers import LAYERS, X, call, layer, pooled_batch, weights
from _helpers.soft_oracles import normal
from scipy.stats import chisquare
from torch_geometric.nn.pool import SAGPooling, TopKPooling

from graphpool_sanity import randomize

TOP_K = [name for name in LAYERS if name[:4] in ("TopK", "SAGP", "PANP")]
every = pytest.mark.parametrize("name", TOP_K)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


def scores(pool, name):
    """The layer's score of each node, by the definition of the layers."""
    graph = HOSTILE.batch
    if name.startswith("SAG"):
        raw = pool.gnn(X, HOSTILE.edge_index)
    elif name.startswith("PAN"):
        degree = torch.zeros(len(X)).index_add_(0, HOSTILE.edge_index[1], weights(HOSTILE))
        raw = (pool.beta[0] * (X @ pool.p) + pool.beta[1] * degree).view(-1, 1)
    else:
        raw = X
    raw = (raw * pool.select.weight).sum(1)
    if pool.min_score is None:
        return (raw / pool.select.weight.norm()).tanh()
    same = graph.unsqueeze(0) == graph.unsqueeze(1)
    return raw.exp() / (same * raw.exp()).sum(1)


@every
@both_modes
def test_nodes_by_chance_have_their_own_scores_as_gates(name, training):
    pool = layer(name)
    x, *_, node, gate = call(randomize(pool, "random", 0).train(training), name)
    assert len(node.unique()) == len(node)
    torch.testing.assert_close(gate, scores(pool, name)[node])
    torch.testing.assert_close(x, pool.multiplier * X[node] * gate.view(-1, 1))


@every
@both_modes
def test_a_shuffle_keeps_the_gates_of_each_graph(name, training):
    pool = layer(name)
    *_, batch, own_node, own_gate = call(pool, name)
    x, *_, shuffled_batch, node, gate = call(randomize(pool, "shuffle", 0).train(training), name)
    assert torch.equal(shuffled_batch, batch)
    assert torch.equal(gate, own_gate)
    assert torch.equal(HOSTILE.batch[node], HOSTILE.batch[own_node])
    assert len(node.unique()) == len(node)
    assert not torch.equal(node, own_node)
    torch.testing.assert_close(x, pool.multiplier * X[node] * own_gate.view(-1, 1))


@every
def test_all_nodes_have_their_own_scores_as_gates(name):
    pool = layer(name)
    *_, node, gate = call(randomize(pool, "none"), name)
    assert node.tolist() == list(range(len(X)))
    torch.testing.assert_close(gate, scores(pool, name))


@pytest.mark.parametrize("name", [name for name in TOP_K if not name.endswith("score")])
@both_modes
def test_nodes_by_chance_follow_neither_features_nor_edges(name, training):
    one, two = (randomize(layer(name), "random", 0).train(training) for _ in range(2))
    edges = HOSTILE.edge_index
    rewired = HOSTILE._replace(edge_index=edges[:, ::2].flip(0))
    node = call(one, name)[-2]
    other = call(two, name, normal(*X.shape, seed=9).float(), rewired)[-2]
    assert torch.equal(node, other)


@pytest.mark.parametrize("null", ["random", "shuffle"])
def test_every_node_is_as_likely(null):
    pool = randomize(layer("TopKPooling"), null, 0).train()
    counts = Counter()
    for _ in range(400):
        counts.update(call(pool, "TopKPooling")[-2].tolist())
    ring = [counts[node] for node in range(5)]  # three of five
    assert sum(ring) == 1200
    assert chisquare(ring).pvalue > 1e-3


@pytest.mark.parametrize("ratio", [1, 3, 50, 0.01, 0.99])
@pytest.mark.parametrize("build", [TopKPooling, SAGPooling])
def test_any_ratio_selects_as_many_of_each_graph(build, ratio):
    torch.manual_seed(0)
    pool = build(X.size(1), ratio)
    sizes = pooled_batch("TopK", call(pool, "TopK")).bincount()
    for null in ("random", "shuffle"):
        out = call(randomize(pool, null, 0), "TopK")
        assert torch.equal(pooled_batch("TopK", out).bincount(), sizes)


def test_attention_from_elsewhere_is_what_selects():
    pool, attn = layer("TopKPooling"), normal(*X.shape, seed=5).float()
    null = randomize(pool, "none")
    gate = null(X, HOSTILE.edge_index, batch=HOSTILE.batch, attn=attn)[-1]
    own = (attn * pool.select.weight).sum(1) / pool.select.weight.norm()
    torch.testing.assert_close(gate, own.tanh())
