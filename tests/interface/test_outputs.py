"""What is read of each kind of output, against what it is known to hold."""

from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    ASAPooling,
    ClusterPooling,
    DMoNPooling,
    EdgePooling,
    MemPooling,
    SAGPooling,
    TopKPooling,
)
from torch_geometric.utils import to_dense_adj, to_dense_batch

from graphpool_sanity import GraclusPool, MemoryPool, MinCutPool, RandomDiffPool
from graphpool_sanity.analysis import record_activations
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.interface.graphs import Graphs
from graphpool_sanity.interface.inputs import LayerCall
from graphpool_sanity.interface.outputs import read_output
from graphpool_sanity.testing import assert_batch_invariant, assert_permutation_invariant

SIZES = (7, 4, 12, 5)


def graph(size, dtype=torch.float32):
    ring = torch.stack([torch.arange(size), torch.arange(size).roll(1)])
    x = torch.randn(size, 4, generator=torch.Generator().manual_seed(size)).to(dtype)
    return Data(x, torch.cat([ring, ring.flip(0)], 1))


BATCH = Batch.from_data_list([graph(size) for size in SIZES])
GIVEN = Graphs(BATCH.x, 4, BATCH.edge_index, batch=BATCH.batch)
# The pooled graph: of the nodes with an even index within their graph a path.
PERM = torch.cat([torch.arange(start, end, 2) for start, end in BATCH.ptr.unfold(0, 2, 1).tolist()])
X, OWN = BATCH.x[PERM], BATCH.batch[PERM]
_AHEAD = (OWN[1:] == OWN[:-1]).nonzero().view(-1)
EDGES = torch.stack([_AHEAD, _AHEAD + 1])
CLUSTER = torch.cat([torch.arange(n) // 2 for n in SIZES])
CLUSTER += torch.tensor([0, 4, 6, 12])[BATCH.batch]
WEIGHT, ATTR = torch.rand(EDGES.size(1)), torch.rand(EDGES.size(1), 3)
SCORE = torch.rand(len(X))
LOSS, OTHER = torch.tensor(0.5), torch.tensor(0.25)

SPARSE = {
    "as PyG's top-k": (X, EDGES, None, OWN, PERM, SCORE),
    "as PyG's top-k with attributes": (X, EDGES, ATTR, OWN, PERM, SCORE),
    "batch, perm": (X, EDGES, OWN, PERM),
    "perm, batch": (X, EDGES, PERM, OWN),
    "none, perm, batch": (X, EDGES, None, PERM, OWN),
    "none, batch, cluster": (X, EDGES, None, OWN, CLUSTER),
    "cluster, batch": (X, EDGES, CLUSTER, OWN),
    "batch, weight": (X, EDGES, OWN, WEIGHT),
    "weight, batch": (X, EDGES, WEIGHT, OWN),
    "batch, attributes, perm": (X, EDGES, OWN, ATTR, PERM),
    "perm alone": (X, EDGES, PERM),
    "batch alone": (X, EDGES, OWN),
    "no edges": (X, OWN),
    "loss first": (X, EDGES, LOSS, OWN),
    "score": (X, EDGES, OWN, PERM, SCORE),
    "int32": (X, EDGES.int(), OWN.int()),
    "edges first": (EDGES, X, OWN),
    "a list": [X, EDGES, OWN],
}
KEYS = {"weight, batch": WEIGHT, "batch, weight": WEIGHT}
KEYS |= dict.fromkeys(["as PyG's top-k with attributes", "batch, attributes, perm"], ATTR)


@pytest.mark.parametrize("name", SPARSE)
def test_parts_of_a_sparse_output_come_in_any_order(name):
    pooled = read_output(nn.Identity(), SPARSE[name], GIVEN)
    graphs = pooled.graphs
    assert torch.equal(graphs.x, X)
    assert torch.equal(graphs.batch, OWN)
    assert graphs.size == 4
    assert (graphs.edges is None) == (name == "no edges")
    assert graphs.edges is None or torch.equal(graphs.edges.long(), EDGES)
    assert (graphs.weight is None) == (name not in KEYS)
    assert graphs.weight is None or torch.equal(graphs.weight, KEYS[name])
    assert list(pooled.losses.values()) == [LOSS] * (name == "loss first")
    perm, cluster = pooled.choice.get("perm"), pooled.choice.get("cluster")
    assert (perm is None) == ("perm" not in name and "top-k" not in name and name != "score")
    assert perm is None or torch.equal(perm, PERM)
    assert cluster is None or torch.equal(cluster, CLUSTER)


Named = namedtuple("Named", "h adj graph_indicator idx aux_loss")


@dataclass
class Out:
    X: torch.Tensor
    edge_index: torch.Tensor
    edge_weight: torch.Tensor
    batch: torch.Tensor
    losses: dict


NAMED = {
    "named tuple": Named(X, EDGES, OWN, PERM, LOSS),
    "dataclass": Out(X, EDGES, WEIGHT, OWN, {"link": LOSS, "entropy": OTHER, "k": torch.tensor(3)}),
    "mapping": {"batch": OWN, "feat": X, "edges": EDGES, "loss": LOSS},
    "object": SimpleNamespace(x=X, edge_index=EDGES, batch=OWN, loss={"cut": LOSS}),
    "data": Data(x=X, edge_index=EDGES, batch=OWN),
}


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("named tuple", {"aux_loss": LOSS}),
        ("dataclass", {"losses.link": LOSS, "losses.entropy": OTHER}),
        ("mapping", {"loss": LOSS}),
        ("object", {"loss.cut": LOSS}),
        ("data", {}),
    ],
)
def test_names_tell_what_belongs_to_what(name, losses):
    pooled = read_output(nn.Identity(), NAMED[name], GIVEN)
    assert torch.equal(pooled.graphs.x, X)
    assert torch.equal(pooled.graphs.batch, OWN)
    assert torch.equal(pooled.graphs.edges, EDGES)
    assert pooled.losses == losses


