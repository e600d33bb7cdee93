import pytest
import torch
from _helpers.strategies import batches
from hypothesis import given
from hypothesis import strategies as st

from graphpool_sanity.graphs.coarsen import (
    AGGREGATIONS,
    check_aggregation,
    pool_batch,
    pool_edges,
    pool_nodes,
)

REFERENCE = {
    "max": lambda rows: rows.max(0).values,
    "min": lambda rows: rows.min(0).values,
    "mean": lambda rows: rows.mean(0),
    "sum": lambda rows: rows.sum(0),
    "add": lambda rows: rows.sum(0),
}
every_aggr = pytest.mark.parametrize("aggr", REFERENCE)
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE, ids=str)


@st.composite
def clustered(draw):
    """A batch and clusters of any size within its graphs, numbered by their first nodes."""
    graphs = draw(batches(max_graphs=3, max_size=12))
    drawn = draw(
        st.lists(st.integers(0, 3), min_size=len(graphs.batch), max_size=len(graphs.batch))
    )
    number: dict[tuple[int, int], int] = {}
    keys = zip(graphs.batch.tolist(), drawn, strict=True)
    cluster = [number.setdefault(key, len(number)) for key in keys]
    return graphs, torch.tensor(cluster, dtype=torch.long), len(number)


def normal(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).to(
        dtype
    )


def close(a, b):
    return a.dtype == b.dtype and torch.allclose(a, b, rtol=0, atol=TOLERANCE[a.dtype])


def test_the_reference_knows_every_aggregation():
    assert set(REFERENCE) == set(AGGREGATIONS)


@every_aggr
@every_dtype
@given(drawn=clustered())
def test_features_are_merged_cluster_by_cluster(drawn, aggr, dtype):
    graphs, cluster, count = drawn
    x = normal(graphs.num_nodes, 3, dtype=dtype)
    pooled = pool_nodes(x, cluster, count, aggr)
    assert pooled.shape == (count, 3)
    for own in range(count):
        assert close(pooled[own], REFERENCE[aggr](x[cluster == own].double()).to(dtype))


@every_aggr
@pytest.mark.parametrize("width", [(), (1,), (3,)], ids=["E", "E x 1", "E x D"])
@given(drawn=clustered())
def test_edges_are_merged_once_per_direction_in_order(drawn, aggr, width):
    graphs, cluster, count = drawn
    attr = normal(graphs.edge_index.size(1), *width)
    between: dict[tuple[int, int], list[int]] = {}
    for edge, (u, v) in enumerate(cluster[graphs.edge_index].t().tolist()):
        if u != v:
            between.setdefault((u, v), []).append(edge)

    edges, merged = pool_edges(graphs.edge_index, attr, cluster, count, aggr)

    assert edges.t().tolist() == [list(ends) for ends in sorted(between)]
    assert merged.shape == (len(between), *width)
    for row, ends in zip(merged, sorted(between), strict=True):
        assert close(row, REFERENCE[aggr](attr[between[ends]]))
    bare, none = pool_edges(graphs.edge_index, None, cluster, count, aggr)
    assert none is None
    assert torch.equal(bare, edges)


@given(drawn=clustered())
def test_clusters_belong_to_the_graph_of_their_nodes(drawn):
    graphs, cluster, count = drawn
    batch = pool_batch(graphs.batch, cluster, count)
    assert batch.shape == (count,)
    assert torch.equal(batch[cluster], graphs.batch)


@pytest.mark.parametrize("aggr", ["median", "MAX", "", None, ["max"]])
def test_unknown_aggregations_are_refused_by_name(aggr):
    with pytest.raises(ValueError, match=r"^edge_aggr must be one of max, .*, got "):
        check_aggregation("edge_aggr", aggr)
