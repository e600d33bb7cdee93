import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.loader import DataLoader

from graphpool_sanity.datasets import load_dataset
from graphpool_sanity.training.batches import Batches


def graph(n, e, generator):
    return Data(
        x=torch.rand(n, 2, generator=generator),
        edge_index=torch.randint(max(n, 1), (2, e if n else 0), generator=generator),
        edge_attr=torch.rand(e if n else 0, 3, generator=generator),
        face=torch.randint(max(n, 1), (3, 2 if n else 0), generator=generator),
        special_index=torch.arange(n),
        pos=torch.rand(n, 3, generator=generator),
        y=torch.rand(1, generator=generator),
    )


def assert_same(ours, theirs):
    assert set(ours.keys()) == set(theirs.keys())
    assert ours.num_graphs == theirs.num_graphs
    for key, value in theirs:
        assert torch.equal(ours[key], value), key
        assert ours[key].dtype == value.dtype


@given(
    sizes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=2, max_size=7),
    batch_size=st.integers(1, 8),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_the_batches_of_a_data_loader(sizes, batch_size, data):
    generator = torch.Generator().manual_seed(0)
    graphs = [graph(n, e, generator) for n, e in sizes]
    index = data.draw(st.lists(st.integers(0, len(graphs) - 1), min_size=1, max_size=9))
    ours = Batches(graphs, torch.tensor(index), batch_size)
    theirs = DataLoader([graphs[i] for i in index], batch_size)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a, b)


class Bipartite(Data):
    def __inc__(self, key, value, *args, **kwargs):
        return 10 if key == "edge_index" else super().__inc__(key, value, *args, **kwargs)


@pytest.mark.parametrize(
    "make",
    [
        lambda i: Data(x=torch.ones(i + 1, 1), edge_index=torch.empty(2, 0).long(), name=f"g{i}"),
        lambda i: Bipartite(x=torch.ones(2, 1), edge_index=torch.tensor([[0], [1]])),
        lambda i: Data(x=torch.ones(2, 1), adj=torch.eye(2).to_sparse()),
        lambda i: Data(x=torch.ones(2, 1), inner_batch=torch.tensor([0, i])),
    ],
)
def test_what_cannot_be_gathered_is_collated_by_pyg(make):
    graphs = [make(i) for i in range(3)]
    index = torch.tensor([2, 0, 1])
    for ours, theirs in zip(
        Batches(graphs, index, 2), DataLoader([graphs[i] for i in index], 2), strict=True
    ):
        assert ours.to_dict().keys() == theirs.to_dict().keys()
        for key, value in theirs.to_dict().items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(ours[key].to_dense(), value.to_dense()), key
            else:
                assert ours[key] == value, key


def test_num_nodes_may_be_given():
    graphs = [
        Data(x=torch.ones(n, 1), edge_index=torch.empty(2, 0).long(), num_nodes=n) for n in (1, 3)
    ]
    (batch,) = Batches(graphs, torch.tensor([1, 0]), 2)
    assert batch.num_nodes == 4
    assert batch.batch.tolist() == [0, 0, 0, 1]


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
