"""The nulls of layers that nobody has seen: found by running the layer once."""

import copy
import inspect
import pickle
from collections import Counter

import pytest
import torch
from _helpers import unseen_layers
from _helpers.nulls import every, same
from _helpers.unseen_layers import RANKING, REFUSED, SHARING, STRUCTURAL, K, batch_of, given, kept
from torch import nn
from torch_geometric.data import Batch, Data

from graphpool_sanity import Backbone, matched_nulls, randomize
from graphpool_sanity.nulls.registry import _NULLS, make_null

F = 3
NULLS = ("scores", "shuffle")


def layer_of(kind):
    torch.manual_seed(1)
    return kind(F).eval()


def run(layer, batch):
    out = layer(*given(type(layer).__mro__[0] if not is_null(layer) else kind_of(layer), batch))
    return kept(layer, out, batch)


def is_null(layer):
    return hasattr(layer, "exchange")


def kind_of(null):
    return getattr(unseen_layers, type(null).__name__)


def names(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


@names([*RANKING, *SHARING, *STRUCTURAL, *REFUSED])
def test_any_layer_that_is_called_pooling_has_the_names_of_nulls(kind):
    assert matched_nulls(kind(F)) == list(NULLS)


@pytest.mark.parametrize("null", NULLS)
@names(RANKING)
def test_every_node_is_kept_as_often_with_the_gates_of_the_layer(kind, null):
    """2,000 draws: as many graphs, all alike."""
    batch = batch_of(2000, same_graph=True)
    layer = layer_of(kind)
    own, gates = run(layer, batch)
    assert len(own.unique()) == own.size(1)  # the layer keeps the same nodes of all
    nodes, other_gates = run(randomize(layer, null, 0).train(), batch)
    assert nodes.shape == own.shape
    torch.testing.assert_close(other_gates.sort(1)[0], gates.sort(1)[0])
    assert (nodes.sort(1)[0].diff() > 0).all()
    share = own.size(1) / 6
    found = nodes.flatten().bincount(minlength=6) / 2000
    assert (found - share).abs().max() < 5 * (share * (1 - share) / 2000) ** 0.5
    pairs = Counter(tuple(sorted(row)) for row in nodes.tolist())
    assert own.size(1) != 2 or len(pairs) == 15


@pytest.mark.parametrize("null", NULLS)
@names(SHARING)
def test_every_node_has_the_shares_of_each_as_often(kind, null):
    batch = batch_of(2000, same_graph=True)
    layer = layer_of(kind)
    if kind.__name__ == "GumbelPool":
        layer.share = lambda scores: nn.functional.gumbel_softmax(scores, tau=1e6)
    s, _ = run(layer, batch)
    other, _ = run(randomize(layer, null, 0).train(), batch)
    assert s.shape == (2000, 6, K)
    if kind.__name__ == "GumbelPool":
        return  # which draws
    for graph in range(0, 2000, 97):
        assert (other[graph].sort(0)[0] - s[graph].sort(0)[0]).abs().max() < 1e-6
    number = (other.unsqueeze(2) - s.unsqueeze(1)).abs().sum(-1).argmin(-1)
    counted = torch.stack([(number == i).float().mean(0) for i in range(6)])
    assert (counted - 1 / 6).abs().max() < 5 * (5 / 36 / 2000) ** 0.5


def test_shares_that_are_drawn_are_drawn_from_the_scores_of_other_nodes():
    layer = layer_of(unseen_layers.GumbelPool)
    with torch.no_grad():
        layer.lin.weight.mul_(50)  # the noise does not matter
    batch = batch_of(2000, same_graph=True)
    own, other = (
        run(layer, batch)[0].round(),
        run(randomize(layer, seed=0).train(), batch)[0].round(),
    )
    assert torch.equal(own.sum(1).mean(0).round(), other.sum(1).mean(0).round())
    share = own.mean((0, 1))
    assert (other.mean(0) - share).abs().max() < 0.06
    assert (own.mean(0) - share).abs().max() > 0.2


@names(STRUCTURAL)
def test_where_edges_have_a_say_the_null_is_of_the_scores(kind):
    batch, layer = batch_of(12), layer_of(kind)
    null = randomize(layer, "scores", 0)
    args = given(kind, batch)
    assert not same(null(*args)[:1], layer(*args)[:1])
    with pytest.raises(
        ValueError, match=f"null 'shuffle' of {kind.__name__} must keep .* 'scores'"
    ):
        randomize(layer, "shuffle", 0)(*args)


@names(REFUSED)
def test_what_cannot_be_seen_is_refused_with_its_cause(kind):
    batch, layer = batch_of(5), layer_of(kind)
    with pytest.raises(ValueError, match=rf"layer {kind.__name__} .*{REFUSED[kind]}"):
        randomize(layer, seed=0)(*given(kind, batch))


def test_torchscript_is_refused_at_once():
    class PlainPool(nn.Module):
        def forward(self, x):
            return x[x[:, 0].topk(2).indices]

    with pytest.raises(ValueError, match="layer must be no TorchScript"):
        randomize(torch.jit.script(PlainPool()), layers="")


@names([*RANKING, *SHARING])
def test_the_line_that_chooses_is_told(kind):
    null = randomize(layer_of(kind), seed=0)
    null(*given(kind, batch_of(5)))
    assert null.choice.startswith("unseen_layers.py:")
    word = {"ThresholdPool": "score > mean", "NumpyPool": "score.detach().numpy()"}
    words = (word.get(kind.__name__, ""), "topk", "sort", "softmax", "share(")
    assert any(w in null.choice for w in words if w)


# (a) Against the nulls that are registered

DRAWN = "what it draws comes in another order"
OTHERWISE = {
    "own-GraclusPool": None,  # it ranks nothing: priorities are integers, drawn by chance
    "own-ComplementGraclusPool": None,
    "pyg-ASAPooling": "the registered null permutes members, this one the centres",
    "pyg-EdgePooling": "scores of edges",
    "pyg-ClusterPooling": "scores of edges",
    "tgp-ec": "scores of edges",
    "tgp-kmis": "an independent set",
    "tgp-lap": "leaders among their neighbours",
    "tgp-maxcut": "pools by a propagated cut",
    "tgp-eigen": "eigenvectors of clusters, not their numbers alone",
    "tgp-bnpool": None,  # it shares out by a stick-breaking process
    "tgp-graclus": None,
    "tgp-ndp": None,
    "tgp-sep": None,
}


def in_order(case, out):
    """Tensors, pooled nodes in the order of their features."""
    x = case.pooled(out)[0]
    flat = x.reshape(-1, x.size(-1)) if not case.soft else x
    return flat if case.soft else flat[flat.sum(-1).argsort()]


@every("shuffle", wanted=lambda case: not str(case).startswith(tuple(OTHERWISE)))
def test_it_is_the_registered_shuffle_where_both_exist(case):
    layer = case.layer()
    known = make_null(layer, "shuffle", 3)
    seed = 3
    if case.name == "MemPooling":  # whose twin has a seed of its own
        seed = int(known.select.shuffle.seed)
    found = _NULLS[nn.Module]["shuffle"](case.layer(), seed).eval()
    wanted, given = (in_order(case, case.output(null)) for null in (known, found))
    torch.testing.assert_close(given, wanted, rtol=1e-5, atol=1e-5)
    assert not same([given], [in_order(case, case.first_of_layer()[0])])


@every("shuffle", wanted=lambda case: str(case).startswith(tuple(OTHERWISE)))
def test_where_it_is_not_the_reason_is_known(case):
    (reason,) = (r for name, r in OTHERWISE.items() if str(case).startswith(name))
    null = _NULLS[nn.Module]["scores"](case.layer(), 3).eval()
    if reason is None:
        with pytest.raises(ValueError, match="has no null: no call was seen"):
            case.output(null)
    else:
        wanted = case._replace(null="shuffle").wanted()
        assert not same(case.call(null), wanted)


# (c) The permutation follows from the number of nodes alone


@names([*RANKING, *SHARING])
def test_features_and_edges_do_not_matter_to_the_permutation(kind, monkeypatch):
    null, batch = randomize(layer_of(kind), "shuffle", 0), batch_of(5)
    other = batch_of(5, seed=1)
    other = [Data(g.x, g.edge_index.flip(1), num_nodes=len(g.x)) for g in other.to_data_list()]
    other = Batch.from_data_list(other)
    rows = []
    original = type(null.exchange).rows
    monkeypatch.setattr(
        type(null.exchange), "rows", lambda *args: rows.append(original(*args)) or rows[-1]
    )
    for one in (batch, other):
        null(*given(kind, one))
    assert all(torch.equal(row, rows[-1]) for row in rows)


@names([*RANKING, *SHARING, *STRUCTURAL])
def test_it_keeps_what_every_null_promises(kind):
    batch, layer = batch_of(6), layer_of(kind)
    args, state = given(kind, batch), torch.get_rng_state()
    gumbel = kind.__name__ == "GumbelPool"

    def out(null, args=args):
        torch.manual_seed(0)
        return [torch.as_tensor(part) for part in flat(null(*args))]

    null = randomize(layer, "scores", 0)
    wanted = out(null)
    assert not same(wanted[:1], out(layer)[:1])
    stored = pickle.loads(pickle.dumps(null))
    loaded = randomize(layer, "scores", 1)
    loaded.load_state_dict(null.state_dict())
    for twin in (null, copy.deepcopy(null), stored, loaded, randomize(layer, "scores", 0)):
        assert same(out(twin), wanted)
        assert isinstance(twin, kind)
    null.train()
    draws = [out(null) for _ in range(4)]
    assert any(not same(draw[:1], draws[0][:1]) for draw in draws)
    resumed = randomize(layer.train(), "scores", 5)
    resumed.load_state_dict(null.state_dict())
    assert same(out(resumed), out(null))
    for part in out(null):
        if part.requires_grad:
            part.sum().backward(retain_graph=True)
    if not gumbel:
        torch.set_rng_state(state)
        randomize(layer, "scores", 0).eval()(*args)
        assert torch.equal(torch.get_rng_state(), state)


def flat(out):
    if isinstance(out, torch.Tensor):
        yield out
    else:
        for part in vars(out).values() if hasattr(out, "perm") else out:
            yield from flat(part)


@names([kind for kind in (*RANKING, *SHARING) if kind.__name__ not in ("GumbelPool",)])
def test_evaluation_is_a_function_of_the_graph_alone(kind):
    batch, null = batch_of(5), randomize(layer_of(kind), "scores", 0)
    together = run(null, batch)[0]
    for number, graph in enumerate(batch.to_data_list()):
        alone = run(null, Batch.from_data_list([graph]))[0][0]
        torch.testing.assert_close(together[number][: len(alone)], alone)


class ResearchPool(unseen_layers.PaddedSoftmaxPool):
    """A layer whose arguments have other names."""

    def forward(self, node_feats, adj_matrix, node_mask=None):
        return super().forward(node_feats, adj_matrix, node_mask)


class IndexedPool(unseen_layers.InlineTopKPool):
    def forward(self, feature, edges, graph_ids):
        return super().forward(feature, edges, graph_ids)


@pytest.mark.parametrize("kind", [ResearchPool, IndexedPool])
def test_arguments_go_by_the_names_of_research_code(kind):
    base, batch = kind.__mro__[1], batch_of(5)
    wanted = randomize(layer_of(base), "shuffle", 3)(*given(base, batch))
    args = given(base, batch)
    names = list(inspect.signature(kind.forward).parameters)[1:]
    found = randomize(layer_of(kind), "shuffle", 3)(**dict(zip(names, args, strict=True)))
    torch.testing.assert_close(found, wanted)
    backbone = Backbone(kind, F, 2, hidden=8, num_pools=1)
    assert not torch.equal(backbone(batch), randomize(backbone, "scores", 0)(batch))
