import os
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from _helpers.adjacencies import as_dense, every_kind
from _helpers.matching_oracles import assert_maximal_matching
from _helpers.strategies import Graphs, batch_of, batches, clique, cycle
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch_geometric.data import Batch
from torch_geometric.typing import SparseTensor

from graphpool_sanity import (
    ComplementGraclusPool,
    GraclusPool,
    PoolOutput,
    RandomMatchingPool,
    graclus,
)

ALLOWED = {
    GraclusPool: Graphs.neighbours,
    ComplementGraclusPool: Graphs.non_neighbours,
    RandomMatchingPool: Graphs.others,
}
every_pool = pytest.mark.parametrize("pool", ALLOWED, ids=lambda pool: pool.__name__)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
seeds = st.integers(0, 2**63 - 1)
NO_EDGES = torch.empty(2, 0, dtype=torch.long)
RING = batch_of(cycle(60))


def normal(*shape, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).to(dtype)


# What goes in and what comes out


@every_pool
@both_modes
@given(graphs=batches(), seed=seeds)
def test_a_batch_is_pooled_as_defined(graphs, seed, pool, training):
    x, attr = normal(graphs.num_nodes, 2), normal(graphs.edge_index.size(1), 3)
    layer = pool(seed=seed).train(training)

    out = layer(x, graphs.edge_index, attr, graphs.batch)

    assert isinstance(out, PoolOutput)
    cluster = out.cluster.tolist()
    assert_maximal_matching(cluster, ALLOWED[pool](graphs))
    assert out.batch.dtype == torch.long
    assert out.batch[out.cluster].tolist() == graphs.batch.tolist()
    assert out.batch.tolist() == sorted(out.batch.tolist())
    for own, features in enumerate(out.x):
        assert torch.equal(features, x[out.cluster == own].max(0).values)
    sums: dict[tuple[int, int], torch.Tensor] = {}
    for (u, v), value in zip(graphs.edge_index.t().tolist(), attr, strict=True):
        if cluster[u] != cluster[v]:
            ends = cluster[u], cluster[v]
            sums[ends] = sums.get(ends, torch.zeros(3, dtype=torch.double)) + value
    assert out.edge_index.t().tolist() == [list(ends) for ends in sorted(sums)]
    assert len(out.edge_attr) == len(sums)
    for ends, value in zip(sorted(sums), out.edge_attr, strict=True):
        torch.testing.assert_close(value, sums[ends])


@every_pool
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_types_of_features_and_attributes_are_kept_and_differentiable(pool, dtype):
    x, attr = normal(60, 4, dtype=dtype), normal(60, dtype=dtype)
    x.requires_grad_()
    attr.requires_grad_()
    out = pool(seed=0)(x, RING.edge_index, attr)
    assert (out.x.dtype, out.edge_attr.dtype) == (dtype, dtype)
    (out.x.sum() + out.edge_attr.sum()).backward()
    assert int((x.grad == 1).sum()) == out.x.numel()
    assert bool(((attr.grad == 0) | (attr.grad == 1)).all())


@every_pool
@pytest.mark.parametrize("aggr", ["max", "min", "mean", "sum"])
def test_gradients_are_those_of_finite_differences(pool, aggr):
    layer = pool(aggr, aggr, seed=0).eval()
    graphs = batch_of(cycle(7), clique(4))
    x = normal(11, 2).requires_grad_()
    attr = normal(graphs.edge_index.size(1), 2, seed=1).requires_grad_()

    def call(x, attr):
        out = layer(x, graphs.edge_index, attr, graphs.batch)
        return out.x, out.edge_attr

    assert gradcheck(call, (x, attr))


@every_pool
@every_kind
@settings(max_examples=20)
@given(graphs=batches(max_graphs=3, max_size=10), seed=seeds)
def test_adjacencies_come_out_as_what_came_in(graphs, seed, make, pool):
    layer, size = pool(seed=seed).eval(), graphs.num_nodes
    x = normal(size, 2)
    adj = make(graphs.edge_index, torch.arange(1.0, 1 + graphs.edge_index.size(1)), size)
    before = as_dense(adj, size)

    out = layer(x, adj, batch=graphs.batch)

    expected = layer(x, graphs.edge_index, batch=graphs.batch)
    assert torch.equal(out.cluster, expected.cluster)
    assert type(out.edge_index) is type(adj)
    assert out.edge_attr is None
    member = (out.cluster[:, None] == torch.arange(len(out.x))).double()
    pooled = (member.t() @ before @ member).fill_diagonal_(0)
    has_values = isinstance(adj, SparseTensor) and adj.has_value()
    has_values |= isinstance(adj, torch.Tensor) and adj.layout != torch.strided
    found = as_dense(out.edge_index, len(out.x))
    assert torch.equal(found, pooled if has_values else pooled.clamp(max=1))
    assert torch.equal(as_dense(adj, size), before)
    if isinstance(adj, torch.Tensor):
        assert (out.edge_index.layout, out.edge_index.dtype) == (adj.layout, adj.dtype)


