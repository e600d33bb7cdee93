import pytest
import torch
from _helpers.adjacencies import (
    by_column_int32,
    by_row,
    coo,
    coo_uncoalesced,
    csc,
    csr,
    edge_index,
    needs_torch_sparse,
    sparse_tensor,
)

from graphpool_sanity.graphs.soft_input import read_soft_graphs

X, XX = torch.ones(3, 5), torch.ones(2, 3, 5)
EDGES = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
VALUES = torch.tensor([1.0, 2.0, 3.0, 4.0])
MATRIX = torch.tensor([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 4.0, 0.0]])
BATCH = torch.tensor([0, 0, 0])


@pytest.mark.parametrize(
    "make", [pytest.param(sparse_tensor, marks=needs_torch_sparse), coo, coo_uncoalesced, csr, csc]
)
def test_the_values_of_a_sparse_matrix_are_its_entries(make):
    for values in (VALUES, VALUES.double(), VALUES.long()):
        graphs = read_soft_graphs(X, make(EDGES, values, 3))
        assert graphs.weight.tolist() == VALUES.tolist()
        assert graphs.weight.dtype == X.dtype
        assert graphs.graph.edge_index.tolist() == EDGES.tolist()


@pytest.mark.parametrize("make", [edge_index, by_row, by_column_int32])
def test_an_edge_index_has_no_values(make):
    graphs = read_soft_graphs(X, make(EDGES, VALUES, 3), batch=BATCH)
    assert graphs.weight is None
    assert sorted(graphs.graph.edge_index.t().tolist()) == sorted(EDGES.t().tolist())
    assert graphs.graph.edge_index.dtype == torch.long


SQUARE = torch.tensor([[1, 1], [1, 0]])


def test_an_int64_square_beside_two_nodes_is_an_edge_index_unless_it_is_told_to_be_dense():
    assert read_soft_graphs(X[:2], SQUARE).graph.edge_index is SQUARE
    assert read_soft_graphs(X[:2], SQUARE, batch=BATCH[:2]).graph.edge_index is SQUARE
    for dense in (
        read_soft_graphs(X[:2], SQUARE.float()),
        read_soft_graphs(X[:2], SQUARE, mask=torch.ones(2)),
        read_soft_graphs(XX[:1, :2], SQUARE),
    ):
        assert torch.equal(dense.adj, SQUARE.float().unsqueeze(0))


def test_an_int64_square_beside_more_nodes_is_an_edge_index():
    assert read_soft_graphs(X, SQUARE).graph.edge_index is SQUARE
    with pytest.raises(ValueError, match="mask must be None beside a sparse adj"):
        read_soft_graphs(X, SQUARE, mask=torch.ones(3))
    with pytest.raises(ValueError, match=r"x must have shape \[N, F\] beside a sparse adj"):
        read_soft_graphs(XX, SQUARE)


@pytest.mark.parametrize("kind", [torch.bool, torch.long, torch.double])
def test_dense_adjacencies_take_the_type_of_x(kind):
    assert read_soft_graphs(X, MATRIX.to(kind)).adj.dtype == torch.float


def test_two_dimensional_tensors_are_a_batch_of_one():
    graphs = read_soft_graphs(X, MATRIX, torch.tensor([True, True, False]), z=X[:, :2])
    assert graphs.x.shape == (1, 3, 5)
    assert graphs.z.shape == (1, 3, 2)
    assert graphs.sizes.tolist() == [2]


def test_padding_is_wiped_whatever_it_holds():
    mask = torch.tensor([[True, True, False], [True, False, False]])
    dirty = torch.full((2, 3, 3), torch.nan)
    dirty[:, 0, 0] = dirty[0, 1, 1] = 1
    dirty[0, 0, 1] = dirty[0, 1, 0] = 1
    x = XX.clone()
    x[~mask] = torch.nan
    graphs = read_soft_graphs(x, dirty, mask, z=x[..., :2])
    assert graphs.x.sum() == 15
    assert graphs.z.sum() == 6
    assert graphs.adj.sum() == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X.long(), "adj": EDGES}, "x must be a floating point tensor, got torch.int64"),
        ({"x": XX, "adj": EDGES}, r"x must have shape \[N, F\] .* got \[2, 3, 5\]"),
        ({"x": X[0], "adj": MATRIX}, r"x must have shape \[B, N, F\] or \[N, F\], got \[5\]"),
        ({"x": XX, "adj": MATRIX}, r"adj must have shape \[2, 3, 3\].* got .* \[1, 3, 3\]"),
        ({"x": X, "adj": EDGES.float()}, r"adj must have shape \[1, 3, 3\].*\[1, 2, 4\]"),
        ({"x": X, "adj": "graph"}, "^adj must be .* got str"),
        ({"x": X, "adj": torch.eye(4).to_sparse()}, r"^adj must be of size 3 x 3"),
        ({"x": X, "adj": EDGES + 1}, r"^adj must lie in \[0, 3\)"),
        ({"x": X, "adj": EDGES, "batch": BATCH[:2]}, r"batch must .* \[3\]"),
        ({"x": X, "adj": EDGES, "batch": torch.tensor([1, 0, 0])}, "batch must be sorted"),
        ({"x": X, "adj": EDGES, "batch": torch.tensor([0, 0, 1])}, "between two graphs"),
        ({"x": X, "adj": EDGES, "mask": BATCH.bool()}, "mask must be None beside a sparse adj"),
        ({"x": X, "adj": MATRIX, "batch": BATCH}, "batch must be None beside a dense adj"),
        ({"x": X, "adj": MATRIX, "batch_size": 1}, "batch_size must be None beside a dense adj"),
        ({"x": XX, "adj": torch.ones(2, 3, 3), "mask": BATCH.bool()}, r"mask .* \[2, 3\]"),
        ({"x": X, "adj": EDGES, "z": torch.ones(4, 5)}, r"z must .* \[3\] \+ .* got \[4, 5\]"),
        ({"x": XX, "adj": torch.ones(2, 3, 3), "z": X}, r"z must .* \[2, 3\] \+ .* got \[3, 5\]"),
    ],
)
def test_malformed_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        read_soft_graphs(**arguments)


def test_values_must_be_numbers():
    pairs = torch.sparse_coo_tensor(EDGES, torch.ones(4, 2), (3, 3, 2))
    with pytest.raises(ValueError, match=r"adj must hold one value per edge, got \[4, 2\]"):
        read_soft_graphs(X, pairs)
