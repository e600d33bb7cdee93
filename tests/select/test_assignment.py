import copy
import pickle

import pytest
import torch
from torch import distributions, nn

from graphpool_sanity.graphs.soft_input import read_soft_graphs
from graphpool_sanity.select.assignment import (
    LearnedAssignment,
    RandomAssignment,
    check_positive,
    draw_matrix,
)

NAMES = ("uniform", "normal", "bernoulli", "categorical")
LAWS = {
    "exponential": distributions.Exponential(2.0),
    "rows": distributions.OneHotCategorical(torch.tensor([0.5, 0.3, 0.2])),
    "columns": distributions.Normal(torch.tensor([0.0, 10.0, 20.0]), 1.0),
    "transformed": distributions.LogNormal(0.0, 1.0),
}
EDGES = torch.tensor([[0, 1, 3], [1, 2, 4]])
PADDED = torch.tensor([[True, True, False], [True, False, False]])


def test_the_named_laws():
    n, k = 4000, 5
    uniform, normal, bernoulli, categorical = (draw_matrix(name, n, k, 0) for name in NAMES)
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    assert normal.mean() == pytest.approx(0, abs=0.03)
    assert normal.std() == pytest.approx(1, abs=0.03)
    assert bernoulli.unique().tolist() == [0, 1]
    assert bernoulli.mean() == pytest.approx(0.3, abs=0.02)
    assert categorical.unique().tolist() == [0, 1]
    assert (categorical.sum(1) == 1).all()
    assert categorical.double().mean(0).sub(1 / k).abs().max() < 0.03


def test_distributions_of_entries_and_of_rows():
    assert draw_matrix(LAWS["exponential"], 4000, 3, 0).mean() == pytest.approx(0.5, abs=0.03)
    rows = draw_matrix(LAWS["rows"], 4000, 3, 0)
    assert (rows.sum(1) == 1).all()
    assert rows.mean(0).tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
    columns = draw_matrix(LAWS["columns"], 4000, 3, 0).mean(0)
    assert columns.tolist() == pytest.approx([0, 10, 20], abs=0.1)


@pytest.mark.parametrize("law", [*NAMES, *LAWS.values()], ids=[*NAMES, *LAWS])
def test_the_seed_alone_decides_and_the_global_state_stays(law):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw_matrix(law, 8, 3, 7)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(draw_matrix(law, 8, 3, 7), first)
    assert not torch.equal(draw_matrix(law, 8, 3, 8), first)


def test_unknown_laws_are_named():
    with pytest.raises(ValueError, match=r"distribution must be one of uniform, .* got 'cauchy'"):
        RandomAssignment(4, 3, "cauchy")
    with pytest.raises(ValueError, match=r"distribution must be one of .* got 3"):
        RandomAssignment(4, 3, 3)
    with pytest.raises(ValueError, match=r"distribution must .* \[\] or \[4\], got \[3\]"):
        RandomAssignment(4, 4, LAWS["rows"])


@pytest.mark.parametrize("value", [0, -1, 1.0, True, None, "3"])
def test_sizes_must_be_positive_integers(value):
    with pytest.raises(ValueError, match=f"num_clusters must be a positive integer, got {value!r}"):
        check_positive(in_channels=1, num_clusters=value)


def test_a_row_per_place_needs_a_number_of_places():
    with pytest.raises(ValueError, match="max_num_nodes must be given"):
        RandomAssignment(4, 3, invariant=False)
    with pytest.raises(ValueError, match="max_num_nodes must be a positive integer, got 0"):
        RandomAssignment(4, 3, invariant=False, max_num_nodes=0)
    assert RandomAssignment(4, 3, invariant=False, max_num_nodes=9).matrix.shape == (9, 3)
    assert RandomAssignment(4, 3, max_num_nodes=9).matrix.shape == (4, 3)


