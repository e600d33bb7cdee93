"""What every null promises, whatever library its layer is from."""

import copy
import io
import pickle
from functools import cache
from multiprocessing.reduction import ForkingPickler

import pytest
import torch
from _helpers.null_layers import graph_of
from _helpers.nulls import LIBRARIES, every, generators, kinds, same, tensors
from _helpers.soft_oracles import normal
from torch import nn
from torch.optim.swa_utils import AveragedModel

import graphpool_sanity
from graphpool_sanity import matched_nulls, randomize
from graphpool_sanity.nulls import registry

# This starts from the same numbers whatever the seed.
UNSEEDED = ("tgp-pan-frozen",)
# All that is trained in a frozen null: it pools, or is taken by a loss, and selects nothing.
TRAINED = {
    "own-MemoryPool-frozen": {"lin.weight"},
    "own-DistanceMemoryPool-frozen": {"lin.weight"},
    "pyg-MemPooling-frozen": {"lin.weight"},
    "tgp-asap-frozen": {"lin.weight", "lin.bias", "att.weight", "att.bias"},
    "tgp-bnpool-frozen": {"K"},
}
MODES = (True, False)


def test_every_layer_goes_through_this_suite():
    names = {library: set(helper.NULLS) for library, helper in LIBRARIES.items()}
    assert names["own"] == {name for name in graphpool_sanity.__all__ if name.endswith("Pool")}
    known = {kind for kind in registry._NULLS if kind.__module__.startswith("torch_geometric.")}
    here = {type(LIBRARIES["pyg"].layer(name)) for name in names["pyg"]}
    assert here == {kind for kind in known if kind.__name__ != "PANPooling" or kind in here}
    if "tgp" in names:
        assert names["tgp"] == set(LIBRARIES["tgp"].poolers.pooler_map)


@pytest.mark.parametrize(
    ("library", "name"), [(key, name) for key, helper in LIBRARIES.items() for name in helper.NULLS]
)
def test_the_most_telling_null_comes_first(library, name):
    helper = LIBRARIES[library]
    assert matched_nulls(helper.layer(name)) == helper.NULLS[name]


# What it gives


@every()
def test_a_null_gives_what_the_layer_gives(case):
    for training in MODES:
        own, out = case.first_of_layer(training)[0], case.first(training)[0]
        assert kinds(own) == kinds(out)
        for mine, theirs in zip(tensors(own), tensors(out), strict=True):
            assert (mine.dtype, mine.dim()) == (theirs.dtype, theirs.dim())
            assert theirs.isfinite().all() or not mine.isfinite().all()
            if case.soft:
                assert mine.shape == theirs.shape
                assert mine.is_floating_point() or torch.equal(mine, theirs)
        mine, theirs = case.pooled(own)[0], case.pooled(out)[0]
        assert mine.shape[1:] == theirs.shape[1:]
        assert theirs.isfinite().all()


# Pairs drawn by chance are maximal matchings of all nodes, which have more pairs than those of a
# graph or of its complement.
@every("random", "shuffle", but=("own-GraclusPool-random", "own-ComplementGraclusPool-random"))
def test_chance_leaves_the_number_of_clusters_of_each_graph(case):
    for training in MODES:
        own, out = case.first_of_layer(training)[0], case.first(training)[0]
        (x, graph), (other_x, other) = case.pooled(own), case.pooled(out)
        assert x.shape == other_x.shape
        assert graph is None or torch.equal(graph, other)


@every("none", wanted=lambda case: not case.soft)
def test_without_pooling_nodes_and_edges_stay(case):
    out = case.first()[0]
    assert torch.equal(case.pooled(out)[1], case.graphs.batch)
    edges = list(out)[1]
    edges = torch.stack(edges.coo()[:2]) if hasattr(edges, "coo") else edges
    if str(case).startswith("pyg-PAN"):
        edges = edges.flip(0)  # it takes its matrix transposed
    found = {(u, v) for u, v in edges.t().tolist() if u != v}
    assert found == {(u, v) for u, v in case.graphs.edge_index.t().tolist() if u != v}


# An untrained layer is drawn as its frozen null is if both start from the same numbers.
@every(but=(*UNSEEDED, "tgp-nopool"))
def test_a_null_pools_otherwise_than_its_layer(case):
    assert not same(case.wanted(), tensors(case.first_of_layer()[0]))


# Chance


@every()
def test_a_null_follows_from_its_seed_alone(case):
    pool, before = case.layer(), generators()
    again, other = (randomize(pool, case.null, seed) for seed in (0, 1))
    assert generators() == before
    for training in MODES:
        wanted = tensors(case.first(training)[0])
        assert same(case.call(again.train(training)), wanted)
        if str(case) not in UNSEEDED:
            assert same(case.call(other.train(training)), wanted) == (case.null == "none")