@every_pool
@pytest.mark.parametrize("coalesced", [True, False])
def test_gradients_reach_the_values_of_a_sparse_adjacency(pool, coalesced):
    index = torch.tensor([[0, 1, 1, 2, 3, 0], [1, 2, 2, 3, 0, 1]])
    value = torch.ones(6, dtype=torch.double, requires_grad=True)
    adj = torch.sparse_coo_tensor(index, value, (4, 4))
    adj = adj.coalesce() if coalesced else adj
    out = pool(seed=0).eval()(normal(4, 1), adj)
    out.edge_index.to_dense().sum().backward()
    between = out.cluster[index[0]] != out.cluster[index[1]]
    assert torch.equal(value.grad, between.double())
    assert adj.is_coalesced() == coalesced


@every_pool
@pytest.mark.parametrize("nodes", [0, 1, 2, 5])
def test_graphs_without_edges_are_pooled(pool, nodes):
    x = normal(nodes, 3).requires_grad_()
    out = pool(seed=0)(x, NO_EDGES, torch.empty(0, 2))
    wanted = nodes if pool is GraclusPool else (nodes + 1) // 2
    assert out.x.shape == (wanted, 3)
    assert out.edge_index.shape == (2, 0)
    assert out.edge_attr.shape == (0, 2)
    assert out.batch.tolist() == [0] * wanted
    out.x.sum().backward()


@both_modes
def test_heavy_edges_are_matched_first(training):
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
    weight = torch.tensor([2.0, 1.0, 2.0])
    for seed in range(20):
        layer = GraclusPool(seed=seed).train(training)
        out = layer(normal(4, 1), edge_index, edge_weight=weight)
        assert out.cluster.tolist() == [0, 0, 1, 1]
        assert out.edge_attr is None


@pytest.mark.parametrize("pool", [ComplementGraclusPool, RandomMatchingPool])
@both_modes
@given(graphs=batches(max_graphs=3, max_size=12), seed=seeds)
def test_weights_decide_nothing_where_edges_are_not_matched(graphs, seed, pool, training):
    x, attr = normal(graphs.num_nodes, 2), normal(graphs.edge_index.size(1), 3)
    weight = normal(graphs.edge_index.size(1), seed=1)
    args = (x, graphs.edge_index, attr, graphs.batch)
    plain, weighted = (pool(seed=seed).train(training)(*args, w) for w in (None, weight))
    assert all(map(torch.equal, plain, weighted))


@every_pool
@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool])
@pytest.mark.parametrize("aggr", ["mean", "sum", "max", "min"])
def test_the_type_of_merged_attributes_does_not_depend_on_what_merges(pool, dtype, aggr):
    for edges in (clique(2), (4, [(0, 2), (1, 3), (0, 3), (1, 2)]), cycle(30), clique(9)):
        graphs = batch_of(edges)
        attr = torch.ones(graphs.edge_index.size(1)).to(dtype)
        out = pool(edge_aggr=aggr, seed=0)(normal(graphs.num_nodes, 1), graphs.edge_index, attr)
        assert out.edge_attr.dtype == (torch.get_default_dtype() if aggr == "mean" else dtype)


@every_pool
def test_means_of_integers_are_no_integers(pool):
    graphs = batch_of(clique(12))
    attr = torch.arange(graphs.edge_index.size(1))
    found = pool(edge_aggr="mean", seed=0).eval()(normal(12, 1), graphs.edge_index, attr)
    wanted = pool(edge_aggr="mean", seed=0).eval()(normal(12, 1), graphs.edge_index, attr.float())
    torch.testing.assert_close(found.edge_attr, wanted.edge_attr)


# Looks and errors


@every_pool
def test_layers_show_what_they_are(pool):
    name = pool.__name__
    assert repr(pool()) == f"{name}(aggr='max', edge_aggr='sum')"
    assert repr(pool("mean", "max", 3)) == f"{name}(aggr='mean', edge_aggr='max')"


