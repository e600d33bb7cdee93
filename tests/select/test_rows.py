"""Rows handed to other nodes: who may get whose, and what is left as it was."""

from collections import Counter
from itertools import combinations

import pytest
import torch
from _helpers.strategies import batch_of, batches, clique, cycle, edgeless, path
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.matching import Matching, match_edges
from graphpool_sanity.select.rows import (
    ComplementRows,
    RandomOrder,
    RandomRows,
    ShuffledRows,
    SingleRows,
    gate_clusters,
    sort_by_cluster,
)

NO_EDGES = torch.empty(2, 0, dtype=torch.long)
seeds = st.integers(0, 2**62 - 1)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


def chance(*shape, seed, below):
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed))


def unsorted_batch(size, seed):
    return chance(size, seed=seed, below=4)


def partition(cluster):
    groups = {}
    for node, number in enumerate(cluster.tolist()):
        groups.setdefault(number, set()).add(node)
    return {frozenset(group) for group in groups.values()}


@both_modes
@given(size=st.integers(0, 30), seed=seeds)
def test_each_row_goes_to_one_node_of_its_graph(size, seed, training):
    batch = unsorted_batch(size, seed)
    row = ShuffledRows(seed).train(training).rows(batch)
    assert sorted(row.tolist()) == list(range(size))
    assert torch.equal(batch[row], batch)


@both_modes
@given(size=st.integers(0, 30), seed=seeds)
def test_padding_keeps_its_rows(size, seed, training):
    batch, mask = unsorted_batch(size, seed), chance(size, seed=seed + 1, below=2).bool()
    row = ShuffledRows(seed).train(training).rows(batch, mask)
    assert sorted(row.tolist()) == list(range(size))
    assert torch.equal(row[~mask], (~mask).nonzero().view(-1))
    assert torch.equal(batch[row], batch)


@given(size=st.integers(1, 30), seed=seeds)
def test_evaluation_knows_a_graph_by_the_order_of_its_nodes_alone(size, seed):
    batch, order = unsorted_batch(size, seed), RandomOrder(seed).eval()
    _, together = order(batch)
    for graph in batch.unique():
        own = (batch == graph).nonzero().view(-1)
        _, alone = order(torch.zeros_like(own))
        assert torch.equal(together[batch[together] == graph], own[alone])


@both_modes
@given(size=st.integers(0, 30), seed=seeds)
def test_dealt_clusters_follow_from_sizes_alone(size, seed, training):
    batch = unsorted_batch(size, seed)
    cluster = batch * 5 + chance(size, seed=seed + 1, below=5)
    other = cluster[ShuffledRows(seed + 2).rows(batch)]  # another clustering of the same sizes
    renamed = torch.randperm(20, generator=torch.Generator().manual_seed(seed + 3))[other]
    giver, dealt = RandomRows(seed).train(training)(batch, cluster, NO_EDGES)
    row = RandomRows(seed).train(training).random_rows(batch, cluster)
    _, again = RandomRows(seed).train(training)(batch, renamed, NO_EDGES)
    assert torch.equal(dealt, cluster[row])
    assert torch.equal(giver, torch.arange(len(batch)))
    assert torch.equal(batch[row], batch)
    assert partition(dealt) == partition(again)
    assert Counter(dealt.tolist()) == Counter(cluster.tolist())


@both_modes
@given(graphs=batches(max_size=20), seed=seeds)
def test_pairs_are_as_many_as_before_or_as_can_be_and_never_neighbours(graphs, seed, training):
    size = graphs.num_nodes
    graph = read_graph(graphs.edge_index, size, graphs.batch)
    cluster = Matching(match_edges, seed).eval()(graph)
    place = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    batch, own = graphs.batch[place], cluster[place]  # the same graphs, their nodes mixed
    edge_index = place.argsort()[graphs.edge_index]

    _, apart = ComplementRows(seed).train(training)(batch, own, edge_index)

    joined = {frozenset(edge) for edge in edge_index.t().tolist()}
    pairs = [pair for pair in partition(apart) if len(pair) == 2]
    assert all(len(group) < 3 for group in partition(apart))
    assert not joined & set(pairs)
    for number in batch.unique():
        nodes = {node for node in range(size) if batch[node] == number}
        mine = [pair for pair in pairs if pair <= nodes]
        assert sum(len(pair & nodes) for pair in pairs) == 2 * len(mine)
        wanted = sum(len(pair) == 2 and pair <= nodes for pair in partition(own))
        single = nodes.difference(*mine)
        assert len(mine) <= wanted
        if len(mine) < wanted:  # then there is no pair left that could be made
            assert {frozenset(pair) for pair in combinations(single, 2)} <= joined


def test_what_cannot_be_paired_is_parted_and_keeps_its_gate():
    both = batch_of(clique(4), path(4))
    own = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    gate = torch.arange(1.0, 9.0, requires_grad=True)
    giver, cluster = ComplementRows(0)(both.batch, own, both.edge_index)
    assert torch.equal(giver, torch.arange(8))
    gates = gate_clusters(gate[giver], cluster)
    sizes = cluster.bincount()
    alone = sorted(gates[sizes == 1].tolist())
    assert alone == [1, 2, 3, 4]
    assert (gates[sizes == 2].sum() * 2).item() == 5 + 6 + 7 + 8
    gates.sum().backward()
    assert gate.grad.tolist() == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("rows", [RandomRows, ComplementRows, ShuffledRows])
@both_modes
def test_any_two_nodes_are_paired_alike(rows, training):
    """Where chance is free: in a graph without edges whose first nodes were together."""
    graph, own = batch_of(edgeless(4)), torch.tensor([0, 0, 1, 2])
    counts = Counter()
    far = chance(1500, seed=0, below=2**62)  # hashes of near seeds resemble each other
    for seed in far.tolist():
        _, cluster = rows(seed).train(training)(graph.batch, own, graph.edge_index)
        counts.update(pair for pair in partition(cluster) if len(pair) == 2)
    assert len(counts) == 6
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_training_draws_anew_and_resetting_starts_anew():
    ring = batch_of(cycle(30))
    own = torch.arange(30) // 2
    for kind in (ShuffledRows, RandomRows, ComplementRows):
        rows = kind(3)
        first, second = (rows(ring.batch, own, ring.edge_index)[1] for _ in range(2))
        assert not torch.equal(first, second)
        rows.reset_parameters()
        assert torch.equal(rows(ring.batch, own, ring.edge_index)[1], first)


@given(size=st.integers(0, 20), seed=seeds)
def test_clusters_are_listed_by_graph_and_size(size, seed):
    batch = unsorted_batch(size, seed)
    cluster = batch * 3 + chance(size, seed=seed + 1, below=3)
    sizes = Counter(cluster.tolist())
    naive = sorted(range(size), key=lambda i: (batch[i], -sizes[int(cluster[i])], cluster[i], i))
    assert sort_by_cluster(batch, cluster).tolist() == naive


def test_alone_each_node_has_its_own_row():
    row, cluster = SingleRows()(torch.zeros(3).long(), torch.tensor([0, 0, 1]), NO_EDGES)
    assert row.tolist() == cluster.tolist() == [0, 1, 2]