def test_only_numbers_with_a_point_are_losses():
    out = (X, EDGES, OWN, torch.tensor(3), torch.tensor(True), LOSS, {"link": OTHER})
    assert read_output(nn.Identity(), out, GIVEN).losses == {"5": LOSS, "6.link": OTHER}


DENSE, MASK = to_dense_batch(BATCH.x, BATCH.batch)
ADJ = to_dense_adj(BATCH.edge_index, BATCH.batch)
PADDED = Graphs(DENSE, 4, ADJ, mask=MASK)
S = torch.randn(4, 12, 3).softmax(-1)
Z, A = S.mT @ DENSE, S.mT @ ADJ @ S
KEPT = torch.rand(4, 3) > 0.3


@pytest.mark.parametrize(
    ("out", "has"),
    [
        ((Z, A), ""),
        ((Z, A, LOSS, OTHER), "losses"),
        ((Z, A, KEPT), "mask"),
        ((Z, A, KEPT.float()), "mask"),
        ((Z, A, S), "s"),
        ((S, Z, A, LOSS, OTHER), "s losses"),
        ((Z, A, LOSS, S), "s"),
        ((A, Z), ""),
        ((Z, A, KEPT, S, {"link": LOSS, "entropy": OTHER}), "mask s losses"),
    ],
)
def test_parts_of_a_dense_output_come_in_any_order(out, has):
    pooled = read_output(nn.Identity(), out, PADDED)
    assert torch.equal(pooled.graphs.x, Z)
    assert torch.equal(pooled.graphs.edges, A)
    mask = pooled.graphs.mask
    assert (mask is None) == ("mask" not in has)
    assert mask is None or torch.equal(mask, KEPT)
    assert list(pooled.choice) == (["s"] if "s" in has.split() else [])
    assert not pooled.choice or torch.equal(pooled.choice["s"], S)
    assert "losses" not in has or list(pooled.losses.values()) == [LOSS, OTHER]


@pytest.mark.parametrize("order", ["x adj s", "s x adj"])
def test_sizes_that_are_all_equal_are_told_apart_by_what_the_numbers_are(order):
    s = torch.randn(2, 3, 3).softmax(-1)
    x, adj = torch.randn(2, 3, 3), 2 * torch.rand(2, 3, 3)
    parts = {"x": x, "adj": adj, "s": s}
    out = tuple(parts[name] for name in order.split())
    pooled = read_output(nn.Identity(), out, Graphs(x, 2, adj))
    assert torch.equal(pooled.graphs.x, x)
    assert torch.equal(pooled.graphs.edges, adj)


