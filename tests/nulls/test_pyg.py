"""What holds for every null of every pooling layer of PyTorch Geometric."""

import copy
import io

import pytest
import torch
from _helpers.null_layers import HOSTILE, F
from _helpers.pyg_layers import (
    DENSE,
    LAYERS,
    X,
    call,
    graph_of,
    layer,
    pairs,
    pooled_batch,
    tensors,
)
from _helpers.soft_oracles import normal
from _helpers.strategies import batch_of, cycle, erdos_renyi
from torch import nn
from torch_geometric.nn import DMoNPooling, GraphUNet, MemPooling

from graphpool_sanity import matched_nulls, randomize

TOP_K = ["random", "shuffle", "frozen", "none"]
NULLS = {
    "TopK": TOP_K,
    "SAGP": TOP_K,
    "PANP": TOP_K,
    "ASAP": ["shuffle", "random", "frozen", "none"],
    "Edge": ["complement", "random", "shuffle", "frozen", "none"],
    "Clus": ["random", "shuffle", "frozen", "none"],
    "DMoN": ["random", "shuffle", "frozen", "none"],
    "MemP": ["distance", "random", "shuffle", "frozen", "none"],
}
by_chance = pairs(lambda name, null: null in ("complement", "random", "shuffle"))
hard_by_chance = pairs(lambda name, null: null in ("random", "shuffle") and name not in DENSE)
every = pytest.mark.parametrize("name", LAYERS)


def same(out, other):
    return all(
        torch.equal(mine.nan_to_num(), theirs.nan_to_num())  # DMoNPooling's loss without edges
        for mine, theirs in zip(tensors(out), tensors(other), strict=True)
    )


@every
def test_the_most_telling_null_comes_first(name):
    assert matched_nulls(layer(name)) == NULLS[name[:4]]


@pairs()
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_null_gives_what_the_layer_gives(name, null, training):
    pool = layer(name).train(training)
    own, out = call(pool, name), call(randomize(pool, null, 1), name)
    assert len(own) == len(out)
    for mine, theirs in zip(own, out, strict=True):
        assert type(mine) is type(theirs)
        if torch.is_tensor(mine):
            assert mine.dtype == theirs.dtype
            assert mine.dim() == theirs.dim()
    assert own[0].shape[1:] == out[0].shape[1:]
    assert out[0].isfinite().all()
    if name in DENSE:
        assert [t.shape for t in own] == [t.shape for t in out]


@hard_by_chance
def test_chance_leaves_the_number_of_clusters_of_each_graph(name, null):
    pool = layer(name)
    own, out = (pooled_batch(name, call(p, name)) for p in (pool, randomize(pool, null, 1)))
    assert torch.equal(own.bincount(), out.bincount())


@pairs(lambda name, null: null == "none" and name not in DENSE)
def test_without_pooling_every_node_stays_in_its_order(name, null):
    out = call(randomize(layer(name), null), name)
    assert torch.equal(pooled_batch(name, out), HOSTILE.batch)
    joined = {tuple(edge) for edge in out[1].t().tolist()}
    edges = {(u, v) for u, v in HOSTILE.edge_index.t().tolist() if u != v}
    if name[:3] == "PAN":
        edges = {edge[::-1] for edge in edges}  # which takes its matrix transposed
    assert {(u, v) for u, v in joined if u != v} == edges


@pairs()
def test_gradients_reach_features_and_whatever_is_trained(name, null):
    pool = randomize(layer(name).train(), null, 0)
    x = X.clone().requires_grad_()
    call(pool, name, x)[0 if name != "DMoNPooling" else 1].square().sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad.any()
    for parameter in pool.parameters():
        assert parameter.requires_grad or parameter.grad is None
    if null in ("complement", "random", "shuffle") and name[:4] not in ("DMoN", "MemP"):
        scored = [p for n, p in pool.named_parameters() if n.endswith(("weight", "beta"))]
        assert any(p.grad is not None and p.grad.any() for p in scored)


