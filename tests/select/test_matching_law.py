"""Many copies of a graph in one call are many draws."""

from collections import Counter

import pytest
import torch
from _helpers.matching_oracles import (
    RULES,
    assert_follows,
    draw_counts,
    every_rule,
    law_of_counts,
    law_of_pairs,
    pairs_of,
    total_variation,
)
from _helpers.strategies import (
    ANTHRACENE,
    CATERPILLAR,
    GRID,
    PAW,
    PETERSEN,
    STEROID,
    batch_of,
    clique_and_isolated,
    complement,
    cycle,
    erdos_renyi,
    path,
    star,
)

from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.matching import (
    Matching,
    match_complement,
    match_edges,
)

SMALL = {
    "C6": cycle(6),
    "P6": path(6),
    "co-P6": complement(path(6)),
    "star": star(7),
    "caterpillar": CATERPILLAR,
    "Petersen": PETERSEN,
    "grid": GRID,
    "C12": cycle(12),
    "ER(12, 0.4)": erdos_renyi(12, 0.4, seed=1),
    "ER(12, 0.8)": erdos_renyi(12, 0.8, seed=1),
}


def draw(rule, graph, draws, seed=1):
    """[draws, N], the clusters of many copies of a graph, each with its own numbers."""
    (size, _), one = graph, batch_of(graph)
    offset = torch.arange(draws) * size
    many = (one.edge_index[:, None] + offset[:, None]).view(2, -1)
    batch = torch.arange(draws).repeat_interleave(size)
    return Matching(rule, seed)(read_graph(many, size * draws, batch)).view(draws, size)


def counts(clusters):
    return Counter((1 + clusters.amax(1) - clusters.amin(1)).tolist())


def mean(drawn):
    return sum(count * times for count, times in drawn.items()) / drawn.total()


@pytest.mark.parametrize("rule", [match_edges, match_complement], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("graph", SMALL.values(), ids=SMALL.keys())
def test_number_of_clusters_follows_the_law_of_the_sequential_algorithm(graph, rule):
    law = law_of_counts(RULES[rule](batch_of(graph)))
    assert_follows(counts(draw(rule, graph, 4000)), law)


@every_rule
@pytest.mark.parametrize("graph", [path(3), path(4), PAW, star(5), cycle(6)], ids=str)
def test_matchings_follow_the_law_of_the_sequential_algorithm(graph, rule):
    drawn = Counter(map(pairs_of, draw(rule, graph, 4000).tolist()))
    assert_follows(drawn, law_of_pairs(RULES[rule](batch_of(graph))))


def test_the_middle_of_a_path_pairs_with_either_end_half_of_the_time():
    cluster = draw(match_edges, path(3), 10_000)
    left = int((cluster[:, 0] == cluster[:, 1]).sum())
    assert abs(left - 5000) < 4 * 50  # four standard deviations


@every_rule
def test_seeds_of_evaluation_follow_the_law_too(rule):
    graph = batch_of(cycle(5))
    near = RULES[rule](graph)
    read = read_graph(*graph)
    drawn = Counter(pairs_of(Matching(rule, seed).eval()(read).tolist()) for seed in range(1500))
    assert_follows(drawn, law_of_pairs(near))


@pytest.mark.parametrize(
    "graph",
    [cycle(16), ANTHRACENE, STEROID, complement(path(20)), erdos_renyi(30, 0.1, seed=0)],
    ids=["C16", "anthracene", "steroid", "co-P20", "ER(30, 0.1)"],
)
def test_the_complement_of_larger_graphs_is_close_to_the_law(graph):
    """Above twelve nodes the law is close and no more.

    Measured with 40 000 draws: total variation 0.014 on C16, below 0.01 on the others. Of 4000
    draws against 4000 about 0.01 is chance.
    """
    ours = counts(draw(match_complement, graph, 4000))
    theirs = draw_counts(batch_of(graph).non_neighbours(), 4000, seed=0)
    assert total_variation(ours, theirs) < 0.03
    assert mean(ours) == pytest.approx(mean(theirs), rel=0.005)


def test_the_complement_of_a_clique_beside_isolated_nodes_is_furthest_from_the_law():
    """The worst case known: 23.66 clusters where the sequential algorithm leaves 22.71.

    A first round pairs isolated nodes with each other too often, for pairs that are refused in
    the clique are not drawn again at once.
    """
    graph = clique_and_isolated(40)
    ours = counts(draw(match_complement, graph, 1000))
    theirs = draw_counts(batch_of(graph).non_neighbours(), 1000, seed=0)
    assert mean(ours) == pytest.approx(mean(theirs), rel=0.05)


@every_rule
def test_copies_of_a_graph_in_a_training_batch_are_matched_independently(rule):
    clusters = draw(rule, cycle(80), 10)
    assert len(set(map(pairs_of, clusters.tolist()))) == 10
