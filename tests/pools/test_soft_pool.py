"""What every soft pooling layer promises, whatever its selector and its losses."""

import copy
import pickle

import pytest
import torch
from adjacencies import every_kind
from hypothesis import assume, given
from hypothesis import strategies as st
from soft_oracles import dense, normal, permuted
from strategies import batch_of, batches, cycle, edgeless, path, star

from graphpool_sanity.pools.diff_pool import DiffPool, RandomDiffPool
from graphpool_sanity.pools.mincut_pool import MinCutPool, RandomMinCutPool

F, K, PLACES = 5, 3, 30

LAYERS = {
    "DiffPool": lambda: DiffPool(F, K),
    "RandomDiffPool": lambda: RandomDiffPool(F, K),
    "RandomDiffPool of places": lambda: RandomDiffPool(F, K, "uniform", False, PLACES),
    "MinCutPool": lambda: MinCutPool(F, K),
    "RandomMinCutPool": lambda: RandomMinCutPool(F, K, "uniform", True),
    "RandomMinCutPool of places": lambda: RandomMinCutPool(F, K, max_num_nodes=PLACES),
}


def layers(wanted=lambda name: True):
    names = [name for name in LAYERS if wanted(name)]
    return pytest.mark.parametrize("build", [LAYERS[name] for name in names], ids=names)


every = layers()
sparse = layers(lambda name: name != "DiffPool")
random = layers(lambda name: name.startswith("Random"))
of_places = layers(lambda name: name.endswith("places"))
invariant = layers(lambda name: not name.endswith("places"))
seeds = st.integers(0, 999)
small = batches(max_graphs=4, max_size=12)
MIXED = batch_of(cycle(5), edgeless(1), star(4), path(7), edgeless(3))


def layer(build, seed=0):
    torch.manual_seed(seed)
    return build().double()


def assert_same(got, wanted, **tolerance):
    for name in wanted._fields:
        torch.testing.assert_close(getattr(got, name), getattr(wanted, name), **tolerance)


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
            out = pool(x, graphs.edge_index, batch=graphs.batch, z=z)
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
    for name in ("x", "adj", "graph_loss"):
        assert (getattr(before, name) - getattr(after, name)).abs().max() > 1e-5


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


@every
@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
@pytest.mark.parametrize("padding", [0, 2])
def test_half_precision(build, dtype, padding):
    exact, pool = layer(build), layer(build).to(dtype)
    x = normal(MIXED.num_nodes, F)
    wanted = exact(*dense(MIXED, x, padding=padding))
    x = x.to(dtype).requires_grad_()
    calls = [dense(MIXED, x, padding=padding)]
    calls += [] if isinstance(pool, DiffPool) else [(x, MIXED.edge_index, None, MIXED.batch)]
    for call in calls:
        out = pool(*call)
        assert {t.dtype for t in out} == {dtype}
        assert_same(type(out)(*(t.double() for t in out)), wanted, atol=0.1, rtol=0.1)
        sum(t.sum() for t in out).backward()
        assert x.grad.isfinite().all()


@every
def test_autocast(build):
    pool, x = layer(build).float(), normal(MIXED.num_nodes, F).float()
    calls = [dense(MIXED, x)]
    calls += [] if isinstance(pool, DiffPool) else [(x, MIXED.edge_index, None, MIXED.batch)]
    for call in calls:
        wanted = pool(*call)
        with torch.autocast("cpu", torch.bfloat16):
            out = pool(*call)
        assert out.x.dtype == out.adj.dtype == torch.bfloat16
        assert out.graph_loss.dtype == out.assignment_loss.dtype == torch.float
        assert_same(type(out)(*(t.float() for t in out)), wanted, atol=0.1, rtol=0.1)


@every
def test_dense_input_compiles_into_one_graph(build):
    pool, call = layer(build), dense(MIXED, normal(MIXED.num_nodes, F))
    torch.compiler.reset()
    compiled = torch.compile(pool, fullgraph=True, backend="aot_eager")
    assert_same(compiled(*call), pool(*call))
    assert_same(compiled(*call[:2]), pool(*call[:2]))


@every
def test_a_state_dict_reproduces_the_outputs(build):
    pool, other = layer(build, seed=1), layer(build, seed=2)
    call = dense(MIXED, normal(MIXED.num_nodes, F))
    assert not torch.equal(other(*call).x, pool(*call).x)
    twins = [copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))]
    other.load_state_dict(pool.state_dict())
    for twin in (other, *twins):
        assert_same(twin(*call), pool(*call), atol=0, rtol=0)


@every
def test_resetting_draws_anew(build):
    pool, call = layer(build), dense(MIXED, normal(MIXED.num_nodes, F))
    before = pool(*call).x
    pool.reset_parameters()
    assert not torch.equal(pool(*call).x, before)


@random
def test_calls_neither_draw_nor_change(build):
    pool, call = layer(build), dense(MIXED, normal(MIXED.num_nodes, F))
    state, first = torch.get_rng_state(), pool(*call)
    assert_same(pool.eval()(*call), first, atol=0, rtol=0)
    assert torch.equal(torch.get_rng_state(), state)


@every
def test_outputs_are_contiguous_and_own_their_memory(build):
    out = layer(build)(*dense(MIXED, normal(MIXED.num_nodes, F)))
    assert out.x.is_contiguous()
    assert out.adj.is_contiguous()
    out.adj.mul_(2)  # in place, as PyG's functions allow


@pytest.mark.parametrize("kind", [DiffPool, RandomDiffPool, MinCutPool, RandomMinCutPool])
def test_sizes_are_checked(kind):
    more = {"max_num_nodes": 4} if kind.__name__.startswith("Random") else {}
    for in_channels, num_clusters, name in ((0, 3, "in_channels"), (3, -1, "num_clusters")):
        with pytest.raises(ValueError, match=f"{name} must be a positive integer"):
            kind(in_channels, num_clusters, **more)


@every
def test_channels_are_checked(build):
    with pytest.raises(ValueError, match=r"x must have 5 channels, got \[2, 4, 6\]"):
        layer(build)(normal(2, 4, 6), normal(2, 4, 4))


@every
def test_repr_shows_layer_sizes_and_selector(build):
    pool = layer(build)
    text = repr(pool)
    assert text.startswith(f"{type(pool).__name__}(\n  5, num_clusters=3\n  (select): ")
    assert type(pool.select).__name__ in text


def test_repr_shows_the_random_matrix():
    text = repr(RandomMinCutPool(5, 3, "uniform", max_num_nodes=9).select)
    assert text == "RandomAssignment(9 x 3, uniform, one row per place)"
    assert repr(RandomDiffPool(5, 3).select) == "RandomAssignment(5 x 3, normal, invariant)"
