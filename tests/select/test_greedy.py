import pytest
import torch
from _helpers.strategies import batches, clique, path
from hypothesis import given
from hypothesis import strategies as st

from graphpool_sanity.select import greedy
from graphpool_sanity.select.chance import mix
from graphpool_sanity.select.greedy import edges_between, match_in_order, pair_up, visiting_order

WAYS = {
    "as shipped": (512, 0.9),
    "rounds only": (0, 2.0),
    "one by one": (10**9, 0.9),
    "one by one after slow rounds": (0, 0.5),
    "one by one for the last few": (6, 2.0),
}
way = pytest.mark.parametrize(("few", "slow"), WAYS.values(), ids=WAYS.keys())


def match(edges, keys, num_nodes, few, slow):
    row, col = torch.tensor(edges, dtype=torch.long).view(-1, 2).unbind(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greedy, "_FEW_EDGES", few)
        patch.setattr(greedy, "_SLOW_ROUND", slow)
        return match_in_order(row, col, torch.tensor(keys, dtype=torch.long), num_nodes).tolist()


def match_sequentially(edges, keys, num_nodes):
    mate = list(range(num_nodes))
    for _, (u, v) in sorted(zip(keys, edges, strict=True)):
        if mate[u] == u and mate[v] == v:
            mate[u], mate[v] = v, u
    return mate


def proper_edges(graphs):
    return [(u, v) for u, v in graphs.edge_index.t().tolist() if u != v]


@way
@given(graphs=batches(), chance=st.randoms(use_true_random=False))
def test_every_way_matches_as_the_sequential_algorithm(graphs, chance, few, slow):
    edges = proper_edges(graphs)
    keys = chance.sample(range(10**6), len(edges))
    expected = match_sequentially(edges, keys, graphs.num_nodes)
    assert match(edges, keys, graphs.num_nodes, few, slow) == expected


@way
@given(graphs=batches(), chance=st.randoms(use_true_random=False))
def test_copies_of_an_edge_may_share_its_key(graphs, chance, few, slow):
    edges = proper_edges(graphs)
    different = sorted({(min(edge), max(edge)) for edge in edges})
    key = dict(zip(different, chance.sample(range(10**6), len(different)), strict=True))
    keys = [key[min(edge), max(edge)] for edge in edges]
    expected = match_sequentially(edges, keys, graphs.num_nodes)
    assert match(edges, keys, graphs.num_nodes, few, slow) == expected


def test_chains_of_rising_keys_which_need_a_round_an_edge_are_finished():
    size, edges = path(3000)
    mate = match(edges, range(len(edges)), size, few=512, slow=0.9)
    assert mate == [node ^ 1 for node in range(size)]


def test_a_large_clique_is_matched_perfectly():
    size, edges = clique(120)
    keys = torch.randperm(len(edges), generator=torch.Generator().manual_seed(0)).tolist()
    mate = match(edges, keys, size, few=512, slow=0.9)
    assert mate == match_sequentially(edges, keys, size)
    assert all(mate[node] != node for node in range(size))


@given(batches(max_size=20), st.integers(0, 999), st.booleans())
def test_visiting_order_is_the_order_in_which_a_visit_tries_the_edges(graphs, seed, weighted):
    row, col = torch.tensor(proper_edges(graphs), dtype=torch.long).view(-1, 2).unbind(1)
    generator = torch.Generator().manual_seed(seed)
    priority = torch.randperm(graphs.num_nodes, generator=generator)
    weight = torch.randint(4, row.shape, generator=generator).float() if weighted else None

    order = visiting_order(row, col, priority, weight).argsort(stable=True).tolist()

    def visit(edge):
        first, second = sorted((int(priority[row[edge]]), int(priority[col[edge]])))
        heavy = -float(weight[edge]) if weighted else 0.0
        return first, heavy, int(mix(torch.tensor(first ^ second)))

    assert [visit(edge) for edge in order] == sorted(visit(edge) for edge in range(len(row)))


def test_edges_of_one_node_never_tie():
    size, edges = clique(40)
    row, col = torch.tensor(edges).unbind(1)
    key = visiting_order(row, col, torch.arange(size), None)
    assert key.unique().numel() == len(edges)


def test_pairing_up_is_mutual():
    mate = torch.arange(5)
    pair_up(mate, torch.tensor([0, 4]), torch.tensor([2, 1]))
    assert mate.tolist() == [2, 4, 0, 3, 1]


def test_edges_between_keeps_the_edges_between_two_nodes_of_the_mask():
    nodes = torch.tensor([True, False, True, True])
    row, col = torch.tensor([0, 1, 2, 3]), torch.tensor([1, 2, 3, 0])
    kept = edges_between(nodes, row, col, torch.tensor([10, 11, 12, 13]))
    assert [t.tolist() for t in kept] == [[2, 3], [3, 0], [12, 13]]
