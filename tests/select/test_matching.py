from collections import Counter
from functools import partial

import pytest
import torch
from _helpers.matching_oracles import (
    RULES,
    assert_maximal_matching,
    every_rule,
)
from _helpers.strategies import (
    Graphs,
    batch_of,
    batches,
    clique,
    cycle,
    star,
)
from hypothesis import given
from hypothesis import strategies as st

from graphpool_sanity import complement_graclus, graclus
from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.chance import mix, priorities
from graphpool_sanity.select.matching import (
    Matching,
    match_complement,
    match_edges,
    match_random,
)

both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
seeds = st.integers(0, 2**63 - 1)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


# What a matching must be


@every_rule
@both_modes
@given(graphs=batches(), seed=seeds)
def test_matchings_are_valid_maximal_and_in_order(graphs, seed, rule, training):
    select = Matching(rule, seed).train(training)
    cluster = select(read_graph(*graphs))
    assert cluster.dtype == torch.long
    assert_maximal_matching(cluster.tolist(), RULES[rule](graphs))


@pytest.mark.parametrize(
    ("function", "allowed"),
    [(graclus, Graphs.neighbours), (complement_graclus, Graphs.non_neighbours)],
)
@given(graphs=batches(), seed=seeds)
def test_functions_give_valid_and_maximal_matchings(graphs, seed, function, allowed):
    cluster = function(*graphs, generator=seeded(seed))
    assert_maximal_matching(cluster.tolist(), allowed(graphs))


@given(graphs=batches(), seed=seeds)
def test_random_matching_pairs_all_nodes_but_one_of_an_odd_graph(graphs, seed):
    cluster = Matching(match_random, seed)(read_graph(*graphs)).tolist()
    sizes = Counter(graphs.batch.tolist()).values()
    assert len(set(cluster)) == sum((size + 1) // 2 for size in sizes)


# Exactness: Graclus is the sequential algorithm, for given priorities


def visit(graphs, priority, weight=None):
    """Pair each node, by priority, with the free neighbour of its heaviest edge, or by chance."""
    heaviest = {}
    for edge, (u, v) in enumerate(graphs.edge_index.t().tolist()):
        if u != v:
            value = 0.0 if weight is None else float(weight[edge])
            for ends in ((u, v), (v, u)):
                heaviest[ends] = max(heaviest.get(ends, -torch.inf), value)
    near, mate = graphs.neighbours(), {}
    for u in sorted(range(graphs.num_nodes), key=priority.__getitem__):
        free = [v for v in near[u] if v not in mate]
        if u not in mate and free:
            v = min(free, key=lambda v: (-heaviest[u, v], mix(priority[u] ^ priority[v])))
            mate[u], mate[v] = v, u
    return [mate.get(u, u) for u in range(graphs.num_nodes)]


@pytest.mark.parametrize("weighted", [False, True])
@given(graphs=batches(), seed=seeds)
def test_graclus_is_the_sequential_algorithm(graphs, seed, weighted):
    weight = None
    if weighted:  # few distinct values, some below zero
        weight = torch.randint(-2, 3, graphs.edge_index.shape[1:], generator=seeded(seed % 99))
        weight = weight.double()
    graph = read_graph(*graphs, weight)
    priority = priorities(torch.arange(graphs.num_nodes), seed)
    assert match_edges(graph, priority).tolist() == visit(graphs, priority, weight)


@given(graphs=batches(max_size=12), seed=seeds)
def test_the_complement_of_small_graphs_is_the_sequential_algorithm(graphs, seed):
    priority = priorities(torch.arange(graphs.num_nodes), seed)
    listed = [(u, v) for u, near in enumerate(graphs.non_neighbours()) for v in near]
    inverse = graphs._replace(edge_index=torch.tensor(listed, dtype=torch.long).view(-1, 2).t())
    assert match_complement(read_graph(*graphs), priority).tolist() == visit(inverse, priority)


# Where chance comes from


@every_rule
@given(graphs=batches(), seed=seeds)
def test_evaluation_is_a_function_of_the_graph_alone(graphs, seed, rule):
    select = Matching(rule, seed).eval()
    cluster = select(read_graph(*graphs))
    for number in graphs.batch.unique().tolist():
        nodes = (graphs.batch == number).nonzero().view(-1)
        inside = graphs.batch[graphs.edge_index[0]] == number
        edge_index = graphs.edge_index[:, inside] - nodes[0]
        alone = select(read_graph(edge_index, len(nodes)))
        assert torch.equal(alone, cluster[nodes] - cluster[nodes[0]])


@every_rule
def test_evaluation_repeats_and_training_draws_anew(rule):
    graph = read_graph(*batch_of(cycle(40)))
    select = Matching(rule, seed=1)
    assert len({tuple(select(graph).tolist()) for _ in range(5)}) == 5
    select.eval()
    assert len({tuple(select(graph).tolist()) for _ in range(5)}) == 1


@pytest.mark.parametrize("function", [graclus, complement_graclus])
def test_functions_draw_from_the_generator_given_or_else_from_the_global_one(function):
    draw_with = partial(function, *batch_of(cycle(40)))
    before = torch.get_rng_state()
    own = [draw_with(generator=seeded(3)).tolist() for _ in range(2)]
    assert own[0] == own[1] != draw_with(generator=seeded(4)).tolist()
    assert torch.equal(torch.get_rng_state(), before)

    torch.manual_seed(0)
    first, second = draw_with().tolist(), draw_with().tolist()
    torch.manual_seed(0)
    assert first == draw_with().tolist() != second


# Size and shape


@every_rule
@both_modes
def test_zero_nodes_give_zero_clusters(rule, training):
    graph = read_graph(torch.empty(2, 0, dtype=torch.long), 0)
    assert Matching(rule).train(training)(graph).shape == (0,)


@every_rule
@pytest.mark.parametrize("graph", [clique(300), star(3000), cycle(3001)], ids=["K300", "star", "C"])
def test_large_graphs_are_matched_to_the_last_pair(graph, rule):
    graphs = batch_of(graph)
    cluster = Matching(rule, 0)(read_graph(*graphs)).tolist()
    assert_maximal_matching(cluster, RULES[rule](graphs))


@every_rule
def test_a_hundred_thousand_nodes_are_matched(rule):
    size = 100_000
    edge_index = torch.randint(size, (2, 5 * size), generator=seeded(0))
    cluster = Matching(rule, 0)(read_graph(edge_index, size))
    largest = torch.bincount(cluster)
    row, col = edge_index[:, edge_index[0] != edge_index[1]]
    together = int((cluster[row] == cluster[col]).sum())
    assert largest.max() == 2
    assert (together == 0) == (rule is match_complement)
    assert (
        cluster.max() < {match_edges: 0.56, match_complement: 0.501, match_random: 0.5}[rule] * size
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_rule
@both_modes
@given(graphs=batches(), seed=seeds)
def test_cuda_gives_the_clusters_that_the_cpu_gives(graphs, seed, rule, training):
    on_cpu = Matching(rule, seed).train(training)
    on_cuda = Matching(rule, seed).train(training).to("cuda")
    edge_index, size, batch = graphs
    expected = on_cpu(read_graph(edge_index, size, batch))
    found = on_cuda(read_graph(edge_index.cuda(), size, batch.cuda()))
    assert torch.equal(found.cpu(), expected)
