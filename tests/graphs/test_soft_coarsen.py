import pytest
import torch
from _helpers.soft_oracles import adjacencies, dense, members, normal
from _helpers.strategies import batch_of, batches, cycle, edgeless, path, star
from hypothesis import assume, given
from hypothesis import strategies as st
from torch.nn.functional import pad
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.nn import dense_mincut_pool

from graphpool_sanity.graphs.soft_coarsen import normalise_adj
from graphpool_sanity.graphs.soft_input import read_soft_graphs

K = 3
seeds = st.integers(0, 999)
small = batches(max_graphs=5, max_size=12)


def weighted(graphs, z, weight):
    """The sparse layout, with a weight for every copy of an edge."""
    return read_soft_graphs(z, graphs.edge_index, batch=graphs.batch)._replace(weight=weight)


def both(graphs, seed, padding=0):
    """The same weighted graphs, embeddings and assignment, sparse and dense."""
    z, weight = normal(graphs.num_nodes, 4, seed=seed), normal(graphs.edge_index.size(1), seed=seed)
    s = normal(graphs.num_nodes, K, seed=seed + 1).softmax(-1)
    sparse = weighted(graphs, z, weight)
    full = read_soft_graphs(*dense(graphs, z, weight, padding))
    return (sparse, s), (full, full.mask_padding(dense(graphs, s, padding=padding).x))


def by_definition(graphs, seed):
    """Sᵀ Z, Sᵀ A S, Sᵀ S, tr(Sᵀ D S) and ‖A‖² of each graph."""
    z, weight = normal(graphs.num_nodes, 4, seed=seed), normal(graphs.edge_index.size(1), seed=seed)
    s = normal(graphs.num_nodes, K, seed=seed + 1).softmax(-1)
    rows = []
    for own, adj in zip(members(graphs), adjacencies(graphs, weight), strict=True):
        t, degree = s[own], adj.sum(1).diag()
        volume = (t.T @ degree @ t).trace()
        rows.append((t.T @ z[own], t.T @ adj @ t, t.T @ t, volume, adj.square().sum()))
    return [torch.stack(column) for column in zip(*rows, strict=True)]


@given(small, seeds)
def test_both_layouts_coarsen_by_definition(graphs, seed):
    assume(graphs.num_nodes)
    *coarse, volumes, squares = by_definition(graphs, seed)
    for layout, s in both(graphs, seed):
        for got, wanted in zip(layout.coarsen(s), coarse, strict=True):
            torch.testing.assert_close(got, wanted)
        torch.testing.assert_close(layout.volumes(s), volumes)
        torch.testing.assert_close(layout.square_norm(), squares.sum())
        assert layout.sizes.tolist() == [len(own) for own in members(graphs)]


@given(small, seeds, st.integers(1, 5))
def test_padding_changes_nothing(graphs, seed, padding):
    assume(graphs.num_nodes)
    _, (tight, s) = both(graphs, seed)
    _, (loose, t) = both(graphs, seed, padding)
    torch.testing.assert_close(t[:, : s.size(1)], s, rtol=0, atol=0)
    for got, wanted in zip(loose.coarsen(t), tight.coarsen(s), strict=True):
        torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(loose.volumes(t), tight.volumes(s))
    torch.testing.assert_close(loose.square_norm(), tight.square_norm())


@given(small, seeds)
def test_the_sparse_layout_has_the_dense_gradients(graphs, seed):
    assume(graphs.num_nodes)
    gradients = []
    for use_dense in (False, True):
        z = normal(graphs.num_nodes, 4, seed=seed).requires_grad_()
        weight = normal(graphs.edge_index.size(1), seed=seed).requires_grad_()
        s = normal(graphs.num_nodes, K, seed=seed + 1).requires_grad_()
        if use_dense:
            layout = read_soft_graphs(*dense(graphs, z, weight))
            coarse = layout.coarsen(dense(graphs, s).x)
        else:
            layout = weighted(graphs, z, weight)
            coarse = layout.coarsen(s)
        answers = torch.cat([t.flatten() for t in (*coarse, layout.square_norm())])
        (answers * normal(len(answers), seed=2)).sum().backward()
        gradients.append((z.grad, weight.grad, s.grad))
    for got, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(got, wanted)


