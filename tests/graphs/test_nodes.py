import pytest
import torch
from _helpers.soft_oracles import dense, members, normal
from _helpers.strategies import batch_of, batches, edgeless
from hypothesis import assume, example, given
from hypothesis import strategies as st

from graphpool_sanity.graphs.nodes import read_nodes

F, K = 3, 2
seeds = st.integers(0, 999)
small = batches(max_graphs=5, max_size=12)


@given(small, seeds, st.integers(0, 3))
def test_both_layouts_hold_the_real_nodes(graphs, seed, padding):
    assume(graphs.num_nodes)
    x = normal(graphs.num_nodes, F, seed=seed)
    full = dense(graphs, x, padding=padding)
    for nodes in (
        read_nodes(x, graphs.batch, max_num_nodes=full.x.size(1)),
        read_nodes(full.x, mask=full.mask),
    ):
        assert torch.equal(nodes.x, x)
        assert torch.equal(nodes.batch, graphs.batch)
        assert torch.equal(nodes.pad(x), full.x)
        assert (nodes.num_graphs, nodes.max_num_nodes) == full.x.shape[:2]


UNEQUAL = batch_of(edgeless(1), edgeless(90), *[edgeless(1)] * 40, (0, []), edgeless(17))


@given(small | st.just(UNEQUAL), seeds)
@example(UNEQUAL, 0)
def test_pooling_by_definition(graphs, seed):
    assume(graphs.num_nodes)
    x, s = normal(graphs.num_nodes, F, seed=seed), normal(graphs.num_nodes, K, seed=seed + 1)
    wanted = torch.stack([s[own].T @ x[own] for own in members(graphs)])
    pooled, padded = read_nodes(x, graphs.batch).pool(s)
    torch.testing.assert_close(pooled, wanted)
    assert torch.equal(padded, dense(graphs, s).x)


def test_nodes_keep_their_places_among_holes():
    mask = torch.tensor([[False, True, False, True], [True, False, False, False]])
    x = normal(2, 4, F)
    nodes = read_nodes(x, mask=mask)
    assert nodes.dense_index.tolist() == [1, 3, 4]
    assert torch.equal(nodes.pad(nodes.x), x * mask.unsqueeze(-1))
    assert nodes.rows(torch.arange(4.0).view(4, 1)).flatten().tolist() == [1, 3, 0]
    torch.testing.assert_close(nodes.pool(nodes.x[:, :1])[0], (x * mask[..., None])[..., :1].mT @ x)


def test_masks_may_be_numbers():
    mask = torch.tensor([[1.0, 1.0, 0.0]])
    assert read_nodes(normal(1, 3, F), mask=mask).dense_index.tolist() == [0, 1]


def test_sizes_may_be_given():
    x, batch = normal(3, F), torch.tensor([0, 0, 2])
    nodes = read_nodes(x, batch, max_num_nodes=4, batch_size=5)
    assert nodes.pad(x).shape == (5, 4, F)
    assert nodes.pool(x)[0].shape == (5, F, F)
    alone = read_nodes(x, max_num_nodes=5)
    assert (alone.num_graphs, alone.max_num_nodes) == (1, 5)


def test_graphs_without_nodes():
    for x, batch in ((normal(0, F), None), (normal(0, F), torch.empty(0).long())):
        nodes = read_nodes(x, batch, batch_size=2)
        assert nodes.pad(x).shape == (2, 0, F)
        assert torch.equal(nodes.pool(x)[0], torch.zeros(2, F, F).double())
    for shape in ((0, 4, F), (2, 0, F)):
        nodes = read_nodes(torch.zeros(shape))
        assert nodes.pad(nodes.x).shape == shape
        assert nodes.pool(nodes.x)[0].shape == (shape[0], F, F)


def test_rows_for_more_nodes_than_there_are_name_the_graph():
    matrix, message = normal(3, K), "graph 1 of the batch has 4 nodes, max_num_nodes is 3"
    batch = torch.tensor([0, 0, 1, 1, 1, 1, 2])
    with pytest.raises(ValueError, match=message):
        read_nodes(normal(7, F), batch).rows(matrix)
    mask = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 0], [1, 0, 0, 0, 0]])
    with pytest.raises(ValueError, match=message):
        read_nodes(normal(3, 5, F), mask=mask).rows(matrix)
    with pytest.raises(ValueError, match="graph 0 of the batch has 5 nodes"):
        read_nodes(normal(3, 5, F)).rows(matrix)
    padded = read_nodes(normal(3, F), torch.tensor([0, 0, 0]), max_num_nodes=9)
    assert torch.equal(padded.rows(matrix), matrix)


def test_compiled_code_masks_the_rows_that_it_cannot_leave_out(monkeypatch):
    mask = torch.tensor([[1.0, 1, 0, 0, 0], [1, 0, 1, 0, 0]])
    x = normal(2, 5, F).masked_fill(mask.unsqueeze(-1) == 0, torch.nan)
    wanted = read_nodes(x, mask=mask)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    nodes = read_nodes(x, mask=mask)
    assert nodes.x.shape == (10, F)
    matrix = normal(3, K)
    s, t = wanted.rows(matrix), nodes.mask_padding(nodes.rows(matrix))
    torch.testing.assert_close(nodes.pool(t), wanted.pool(s))
    with pytest.raises(ValueError, match="graph 1 of the batch has 3 nodes, max_num_nodes is 2"):
        nodes.rows(matrix[:2])


PAIR = torch.tensor([0, 0, 1])
MALFORMED = {
    r"x must be a floating point tensor of shape \[N, F\] or \[B, N, F\], got torch.int64": (
        torch.ones(3, F).long(),
    ),
    r"x must be .* of shape \[3\]": (torch.ones(3),),
    "batch must be sorted": (normal(3, F), PAIR.flip(0)),
    r"batch must be an int64 tensor of shape \[3\]": (normal(3, F), PAIR[:2]),
    "batch must not be negative, got -1": (normal(3, F), PAIR - 1),
    "batch must not be negative, got -2": (normal(3, F), PAIR - 2),
    "batch must be None beside x of": (normal(1, 3, F), PAIR),
    "max_num_nodes must be None beside": (normal(1, 3, F), None, None, 3),
    "batch_size must be None beside": (normal(1, 3, F), None, None, None, 1),
    r"mask must have shape \[1, 3\], got \[1, 4\]": (normal(1, 3, F), None, torch.ones(1, 4)),
    r"mask must be None beside x of shape \[N, F\]": (normal(3, F), PAIR, torch.ones(2, 2)),
    "max_num_nodes must be at least 2 for this batch, got 1": (normal(3, F), PAIR, None, 1),
    "batch_size must be at least 2 for this batch, got 1": (normal(3, F), PAIR, None, None, 1),
    "batch_size must be an int or None, got str": (normal(3, F), PAIR, None, None, "2"),
    "max_num_nodes must be an int or None, got Tensor": (normal(3, F), PAIR, None, PAIR),
    "batch must be a torch.Tensor, got list": (normal(3, F), [0, 0, 1]),
    "mask must be a torch.Tensor, got bool": (normal(1, 3, F), None, True),
}


@pytest.mark.parametrize("message", MALFORMED)
def test_malformed_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        read_nodes(*MALFORMED[message])
