"""The nulls of torch-geometric-pool's layers."""

import copy
import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from null_layers import HOSTILE, F, K
from soft_oracles import normal
from strategies import Graphs, batch_of, cycle, edgeless, path, star
from torch_geometric.utils import add_self_loops

from graphpool_sanity import matched_nulls, randomize

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tgp.poolers as poolers
        import torch_sparse
except ImportError as error:  # its layers cannot even be imported without torch-scatter
    pytest.skip(f"needs torch-geometric-pool and torch-sparse: {error}", allow_module_level=True)

TOP_K = ("asap", "pan", "sag", "topk")
PAIRS = ("ec", "graclus")
HARD = (*TOP_K, *PAIRS, "kmis", "maxcut", "ndp", "sep")
MLP = ("acc", "bnpool", "diff", "dmon", "hosc", "jb", "mincut")
SOFT = (*MLP, "lap", "nmf")
NULLS = {
    **{name: ["random", "shuffle", "frozen", "none"] for name in (*TOP_K, "kmis", "maxcut", *MLP)},
    **{name: ["random", "shuffle", "none"] for name in ("ndp", "sep", "lap", "nmf")},
    "ec": ["complement", "random", "shuffle", "frozen", "none"],
    "graclus": ["complement", "random", "shuffle", "none"],
    "eigen": ["random", "shuffle"],
    "nopool": ["none"],
}
# Those draw from global generators at each call, whatever the mode.
RANDOM = ("bnpool", "eigen", "graclus", "maxcut", "ndp", "nmf")
UNBATCHED = {name: {"batched": False} for name in (*MLP, "lap")}
CASES = [(name, null) for name, nulls in NULLS.items() for null in nulls]


def by_graph(*graphs):
    """A batch with its edges both ways, graph by graph, as some of the layers need them."""
    batch = batch_of(*[(size, edges + [(v, u) for u, v in edges]) for size, edges in graphs])
    return batch._replace(edge_index=batch.edge_index.contiguous())


_BOTH_WAYS = torch.cat([HOSTILE.edge_index, HOSTILE.edge_index.flip(0)], 1)
MIXED = HOSTILE._replace(
    edge_index=_BOTH_WAYS[:, HOSTILE.batch[_BOTH_WAYS[0]].argsort(stable=True)]
)
# Without a graph that has no edges: unbatched, soft layers take it for the one after it.
JOINED = by_graph(cycle(12), path(14), star(9))
NOT_EMPTY = by_graph(cycle(5), edgeless(1), path(7), edgeless(3), star(6))
X = normal(MIXED.num_nodes, F).float()


def cases(wanted=lambda name, null: True):
    chosen = [case for case in CASES if wanted(*case)]
    return pytest.mark.parametrize(("name", "null"), chosen, ids=map("-".join, chosen))


def layer(name, **options):
    torch.manual_seed(0)
    return poolers.get_pooler(name, in_channels=F, k=K, ratio=0.5, **options).eval()


def call(pool, name, graphs=MIXED, x=None):
    """The output for a batch, with the global generators at the same point each time."""
    torch.manual_seed(0)
    np.random.seed(0)
    x = features(graphs) if x is None else x
    adj = graphs.edge_index
    if name == "pan":
        value, size = torch.ones(adj.size(1)), (graphs.num_nodes, graphs.num_nodes)
        adj = torch_sparse.SparseTensor(row=adj[0], col=adj[1], value=value, sparse_sizes=size)
    return pool(x=x, adj=adj, batch=graphs.batch)


def batch_for(name):
    """The most hostile batch that the layer itself can take, or has clusters for."""
    return {"nmf": JOINED, "lap": JOINED, "acc": NOT_EMPTY}.get(name, MIXED)


def features(graphs):
    return normal(graphs.num_nodes, F).float()


def same(out, other):
    return torch.equal(out.x, other.x) and torch.equal(out.so.s.to_dense(), other.so.s.to_dense())


def rows(out, graphs):
    """The rows of S of each graph, as lists to compare."""
    s = out.so.s.to_dense()
    if s.dim() == 3:
        return [s[g, : int(n)] for g, n in enumerate(graphs.batch.bincount())]
    return [s[graphs.batch == g] for g in range(int(graphs.batch.max()) + 1)]


def counted(s):
    """Each row with how often it is there."""
    return Counter(tuple(row) for row in s.detach().numpy().round(5).tolist())


@pytest.mark.parametrize("name", poolers.pooler_map)
def test_every_layer_has_nulls_the_most_telling_first(name):
    assert matched_nulls(layer(name)) == NULLS[name]


