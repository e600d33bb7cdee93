"""The nulls of hard pooling, on batches made to break them."""

from collections import Counter

import pytest
import torch
from _helpers import null_layers
from _helpers.adjacencies import every_kind
from _helpers.matching_oracles import assert_maximal_matching
from _helpers.null_layers import HOSTILE, F, X
from _helpers.soft_oracles import normal
from _helpers.strategies import Graphs, batch_of, batches, cycle, path
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from graphpool_sanity import (
    ComplementGraclusPool,
    GraclusPool,
    PoolOutput,
    RandomMatchingPool,
    randomize,
)
from graphpool_sanity.graphs.graph import read_graph
from graphpool_sanity.select.matching import Matching, match_edges
from graphpool_sanity.select.shuffle import ShuffledClusters

HARD = (GraclusPool, ComplementGraclusPool, RandomMatchingPool)
NULLS = {layer: null_layers.NULLS[layer.__name__] for layer in HARD}
every_layer = pytest.mark.parametrize("layer", NULLS, ids=lambda layer: layer.__name__)


def having(null):
    layers = [layer for layer, nulls in NULLS.items() if null in nulls]
    return pytest.mark.parametrize("layer", layers, ids=lambda layer: layer.__name__)


every_pair = pytest.mark.parametrize(
    ("layer", "null"),
    [(layer, null) for layer, nulls in NULLS.items() for null in nulls],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
of_graclus = pytest.mark.parametrize("null", NULLS[GraclusPool])
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
seeds = st.integers(0, 2**62 - 1)


def pooled(pool, graphs, x=None):
    return pool(
        normal(graphs.num_nodes, 2) if x is None else x, graphs.edge_index, batch=graphs.batch
    )


class Given(torch.nn.Module):
    def __init__(self, cluster):
        super().__init__()
        self.cluster = cluster

    def forward(self, graph):
        return self.cluster


@having("complement")
@both_modes
@given(graphs=batches(), seed=seeds)
def test_complement_pairs_no_neighbours(layer, graphs, seed, training):
    null = randomize(layer(), "complement", seed).train(training)
    cluster = pooled(null, graphs).cluster.tolist()
    assert_maximal_matching(cluster, graphs.non_neighbours())
    assert not any(cluster[u] == cluster[v] for u, v in graphs.edge_index.t() if u != v)


@having("random")
@both_modes
@given(graphs=batches(max_graphs=4, max_size=20), seed=seeds, changed=st.integers(0, 99))
def test_random_pairs_follow_neither_features_nor_edges(layer, graphs, seed, changed, training):
    null, other = (randomize(layer(), "random", seed).train(training) for _ in range(2))
    found = pooled(null, graphs).cluster
    assert_maximal_matching(found.tolist(), graphs.others())
    keep = (
        torch.rand(graphs.edge_index.size(1), generator=torch.Generator().manual_seed(changed))
        < 0.5
    )
    rewired = graphs._replace(edge_index=graphs.edge_index[:, keep].flip(0))
    x = normal(graphs.num_nodes, 2, seed=changed)
    assert torch.equal(pooled(other, rewired, x).cluster, found)


@having("shuffle")
@both_modes
@given(graphs=batches(), seed=seeds)
def test_a_shuffle_keeps_the_sizes_of_the_clusters_of_each_graph(layer, graphs, seed, training):
    pool = layer(seed=1).train(training)
    null = randomize(pool, "shuffle", seed)  # whose matching draws what that of the layer draws
    before, after = pooled(pool, graphs), pooled(null, graphs)
    assert after.batch[after.cluster].tolist() == graphs.batch.tolist()
    assert list(dict.fromkeys(after.cluster.tolist())) == list(range(len(after.x)))
    assert torch.equal(after.batch, before.batch)
    for graph in graphs.batch.unique():
        sizes = [
            sorted(out.cluster[graphs.batch == graph].unique(return_counts=True)[1].tolist())
            for out in (before, after)
        ]
        assert sizes[0] == sizes[1]


def test_shuffled_clusters_are_the_layers_own_at_other_nodes():
    graph = read_graph(HOSTILE.edge_index, HOSTILE.num_nodes, HOSTILE.batch)
    select = Matching(match_edges, 3).eval()
    shuffled = ShuffledClusters(select, 4).eval()
    order = shuffled.shuffle(graph.batch, graph.position)
    own = select(graph)[order]
    found = shuffled(graph)
    together = own.unsqueeze(0) == own.unsqueeze(1)
    assert torch.equal(found.unsqueeze(0) == found.unsqueeze(1), together)


@both_modes
def test_shuffling_pairs_any_two_nodes_alike_though_the_seeds_are_the_same(training):
    one = batch_of(path(4))
    graph = read_graph(one.edge_index, 4)
    partners = Counter()
    # Not consecutive seeds: hashes of near seeds are those of the same nodes in another order.
    far_seeds = torch.randint(2**62, (1500,), generator=torch.Generator().manual_seed(0))
    for seed in far_seeds.tolist():
        select = ShuffledClusters(Matching(match_edges, seed), seed).train(training)
        cluster = select(graph).tolist()
        partners.update(v for v in (1, 2, 3) if cluster[v] == cluster[0])
    assert set(partners) == {1, 2, 3}
    assert chisquare(list(partners.values())).pvalue > 1e-3


@every_layer
@both_modes
@given(graphs=batches(), seed=seeds)
def test_without_pooling_every_node_stays(layer, graphs, seed, training):
    x = normal(graphs.num_nodes, 2)
    out = pooled(randomize(layer(), "none", seed).train(training), graphs, x)
    assert torch.equal(out.x, x)
    assert out.cluster.tolist() == list(range(graphs.num_nodes))
    assert torch.equal(out.batch, graphs.batch)
    proper = {(u, v) for u, v in graphs.edge_index.t().tolist() if u != v}
    assert out.edge_index.t().tolist() == [list(edge) for edge in sorted(proper)]


@every_pair
@both_modes
def test_all_but_the_selection_is_shared(layer, null, training):
    attr = normal(HOSTILE.edge_index.size(1), 2)
    pool = layer("sum", "mean", seed=0).train(training)
    other = randomize(pool, null, 0)
    out = other(X, HOSTILE.edge_index, attr, HOSTILE.batch)
    assert isinstance(out, PoolOutput)
    pool.select = Given(out.cluster)
    for mine, theirs in zip(pool(X, HOSTILE.edge_index, attr, HOSTILE.batch), out, strict=True):
        assert torch.equal(mine, theirs)


@of_graclus
def test_weights_are_taken_as_the_layer_takes_them(null):
    weight = normal(HOSTILE.edge_index.size(1))
    null = randomize(GraclusPool(), null, 0)
    out = null(X, HOSTILE.edge_index, None, HOSTILE.batch, edge_weight=weight)
    assert out.x.shape == (len(out.batch), F)
    with pytest.raises(ValueError, match=r"^edge_weight must"):
        null(X, HOSTILE.edge_index, None, HOSTILE.batch, edge_weight=weight[:-1])


@of_graclus
@every_kind
@settings(max_examples=5)
@given(graphs=batches(max_graphs=3, max_size=8))
def test_adjacencies_come_out_as_what_came_in(null, make, graphs):
    adj = make(graphs.edge_index, torch.ones(graphs.edge_index.size(1)), graphs.num_nodes)
    null = randomize(GraclusPool(), null, 0).eval()
    out = null(normal(graphs.num_nodes, 2), adj, batch=graphs.batch)
    assert type(out.edge_index) is type(adj)
    assert torch.equal(out.cluster, pooled(null, graphs).cluster)


@pytest.mark.parametrize("null", ["complement", "random", "shuffle"])
def test_training_draws_anew_and_evaluation_does_not(null):
    ring = batch_of(cycle(40))
    pool = randomize(GraclusPool(), null, 0).train()
    drawn = {tuple(pooled(pool, ring).cluster.tolist()) for _ in range(5)}
    assert len(drawn) == 5
    again = randomize(GraclusPool(), null, 0).train()
    if null != "shuffle":  # there the layer's own matching goes on from where it stands
        assert {tuple(pooled(again, ring).cluster.tolist()) for _ in range(5)} == drawn
    fixed = {tuple(pooled(pool.eval(), ring).cluster.tolist()) for _ in range(3)}
    assert len(fixed) == 1


@of_graclus
@given(graphs=batches(max_graphs=4, max_size=12))
def test_a_graph_is_pooled_alike_alone_and_in_a_batch(null, graphs):
    null = randomize(GraclusPool(seed=1), null, 2).eval()
    together = pooled(null, graphs).cluster
    for g in graphs.batch.unique():
        own = (graphs.batch == g).nonzero().view(-1)
        inside = (graphs.batch == g)[graphs.edge_index[0]]
        zero = torch.zeros_like(own)
        alone = Graphs(graphs.edge_index[:, inside] - own[0], len(own), zero)
        assert torch.equal(pooled(null, alone).cluster, together[own] - together[own[0]])


@of_graclus
def test_gradients_flow_through_the_features(null):
    x = X.clone().requires_grad_()
    out = pooled(randomize(GraclusPool("sum"), null, 0), HOSTILE, x)
    out.x.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_a_null_shows_its_selector():
    names = {
        "complement": "Matching(match_complement)",
        "random": "Matching(match_random)",
        "shuffle": "ShuffledClusters(Matching(match_edges))",
        "none": "Matching(match_none)",
    }
    for null, name in names.items():
        shown = repr(randomize(GraclusPool("mean"), null, 0))
        assert shown == f"GraclusPool(aggr='mean', edge_aggr='sum', select={name})"


def test_a_reset_starts_the_streams_anew():
    null = randomize(GraclusPool(seed=0), "shuffle", 0).train()
    first = pooled(null, HOSTILE).cluster
    pooled(null, HOSTILE)
    null.reset_parameters()
    assert torch.equal(pooled(null, HOSTILE).cluster, first)
