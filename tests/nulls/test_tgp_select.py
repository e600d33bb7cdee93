"""Hard layers of torch-geometric-pool: whom their nulls pool, and with what gates."""

from collections import Counter

import pytest
import torch
from _helpers.null_layers import HOSTILE
from _helpers.strategies import clique, cycle, edgeless, path, star
from _helpers.tgp_layers import (
    HARD,
    MIXED,
    NULLS,
    PAIRS,
    TOP_K,
    X,
    batch_for,
    by_graph,
    call,
    cases,
    counted,
    layer,
    rows,
)
from torch_geometric.utils import add_self_loops

from graphpool_sanity import randomize

GATED = ("ec", "kmis", "maxcut")


@cases(
    lambda name, null: (
        null == "random" and name in ("eigen", *HARD) and name not in (*TOP_K, *GATED)
    )
)
def test_clusters_by_chance_keep_their_rows_too(name, null):
    graphs = batch_for(name)
    pool = layer(name)
    own = rows(call(pool, name, graphs), graphs)
    out = rows(call(randomize(pool, null, 0), name, graphs), graphs)
    for mine, theirs in zip(own, out, strict=True):
        assert counted(mine) == counted(theirs)


@cases(lambda name, null: null in ("random", "complement") and name in GATED)
def test_clusters_by_chance_leave_the_nodes_their_gates(name, null):
    pool = layer(name)
    own, every, out = (
        call(randomize(pool, other, 0) if other else pool, name).so for other in ("", "none", null)
    )
    torch.testing.assert_close(out.s.values(), every.s.values()[out.s.indices()[0]])
    torch.testing.assert_close(own.s.values(), every.s.values()[own.s.indices()[0]])
    if null == "random":
        assert sizes(out) == sizes(own)
    assert out.s.values().requires_grad


def sizes(so):
    """How many clusters of each size each graph has."""
    node, cluster = so.s.indices()
    graph = HOSTILE.batch[node]
    own = [cluster[graph == g].unique(return_counts=True)[1] for g in HOSTILE.batch.unique()]
    return [Counter(counts.tolist()) for counts in own]


@cases(lambda name, null: null == "random" and name in TOP_K)
def test_nodes_by_chance_have_their_own_scores_as_gates(name, null):
    pool = layer(name)
    every = call(randomize(pool, "none", 0), name).so
    out, other = (call(randomize(pool, null, 3), name, x=x).so for x in (X, X.flip(0)))
    assert torch.equal(every.node_index, torch.arange(len(X)))
    torch.testing.assert_close(out.weight, every.weight[out.node_index])
    assert torch.equal(out.node_index, other.node_index)
    own = call(pool, name).so
    assert torch.equal(
        HOSTILE.batch[out.node_index].bincount(), HOSTILE.batch[own.node_index].bincount()
    )
    torch.testing.assert_close(own.weight, every.weight[own.node_index])


@cases(lambda name, null: null == "none" and name in HARD)
def test_without_pooling_nodes_stay_in_their_order(name, null):
    out = call(randomize(layer(name), null), name)
    assert torch.equal(out.so.s.indices(), torch.arange(len(X)).expand(2, -1))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_complement_pairs_are_never_edges(name, training):
    graphs, pool = by_graph(cycle(5), clique(4), edgeless(1), path(7), star(4)), layer(name)
    null = randomize(pool, "complement", 0).train(training)
    own, out = call(pool, name, graphs), call(null, name, graphs)
    cluster = out.so.cluster_index
    u, v = graphs.edge_index
    assert not ((cluster[u] == cluster[v]) & (u != v)).any()
    assert torch.equal(out.batch[cluster], graphs.batch)
    assert (out.batch.diff() >= 0).all()
    pairs = [
        torch.zeros_like(o.batch.bincount()).index_add_(0, o.batch, (sizes == 2).long())
        for o in (own, out)
        for sizes in [o.so.cluster_index.bincount()]
    ]
    assert (pairs[1] <= pairs[0]).all()
    assert (pairs[1] == pairs[0]).tolist() == [True, False, True, True, True]  # but the clique
    torch.testing.assert_close(out.so.weight, own.so.weight)