def test_one_graph_may_come_without_a_dimension_for_graphs():
    x, adj = torch.randn(3, 5), torch.rand(3, 3)
    pooled = read_output(nn.Identity(), (x, adj, LOSS), Graphs(torch.randn(1, 7, 5), 1))
    assert torch.equal(pooled.graphs.x, x.unsqueeze(0))
    assert torch.equal(pooled.graphs.edges, adj.unsqueeze(0))


def test_memory_layers_leave_no_edges_and_offer_their_loss():
    pool = MemoryPool(4, 6, 2, 3)
    pooled = LayerCall(pool)(pool, GIVEN)
    assert pooled.graphs.edges is None
    torch.testing.assert_close(pooled.losses["kl_loss"], pool.kl_loss(pooled.choice["s"]))
    torch.manual_seed(0)
    pool = MemPooling(4, 4, 2, 4)  # as many keys as channels
    pooled = LayerCall(pool)(pool, GIVEN)
    assert pooled.graphs.edges is None
    assert set(pooled.losses) == {"kl_loss"}


@pytest.mark.parametrize(
    ("layer", "choice"),
    [
        (TopKPooling(4), ["perm"]),
        (SAGPooling(4), ["perm"]),
        (ASAPooling(4), ["perm"]),
        (EdgePooling(4), []),
        (ClusterPooling(4), []),
        (GraclusPool(), ["cluster"]),
        (DMoNPooling(4, 3), ["s"]),
        (MemPooling(4, 4, 2, 3), ["s"]),
        (MinCutPool(4, 3), []),
        (RandomDiffPool(4, 3), []),
    ],
    ids=lambda part: type(part).__name__,
)
def test_known_layers_are_read_as_they_return(layer, choice):
    torch.manual_seed(0)
    seen = []
    layer.register_forward_hook(lambda module, args, out: seen.append(out))
    pooled = LayerCall(layer)(layer, GIVEN)
    (out,) = seen
    x = out[1] if isinstance(layer, DMoNPooling) else out[0]
    assert torch.equal(pooled.graphs.x, x)
    assert list(pooled.choice) == choice
    losses = [part for part in out if isinstance(part, torch.Tensor) and part.dim() == 0]
    assert [v for k, v in pooled.losses.items() if k != "kl_loss"] == losses
    if pooled.graphs.batch is not None:
        assert pooled.graphs.batch.bincount(minlength=4).min() >= 1


class Keeps(nn.Module):
    """Keeps every other node of each graph; returns what it is told to, in that order."""

    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x, edge_index, batch):
        start = torch.searchsorted(batch, batch)
        keep = (torch.arange(len(x)) - start) % 2 == 0
        place = keep.cumsum(0) - 1
        edges = place[edge_index[:, keep[edge_index].all(0)]]
        parts = {"batch": batch[keep], "perm": keep.nonzero().view(-1), "none": None}
        return x[keep], edges, *(parts[name] for name in self.order)


ORDERS = [("batch",), ("batch", "perm"), ("perm", "batch"), ("none", "perm", "batch"), ("perm",)]


@pytest.mark.parametrize("order", ORDERS)
def test_check_testing_and_analysis_read_the_same(order):
    """A report said 0.0 where the same layer without ``perm`` had 0.988."""
    layer, plain = Keeps(*order), Keeps("batch")
    wanted, found = (record_activations(Calls(one), BATCH, Keeps) for one in (plain, layer))
    assert found.homogeneity() == wanted.homogeneity()
    assert found.homogeneity()["after layer"] > 0.5
    torch.manual_seed(0)
    model = Backbone(lambda channels: layer, 4, 2, hidden=8)
    torch.manual_seed(0)
    other = Backbone(lambda channels: plain, 4, 2, hidden=8)
    assert torch.equal(model(BATCH), other(BATCH))
    assert_batch_invariant(layer, BATCH)


class Calls(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, data):
        return self.layer(data.x, data.edge_index, data.batch)


class First(nn.Module):
    """Keeps the two nodes of each graph with the largest sum of features, in the order asked."""

    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x, edge_index, batch):
        rank = (batch * 1e6 - x.sum(1).double()).argsort()
        start = torch.searchsorted(batch, torch.arange(int(batch[-1]) + 1))
        perm = torch.cat([rank[start], rank[start + 1]])
        edges = torch.empty(2, 0, dtype=torch.long)
        parts = {"batch": batch[perm], "perm": perm}
        return x[perm], edges, *(parts[name] for name in self.order)


