"""Soft layers of torch-geometric-pool: the shares that their nulls give."""

import pytest
import torch
from _helpers.tgp_layers import (
    JOINED,
    MIXED,
    MLP,
    SOFT,
    UNBATCHED,
    batch_for,
    call,
    cases,
    features,
    layer,
    rows,
)

from graphpool_sanity import randomize


@cases(lambda name, null: null == "random" and name in SOFT)
def test_shares_by_chance_are_those_of_the_place_alone(name, null):
    graphs = batch_for(name)
    pool = randomize(layer(name), null, 0)
    mine = rows(call(pool, name, graphs), graphs)
    wanted = max(mine, key=len)
    assert len(wanted.unique(dim=0)) == len(wanted)
    for s in mine:
        torch.testing.assert_close(s.sum(1), torch.ones(len(s)))
        if name in MLP:
            assert torch.equal(s, wanted[: len(s)])
    if name in MLP:
        rewired = graphs._replace(edge_index=graphs.edge_index[:, ::2])
        other = rows(call(pool, name, rewired, features(graphs).flip(0)), graphs)
        assert all(map(torch.equal, mine, other))


@cases(lambda name, null: null == "none" and name in SOFT)
def test_without_pooling_all_clusters_of_a_graph_are_one(name, null):
    graphs = batch_for(name)
    own = rows(call(layer(name), name, graphs), graphs)
    out = rows(call(randomize(layer(name), null), name, graphs), graphs)
    for mine, s in zip(own, out, strict=True):
        used = mine.any(0) | (len(s) == 0)
        torch.testing.assert_close(s[:, used], torch.full_like(s[:, used], 1 / int(used.sum())))
        assert not s[:, ~used].any()


@cases(lambda name, null: name in UNBATCHED)
@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
def test_unbatched_assignments_are_exchanged_alike(name, null, sparse):
    pool = layer(name, batched=False, sparse_output=sparse)
    flat = call(randomize(pool, null, 0), name, JOINED)
    padded = call(randomize(layer(name), null, 0), name, JOINED)
    assert torch.equal(flat.so.batch, JOINED.batch)
    assert flat.x.isfinite().all()
    if name not in ("bnpool", "lap"):
        for mine, theirs in zip(rows(flat, JOINED), rows(padded, JOINED), strict=True):
            torch.testing.assert_close(mine, theirs)


def test_a_cluster_that_the_layer_leaves_empty_is_not_so_by_chance():
    pool = layer("mincut")
    with torch.no_grad():
        pool.selector.mlp.lins[-1].bias[0] = -1e4
    assert not call(pool, "mincut").so.s[..., 0].any()
    for null in ("random", "none"):
        s = call(randomize(pool, null, 0), "mincut").so.s
        assert (s[..., 0] > 0).sum() == MIXED.num_nodes
