import networkx as nx
import numpy as np
import pytest
import torch
from _helpers.strategies import batch_of, batches, bipartite, cycle, edgeless, path, star
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.utils import to_undirected

from graphpool_sanity.analysis import dirichlet_energy, low_frequency_share, smoothness

seeds = st.integers(0, 9999)


def noise(num_nodes, seed=0, channels=2):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(num_nodes, channels, dtype=torch.double, generator=generator)


def spectrum(graphs, number):
    """Eigenvalues and the weights of nodes of one graph, straight from the definition."""
    nodes = (graphs.batch == number).nonzero().view(-1).tolist()
    near = graphs.neighbours()
    adjacency = np.array([[float(v in near[u]) for v in nodes] for u in nodes])
    degrees = adjacency.sum(1)
    weight = np.maximum(degrees, 1)
    laplacian = (np.diag(degrees) - adjacency) / np.sqrt(np.outer(weight, weight))
    return np.linalg.eigvalsh(laplacian), weight, nodes


def permuted(graphs, x, seed):
    """The same graphs with nodes and edges in another order."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(graphs.num_nodes, generator=generator)
    order = order[graphs.batch[order].argsort(stable=True)]
    edges = order.argsort()[graphs.edge_index].flip(0)
    return x[order], edges[:, torch.randperm(edges.size(1), generator=generator)]


@given(batches(max_size=12), seeds)
def test_energy_lies_between_0_and_2_and_neither_order_nor_scale_changes_it(graphs, seed):
    x = noise(graphs.num_nodes, seed)
    energy = dirichlet_energy(x, graphs.edge_index, graphs.batch)
    assert ((energy >= 0) & (energy <= 2 + 1e-12)).all()

    other = dirichlet_energy(*permuted(graphs, x, seed), graphs.batch)
    torch.testing.assert_close(other, energy)
    for factor in (-3.0, 1e-250, 1e250):
        torch.testing.assert_close(
            dirichlet_energy(factor * x, graphs.edge_index, graphs.batch), energy
        )


@given(batches(max_size=12), seeds, st.integers(1, 12) | st.floats(0.01, 1))
def test_the_share_lies_between_0_and_1_and_neither_order_nor_scale_changes_it(graphs, seed, k):
    x = noise(graphs.num_nodes, seed)
    share = low_frequency_share(x, graphs.edge_index, graphs.batch, k)
    assert ((share >= 0) & (share <= 1)).all()

    other = low_frequency_share(*permuted(graphs, x, seed), graphs.batch, k)
    torch.testing.assert_close(other, share, atol=1e-9, rtol=0)
    for factor in (-3.0, 1e-250, 1e250):
        again = low_frequency_share(factor * x, graphs.edge_index, graphs.batch, k)
        torch.testing.assert_close(again, share, atol=1e-9, rtol=0)


@given(batches(max_graphs=3, max_size=9), seeds)
def test_parseval(graphs, seed):
    """The shares of all frequencies add up to 1; weighted by eigenvalues, to the energy."""
    x = noise(graphs.num_nodes, seed)
    upto = [torch.zeros(int(graphs.batch.max()) + 1 if graphs.num_nodes else 0).double()]
    for k in range(1, 10):
        upto.append(low_frequency_share(x, graphs.edge_index, graphs.batch, k))
    parts = torch.stack(upto).diff(dim=0)
    assert (parts >= -1e-9).all()
    torch.testing.assert_close(upto[-1], torch.ones_like(upto[-1]))

    energy = dirichlet_energy(x, graphs.edge_index, graphs.batch)
    for g in graphs.batch.unique().tolist():
        values, _, _ = spectrum(graphs, g)
        expected = (parts[: len(values), g].numpy() * values).sum()
        assert float(energy[g]) == pytest.approx(expected, abs=1e-7)


@given(batches(max_size=12), seeds)
def test_what_is_constant_on_components_is_as_smooth_as_can_be(graphs, seed):
    graph = nx.Graph(graphs.edge_index.t().tolist())
    graph.add_nodes_from(range(graphs.num_nodes))
    x, generator = torch.ones(graphs.num_nodes, 2).double(), torch.Generator().manual_seed(seed)
    most = 1
    for component in nx.connected_components(graph):
        x[list(component)] = torch.randn(2, dtype=torch.double, generator=generator)
    for g in graphs.batch.unique().tolist():
        nodes = (graphs.batch == g).nonzero().view(-1).tolist()
        most = max(most, nx.number_connected_components(graph.subgraph(nodes)))
    energy = dirichlet_energy(x, graphs.edge_index, graphs.batch)
    assert (energy == 0).all()
    share = low_frequency_share(x, graphs.edge_index, graphs.batch, most)
    torch.testing.assert_close(share, torch.ones_like(share))


@pytest.mark.parametrize("graph", [path(5), cycle(8), star(6), bipartite(9), path(2)])
def test_what_alternates_on_a_bipartite_graph_has_the_highest_frequency(graph):
    graphs = batch_of(graph)
    near = graphs.neighbours()
    sign = {0: 1.0}
    for _ in range(graphs.num_nodes):
        sign |= {v: -sign[u] for u in list(sign) for v in near[u]}
    x = torch.tensor([[sign[v]] for v in range(graphs.num_nodes)]).double()
    assert dirichlet_energy(x, graphs.edge_index).item() == pytest.approx(2)
    share = low_frequency_share(x, graphs.edge_index, k=graphs.num_nodes - 1)
    assert share.item() == pytest.approx(0, abs=1e-12)


def test_energy_by_hand_with_an_isolated_node():
    """Path 0–1–2 and node 3 alone: (1 + 4) / (1·1 + 2·0 + 1·4 + 1·9)."""
    x = torch.tensor([[1.0], [0.0], [2.0], [3.0]])
    energy = dirichlet_energy(x, torch.tensor([[0, 1], [1, 2]]))
    torch.testing.assert_close(energy, torch.tensor([5 / 14]).double())


def test_equal_frequencies_share_what_they_hold():
    """The second and third frequency of a cycle are one: any rotation of x has equal shares."""
    graphs = batch_of(cycle(7))
    angle = 2 * torch.pi * torch.arange(7).double() / 7
    for shift in (0.0, 0.3, 1.0):
        x = (angle + shift).cos().view(-1, 1)
        shares = [low_frequency_share(x, graphs.edge_index, k=k).item() for k in (1, 2, 3)]
        assert shares == pytest.approx([0, 0.5, 1], abs=1e-9)


def test_a_fraction_of_the_frequencies_is_rounded_up():
    graphs = batch_of(path(30), path(5), edgeless(0), path(10))
    x = noise(45)
    share = low_frequency_share(x, graphs.edge_index, graphs.batch, 0.1)
    one, three = (low_frequency_share(x, graphs.edge_index, graphs.batch, k) for k in (1, 3))
    torch.testing.assert_close(share, torch.stack([three[0], one[1], one[2], one[3]]))
    assert (low_frequency_share(x, graphs.edge_index, graphs.batch, 1.0) == 1).all()


def test_no_edges_no_features_no_nodes():
    edges = torch.empty(2, 0, dtype=torch.long)
    assert dirichlet_energy(noise(3), edges).tolist() == [0]
    assert low_frequency_share(torch.ones(4, 1), edges, k=1).tolist() == pytest.approx([0.25])
    path3 = batch_of(path(3)).edge_index
    assert dirichlet_energy(torch.zeros(3, 2), path3).tolist() == [0]
    assert low_frequency_share(torch.zeros(3, 2), path3).tolist() == [1]
    assert low_frequency_share(torch.ones(3, 0), path3).tolist() == [1]
    for measure, smoothest in ((dirichlet_energy, 0), (low_frequency_share, 1)):
        assert measure(torch.empty(0, 2), edges).tolist() == []
        beside_an_empty_graph = measure(torch.ones(1, 2), edges, torch.tensor([1]))
        assert beside_an_empty_graph.tolist() == [smoothest, smoothest]


@pytest.mark.parametrize("measure", [dirichlet_energy, low_frequency_share])
def test_direction_loops_and_repetition_of_edges_make_no_difference(measure):
    edges, x = batch_of(path(6)).edge_index, noise(6)
    loops = torch.tensor([[1, 1], [1, 1]])
    messy = torch.cat([edges, edges.flip(0), edges, loops], 1)
    torch.testing.assert_close(measure(x, messy), measure(x, edges))
    sparse = torch.sparse_coo_tensor(edges, torch.full((5,), 7.0), (6, 6))
    torch.testing.assert_close(measure(x, sparse), measure(x, edges))


@pytest.mark.parametrize("k", [1, 2, 8, 9, 30, 90])
def test_large_components_give_what_a_full_decomposition_gives(k, monkeypatch):
    grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(10, 10, periodic=True))
    tree = nx.balanced_tree(2, 6)
    graph = nx.disjoint_union_all([grid, tree, nx.empty_graph(5), nx.path_graph(3)])
    edges, x = torch.tensor(list(graph.edges)).t(), noise(len(graph))
    expected = low_frequency_share(x, edges, k=k)
    solver = []
    eigsh = smoothness.eigsh

    def counted(*args, **kwargs):
        solver.append(args[1])
        return eigsh(*args, **kwargs)

    monkeypatch.setattr(smoothness, "_DENSE", 20)
    monkeypatch.setattr(smoothness, "eigsh", counted)
    torch.testing.assert_close(low_frequency_share(x, edges, k=k), expected, atol=1e-8, rtol=0)
    assert bool(solver) == (8 < k < 50)  # of 8 components


def test_a_large_graph_takes_a_moment():
    side = 60
    grid = nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side))
    edges = to_undirected(torch.tensor(list(grid.edges)).t())
    share = low_frequency_share(torch.ones(side * side, 1) + 0.01 * noise(side**2), edges, k=4)
    assert 0.99 < share.item() < 1


@pytest.mark.parametrize("k", [0, -1, True, 0.0, 1.5, float("nan")])
def test_a_wrong_number_of_frequencies_is_refused(k):
    with pytest.raises(ValueError, match="k must be an int of at least 1 or a float in"):
        low_frequency_share(torch.ones(3, 1), torch.tensor([[0], [1]]), k=k)


@pytest.mark.parametrize("measure", [dirichlet_energy, low_frequency_share])
def test_malformed_input_is_refused(measure):
    edges = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match=r"x must be a floating point tensor of shape \[N, F\]"):
        measure(torch.ones(1, 3, 2), edges)
    with pytest.raises(ValueError, match="x must be finite"):
        measure(torch.tensor([[1.0], [float("nan")]]), edges)
    with pytest.raises(ValueError, match="edge_index must join nodes of one graph"):
        measure(torch.ones(2, 1), edges, torch.tensor([0, 1]))


def test_what_is_constant_needs_no_decomposition():
    """A path of 8,000 nodes took 47 seconds and a gigabyte."""
    n = 100_000
    path = torch.stack([torch.arange(n - 1), torch.arange(1, n)])
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    weight = torch.full((n, 1), 2.0).double()
    weight[0] = weight[-1] = 1
    energy = (weight * x).sum(0).square().sum() / weight.sum()
    found = low_frequency_share(x, path, k=1)
    torch.testing.assert_close(found, (energy / (weight * x.double().square()).sum()).view(1))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_several_components_share_the_lowest_frequency(k):
    edges = torch.tensor([[0, 1, 3, 4], [1, 2, 4, 0 + 3]])  # a path, a pair, a lone node
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).double()
    weight = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0, 1.0]).double().view(-1, 1)
    parts = [slice(0, 3), slice(3, 5), slice(5, 6)]
    energies = [(weight[p] * x[p]).sum(0).square().sum() / weight[p].sum() for p in parts]
    wanted = k / 3 * sum(energies) / (weight * x.square()).sum()
    torch.testing.assert_close(low_frequency_share(x, edges, k=k), wanted.view(1))


@given(batches(max_graphs=3, max_size=9), seeds, st.integers(0, 3))
def test_graphs_without_nodes_at_the_end_are_as_smooth_as_can_be(graphs, seed, empty):
    x = noise(graphs.num_nodes, seed)
    args = (x, graphs.edge_index, graphs.batch)
    energy, share = dirichlet_energy(*args), low_frequency_share(*args, 2)
    size, rest = len(energy) + empty, torch.zeros(empty).double()
    assert torch.equal(dirichlet_energy(*args, batch_size=size), torch.cat([energy, rest]))
    found = low_frequency_share(*args, 2, batch_size=size)
    assert torch.equal(found, torch.cat([share, rest + 1]))
    if len(energy):
        for measure in (dirichlet_energy, low_frequency_share):
            with pytest.raises(ValueError, match="batch_size must be at least"):
                measure(*args, batch_size=len(energy) - 1)
