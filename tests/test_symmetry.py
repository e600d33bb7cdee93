import pytest
import torch
from _helpers.featured import BATCH, built, graph
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import TopKPooling, global_mean_pool

from graphpool_sanity import GraclusPool
from graphpool_sanity.testing import (
    assert_batch_invariant,
    assert_padding_invariant,
    assert_permutation_invariant,
)

SPARSE = (assert_permutation_invariant, assert_batch_invariant)


def test_a_loss_of_the_batch_need_not_be_that_of_a_graph():
    assert_batch_invariant(lambda x, batch: (global_mean_pool(x, batch), x.mean()), BATCH)
    with pytest.raises(AssertionError, match="batch in reverse order: output differs"):
        assert_batch_invariant(lambda x, batch: x[0].mean(), BATCH)


@pytest.mark.parametrize(
    ("dtype", "small", "large"),
    [(torch.float64, 1e-13, 1e-9), (torch.float32, 1e-6, 1e-4), (torch.bfloat16, 1e-2, 0.5)],
    ids=str,
)
def test_the_tolerance_follows_from_the_type(dtype, small, large):
    def off_by(error):
        return lambda x: (1 + error * (x[0, 0] > x[1, 0]).double()).to(dtype)

    assert_permutation_invariant(off_by(small), BATCH)
    with pytest.raises(AssertionError):
        assert_permutation_invariant(off_by(small), BATCH, atol=small / 4)
    with pytest.raises(AssertionError):
        assert_permutation_invariant(off_by(large), BATCH)
    assert_permutation_invariant(off_by(large), BATCH, atol=2 * large)


class Noisy(nn.Module):
    """Changes its state, and draws from two generators."""

    def __init__(self):
        super().__init__()
        self.norm, self.generator = nn.BatchNorm1d(4).double(), torch.Generator().manual_seed(0)

    def forward(self, x, batch):
        noise = torch.rand((), generator=self.generator) + torch.rand(())
        return global_mean_pool(self.norm(x), batch) + noise


def test_chance_is_held_and_nothing_is_left_changed():
    noisy, before = Noisy(), torch.get_rng_state()
    state = {name: value.clone() for name, value in noisy.state_dict().items()}
    own = noisy.generator.get_state()
    data = BATCH.clone()

    assert_permutation_invariant(noisy, data)

    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(noisy.generator.get_state(), own)
    assert all(torch.equal(value, state[name]) for name, value in noisy.state_dict().items())
    assert data.to_dict().keys() == BATCH.to_dict().keys()
    assert all(torch.equal(data[key], BATCH[key]) for key in BATCH.to_dict())


def test_chance_within_a_call_follows_the_seed_alone():
    seen = []
    for outer in range(2):
        torch.manual_seed(outer)
        assert_batch_invariant(lambda x: seen.append(float(torch.rand(()))) or x, BATCH)
    assert len(seen) == 12
    assert len(set(seen)) == 1


def test_permutations_follow_their_seed():
    def message(seed):
        with pytest.raises(AssertionError) as failed:
            assert_permutation_invariant(lambda x: x[0], BATCH, seed=seed)
        return str(failed.value)

    assert message(1) == message(1)
    assert message(1).replace("seed 1", "seed 2") != message(2)


@pytest.mark.parametrize("check", SPARSE)
def test_data_may_come_as_a_batch_a_graph_or_with_a_batch_vector(check):
    seen = []

    def call(data):
        seen.append(data.num_graphs)
        return global_mean_pool(data.x, data.batch, data.num_graphs)

    check(call, Data(BATCH.x, BATCH.edge_index, batch=BATCH.batch))
    assert seen[0] == 4
    check(call, graph(6, seed=0))


def test_fields_are_filled_in_by_name():
    def sparse(edge_attr, s, num_nodes, batch_size, x, unknown=None):
        assert (len(x), len(s), batch_size) == (num_nodes, num_nodes, 4)
        assert len(edge_attr) == BATCH.num_edges
        assert unknown is None
        return global_mean_pool(s, None)

    def dense(mask, s, x, adj, batch=None):
        assert x.shape == (4, 12, 4)
        assert s.shape == (4, 12, 3)
        assert adj.shape == (4, 12, 12)
        assert adj.sum() == BATCH.num_edges
        assert mask.sum() == BATCH.num_nodes
        assert batch is None
        return s.sum(1)

    def sparse_with_mask(x, edge_index, batch, mask=None):
        assert mask is None
        return global_mean_pool(x, batch)

    for call in (sparse, dense, sparse_with_mask):
        assert_permutation_invariant(call, BATCH)


def test_empty_graphs_and_graphs_of_one_node_are_welcome():
    lonely = Data(torch.randn(1, 4).double(), torch.empty(2, 0).long())
    empty = Data(torch.empty(0, 4).double(), torch.empty(2, 0).long())
    data = Batch.from_data_list([lonely, empty, graph(4, 0, with_attr=False), empty])
    layer = GraclusPool(seed=0).eval()
    assert_batch_invariant(layer, data)
    assert_permutation_invariant(built(TopKPooling, 4), data)
    assert_padding_invariant(lambda x, mask: x.sum(1), data)


def test_there_must_be_something_to_pad():
    with pytest.raises(ValueError, match=r"^module_or_fn must name adj, mask or max_num_nodes"):
        assert_padding_invariant(global_mean_pool, BATCH)


@pytest.mark.parametrize("check", SPARSE)
@pytest.mark.parametrize("out", [None, "text", 1.0, []])
def test_there_must_be_something_to_compare(check, out):
    with pytest.raises(ValueError, match=r"^module_or_fn must return tensors"):
        check(lambda x: out, BATCH)


def test_outputs_must_not_come_and_go():
    def call(x):
        return (x.sum(0), x.sum(0)) if x[0, 0] > x[1, 0] else (x.sum(0),)

    with pytest.raises(AssertionError, match=r"output\[1\]"):
        assert_permutation_invariant(call, BATCH)