@pytest.mark.parametrize("assign_all_nodes", [True, False])
@pytest.mark.parametrize("null", NULLS["maxcut"])
def test_max_cut_keeps_its_loss_and_its_gates(null, assign_all_nodes):
    pool = layer("maxcut", assign_all_nodes=assign_all_nodes)
    own, out = call(pool, "maxcut"), call(randomize(pool, null, 0), "maxcut")
    if null != "frozen":
        assert torch.equal(own.loss["maxcut_loss"], out.loss["maxcut_loss"])
    if null == "none":
        assert torch.equal(out.so.weight, own.so.scores)


@pytest.mark.parametrize("seed", range(5))
def test_nodes_in_no_cluster_are_told_apart_by_their_graph(seed):
    pool = randomize(layer("maxcut", assign_all_nodes=False), "random", seed)
    three = by_graph(edgeless(3))
    together = rows(call(pool, "maxcut"), MIXED)[5]  # where they are others
    alone = call(pool, "maxcut", three).so.s.to_dense()
    assert torch.equal(alone.any(1), together.any(1))
    assert alone.any(1).sum() == 2


@pytest.mark.parametrize("null", NULLS["kmis"])
def test_centres_of_independent_sets_move_with_their_clusters(null):
    pool = layer("kmis", reduce_red_op=None)
    out = call(randomize(pool, null, 0), "kmis")
    assert torch.equal(out.so.cluster_index[out.so.mis].sort().values, torch.arange(len(out.x)))
    assert torch.equal(out.batch, MIXED.batch[out.so.mis])


@pytest.mark.parametrize("null", NULLS["eigen"])
def test_eigenvectors_move_with_the_rows(null):
    for graphs in (MIXED, by_graph(path(9))):
        null_layer = randomize(layer("eigen"), null, 0)
        own, out = call(layer("eigen"), "eigen", graphs), call(null_layer, "eigen", graphs)
        whole = [
            torch.cat([so.s, torch.cat(so.theta) if isinstance(so.theta, list) else so.theta], 1)
            for so in (own.so, out.so)
        ]
        for g in graphs.batch.unique():
            assert counted(whole[0][graphs.batch == g]) == counted(whole[1][graphs.batch == g])
        assert not torch.equal(*whole)


@pytest.mark.parametrize("null", NULLS["sep"])
def test_several_levels_coarsened_beforehand_are_exchanged(null):
    pool = randomize(layer("sep"), null, 0)
    levels = pool.multi_level_precoarsening(
        2, MIXED.edge_index, batch=MIXED.batch, num_nodes=len(X)
    )
    own = layer("sep").multi_level_precoarsening(
        2, MIXED.edge_index, batch=MIXED.batch, num_nodes=len(X)
    )
    batch = MIXED.batch
    for mine, level in zip(own, levels, strict=True):
        assert torch.equal(level.batch[level.so.cluster_index], batch)
        if null != "none":
            assert torch.equal(mine.batch, level.batch)
            assert not torch.equal(mine.so.cluster_index, level.so.cluster_index)
        batch = level.batch


@pytest.mark.parametrize("null", NULLS["graclus"])
def test_what_is_pooled_can_be_lifted(null):
    pool = randomize(layer("graclus", s_inv_op="inverse"), null, 0)
    out = call(pool, "graclus")
    assert pool(x=out.x, so=out.so, lifting=True).shape == X.shape


def test_self_loops_are_no_obstacle():
    loops = MIXED._replace(edge_index=add_self_loops(MIXED.edge_index)[0])
    for name in ("ec", "graclus", "kmis"):
        for null in NULLS[name]:
            assert call(randomize(layer(name), null, 0), name, loops).x.isfinite().all()
