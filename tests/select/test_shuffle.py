import copy
import pickle
from collections import Counter
from itertools import permutations

import pytest
import torch
from _helpers.strategies import batches
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.chance import priorities
from graphpool_sanity.select.shuffle import NodeShuffle

seeds = st.integers(0, 2**63 - 1)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
TRIPLE = torch.zeros(3, dtype=torch.long), torch.arange(3)


def places(graphs):
    graph = read_graph(graphs.edge_index, graphs.num_nodes, graphs.batch)
    return graph.batch, graph.position


@both_modes
@given(graphs=batches(), seed=seeds)
def test_nodes_are_permuted_within_their_graphs(graphs, seed, training):
    batch, position = places(graphs)
    order = NodeShuffle(seed).train(training)(batch, position)
    assert order.dtype == torch.long
    assert order.sort().values.tolist() == list(range(len(batch)))
    assert torch.equal(batch[order], batch)


@given(graphs=batches(), seed=seeds)
def test_evaluation_depends_on_the_graph_alone(graphs, seed):
    batch, position = places(graphs)
    shuffle = NodeShuffle(seed).eval()
    together = shuffle(batch, position)
    assert torch.equal(together, shuffle(batch, position))
    for graph in batch.unique():
        own = (batch == graph).nonzero().view(-1)
        alone = shuffle(torch.zeros_like(own), torch.arange(len(own)))
        assert torch.equal(alone, together[own] - own[0])


@both_modes
@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=6),
    st.integers(0, 999),
)
def test_padding_stays_wherever_it_is(training, rows, seed):
    mask = torch.tensor(rows)
    graph, place = torch.ones_like(mask).nonzero().unbind(1)
    order = NodeShuffle(seed).train(training)(graph, place, mask.flatten())
    index = torch.arange(mask.numel())
    assert torch.equal(order.sort().values, index)
    assert torch.equal(order[~mask.flatten()], index[~mask.flatten()])
    assert torch.equal(graph[order], graph)


@both_modes
def test_padding_at_the_end_changes_nothing_in_evaluation(training):
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]).bool()
    graph, place = torch.ones_like(mask).nonzero().unbind(1)
    real = mask.flatten().nonzero().view(-1)
    padded = NodeShuffle(3).train(training)(graph, place, mask.flatten())
    assert torch.equal(padded[real].sort().values, real)
    if not training:
        assert torch.equal(padded[real], real[NodeShuffle(3).eval()(graph[real], place[real])])


def test_all_orders_are_alike_over_calls_and_over_seeds():
    shuffle = NodeShuffle(0).train()
    calls = Counter(tuple(shuffle(*TRIPLE).tolist()) for _ in range(3000))
    over_seeds = Counter(tuple(NodeShuffle(s).eval()(*TRIPLE).tolist()) for s in range(3000))
    for orders in (calls, over_seeds):
        assert set(orders) == set(permutations(range(3)))
        assert chisquare(list(orders.values())).pvalue > 1e-3


def test_graphs_of_a_batch_are_shuffled_apart_in_training():
    batch, position = torch.arange(2).repeat_interleave(3), torch.arange(3).repeat(2)
    shuffle = NodeShuffle(0).train()
    pairs = Counter()
    for _ in range(1800):
        order = shuffle(batch, position)
        pairs[tuple(order[:3].tolist()), tuple((order[3:] - 3).tolist())] += 1
    assert len(pairs) == 36
    assert chisquare(list(pairs.values())).pvalue > 1e-3


def test_the_order_is_not_that_in_which_a_matching_of_the_same_seed_visits():
    together = Counter()
    # Not consecutive seeds: hashes of near seeds are those of the same nodes in another order.
    for seed in torch.randint(2**62, (3000,), generator=torch.Generator().manual_seed(0)).tolist():
        visit = priorities(TRIPLE[1], seed).argsort()
        together[tuple(NodeShuffle(seed).eval()(*TRIPLE)[visit].tolist())] += 1
    assert len(together) == 6
    assert chisquare(list(together.values())).pvalue > 1e-3


def test_the_stream_follows_from_the_seed_and_leaves_the_global_one_alone():
    before = torch.get_rng_state()
    first, second = NodeShuffle(5).train(), NodeShuffle(5).train()
    batch, position = torch.zeros(50, dtype=torch.long), torch.arange(50)
    stream = [first(batch, position).tolist() for _ in range(3)]
    assert stream == [second(batch, position).tolist() for _ in range(3)]
    assert stream[0] != stream[1] != stream[2]
    first.reset_parameters()
    assert first(batch, position).tolist() == stream[0]
    assert torch.equal(torch.get_rng_state(), before)


def test_without_a_seed_one_is_drawn_from_the_global_generator():
    torch.manual_seed(0)
    first, other = NodeShuffle(), NodeShuffle()
    torch.manual_seed(0)
    assert NodeShuffle().seed == first.seed != other.seed


def test_the_seed_is_part_of_the_state():
    batch, position = torch.zeros(50, dtype=torch.long), torch.arange(50)
    shuffle, other = NodeShuffle(1).eval(), NodeShuffle(2).eval()
    wanted = shuffle(batch, position)
    assert not torch.equal(other(batch, position), wanted)
    other.load_state_dict(shuffle.state_dict())
    for twin in (other, copy.deepcopy(shuffle), pickle.loads(pickle.dumps(shuffle))):
        assert torch.equal(twin(batch, position), wanted)
    assert shuffle.double().half().seed.dtype == torch.long


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@both_modes
def test_it_gives_on_cuda_what_it_gives_on_the_cpu(training):
    batch, position = torch.arange(3).repeat_interleave(40), torch.arange(40).repeat(3)
    mask = position < 33
    for rest in ((), (mask,)):
        wanted = NodeShuffle(3).train(training)(batch, position, *rest)
        on_gpu = NodeShuffle(3).train(training).to("cuda")
        found = on_gpu(*(t.to("cuda") for t in (batch, position, *rest)))
        assert torch.equal(found.cpu(), wanted)
