"""What every soft pooling layer computes, whatever its selector and its losses."""

import pytest
import torch
from _helpers.adjacencies import every_kind
from _helpers.soft_layers import (
    MIXED,
    F,
    K,
    assert_same,
    every,
    invariant,
    layer,
    of_places,
    random,
    sparse,
)
from _helpers.soft_oracles import dense, normal, permuted
from _helpers.strategies import batch_of, batches, edgeless, path
from hypothesis import assume, given
from hypothesis import strategies as st

from graphpool_sanity import DiffPool

seeds = st.integers(0, 999)
small = batches(max_graphs=4, max_size=12)


@sparse
@given(graphs=small, seed=seeds)
def test_sparse_input_gives_the_values_and_gradients_of_dense_input(build, graphs, seed):
    assume(graphs.num_nodes)
    pool, results = layer(build, seed), []
    for use_dense in (False, True):
        x, z = normal(graphs.num_nodes, F, seed=seed), normal(graphs.num_nodes, 2, seed=seed)
        x, z = x.requires_grad_(), z.requires_grad_()
        if use_dense:
            out = pool(*dense(graphs, x, padding=2), z=dense(graphs, z, padding=2).x)
        else:
            out = pool(x, graphs.edge_index, None, graphs.batch, z)
        (out.x.sin().sum() + out.adj.cos().sum() + out.graph_loss + out.assignment_loss).backward()
        weights = [weight.grad.clone() for weight in pool.parameters()]
        pool.zero_grad()
        results.append((out, x.grad if weights else None, z.grad, weights))
    torch.testing.assert_close(*map(list, results), atol=1e-7, rtol=1e-6)


@sparse
@every_kind
def test_every_kind_of_sparse_adjacency_is_the_same(build, make):
    pool, (edges, n, batch) = layer(build), MIXED
    edges = torch.cat([edges, edges.flip(0)], 1)[:, torch.randperm(2 * edges.size(1))]
    x, adj = normal(n, F), make(edges, torch.ones(edges.size(1)), n)
    assert_same(pool(x, adj, batch=batch), pool(x, edges, batch=batch))


@sparse
def test_copies_of_an_edge_add(build):
    pool, (edges, n, batch) = layer(build), MIXED
    twice = torch.sparse_coo_tensor(edges, 2 * torch.ones(edges.size(1)).double(), (n, n))
    x = normal(n, F)
    assert_same(pool(x, edges.repeat(1, 2), batch=batch), pool(x, twice, batch=batch))


@every
@given(graphs=small, seed=seeds, padding=st.integers(1, 4))
def test_padding_moves_nothing_whatever_it_holds(build, graphs, seed, padding):
    assume(graphs.num_nodes)
    pool, x = layer(build, seed), normal(graphs.num_nodes, F, seed=seed)
    wanted = pool(*dense(graphs, x))
    loose = dense(graphs, x, padding=padding)
    assert_same(pool(*loose), wanted)
    real = loose.mask.unsqueeze(-1)
    dirty_x = loose.x.masked_fill(~real, torch.nan)
    dirty_adj = loose.adj.masked_fill(~(real & real.transpose(1, 2)), torch.nan)
    assert_same(pool(dirty_x, dirty_adj, loose.mask), wanted)


@sparse
@given(graphs=small, seed=seeds)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(build, graphs, seed):
    assume(graphs.num_nodes)
    pool, x = layer(build, seed), normal(graphs.num_nodes, F, seed=seed)
    together = pool(x, graphs.edge_index, batch=graphs.batch)
    for g, own in enumerate(dense(graphs, x).mask.sum(1).tolist()):
        nodes = (graphs.batch == g).nonzero().view(-1)
        inside = (graphs.batch == g)[graphs.edge_index[0]]
        if own:
            alone = pool(x[nodes], graphs.edge_index[:, inside] - nodes[0])
            torch.testing.assert_close(alone.x[0], together.x[g])
            torch.testing.assert_close(alone.adj[0], together.adj[g])
        else:
            assert together.x[g].abs().sum() == together.adj[g].abs().sum() == 0


