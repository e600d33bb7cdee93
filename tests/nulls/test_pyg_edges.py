"""Layers of PyTorch Geometric that contract edges: who is merged by their nulls, with what gate."""

from collections import Counter

import pytest
import torch
from _helpers.null_layers import HOSTILE
from _helpers.nulls import tensors
from _helpers.pyg_layers import LAYERS, X, call, layer, pooled_batch
from _helpers.soft_oracles import normal
from torch import nn

from graphpool_sanity import randomize

EDGE = [name for name in LAYERS if name.startswith("Edge")]
CONTRACTING = [name for name in LAYERS if name[:4] in ("Edge", "Clus")]
of_edges = pytest.mark.parametrize("name", EDGE)
contracting = pytest.mark.parametrize("name", CONTRACTING)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


class SameRows(nn.Module):
    def forward(self, batch, cluster, edge_index):
        return torch.arange(len(batch)), cluster


def sizes(cluster):
    """How many clusters of each size each graph has."""
    graphs = [cluster[HOSTILE.batch == g] for g in HOSTILE.batch.unique()]
    return [Counter(own.unique(return_counts=True)[1].tolist()) for own in graphs]


@contracting
def test_with_its_own_clusters_it_is_the_layer(name):
    pool = layer(name)
    null = randomize(pool, "shuffle", 0)
    null.regroup = SameRows()
    for mine, theirs in zip(tensors(call(pool, name)), tensors(call(null, name)), strict=True):
        torch.testing.assert_close(mine, theirs)


@contracting
@both_modes
@pytest.mark.parametrize("null", ["random", "shuffle"])
def test_chance_keeps_the_sizes_of_the_clusters_of_each_graph(name, null, training):
    pool = layer(name)
    own = call(pool, name)[-1].cluster
    cluster = call(randomize(pool, null, 0).train(training), name)[-1].cluster
    assert sizes(cluster) == sizes(own)
    assert not torch.equal(cluster, own)


@of_edges
@both_modes
def test_a_shuffle_hands_the_gates_on_with_the_clusters(name, training):
    pool = layer(name)
    own, out = call(pool, name), call(randomize(pool, "shuffle", 0).train(training), name)
    torch.testing.assert_close(out[-1].new_edge_score, own[-1].new_edge_score)
    assert torch.equal(out[2], own[2])
    assert torch.equal(out[-1].cluster.bincount(), own[-1].cluster.bincount())


@of_edges
@both_modes
@pytest.mark.parametrize("null", ["random", "complement"])
def test_chance_gates_a_cluster_by_the_gates_of_its_nodes(name, null, training):
    pool = layer(name)
    own = call(pool, name)[-1]
    out = call(randomize(pool, null, 0).train(training), name)[-1]
    gates = own.new_edge_score[own.cluster]
    for cluster, gate in enumerate(out.new_edge_score):
        torch.testing.assert_close(gate, gates[out.cluster == cluster].mean())
    assert not torch.equal(out.cluster, own.cluster)


@contracting
@both_modes
def test_clusters_by_chance_follow_neither_features_nor_edges(name, training):
    """Whatever merges: the clusters are the same if the layer's have the same sizes."""

    def together(pool, x):
        cluster = call(pool, name, x)[-1].cluster
        return cluster.unsqueeze(0) == cluster.unsqueeze(1)

    pool = layer(name)
    seen = {}
    for seed in range(60):
        x = normal(*X.shape, seed=seed).float()
        key = str(sizes(call(pool, name, x)[-1].cluster))
        found = together(randomize(pool, "random", 0).train(training), x)
        assert torch.equal(seen.setdefault(key, found), found)
    assert len(seen) < 60


@contracting
def test_resetting_starts_chance_anew(name):
    null = randomize(layer(name).train(), "shuffle", 0)
    own = (HOSTILE.batch, torch.arange(len(X)), HOSTILE.edge_index)
    first = null.regroup(*own)[0]
    assert not torch.equal(null.regroup(*own)[0], first)
    null.reset_parameters()
    assert torch.equal(null.regroup(*own)[0], first)


@of_edges
@both_modes
def test_complement_pairs_are_never_edges(name, training):
    pool = layer(name)
    null = randomize(pool, "complement", 0).train(training)
    x, edges, batch, info = call(null, name)
    u, v = HOSTILE.edge_index
    assert not ((info.cluster[u] == info.cluster[v]) & (u != v)).any()
    assert torch.equal(batch[info.cluster], HOSTILE.batch)
    own = sizes(call(pool, name)[-1].cluster)
    for number, (mine, theirs) in enumerate(zip(sizes(info.cluster), own, strict=True)):
        assert mine[2] <= theirs[2]
        if number in (0, 3):  # the ring and the path of seven nodes, not the star or the clique
            assert mine == theirs
    summed = torch.zeros_like(x).index_add_(0, info.cluster, X)
    torch.testing.assert_close(x, summed * info.new_edge_score.view(-1, 1))
    assert edges.max() < len(x)


@of_edges
@pytest.mark.parametrize("null", ["complement", "random", "shuffle", "none"])
def test_what_was_merged_can_be_unpooled(name, null):
    pool = randomize(layer(name), null, 0)
    x, *_, info = call(pool, name)
    whole, edges, batch = pool.unpool(x, info)
    assert torch.equal(edges, HOSTILE.edge_index)
    assert torch.equal(batch, HOSTILE.batch)
    torch.testing.assert_close(whole, x[info.cluster] / info.new_edge_score[info.cluster, None])


@of_edges
def test_without_merging_each_node_has_the_gate_of_its_cluster(name):
    pool = layer(name)
    own = call(pool, name)[-1]
    x, *_ = call(randomize(pool, "none"), name)
    torch.testing.assert_close(x, X * own.new_edge_score[own.cluster].view(-1, 1))


@contracting
@pytest.mark.parametrize("null", ["random", "shuffle", "none"])
def test_graphs_without_edges_are_left_single(name, null):
    lone = HOSTILE._replace(edge_index=HOSTILE.edge_index[:, :0])
    out = call(randomize(layer(name), null, 0), name, graphs=lone)
    assert torch.equal(pooled_batch(name, out).bincount(), HOSTILE.batch.bincount())