def test_a_seed_leaves_the_global_generator_alone_and_none_draws_from_it():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    RandomAssignment(4, 3, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    first = RandomAssignment(4, 3)
    second = RandomAssignment(4, 3)
    torch.manual_seed(0)
    assert torch.equal(RandomAssignment(4, 3).matrix, first.matrix)
    assert not torch.equal(second.matrix, first.matrix)


def test_resetting_draws_anew_and_repeats_a_given_seed():
    free, seeded = RandomAssignment(4, 3), RandomAssignment(4, 3, seed=5)
    before = free.matrix.clone(), seeded.matrix.clone()
    free.reset_parameters()
    seeded.matrix.zero_()
    seeded.reset_parameters()
    assert not torch.equal(free.matrix, before[0])
    assert torch.equal(seeded.matrix, before[1])


@pytest.mark.parametrize("law", ["normal", LAWS["exponential"]], ids=["name", "distribution"])
def test_the_matrix_travels_as_a_buffer(law):
    select = RandomAssignment(4, 3, law, seed=5)
    assert list(select.parameters()) == []
    other = RandomAssignment(4, 3, law, seed=6)
    other.load_state_dict(select.state_dict())
    for twin in (other, copy.deepcopy(select), pickle.loads(pickle.dumps(select))):
        assert torch.equal(twin.matrix, select.matrix)
        assert twin.seed == 5
    assert select.double().matrix.dtype == torch.double
    assert select.seed.dtype == torch.long


def sparse_and_dense(x):
    """Graphs of three and two nodes: x [5, F], or padded."""
    rows = x[torch.tensor([[0, 1, 2], [3, 4, 0]])]
    mask = torch.tensor([[True, True, True], [True, True, False]])
    batch = torch.tensor([0, 0, 0, 1, 1])
    yield read_soft_graphs(x, EDGES, batch=batch), ...
    yield read_soft_graphs(rows, torch.zeros(2, 3, 3), mask), mask


def test_a_projection_follows_the_features_and_a_row_follows_the_place():
    x = torch.randn(5, 4, requires_grad=True)
    project = RandomAssignment(4, 3, seed=0)
    place = RandomAssignment(4, 3, invariant=False, max_num_nodes=3, seed=0)
    for graphs, real in sparse_and_dense(x):
        projected, placed = project(graphs), place(graphs)
        wanted = (x @ project.matrix).softmax(-1)
        torch.testing.assert_close(projected[real], wanted.detach())
        wanted = place.matrix.softmax(-1)[torch.tensor([0, 1, 2, 0, 1])]
        torch.testing.assert_close(placed[real], wanted)
        assert not projected.requires_grad
        assert not placed.requires_grad
        for s in (projected, placed):
            assert s.sum() == pytest.approx(5)  # zero on padding


def test_the_matrix_takes_the_type_of_the_features():
    for options in ({}, {"invariant": False, "max_num_nodes": 3}):
        select = RandomAssignment(4, 3, **options)
        for graphs, _ in sparse_and_dense(torch.randn(5, 4).double()):
            assert select(graphs).dtype == torch.double


def test_larger_graphs_than_places_are_named():
    place = RandomAssignment(4, 3, invariant=False, max_num_nodes=2)
    for graphs, _ in sparse_and_dense(torch.randn(5, 4)):
        with pytest.raises(ValueError, match=r"graph 0 .* has 3 nodes, max_num_nodes is 2"):
            place(graphs)
    with pytest.raises(ValueError, match=r"graph 0 .* has 3 nodes, max_num_nodes is 2"):
        place(read_soft_graphs(torch.randn(2, 3, 4), torch.zeros(2, 3, 3)))
    with pytest.raises(ValueError, match=r"graph 1 .* has 3 nodes, max_num_nodes is 2"):
        place(read_soft_graphs(torch.randn(4, 4), EDGES[:, :0], batch=torch.tensor([0, 1, 1, 1])))


def test_padding_beyond_the_last_place_does_no_harm():
    place = RandomAssignment(4, 3, invariant=False, max_num_nodes=2)
    s = place(read_soft_graphs(torch.randn(2, 3, 4), torch.zeros(2, 3, 3), PADDED))
    torch.testing.assert_close(s[0, :2], place.matrix.softmax(-1))
    assert s[~PADDED].abs().sum() == 0


def test_a_learned_assignment_asks_its_network():
    graphs = [graphs for graphs, _ in sparse_and_dense(torch.randn(5, 4))]
    mlp = LearnedAssignment(4, 3, None, nn.Linear, on_graph=False)
    for layout in graphs:
        wanted = layout.mask_padding(mlp.network(layout.x).softmax(-1))
        torch.testing.assert_close(mlp(layout), wanted)

    def gnn(x, adj, mask):
        assert adj.shape == (2, 3, 3)
        assert mask.sum() == 5
        return x[..., :3]

    s = LearnedAssignment(4, 3, gnn, nn.Linear, on_graph=True)(graphs[1])
    torch.testing.assert_close(s, graphs[1].mask_padding(graphs[1].x[..., :3].softmax(-1)))


@pytest.mark.parametrize(("on_graph", "name"), [(True, "gnn"), (False, "mlp")])
def test_networks_of_another_shape_are_named(on_graph, name):
    select = LearnedAssignment(4, 3, lambda x, *_: x, nn.Linear, on_graph)
    graphs = read_soft_graphs(torch.randn(2, 3, 4), torch.zeros(2, 3, 3))
    message = rf"{name} must return shape \[2, 3, 3\], .* got \[2, 3, 4\]"
    with pytest.raises(ValueError, match=message):
        select(graphs)


def test_resetting_reaches_the_layers_of_a_network():
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))
    select = LearnedAssignment(4, 3, network, nn.Linear, on_graph=False)
    before = [weight.clone() for weight in network.parameters()]
    select.reset_parameters()
    assert not any(map(torch.equal, before, network.parameters()))