@pairs(lambda name, null: null == "frozen" and name != "MemPooling")
def test_a_frozen_selection_is_another_and_does_not_learn(name, null):
    pool = layer(name)
    frozen = randomize(pool, null, 0)
    assert not any(p.requires_grad for p in frozen.parameters())
    assert not any(
        p.shape == q.shape and torch.equal(p, q)
        for p in frozen.parameters()
        for q in pool.parameters()
        if p.unique().numel() > 1
    )


@pairs(lambda name, null: null == "frozen" and name != "DMoNPooling")
def test_no_gradient_passes_a_frozen_selection(name, null):
    """So that pooling is linear in the features."""
    x = X.clone().requires_grad_()
    pooled = call(randomize(layer(name), null, 0), name, x)[0].sum()
    pooled.backward()
    torch.testing.assert_close((x.grad * x).sum(), pooled)


@pairs(lambda name, null: null not in ("frozen", "distance"))
def test_what_is_no_selection_keeps_its_weights(name, null):
    pool = layer(name)
    before = {t.data_ptr(): t.clone() for t in pool.state_dict().values()}
    null = randomize(pool, null, 0)
    assert all(torch.equal(t, before[t.data_ptr()]) for t in pool.state_dict().values())
    own = list(pool.parameters())
    for parameter in null.parameters():
        assert any(parameter.shape == p.shape and torch.equal(parameter, p) for p in own)
        assert not any(parameter is p for p in own)
    if name not in DENSE:
        assert len(list(null.parameters())) == len(own)


@pairs()
def test_a_null_follows_from_its_seed_alone(name, null):
    state = torch.get_rng_state()
    pool = layer(name)
    torch.set_rng_state(state)
    one, two, other = (randomize(pool, null, seed) for seed in (3, 3, 4))
    for training in (True, False):
        a, b, c = (call(p.train(training), name) for p in (one, two, other))
        assert same(a, b)
        if null != "none":
            assert not same(a, c)
    assert torch.equal(torch.get_rng_state(), state)


@pairs()
def test_a_null_can_be_copied_kept_and_loaded_into_one_of_another_seed(name, null):
    pool = randomize(layer(name), null, 0)
    wanted = call(pool, name)
    stored = io.BytesIO()
    torch.save(pool, stored)
    stored.seek(0)
    loaded = randomize(layer(name, seed=5), null, 1)
    loaded.load_state_dict(pool.state_dict())
    for twin in (copy.deepcopy(pool), torch.load(stored, weights_only=False), loaded):
        assert same(call(twin, name), wanted)


@by_chance
def test_training_draws_anew_and_evaluation_does_not(name, null):
    pool = randomize(layer(name), null, 0)
    assert same(call(pool, name), call(pool, name))
    if name in DENSE and null == "random":  # fixed, whatever the mode
        assert same(call(pool.train(), name), call(pool, name))
    else:
        assert not same(call(pool.train(), name), call(pool, name))


@pairs(lambda name, null: name not in (*DENSE, "EdgePooling"))  # which breaks ties by the batch
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(name, null):
    pool = randomize(layer(name), null, 2)
    out = call(pool, name)
    batch = pooled_batch(name, out)
    for number in HOSTILE.batch.unique():
        own, alone = graph_of(HOSTILE, number)
        torch.testing.assert_close(call(pool, name, X[own], alone)[0], out[0][batch == number])


@pairs(lambda name, null: name == "DMoNPooling")
def test_padding_changes_nothing(name, null):
    pool = randomize(layer(name), null, 2)
    s, x, adj, *_ = call(pool, name)
    wide_s, wide_x, wide_adj, *_ = call(pool, name, padding=3)
    torch.testing.assert_close(wide_s[:, : s.size(1)], s)
    assert not wide_s[:, s.size(1) :].any()
    torch.testing.assert_close(wide_x, x)
    torch.testing.assert_close(wide_adj, adj, equal_nan=True)