@every(but=UNSEEDED)
def test_without_a_seed_it_follows_from_the_global_generator(case):
    pool = case.layer()
    torch.default_generator.manual_seed(1)
    first, other = (randomize(pool, case.null).state_dict() for _ in range(2))
    torch.default_generator.manual_seed(1)
    again = randomize(pool, case.null).state_dict()
    assert first.keys() == again.keys()
    assert same(first.values(), again.values())
    assert case.null == "none" or not same(first.values(), other.values())


# How often a gamma distribution is drawn from until a draw is taken follows from the weights.
@every(but=("tgp-bnpool-frozen",))
def test_the_global_generators_go_on_as_with_the_layer(case):
    for training in MODES:
        assert case.first(training)[1] == case.first_of_layer(training)[1]


@every("complement", "random", "shuffle")
def test_training_draws_anew_and_evaluation_does_not(case):
    null = case.made()
    for _ in range(2):
        assert same(case.call(null), case.wanted())
    one, two = (case.call(null.train()) for _ in range(2))
    fixed = case.soft and case.null == "random"
    assert same(one, case.wanted()) == same(one, two) == fixed


@every()
def test_a_reset_starts_chance_anew_and_trains_no_more_than_before(case):
    used, fresh = (case.made().train() for _ in range(2))
    trained = {name for name, p in used.named_parameters() if p.requires_grad}
    case.call(used)
    for null in (used, fresh):
        torch.default_generator.manual_seed(5)
        null.reset_parameters()
    out = case.output(used)
    assert same(tensors(out), case.call(fresh))
    assert case.pooled(out)[0].isfinite().all()
    assert {name for name, p in used.named_parameters() if p.requires_grad} == trained


# Nothing to draw, numbers to start from that are always the same, a score that is not drawn anew.
LIKE_BEFORE = ("eigen", "graclus", "lap", "ndp", "nmf", "sep", "pan", "kmis")


@every("shuffle")
def test_resetting_draws_other_weights(case):
    null = case.made()
    null.reset_parameters()
    assert same(case.call(null), case.wanted()) == (case.name in LIKE_BEFORE)


# The layer and its weights


@every()
def test_the_layer_is_left_as_it_was(case):
    pool = case.layer()
    state = copy.deepcopy(pool.state_dict())
    null = randomize(pool, case.null, 0)
    for t in (*null.parameters(), *null.buffers()):
        t.data.zero_()
    assert same(case.call(pool), tensors(case.first_of_layer()[0]))
    assert pool.state_dict().keys() == state.keys()
    assert all(torch.equal(state[key], value) for key, value in pool.state_dict().items())
    assert all(p.requires_grad for p in pool.parameters())
    assert repr(pool) == repr(case.layer())


@every(wanted=lambda case: case.null != "frozen")
def test_what_is_no_selection_keeps_its_weights(case):
    own, found = (list(pool.parameters()) for pool in (case.layer(), case.made()))
    for parameter in found:
        assert any(parameter.shape == p.shape and torch.equal(parameter, p) for p in own)
    assert case.soft or len(found) == len(own)  # gates stay; shares by chance need no weights


@every()
def test_mode_type_and_what_is_trained_are_those_of_the_layer(case):
    for training in MODES:
        pool = case.layer().train(training).requires_grad_(False).to(torch.bfloat16)
        null = randomize(pool, case.null, 0)
        assert all(module.training == training for module in null.modules())
        assert not any(p.requires_grad for p in null.parameters())
        for t in (*null.parameters(), *null.buffers()):
            assert t.dtype in (torch.bfloat16, torch.long)


# Of what these give beside features, weights of edges that come twice have no gradient in PyTorch,
# and losses of graphs without edges none that is finite.
FEATURES_ALONE = ("ASAPooling", "ASAPooling with a GNN", "DMoNPooling")


@cache
def learned(case, of_null):
    """How many parameters the clusters give a gradient."""
    pool = (case.made() if of_null else case.layer()).train()
    x = case.features().requires_grad_()
    for whole in (case.library != "pyg" or case.name not in FEATURES_ALONE, False):
        pool.zero_grad()
        out = case.output(pool, x)
        found = tensors(out) if whole else [case.pooled(out)[0].square()]
        sum(t.sum() for t in found if t.requires_grad and t.isfinite().all()).backward()
        grads = [p.grad for p in pool.parameters() if p.grad is not None]
        assert all(grad.isfinite().all() for grad in (x.grad, *grads))
    assert x.grad.any()
    assert all(p.requires_grad or p.grad is None for p in pool.parameters())
    return sum(bool(grad.abs().max() > 1e-4) for grad in grads)