@sparse
def test_no_nodes_give_no_graphs(build):
    out = layer(build)(normal(0, F), MIXED.edge_index[:, :0])
    assert out.x.shape == (0, K, F)
    assert out.adj.shape == (0, K, K)
    assert (out.graph_loss, out.assignment_loss) == (0, 0)


@invariant
@given(graphs=small, seed=seeds)
def test_theorem_1_the_order_of_nodes_makes_no_difference(build, graphs, seed):
    assume(graphs.num_nodes)
    pool, x = layer(build, seed), normal(graphs.num_nodes, F, seed=seed)
    shuffled, order = permuted(graphs, seed)
    assert_same(pool(*dense(shuffled, x[order])), pool(*dense(graphs, x)), atol=1e-6, rtol=1e-7)
    if not isinstance(pool, DiffPool):
        wanted = pool(x, graphs.edge_index, batch=graphs.batch)
        got = pool(x[order], shuffled.edge_index, batch=graphs.batch)
        assert_same(got, wanted, atol=1e-6, rtol=1e-7)


@of_places
def test_a_row_per_place_follows_the_order_of_nodes(build):
    pool, x = layer(build), normal(MIXED.num_nodes, F)
    shuffled, order = permuted(MIXED, seed=1)
    before = pool(x, MIXED.edge_index, batch=MIXED.batch)
    after = pool(x[order], shuffled.edge_index, batch=MIXED.batch)
    assert all((a - b).abs().max() > 1e-5 for a, b in zip(before[:3], after[:3], strict=True))


@random
def test_no_gradient_reaches_the_matrix_or_the_features_that_select(build):
    pool = layer(build)
    x, z = normal(MIXED.num_nodes, F).requires_grad_(), normal(MIXED.num_nodes, 2).requires_grad_()
    out = pool(x, MIXED.edge_index, batch=MIXED.batch, z=z)
    out.x.sum().backward()
    assert x.grad is None
    torch.testing.assert_close(z.grad, torch.ones_like(z))  # the shares of a node sum to one
    assert not any(t.requires_grad for t in (out.adj, *out[2:], *pool.state_dict().values()))


@every
def test_z_is_pooled_by_the_assignment_of_x(build):
    pool, x = layer(build), normal(MIXED.num_nodes, F)
    x, adj, mask = dense(MIXED, x)
    twice, plain = pool(x, adj, mask, z=torch.cat([x, -x], -1)), pool(x, adj, mask)
    torch.testing.assert_close(twice.x, torch.cat([plain.x, -plain.x], -1))
    assert_same(twice._replace(x=plain.x), plain)


@every
def test_gradients_are_those_of_finite_differences(build):
    pool = layer(build)
    x, adj, mask = dense(MIXED, normal(MIXED.num_nodes, F))
    weights = [w.detach().clone().requires_grad_() for w in pool.parameters()]
    names = [name for name, _ in pool.named_parameters()]

    def run(z, adj, *weights):
        arguments = (x, adj, mask, None, z)
        return torch.func.functional_call(pool, dict(zip(names, weights, strict=True)), arguments)

    z, adj = normal(*x.shape[:2], 2, seed=1).requires_grad_(), (adj / 2 + 1.1).requires_grad_()
    assert torch.autograd.gradcheck(run, (z, adj, *weights), fast_mode=True)


@every
@pytest.mark.parametrize(
    "graphs", [(edgeless(1),), (edgeless(4), (0, []), edgeless(1)), (path(2),)]
)
def test_tiny_and_edgeless_graphs_have_finite_losses_and_gradients(build, graphs):
    graphs, pool = batch_of(*graphs), layer(build)
    x = normal(graphs.num_nodes, F).requires_grad_()
    full = dense(graphs, x)
    out = pool(*full)._replace(x=pool(full.x, full.adj.requires_grad_(), full.mask).x)
    sum(t.sum() for t in out).backward()
    assert all(t.isfinite().all() for t in (*out, x.grad, *(w.grad for w in pool.parameters())))