@cases()
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_null_gives_what_the_layer_gives(name, null, training):
    graphs = batch_for(name)
    pool = layer(name).train(training)
    own, out = call(pool, name, graphs), call(randomize(pool, null, 1), name, graphs)
    assert type(own) is type(out)
    assert own.so._extra_args == out.so._extra_args
    for mine, theirs in zip(own, out, strict=True):
        assert type(mine) is type(theirs)
    assert own.x.shape[1:] == out.x.shape[1:]
    assert out.x.isfinite().all()
    if own.edge_weight is not None:
        assert out.edge_weight.isfinite().all() or not own.edge_weight.isfinite().all()
    if own.has_loss:
        assert own.loss.keys() == out.loss.keys()
    if name in SOFT:
        assert own.so.s.shape == out.so.s.shape
        assert torch.equal(own.mask, out.mask)
    if null in ("random", "shuffle") and own.batch is not None:
        assert torch.equal(own.batch, out.batch)
    if null == "none" and name in HARD:
        assert torch.equal(out.batch, graphs.batch)


@cases(lambda name, null: null == "shuffle")
def test_a_shuffle_permutes_the_rows_of_each_graph(name, null):
    graphs = batch_for(name)
    pool = layer(name)
    own = rows(call(pool, name, graphs), graphs)
    out = rows(call(randomize(pool, null, 0), name, graphs), graphs)
    for mine, theirs in zip(own, out, strict=True):
        assert counted(mine) == counted(theirs)
    assert not all(map(torch.allclose, own, out))


@cases(lambda name, null: null == "random" and name in ("eigen", *HARD) and name not in TOP_K)
def test_clusters_by_chance_keep_their_rows_too(name, null):
    graphs = batch_for(name)
    pool = layer(name)
    own = rows(call(pool, name, graphs), graphs)
    out = rows(call(randomize(pool, null, 0), name, graphs), graphs)
    for mine, theirs in zip(own, out, strict=True):
        assert counted(mine) == counted(theirs)


@cases(lambda name, null: null == "random" and name in TOP_K)
def test_nodes_by_chance_have_their_own_scores_as_gates(name, null):
    pool = layer(name)
    every = call(randomize(pool, "none", 0), name).so
    out, other = (call(randomize(pool, null, 3), name, x=x).so for x in (X, X.flip(0)))
    assert torch.equal(every.node_index, torch.arange(len(X)))
    torch.testing.assert_close(out.weight, every.weight[out.node_index])
    assert torch.equal(out.node_index, other.node_index)
    own = call(pool, name).so
    assert torch.equal(
        HOSTILE.batch[out.node_index].bincount(), HOSTILE.batch[own.node_index].bincount()
    )
    torch.testing.assert_close(own.weight, every.weight[own.node_index])


@cases(lambda name, null: null == "random" and name in SOFT)
def test_shares_by_chance_are_those_of_the_place_alone(name, null):
    graphs = batch_for(name)
    pool = randomize(layer(name), null, 0)
    mine = rows(call(pool, name, graphs), graphs)
    wanted = max(mine, key=len)
    assert len(wanted.unique(dim=0)) == len(wanted)
    for s in mine:
        torch.testing.assert_close(s.sum(1), torch.ones(len(s)))
        if name in MLP:
            assert torch.equal(s, wanted[: len(s)])
    if name in MLP:
        rewired = graphs._replace(edge_index=graphs.edge_index[:, ::2])
        other = rows(call(pool, name, rewired, X.flip(0)), graphs)
        assert all(map(torch.equal, mine, other))


@cases(lambda name, null: null == "none" and name in SOFT)
def test_without_pooling_all_clusters_of_a_graph_are_one(name, null):
    graphs = batch_for(name)
    own = rows(call(layer(name), name, graphs), graphs)
    out = rows(call(randomize(layer(name), null), name, graphs), graphs)
    for mine, s in zip(own, out, strict=True):
        used = mine.any(0) | (len(s) == 0)
        torch.testing.assert_close(s[:, used], torch.full_like(s[:, used], 1 / int(used.sum())))
        assert not s[:, ~used].any()


@cases(lambda name, null: null == "none" and name in HARD)
def test_without_pooling_nodes_and_edges_stay(name, null):
    out = call(randomize(layer(name), null), name)
    assert torch.equal(out.so.s.indices(), torch.arange(len(X)).expand(2, -1))
    edges = out.edge_index
    if name == "pan":
        edges = torch.stack(edges.coo()[:2])
    found = {(u, v) for u, v in edges.t().tolist() if u != v}
    assert found == {(u, v) for u, v in MIXED.edge_index.t().tolist() if u != v}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_complement_pairs_are_never_edges(name, training):
    pool = layer(name)
    null = randomize(pool, "complement", 0).train(training)
    own, out = call(pool, name), call(null, name)
    cluster = out.so.cluster_index
    u, v = MIXED.edge_index
    assert not ((cluster[u] == cluster[v]) & (u != v)).any()
    assert torch.equal(out.batch[cluster], MIXED.batch)
    assert (out.batch.diff() >= 0).all()
    pairs = [
        torch.zeros_like(o.batch.bincount()).index_add_(0, o.batch, (sizes == 2).long())
        for o in (own, out)
        for sizes in [o.so.cluster_index.bincount()]
    ]
    assert (pairs[1] <= pairs[0]).all()
    assert pairs[1][0] == pairs[0][0]  # the ring
    assert pairs[1].sum() > 0