@every()
def test_gradients_reach_features_and_whatever_they_reach_in_the_layer(case):
    number = learned(case, of_null=True)
    if case.null == "shuffle" or not (case.soft or case.null == "frozen"):
        assert number >= learned(case._replace(null="none"), of_null=False)


@every("frozen")
def test_a_frozen_selection_is_another_and_does_not_learn(case):
    pool, frozen = case.layer(), case.made()
    trained = {name for name, p in frozen.named_parameters() if p.requires_grad}
    assert trained == TRAINED.get(str(case), set())
    for name, parameter in frozen.named_parameters():
        if name in trained:
            assert torch.equal(parameter, pool.get_parameter(name))
        elif parameter.unique().numel() > 1:
            own = [p for p in pool.parameters() if p.shape == parameter.shape]
            assert not any(torch.equal(parameter, p) for p in own)


# The first scales what it has pooled; attention in the other passes messages before it pools.
@every("frozen", but=("pyg-DMoNPooling", "tgp-asap"))
def test_no_gradient_passes_a_frozen_selection(case):
    """So that pooling is linear in the features."""
    x = case.features().requires_grad_()
    pooled = case.x(case.made(), x)
    weighed = (pooled * normal(*pooled.shape).to(pooled)).sum()  # else all shares sum to one
    weighed.backward()
    torch.testing.assert_close((x.grad * x).sum(), weighed)


# Batches


def pooled_alike(case, pool):
    """Whether each graph is pooled alone as it is in the batch."""
    x, graphs = case.features(), case.graphs
    together, graph_of_cluster = case.pooled(case.output(pool, x))
    for number in graphs.batch.unique():
        own, alone = graph_of(graphs, number)
        there = together[number if graph_of_cluster is None else graph_of_cluster == number]
        mine, theirs = (
            rows.reshape(-1, rows.size(-1)) for rows in (case.x(pool, x[own], alone), there)
        )
        mine, theirs = (rows[rows.any(1)] for rows in (mine, theirs))  # without empty clusters
        yield mine.shape == theirs.shape and torch.allclose(mine, theirs, rtol=1e-5, atol=1e-6)


# Edges of equal scores are contracted in the order of the batch, also by the layer.
TIED = ("pyg-EdgePooling", "tgp-ec")


@every(but=("pyg-EdgePooling-frozen", "tgp-ec-frozen"), wanted=lambda case: not case.draws)
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(case):
    found = list(pooled_alike(case, case.made()))
    if str(case).startswith(TIED):
        alike = list(pooled_alike(case, case.layer()))
        assert sum(alike) > 2
        found = [one for one, own in zip(found, alike, strict=True) if own]
    assert False not in found


@every(wanted=lambda case: case.name in ("DiffPool", "DMoNPooling"))  # which are given it
def test_padding_changes_nothing(case):
    for mine, wide in zip(case.wanted(), case.call(case.made(), padding=3), strict=True):
        if mine.shape != wide.shape:
            assert not wide[:, mine.size(1) :].any()
            wide = wide[:, : mine.size(1)]
        torch.testing.assert_close(wide, mine, equal_nan=True)


# These have a row for each of so many places, and refuse more nodes as the layer does.
@every(but=("own-RandomMinCutPool-shuffle", "own-RandomMemoryPool-shuffle"))
def test_a_graph_larger_than_any_seen_is_pooled(case):
    null = case.made()
    case.call(null)
    assert case.x(null, graphs=case.helper.LARGE).isfinite().all()


# What can be done with it


def twins(null, pickled):
    yield copy.deepcopy(null)
    if pickled:
        stored = io.BytesIO()
        torch.save(null, stored)
        stored.seek(0)
        yield torch.load(stored, weights_only=False)
        yield pickle.loads(pickle.dumps(null))


@every()
def test_a_null_can_be_copied_kept_and_loaded_into_one_of_another_seed(case):
    null = case.made()
    loaded = randomize(case.layer(seed=5), case.null, 1)
    loaded.load_state_dict(null.state_dict())
    for twin in (loaded, *twins(null, case.picklable)):
        assert same(case.call(twin), case.wanted())
        repr(twin)


@every("complement", "random", "shuffle")
def test_training_goes_on_from_a_state_dict(case):
    null = case.made().train()
    case.call(null)
    resumed = randomize(case.layer(seed=5).train(), case.null, 1)
    resumed.load_state_dict(null.state_dict())
    assert case.draws or same(case.call(resumed), case.call(null))


@every()
def test_averages_of_a_null_choose_as_it_does(case):
    model = nn.ModuleList([case.made(), nn.Linear(1, 1)])  # a null alone may have no weights
    averaged = AveragedModel(model, use_buffers=True)
    for _ in range(3):
        averaged.update_parameters(model)
    assert same(case.call(averaged.module[0]), case.wanted())


@every(wanted=lambda case: case.picklable)
def test_a_null_travels_to_other_processes(case):
    ForkingPickler.dumps(case.made())