@every_pool
def test_bad_arguments_of_layers_are_refused_by_name(pool):
    with pytest.raises(ValueError, match=r"^aggr must be one of max, .* got 'median'"):
        pool(aggr="median")
    with pytest.raises(ValueError, match=r"^edge_aggr must be one of max, .* got None"):
        pool(edge_aggr=None)
    with pytest.raises(ValueError, match=r"^seed must be .* got -1"):
        pool(seed=-1)


X, PATH = torch.ones(3, 2), torch.tensor([[0, 1], [1, 2]])
MALFORMED = {
    "vector x": ({"x": torch.ones(3)}, r"x must have shape \[N, F\], got \[3\]"),
    "dense x": ({"x": torch.ones(1, 3, 2)}, r"x must have shape \[N, F\], got \[1, 3, 2\]"),
    "int32 edges": ({"edge_index": PATH.int()}, "edge_index must be an int64 tensor"),
    "edges as rows": ({"edge_index": torch.zeros(5, 2).long()}, "edge_index must be an int64"),
    "edges out of range": ({"edge_index": PATH + 1}, r"edge_index must lie in \[0, 3\)"),
    "negative edges": ({"edge_index": PATH - 1}, r"edge_index must lie in \[0, 3\)"),
    "short attributes": ({"edge_attr": torch.ones(1, 2)}, r"edge_attr must have shape \[2\]"),
    "unsorted batch": ({"batch": torch.tensor([0, 1, 0])}, "batch must be sorted"),
    "negative batch": ({"batch": torch.tensor([-1, 0, 0])}, "batch must not be negative"),
    "short batch": ({"batch": torch.tensor([0, 0])}, r"batch must be .* shape \[3\]"),
    "float batch": ({"batch": torch.zeros(3)}, "batch must be an int64 tensor"),
    "edge across graphs": ({"batch": torch.tensor([0, 0, 1])}, "edge_index must join nodes of one"),
    "values and attributes": (
        {"edge_index": torch.eye(3).to_sparse(), "edge_attr": torch.ones(3)},
        "edge_attr must be None beside a sparse adjacency",
    ),
}


@every_pool
@pytest.mark.parametrize(("wrong", "message"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_input_is_refused_by_name(pool, wrong, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        pool()(**{"x": X, "edge_index": PATH, **wrong})


@every_pool
@pytest.mark.parametrize("weight", [torch.ones(3), torch.ones(2, 1), torch.tensor([1, torch.nan])])
def test_malformed_weights_are_refused_by_name(pool, weight):
    with pytest.raises(ValueError, match=r"^edge_weight must"):
        pool()(X, PATH, edge_weight=weight)


@every_pool
def test_weights_belong_to_an_edge_index_and_not_to_a_sparse_matrix(pool):
    sparse = torch.sparse_coo_tensor(PATH, torch.ones(PATH.size(1)), (len(X), len(X)))
    with pytest.raises(ValueError, match=r"^edge_weight must be None beside a sparse"):
        pool()(X, sparse, edge_weight=torch.ones(PATH.size(1)))
    with pytest.raises(ValueError, match=r"^edge_weight must be None beside a sparse"):
        graclus(sparse, len(X), edge_weight=torch.ones(PATH.size(1)))


# On other devices, and beside others


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_pool
@both_modes
def test_cuda_pools_as_the_cpu_does(pool, training):
    graphs = batch_of(cycle(30), clique(20), cycle(5))
    x, attr = normal(55, 3), normal(graphs.edge_index.size(1), 2)
    args = (x, graphs.edge_index, attr, graphs.batch)
    expected = pool(seed=0).train(training)(*args)
    found = pool(seed=0).train(training).to("cuda")(*(arg.to("cuda") for arg in args))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs)


@pytest.mark.skipif(find_spec("torch_cluster") is None, reason="needs torch-cluster")
@pytest.mark.skipif("GRAPHPOOL_SANITY_DATA" not in os.environ, reason="needs NCI1 on disk")
def test_as_many_clusters_as_torch_cluster_on_nci1():
    from torch_cluster import graclus_cluster
    from torch_geometric.datasets import TUDataset

    root = Path(os.environ["GRAPHPOOL_SANITY_DATA"]) / "TUDataset"
    data = Batch.from_data_list(list(TUDataset(str(root), "NCI1")))
    pool = GraclusPool(seed=0)
    ours = sum(pool(data.x, data.edge_index, batch=data.batch).x.size(0) for _ in range(5))
    torch.manual_seed(0)
    theirs = sum(
        graclus_cluster(*data.edge_index, num_nodes=data.num_nodes).unique().numel()
        for _ in range(5)
    )
    assert ours == pytest.approx(theirs, rel=0.02)
