"""Batches against PyG's own, attribute by attribute."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.loader import DataLoader
from torch_geometric.utils import is_sparse

from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.training.batches import Batches

KINDS = {
    "edge_attr": lambda n, e: torch.rand(e, 3),
    "face": lambda n, e: torch.randint(max(n, 1), (3, 2 if n else 0)),
    "special_index": lambda n, e: torch.arange(n),
    "short_index": lambda n, e: torch.arange(n, dtype=torch.int32),
    "byte_index": lambda n, e: torch.arange(n, dtype=torch.uint8),
    "index_mask": lambda n, e: torch.rand(n) < 0.5,
    "mask": lambda n, e: torch.rand(n) < 0.5,
    "pos": lambda n, e: torch.rand(n, 3, dtype=torch.float64),
    "y": lambda n, e: torch.rand(1),
    "row": lambda n, e: torch.rand(1, 4),
    "scalar": lambda n, e: torch.tensor(n),
    "index_of_graph": lambda n, e: torch.tensor(n),
    "number": lambda n, e: n / 2,
    "count": lambda n, e: e,
    "word": lambda n, e: f"{n} nodes",
    "parts": lambda n, e: [torch.rand(n), torch.arange(e)],
    "words": lambda n, e: ["a"] * n,
    "by_name": lambda n, e: {"a": torch.rand(n), "b": {"c": torch.rand(1)}},
    "adj_t": lambda n, e: torch.eye(n).to_sparse(),
    "adj_csr": lambda n, e: torch.eye(n).to_sparse_csr(),
    "inner_batch": lambda n, e: torch.arange(n + 1) // 2,
    "ptr": lambda n, e: torch.tensor([0, n]),
    "num_nodes": lambda n, e: n,
}
KINDS_ALWAYS = {
    "x": lambda n, e: torch.rand(n, 2),
    "edge_index": lambda n, e: torch.randint(max(n, 1), (2, e)),
}


def drawn_graphs(sizes, kinds):
    torch.manual_seed(0)
    makes = KINDS_ALWAYS | {kind: KINDS[kind] for kind in kinds}
    sizes = [(n, e if n else 0) for n, e in sizes]
    return [Data(**{key: make(*size) for key, make in makes.items()}) for size in sizes]


def assert_equal(ours, theirs, key):
    assert type(ours) is type(theirs), key
    if isinstance(theirs, torch.Tensor):
        assert (ours.dtype, ours.layout, ours.device) == (
            theirs.dtype,
            theirs.layout,
            theirs.device,
        )
        dense = [part.to_dense() if is_sparse(part) else part for part in (ours, theirs)]
        assert torch.equal(*dense), key
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for inner in theirs:
            assert_equal(ours[inner], theirs[inner], key)
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_equal(one, other, key)
    else:
        assert ours == theirs, key


def assert_same(ours, theirs):
    assert type(ours) is type(theirs)
    assert ours.num_graphs == theirs.num_graphs
    assert ours.num_nodes == theirs.num_nodes
    assert_equal(ours.to_dict(), theirs.to_dict(), "batch")


def pairs(graphs, index, batch_size):
    ours = Batches(graphs, torch.tensor(index), batch_size)
    theirs = DataLoader([graphs[i] for i in index], batch_size)
    assert len(ours) == len(theirs)
    return zip(ours, theirs, strict=True)


@given(
    sizes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=7),
    kinds=st.lists(st.sampled_from(sorted(KINDS)), max_size=4, unique=True),
    as_dataset=st.booleans(),
    batch_size=st.integers(1, 8),
    data=st.data(),
)
@settings(max_examples=300, deadline=None)
def test_the_batches_of_a_data_loader(sizes, kinds, as_dataset, batch_size, data):
    graphs = drawn_graphs(sizes, kinds)
    if as_dataset:
        graphs = Stored(graphs)
        if data.draw(st.booleans()):
            kept = data.draw(st.lists(st.integers(0, len(sizes) - 1), min_size=1))
            graphs = graphs[torch.tensor(kept)]
    index = data.draw(st.lists(st.integers(0, len(graphs) - 1), min_size=1, max_size=9))
    for ours, theirs in pairs(graphs, index, batch_size):
        assert_same(ours, theirs)
        if any(kind.startswith("adj") for kind in kinds):
            continue  # which PyG does not take apart
        for i, (one, other) in enumerate(
            zip(ours.to_data_list(), theirs.to_data_list(), strict=True)
        ):
            assert_equal(one.to_dict(), other.to_dict(), "graph")
            assert_equal(ours[i].to_dict(), other.to_dict(), "graph")


def test_graphs_that_differ_in_what_they_have_are_collated_by_pyg():
    graphs = [Data(x=torch.ones(2, 1), z=torch.ones(1)), *(Data(x=torch.ones(1, 1)),) * 3]
    for ours, theirs in pairs(graphs, [1, 2, 3], 2):
        assert_same(ours, theirs)
    mixed = [Data(x=torch.ones(1, 1, dtype=kind)) for kind in (torch.float, torch.double) * 2]
    for ours, theirs in pairs(mixed, [0, 2, 1, 3], 2):
        assert_same(ours, theirs)


class Bipartite(Data):
    def __inc__(self, key, value, *args, **kwargs):
        return 10 if key == "edge_index" else super().__inc__(key, value, *args, **kwargs)


def test_a_class_with_rules_of_its_own_keeps_them():
    graphs = [Bipartite(x=torch.ones(2, 1), edge_index=torch.tensor([[0], [1]]))] * 3
    for ours, theirs in pairs(graphs, [2, 0, 1], 2):
        assert_same(ours, theirs)


class Stored(InMemoryDataset):
    def __init__(self, graphs, transform=None):
        super().__init__(None, transform)
        self.data, self.slices = self.collate(graphs)


def test_a_part_of_a_data_set_and_its_transform_are_honoured():
    graphs = [Data(x=torch.full((1, 1), float(i)), y=torch.tensor([i])) for i in range(5)]

    def twice(data):
        data.x = 2 * data.x
        return data

    dataset = Stored(graphs, twice)[torch.tensor([4, 2, 1])]
    (batch,) = Batches(dataset, torch.tensor([0, 2]), 4)
    assert batch.x.view(-1).tolist() == [8.0, 2.0]


class Noisy(InMemoryDataset):
    """A dataset that draws at each access without a transform."""

    def __init__(self, graphs):
        super().__init__(None)
        self.data, self.slices = self.collate(graphs)

    def get(self, idx):
        graph = super().get(idx)
        graph.x = graph.x + torch.rand(1)
        return graph


def noise(graph):
    graph.x = graph.x + torch.rand(1)
    return graph


@pytest.mark.parametrize("make", [Noisy, lambda graphs: Stored(graphs, noise)])
def test_graphs_that_are_drawn_at_each_access_are_drawn_in_each_epoch(make):
    graphs = [Data(x=torch.full((1, 1), float(i))) for i in range(3)]
    batches = Batches(make(graphs), torch.arange(3), 3)
    first, second = (next(iter(batches)).x for _ in range(2))
    assert not torch.equal(first, second)
    assert not batches.same
    assert Batches(graphs, torch.arange(3), 3).same
    assert Batches(Stored(graphs), torch.arange(3), 3).same


def test_what_is_drawn_at_an_access_follows_from_the_seed_of_the_order_alone():
    graphs = [Data(x=torch.full((1, 1), float(i))) for i in range(6)]
    found, state = [], torch.get_rng_state()
    for seed, between in [(1, 0), (1, 5), (2, 0)]:
        batches = Batches(Noisy(graphs), torch.arange(6), 2)
        batches.shuffle(seed)
        torch.set_rng_state(state)
        drawn = []
        for batch in batches:
            before = torch.get_rng_state()
            drawn.append(batch.x)
            torch.rand(between)  # as a model does
            assert between or torch.equal(torch.get_rng_state(), before)
        found.append(torch.cat(drawn))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0].sort(0).values, found[2].sort(0).values)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("part", [slice(None), slice(1, 4)])
def test_a_data_set_stays_on_its_device(part):
    dataset = Stored([Data(x=torch.full((1, 1), float(i))) for i in range(5)])
    (batch,) = Batches(dataset[part], torch.arange(3), 3, "meta")
    assert batch.x.is_meta
    assert batch.batch.is_meta
    assert dataset._data.x.device == dataset[0].x.device == torch.device("cpu")


def test_a_last_graph_may_join_the_batch_before():
    graphs = [Data(x=torch.full((1, 1), float(i))) for i in range(7)]

    def sizes(number, batch_size):
        batches = Batches(graphs, torch.arange(number), batch_size, lone=False)
        assert len(batches) == len(list(batches))
        return [batch.num_graphs for batch in batches]

    assert sizes(7, 3) == [3, 4]
    assert sizes(6, 3) == [3, 3]
    assert sizes(5, 3) == [3, 2]
    assert sizes(3, 1) == [1, 1, 1]
    assert sizes(1, 3) == [1]


def test_an_order_follows_from_its_seed_and_holds_every_graph_once():
    benchmark = load_dataset("digits")
    index = torch.arange(100, 200)
    batches = Batches(benchmark.graphs, index, 32)
    orders = []
    for seed in (1, 2, 1):
        batches.shuffle(seed)
        orders.append(batches.order.tolist())
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == index.tolist()
    expected = Batch.from_data_list([benchmark.graphs[i] for i in orders[0]][:32])
    assert_same(next(iter(batches)), expected)


def test_shuffling_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    batches = Batches(load_dataset("digits").graphs, torch.arange(9), 4)
    batches.shuffle(3)
    list(batches)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_on_cuda():
    (batch,) = Batches(load_dataset("digits").graphs, torch.arange(9), 9, "cuda")
    assert batch.x.is_cuda
    assert batch.batch.is_cuda