def test_sparse_coarsening_differentiates():
    graphs = batch_of(path(4), edgeless(1), (0, []), star(3), (2, [(0, 1), (0, 1), (1, 1)]))
    weight = normal(graphs.edge_index.size(1)).requires_grad_()
    z, s = (
        normal(graphs.num_nodes, 2).requires_grad_(),
        normal(graphs.num_nodes, K).requires_grad_(),
    )

    def answers(z, weight, s):
        layout = weighted(graphs, z, weight)
        return *layout.coarsen(s), layout.square_norm(), layout.volumes(s)

    assert torch.autograd.gradcheck(answers, (z, weight, s))


class Largest(TorchDispatchMode):
    """Notes the number of elements of the largest tensor made."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for t in out if isinstance(out, tuple | list) else (out,):
            if isinstance(t, torch.Tensor) and t._base is None:
                self.numel = max(self.numel, t.untyped_storage().nbytes() // t.element_size())
        return out


@pytest.mark.parametrize(
    "sizes", [(900, *[1] * 60), (300, 300, 300), (0, 0, 500, 7, 500), (1,) * 400, (1000,)]
)
def test_no_tensor_of_the_size_of_an_adjacency_or_its_padding(sizes):
    graphs, channels = batch_of(*map(cycle, sizes)), 5
    z = normal(graphs.num_nodes, channels).requires_grad_()
    s = normal(graphs.num_nodes, K).requires_grad_()
    with Largest() as largest:
        layout = read_soft_graphs(z, graphs.edge_index, batch=graphs.batch)
        coarse = layout.coarsen(s)
        loss = sum(t.sum() for t in coarse) + layout.square_norm() + layout.volumes(s).sum()
        loss.backward()
    rows = 1.5 * graphs.num_nodes + 8 * len(sizes)
    assert 0 < largest.numel <= rows * max(channels, K * channels / 8)


@given(small, seeds)
def test_normalised_adjacency_is_that_of_pyg(graphs, seed):
    assume(graphs.num_nodes)
    adj = normal(4, 5, 5, seed=seed).exp()
    adj[0] = adj[0] + adj[0].T
    identity = torch.eye(5).double().expand(4, 5, 5) * 1e4  # softmax leaves it one-hot
    _, wanted, _, _ = dense_mincut_pool(adj, adj, identity)
    torch.testing.assert_close(normalise_adj(adj), wanted, rtol=1e-12, atol=0)


def test_normalising_no_edges_gives_none_and_finite_gradients():
    adj = pad(torch.tensor([[[0.0, 2.0], [2.0, 0.0]]]), (0, 1, 0, 1)).requires_grad_()
    out = normalise_adj(torch.cat([adj, torch.zeros_like(adj)]))
    out.sum().backward()
    torch.testing.assert_close(out[0], (adj[0] / 2).detach())
    assert out[1].abs().sum() == 0
    assert adj.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_sums_of_many_halves_keep_their_precision(dtype):
    n = 20_000  # halves count ones up to 2048, or 256, and no further
    ones, loops = torch.ones(n, 1, dtype=dtype), torch.arange(n).expand(2, -1)
    coarse = read_soft_graphs(ones, loops).coarsen(ones)
    assert [float(t) for t in coarse] == pytest.approx([n] * 3, rel=2**-8)
    assert {t.dtype for t in coarse} == {dtype}


def test_squares_of_halves_do_not_overflow():
    clique = torch.ones(300, 300, dtype=torch.half)
    for adj in (clique, clique.float().nonzero().t()):
        assert read_soft_graphs(clique, adj).square_norm().item() == 300**2


@pytest.mark.parametrize("dtype", [torch.float, torch.double])
def test_clusters_that_hardly_have_edges_give_gradients_that_pools_in_a_row_can_multiply(dtype):
    size = torch.logspace(-46, 0, 93, dtype=dtype)  # in single precision down to zero
    adj = torch.zeros(93, 3, 3, dtype=dtype)
    adj[:, 0, 1] = adj[:, 1, 0] = size
    adj.requires_grad_()
    out = normalise_adj(adj)
    (out * torch.randn(3, 3, dtype=dtype)).sum().backward()
    assert adj.grad.abs().max() < 1e7
    edge = out[:, 0, 1].detach()
    torch.testing.assert_close(edge[size > 1e-6], torch.ones_like(edge[size > 1e-6]))
    assert (edge.diff() >= -1e-6).all()