@pytest.mark.parametrize("order", [("batch",), ("batch", "perm"), ("perm", "batch")])
def test_symmetries_hold_whatever_the_order(order):
    data = Batch.from_data_list([graph(size, torch.double) for size in SIZES])
    assert_permutation_invariant(First(*order), data)
    assert_batch_invariant(First(*order), data)


class Masked(nn.Module):
    """Keeps the first nodes of each padded graph: a larger neighbour adds rows, not nodes."""

    def forward(self, x, adj, mask):
        half = -(-x.size(1) // 2)
        kept = mask[:, :half] & (torch.arange(half) < (mask.sum(1, keepdim=True) + 1) // 2)
        x = (x + 1)[:, :half]  # not zero on padding
        return x, adj[:, :half, :half], kept


def test_a_mask_that_is_returned_keeps_graphs_from_their_company():
    torch.manual_seed(0)
    model = Backbone(lambda channels: Masked(), 4, 2, hidden=8).double().eval()
    data = Batch.from_data_list([graph(size, torch.double) for size in SIZES])
    assert_batch_invariant(model, data)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ((X, EDGES, OWN, OWN.flip(0)), "is ambiguous: which of .* is the batch"),
        ((X[:1], torch.empty(2, 0).long()), "must tell by batch which of 4 graphs"),
        ((), "must hold embeddings .* got nothing"),
        (("x", 3), "must hold embeddings .* got str, int"),
        ((torch.randn(4, 3, 5), torch.randn(4, 2, 2)), r"must hold \(x, adj, ...\), .*got"),
        (Data(x=X, batch=OWN[1:]), r"must have batch \[15\], got \[14\]"),
    ],
)
def test_what_is_ambiguous_or_unreadable_is_refused_with_what_was_seen(out, message):
    with pytest.raises(ValueError, match=f"^the output of Identity {message}"):
        read_output(nn.Identity(), out, GIVEN)


def test_layers_of_torch_geometric_pool_are_read():
    get_pooler = pytest.importorskip("tgp.poolers").get_pooler
    for name, kind in (("topk", "batch"), ("mincut", "loss")):
        layer = get_pooler(name, in_channels=4, k=3, ratio=0.5)
        pooled = LayerCall(layer)(layer, GIVEN)
        assert "select_output" in pooled.choice
        if kind == "batch":
            assert pooled.graphs.batch.bincount().tolist() == [4, 2, 6, 3]
        else:
            assert len(pooled.losses) == 2


@pytest.mark.parametrize(
    "order", ["batch perm", "perm batch", "none perm batch", "none batch perm"]
)
def test_where_both_could_be_the_batch_the_input_tells(order):
    given = Graphs(torch.randn(4, 3), 3, batch=torch.tensor([0, 0, 1, 2]))
    parts = {"batch": torch.tensor([0, 1]), "perm": torch.tensor([1, 2]), "none": None}
    out = (torch.randn(2, 3), torch.tensor([[0], [1]]), *(parts[name] for name in order.split()))
    pooled = read_output(nn.Identity(), out, given)
    assert torch.equal(pooled.graphs.batch, parts["batch"])
    assert torch.equal(pooled.choice["perm"], parts["perm"])


def test_as_many_edges_as_nodes():
    """What comes after kept nodes is their score, what comes after the batch alone a weight."""
    given = Graphs(torch.randn(6, 3), 1, batch=torch.zeros(6).long())
    x, batch, perm = torch.randn(4, 3), torch.zeros(4).long(), torch.tensor([0, 2, 3, 5])
    ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    number, numbers = torch.rand(4), torch.rand(4, 2)
    for out, weight in [
        ((x, ring, batch, number), number),
        ((x, ring, number, batch), number),
        ((x, ring, numbers, batch, perm), numbers),
        ((x, ring, batch, perm, number), None),
        ((x, ring, None, batch, perm, number), None),
        ((x, ring, None, batch, number), None),
        ((x, ring, batch, numbers), None),
    ]:
        read = read_output(nn.Identity(), out, given).graphs
        assert torch.equal(read.batch, batch)
        assert read.weight is weight