@every()
def test_a_null_of_a_null_is_a_null(case):
    once = case.made()
    known, shown = matched_nulls(once), {}
    for second in dict.fromkeys((known[0], "random", "shuffle", "frozen", "none")):
        if second not in known:
            with pytest.raises(ValueError, match="null must be"):
                randomize(once, second, 2)
            continue
        twice = randomize(once, second, 2)
        shown[second], out = repr(twice), case.call(twice)
        assert all(
            mine.isfinite().all() or not theirs.isfinite().all()
            for mine, theirs in zip(out, case.wanted(), strict=True)
        )
        # Gates stay as the first null has them: frozen ones, or those of other nodes.
        gated = case.null == "frozen" and not case.soft
        if second == "none" and not (gated or str(case) in ("tgp-ec-shuffle", "tgp-kmis-shuffle")):
            assert same(out, case._replace(null="none").wanted())
    assert repr(randomize(once, "auto", 2)) == shown[known[0]]


@cache
def subclass_of(kind):
    """A subclass with a method of its own, which can be found by its name as one of a user can."""
    name = f"Own{kind.__module__}{kind.__name__}".replace(".", "_")
    own = type(name, (kind,), {"note": lambda self: "mine", "__module__": __name__})
    return globals().setdefault(name, own)


@every()
def test_a_subclass_that_pools_as_its_layer_does_has_its_nulls(case):
    pool = case.layer()
    pool.__class__ = own = subclass_of(type(pool))
    null = randomize(pool, case.null, 0)
    nulls = {null: case.null, randomize(null, "auto", 0): matched_nulls(null)[0]}
    for one in nulls:
        for twin in (one, *twins(one, case.picklable)):
            assert isinstance(twin, own)
            assert twin.note() == "mine"
            assert repr(twin) == repr(one)
            assert same(case.call(twin), case.wanted()) or one is not null
            assert same(case.call(twin), case.call(one))


class Watching(nn.Module):
    """Sees by its own methods whatever goes through its pooling layer."""

    def __init__(self, pool):
        super().__init__()
        self.pool, self.seen = pool, []
        pool.register_forward_pre_hook(self.before)
        pool.register_forward_hook(self.after)
        pool.remark = ["mine"]
        pool.user = nn.ReLU()

    def before(self, module, args):
        self.seen.append(("before", module))

    def after(self, module, args, out):
        self.seen.append(("after", module))


@every()
def test_hooks_and_what_a_user_adds_to_a_layer_are_those_of_its_null(case):
    model = Watching(case.layer())
    null = randomize(model, case.null, 0)
    again = copy.deepcopy(null)
    for one in (null, again, randomize(null, "auto", 0)):
        one.seen.clear()
        out = case.call(one.pool)
        assert one.seen == [("before", one.pool), ("after", one.pool)]
        assert one.pool.remark == ["mine"]
        assert isinstance(one.pool.user, nn.ReLU)
        assert same(out, case.wanted()) or one not in (null, again)
    assert model.seen == []


@every()
def test_in_a_model_a_layer_has_the_null_that_it_has_alone(case):
    inside = randomize(nn.Sequential(case.layer()), case.null, 0)[0]
    assert same(case.call(inside), case.wanted())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@every(wanted=lambda case: not case.draws)
def test_nulls_give_on_cuda_what_they_give_on_the_cpu(case):
    def on_cuda(pool):
        edge_index, batch = case.graphs.edge_index.to("cuda"), case.graphs.batch.to("cuda")
        graphs = case.graphs._replace(edge_index=edge_index, batch=batch)
        return in_order(t.cpu() for t in case.call(pool, case.features().to("cuda"), graphs))

    def in_order(found):
        """Edges sorted, with what belongs to them: a GPU's sparse product has them in any order."""
        found = list(found)
        edges = [t for t in found if not t.is_floating_point() and t.dim() == 2 and len(t) == 2]
        for index in edges:
            order = (index[0] * 10**6 + index[1]).argsort(stable=True)
            found = [t[..., order] if t.shape[-1:] == order.shape else t for t in found]
        return found

    pool, close = case.layer().to("cuda"), torch.testing.assert_close
    null = randomize(pool, case.null, 0)
    assert all(t.is_cuda for t in (*null.parameters(), *null.buffers()))
    if case.library == "own":
        close(on_cuda(null), in_order(case.wanted()))
        return
    loose = {"rtol": 1e-3, "atol": 1e-3, "equal_nan": True}  # in single precision
    try:
        close(on_cuda(pool), in_order(tensors(case.first_of_layer()[0])), **loose)
    except (AssertionError, RuntimeError) as error:
        pytest.skip(f"the layer itself does not: {error}")
    close(on_cuda(null), in_order(case.wanted()), **loose)
