"""DMoNPooling and MemPooling: the assignments of their nulls."""

import pytest
import torch
from _helpers.null_layers import HOSTILE, K
from _helpers.pyg_layers import X, call, layer
from _helpers.soft_oracles import dense, members, normal

from graphpool_sanity import randomize
from graphpool_sanity.nulls.pyg_memory import as_memory_pool

MASK = dense(HOSTILE, X.double(), padding=2).mask
every = pytest.mark.parametrize("name", ["DMoNPooling", "MemPooling"])
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


def assignment(pool, name, x=X):
    out = call(pool, name, x)
    return out[0 if name == "DMoNPooling" else 1]


def by_graph(s):
    """The rows of the nodes of each graph, and nothing else may be in S."""
    mask = dense(HOSTILE, X.double()).mask
    assert not s[~mask].any()
    return [s[g, : len(own)] for g, own in enumerate(members(HOSTILE))]


def ordered(rows):
    return rows[rows[:, 0].argsort()]


@every
@both_modes
def test_a_shuffle_permutes_the_rows_of_each_graph(name, training):
    pool = layer(name)
    own = by_graph(assignment(pool, name))
    shuffled = by_graph(assignment(randomize(pool, "shuffle", 0).train(training), name))
    moved = 0
    for mine, theirs in zip(own, shuffled, strict=True):
        torch.testing.assert_close(ordered(mine), ordered(theirs))
        moved += not torch.allclose(mine, theirs)
    assert moved > 1


@every
@both_modes
def test_rows_by_chance_are_those_of_the_place_alone(name, training):
    pool = randomize(layer(name), "random", 0).train(training)
    largest = max(members(HOSTILE), key=len)
    rows = by_graph(assignment(pool, name))
    wanted = max(rows, key=len)
    assert len(wanted) == len(largest)
    assert len(wanted.unique(dim=0)) == len(wanted)
    for mine in rows:
        assert torch.equal(mine, wanted[: len(mine)])
    assert all(
        torch.equal(mine, theirs)
        for mine, theirs in zip(rows, by_graph(assignment(pool, name, X + 1)), strict=True)
    )


@every
def test_without_pooling_all_clusters_are_one(name):
    for rows in by_graph(assignment(randomize(layer(name), "none"), name)):
        torch.testing.assert_close(rows, torch.full_like(rows, 1 / K))


def test_the_twin_of_mem_pooling_gives_what_it_gives():
    pool = layer("MemPooling")
    for mine, theirs in zip(
        call(pool, "MemPooling"), call(as_memory_pool(pool), "MemPooling"), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_a_network_without_mask_takes_all_rows_for_nodes():
    x, adj, _ = dense(HOSTILE, X.double())
    pool = layer("DMoNPooling").double()
    own, *_ = pool(x, adj)
    s, *_ = randomize(pool, "shuffle", 0)(x, adj)
    for mine, theirs in zip(own, s, strict=True):
        torch.testing.assert_close(ordered(mine), ordered(theirs))


def test_one_graph_alone_is_a_batch_of_one():
    adj = normal(6, 6).abs().float()
    pool = randomize(layer("DMoNPooling"), "shuffle", 0)
    call(pool, "DMoNPooling")
    assert pool.mlp.mask is None  # that of one call is not kept for the next
    assert pool(X[:6], adj)[0].shape == (1, 6, K)