@cases(lambda name, null: null == "frozen")
def test_a_frozen_selection_is_another_and_does_not_learn(name, null):
    pool, graphs = layer(name), batch_for(name)
    selection = ("selector", "gnn", "select_scorer", "p", "beta")
    frozen, other = (randomize(pool, null, seed) for seed in (0, 1))
    trained = {n for n, p in frozen.named_parameters() if p.requires_grad}
    assert not any(n.split(".")[0] in selection for n in trained)
    for n in trained:
        assert torch.equal(frozen.get_parameter(n), pool.get_parameter(n))
    x = features(graphs).requires_grad_()
    call(frozen, name, graphs, x).x.square().sum().backward()
    assert x.grad.any()
    if name != "pan":  # which starts from the same numbers whatever the seed
        a, b, own = (call(p, name, graphs).so.s.to_dense() for p in (frozen, other, pool))
        for one, two in ((a, b), (a, own)):
            assert one.shape != two.shape or not torch.equal(one, two)


def test_a_selection_that_learns_nothing_cannot_be_frozen():
    for pool in (poolers.TopkPooling(1), poolers.KMISPooling(scorer="degree")):
        with pytest.raises(ValueError, match=r"^null 'frozen' needs .* without parameters"):
            randomize(pool, "frozen")


@cases()
def test_a_null_follows_from_its_seed_alone(name, null):
    graphs, pool = batch_for(name), layer(name)
    before = copy.deepcopy(pool.state_dict())
    state = torch.get_rng_state()
    one, two, other = (randomize(pool, null, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert str(before) == str(pool.state_dict())
    for training in (True, False):
        a, b, c = (call(p.train(training), name, graphs) for p in (one, two, other))
        assert same(a, b)
        if null in ("complement", "random", "shuffle"):
            assert not same(a, c)


@cases(lambda name, null: name not in RANDOM)
def test_a_null_leaves_the_global_generator_alone(name, null):
    pool = randomize(layer(name), null, 0)
    after_seeding = torch.manual_seed(0).get_state()
    call(pool, name, batch_for(name))
    assert torch.equal(torch.get_rng_state(), after_seeding)


@cases(lambda name, null: null in ("random", "shuffle"))
def test_training_draws_anew_and_evaluation_does_not(name, null):
    graphs = batch_for(name)
    pool = randomize(layer(name), null, 0)
    fixed = call(pool, name, graphs)
    assert same(call(pool, name, graphs), fixed)
    drawn = call(pool.train(), name, graphs)
    assert same(drawn, fixed) == (null == "random" and name in SOFT)


@cases(lambda name, null: null not in ("frozen", "none") and name not in RANDOM)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(name, null):
    """Wherever the layer itself does so: some break ties by the batch."""
    pool, graphs, compared = layer(name), batch_for(name), 0
    null = randomize(pool, null, 2)
    own_together, together = (rows(call(p, name, graphs), graphs) for p in (pool, null))
    for number in graphs.batch.unique():
        own = (graphs.batch == number).nonzero().view(-1)
        inside = (graphs.batch == number)[graphs.edge_index[0]]
        alone = Graphs(graphs.edge_index[:, inside] - own[0], len(own), torch.zeros_like(own))
        x = features(graphs)[own]
        own_s, s = (call(p, name, alone, x).so.s.to_dense() for p in (pool, null))
        if same_shares(own_s.view(len(own), -1), own_together[number]):
            compared += 1
            assert same_shares(s.view(len(own), -1), together[number])
    assert compared > 2


def same_shares(alone, together):
    alone, together = alone[:, alone.any(0)], together[:, together.any(0)]
    return alone.shape == together.shape and torch.allclose(alone, together, atol=1e-6)


@cases()
def test_gradients_reach_the_features_and_the_state_travels(name, null):
    graphs, pool = batch_for(name), randomize(layer(name), null, 0)
    x = features(graphs).requires_grad_()
    wanted = call(pool, name, graphs, x)
    wanted.x.square().sum().backward()
    assert x.grad.any()
    assert x.grad.isfinite().all()
    if null == "shuffle" and pool.is_trainable:
        assert any(p.grad is not None and p.grad.any() for p in pool.parameters())
    loaded = randomize(layer(name), null, 1)
    loaded.load_state_dict(pool.state_dict())
    for twin in (loaded, copy.deepcopy(pool)):
        assert same(call(twin, name, graphs), wanted)
    repr(twin)


@cases(lambda name, null: name in UNBATCHED)
@pytest.mark.parametrize("sparse", [True, False], ids=["sparse", "dense"])
def test_unbatched_assignments_are_exchanged_alike(name, null, sparse):
    pool = layer(name, batched=False, sparse_output=sparse)
    flat = call(randomize(pool, null, 0), name, JOINED)
    padded = call(randomize(layer(name), null, 0), name, JOINED)
    assert torch.equal(flat.so.batch, JOINED.batch)
    assert flat.x.isfinite().all()
    if name not in ("bnpool", "lap"):
        for mine, theirs in zip(rows(flat, JOINED), rows(padded, JOINED), strict=True):
            torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("assign_all_nodes", [True, False])
@pytest.mark.parametrize("null", NULLS["maxcut"])
def test_max_cut_keeps_its_loss_and_its_gates(null, assign_all_nodes):
    pool = layer("maxcut", assign_all_nodes=assign_all_nodes)
    own, out = call(pool, "maxcut"), call(randomize(pool, null, 0), "maxcut")
    if null != "frozen":
        assert torch.equal(own.loss["maxcut_loss"], out.loss["maxcut_loss"])
    if null == "none":
        assert torch.equal(out.so.weight, own.so.scores)


@pytest.mark.parametrize("null", NULLS["kmis"])
def test_centres_of_independent_sets_move_with_their_clusters(null):
    pool = layer("kmis", reduce_red_op=None)
    out = call(randomize(pool, null, 0), "kmis")
    assert torch.equal(out.so.cluster_index[out.so.mis].sort().values, torch.arange(len(out.x)))
    assert torch.equal(out.batch, MIXED.batch[out.so.mis])


@pytest.mark.parametrize("null", NULLS["eigen"])
def test_eigenvectors_move_with_the_rows(null):
    for graphs in (MIXED, by_graph(path(9))):
        null_layer = randomize(layer("eigen"), null, 0)
        own, out = call(layer("eigen"), "eigen", graphs), call(null_layer, "eigen", graphs)
        whole = [
            torch.cat([so.s, torch.cat(so.theta) if isinstance(so.theta, list) else so.theta], 1)
            for so in (own.so, out.so)
        ]
        for g in graphs.batch.unique():
            assert counted(whole[0][graphs.batch == g]) == counted(whole[1][graphs.batch == g])
        assert not torch.equal(*whole)


@pytest.mark.parametrize("null", NULLS["sep"])
def test_several_levels_coarsened_beforehand_are_exchanged(null):
    pool = randomize(layer("sep"), null, 0)
    levels = pool.multi_level_precoarsening(
        2, MIXED.edge_index, batch=MIXED.batch, num_nodes=len(X)
    )
    own = layer("sep").multi_level_precoarsening(
        2, MIXED.edge_index, batch=MIXED.batch, num_nodes=len(X)
    )
    batch = MIXED.batch
    for mine, level in zip(own, levels, strict=True):
        assert torch.equal(level.batch[level.so.cluster_index], batch)
        if null != "none":
            assert torch.equal(mine.batch, level.batch)
            assert not torch.equal(mine.so.cluster_index, level.so.cluster_index)
        batch = level.batch


@pytest.mark.parametrize("null", NULLS["graclus"])
def test_a_cached_selection_is_forgotten(null):
    pool = layer("graclus", cached=True)
    call(pool, "graclus")
    out = call(randomize(pool, null, 0), "graclus")
    assert out.so is not pool._so_cached
    assert pool._so_cached is not None


@pytest.mark.parametrize("null", NULLS["graclus"])
def test_what_is_pooled_can_be_lifted(null):
    pool = randomize(layer("graclus", s_inv_op="inverse"), null, 0)
    out = call(pool, "graclus")
    assert pool(x=out.x, so=out.so, lifting=True).shape == X.shape


def test_self_loops_are_no_obstacle():
    loops = MIXED._replace(edge_index=add_self_loops(MIXED.edge_index)[0])
    for name in ("ec", "graclus", "kmis"):
        for null in NULLS[name]:
            assert call(randomize(layer(name), null, 0), name, loops).x.isfinite().all()


def test_a_null_of_a_null_is_a_null():
    for name in ("topk", "ec", "mincut", "graclus", "pan"):
        for first in NULLS[name]:
            for second in NULLS[name]:
                twice = randomize(randomize(layer(name), first, 0), second, 1)
                assert call(twice, name).x.isfinite().all()