@pairs()
def test_a_graph_larger_than_any_seen_is_pooled(name, null):
    pool = randomize(layer(name), null, 0)
    call(pool, name)
    large = batch_of(cycle(3), erdos_renyi(150, 0.05, 0))
    out = call(pool, name, normal(large.num_nodes, F).float(), large)
    assert out[0].isfinite().all()


@pairs()
@pytest.mark.parametrize("second", ["random", "shuffle", "none", "frozen"])
def test_a_null_of_a_null_is_a_null(name, null, second):
    first = randomize(layer(name), null, 0)
    if second in matched_nulls(first):
        twice = randomize(first, second, 1)
        assert call(twice, name)[0].isfinite().all()
        repr(twice)


@pairs(lambda name, null: null == "shuffle")
def test_resetting_draws_other_weights(name, null):
    pool = randomize(layer(name), null, 0)
    before = call(pool, name)
    pool.reset_parameters()
    assert not same(call(pool, name), before)


@pytest.mark.parametrize(
    ("kind", "method"), [("Edge", "_merge_edges"), ("Clus", "_merge_edges"), ("ASAP", "forward")]
)
def test_a_subclass_whose_own_method_would_be_lost_is_refused(kind, method):
    name = next(name for name in LAYERS if name.startswith(kind))
    pool = layer(name)
    pool.__class__ = type("Mine", (type(pool),), {method: lambda self, *args: args})
    with pytest.raises(ValueError, match=f"^layer must pool as .* got Mine with a {method} of its"):
        randomize(pool, "shuffle", 0)


class Doubles(DMoNPooling):
    def forward(self, x, adj, mask=None):
        return super().forward(2 * x, adj, mask)


def test_a_subclass_keeps_its_own_methods_beside_those_of_its_null():
    pool, doubles = (kind(F, 3).double() for kind in (DMoNPooling, Doubles))
    doubles.load_state_dict(pool.state_dict())
    null, own = (randomize(module, "shuffle", 0) for module in (pool, doubles))
    x, adj = normal(1, 5, F), torch.ones(1, 5, 5).double()
    assert same(own(x, adj), null(2 * x, adj))


@pytest.mark.parametrize("null", ["random", "shuffle", "none"])
def test_models_that_unpool_take_nulls(null):
    net = randomize(GraphUNet(F, 8, 2, depth=3), null, 0)
    assert net(X, HOSTILE.edge_index, HOSTILE.batch).shape == (HOSTILE.num_nodes, 2)


def test_edges_contracted_twice_take_unsorted_batches():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = layer("EdgePooling"), layer("EdgePooling")

        def forward(self, x, edge_index, batch):
            *out, _ = self.first(x, edge_index, batch)
            return self.second(*out)

    model = Twice()
    assert (model.first(X, HOSTILE.edge_index, HOSTILE.batch)[2].diff() < 0).any()
    for null in matched_nulls(model.first):
        _, edge_index, batch, _ = randomize(model, null, 0)(X, HOSTILE.edge_index, HOSTILE.batch)
        assert torch.equal(batch.unique(), HOSTILE.batch.unique())
        assert torch.equal(*batch[edge_index])


@every
def test_a_subclass_that_pools_as_its_layer_does_has_its_nulls(name):
    pool = layer(name)
    pool.__class__ = type("Own", (type(pool),), {"note": lambda self: "mine"})
    for null in matched_nulls(pool):
        changed = randomize(pool, null, 1)
        wanted = call(randomize(layer(name), null, 1), name)
        assert same(call(changed, name), wanted)
        if not name.startswith("MemP"):
            assert copy.deepcopy(changed).note() == "mine"


def test_a_memory_layer_with_a_forward_of_its_own_has_no_null():
    class Own(MemPooling):
        def forward(self, x, batch=None, mask=None):
            return super().forward(2 * x, batch, mask)

    with pytest.raises(
        ValueError, match=r"layer must pool as MemPooling .* got Own with a forward"
    ):
        randomize(Own(F, F, 2, 3), "random", 0)
