import pytest
import torch
from _helpers.featured import BATCH, PLAIN, built, graph
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    GCN,
    ASAPooling,
    DMoNPooling,
    GraphConv,
    MemPooling,
    SAGPooling,
    TopKPooling,
    dense_diff_pool,
    dense_mincut_pool,
    global_max_pool,
    global_mean_pool,
)

from graphpool_sanity import ComplementGraclusPool, GraclusPool, RandomMatchingPool
from graphpool_sanity.testing import (
    assert_batch_invariant,
    assert_padding_invariant,
    assert_permutation_invariant,
)

ALL = (assert_permutation_invariant, assert_padding_invariant, assert_batch_invariant)
SPARSE = (assert_permutation_invariant, assert_batch_invariant)
MATCHING = (GraclusPool, ComplementGraclusPool, RandomMatchingPool)


class Model(nn.Module):
    """A network with pooling, of a whole batch."""

    def __init__(self, pool):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = GraphConv(4, 8).double(), GraphConv(8, 8).double()
        self.pool = pool

    def forward(self, data):
        x = self.first(data.x, data.edge_index).relu()
        x, edge_index, _, batch, *_ = self.pool(x, data.edge_index, batch=data.batch)
        return global_mean_pool(self.second(x, edge_index).relu(), batch, data.num_graphs)


# What holds


@pytest.mark.parametrize("check", SPARSE)
@pytest.mark.parametrize(
    "call",
    [
        global_mean_pool,
        global_max_pool,
        built(GCN, 4, 8, 2),
        built(TopKPooling, 4, ratio=0.6),
        built(SAGPooling, 4),
        lambda x, edge_index, batch: built(ASAPooling, 4).float()(
            x.float(), edge_index, None, batch
        ),
        built(MemPooling, 4, 5, heads=2, num_clusters=3),
        Model(built(TopKPooling, 8)),
        Model(lambda x, edge_index, batch: (x, edge_index, None, batch)),
        lambda data: {"mean": global_mean_pool(data.x, data.batch), "name": "mean"},
        lambda data: data,
    ],
    ids=lambda call: type(call).__name__,
)
def test_invariant_layers_models_and_functions_pass(call, check):
    check(call, PLAIN)


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize(
    "call",
    [
        built(DMoNPooling, 4, 3).eval(),
        dense_mincut_pool,
        lambda x, adj, mask: (adj @ x, mask),
        lambda x, adj, mask: dense_diff_pool(x, adj, x[..., :3], mask)[:2],
    ],
    ids=["DMoN", "mincut", "nodes", "diff"],
)
def test_invariant_dense_layers_pass(call, check):
    check(call, PLAIN)


def test_attributes_go_along_with_their_edges():
    assert_permutation_invariant(built(TopKPooling, 4), BATCH)
    assert_batch_invariant(built(TopKPooling, 4), BATCH)


# What does not


@pytest.mark.parametrize("pool", MATCHING)
def test_matching_is_not_permutation_invariant_remark_3(pool):
    layer = pool(seed=0).eval()
    with pytest.raises(AssertionError, match="permutation"):
        assert_permutation_invariant(layer, BATCH)
    with pytest.raises(AssertionError, match="permutation"):
        assert_permutation_invariant(Model(layer), BATCH)


@pytest.mark.parametrize("pool", MATCHING)
def test_matching_is_batch_invariant_in_evaluation_only(pool):
    layer = pool(seed=0)
    with pytest.raises(AssertionError, match=r"graph \d alone|batch in reverse order"):
        assert_batch_invariant(layer.train(), BATCH)
    assert_batch_invariant(layer.eval(), BATCH)
    assert_batch_invariant(Model(layer), BATCH)


def test_the_link_loss_of_pyg_is_moved_by_padding():
    def diff_pool(x, adj, s, mask):
        return dense_diff_pool(x, adj, s, mask)

    assert_permutation_invariant(diff_pool, PLAIN)
    with pytest.raises(AssertionError, match=r"padding of 8 rows: output\[[23]\] differs by"):
        assert_padding_invariant(diff_pool, PLAIN)


FAULTS = {
    "first node": lambda x: x[:1],
    "first edge": lambda x, edge_index: x[edge_index[:, 0]],
    "order of nodes": lambda x: x * torch.arange(len(x)).view(-1, 1),
    "order of attributes": lambda x, edge_index, edge_attr: edge_attr[:3],
    "features torn apart": lambda x, edge_index: (
        torch.cat([x[:, :2], x[:, 2:].roll(1, 0)], 1),
        edge_index,
    ),
    "edges rewired": lambda x, edge_index: (x, torch.stack([edge_index[0], edge_index[1].roll(1)])),
    "edges lost": lambda x, edge_index, batch: (x, edge_index[:, 3:], None, batch),
    "attributes of other edges": lambda x, edge_index, edge_attr, batch: (
        x,
        edge_index,
        edge_attr.roll(1, 0),
        batch,
    ),
    "another shape": lambda x: x[: 1 + int(x[0, 0] > 0)],
    "not a number": lambda x: x[0] * torch.nan,
    "one of many": lambda data: [data.x.sum(0), {"y": data.x[0]}],
    "a dense row": lambda x, adj, mask: x[:, 0],
}


@pytest.mark.parametrize("call", FAULTS.values(), ids=FAULTS)
def test_what_depends_on_the_order_is_found_out(call):
    message = r"^permutation \d+ of 10 \(nodes \[.*\], seed 0\): output.* differs "
    with pytest.raises(AssertionError, match=message):
        assert_permutation_invariant(call, BATCH)


def test_what_looks_beyond_its_graph_is_found_out():
    def centred(x, batch):
        return global_mean_pool(x - x.mean(0), batch)

    assert_permutation_invariant(centred, BATCH)
    with pytest.raises(AssertionError, match=r"^graph \d alone: output differs by"):
        assert_batch_invariant(centred, BATCH)


def test_a_single_graph_is_put_among_copies_of_itself():
    def by_place(x, batch):
        return global_mean_pool(x, batch) * torch.arange(int(batch.max()) + 1).view(-1, 1)

    with pytest.raises(AssertionError, match="graph 2 alone"):
        assert_batch_invariant(by_place, graph(5, seed=0))


def test_what_counts_padding_is_found_out():
    with pytest.raises(AssertionError, match=r"^padding of 3 rows: output\[1\] differs by"):
        assert_padding_invariant(lambda x, mask: (x.sum(1), x.mean(1)), PLAIN, padding=3)


def test_the_worst_permutation_is_named():
    def first(x):
        return x[:1].norm().view(1)

    norms = BATCH.x.norm(dim=1)
    worst = float((norms[:7] - norms[0]).abs().max())
    with pytest.raises(AssertionError) as failed:
        assert_permutation_invariant(first, BATCH, num_permutations=200)
    assert f"differs by {worst:.2g} >" in str(failed.value)


def ring(size, attr):
    edges = torch.stack([torch.arange(size), (torch.arange(size) + 1) % size])
    return Data(x=torch.randn(size, 4), edge_index=edges, edge_attr=attr(size))


def test_integer_attributes_are_told_from_the_batch_and_compared():
    graphs = Batch.from_data_list([ring(n, lambda n: torch.arange(n) % 3) for n in (8, 6, 10)])
    assert_batch_invariant(GraclusPool(seed=0).eval(), graphs)

    def keeps_the_order(x, edge_index, edge_attr, batch):
        return x, edge_index, torch.arange(edge_index.size(1)), batch

    with pytest.raises(AssertionError, match="permutation"):
        assert_permutation_invariant(keeps_the_order, graphs)


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_a_sparse_adjacency_is_permuted_at_both_ends(layout):
    star = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
    adj = torch.sparse_coo_tensor(star, torch.ones(6), (4, 4)).coalesce().to_sparse(layout=layout)
    data = Data(x=torch.randn(4, 2), edge_index=star, adj_t=adj)
    assert_permutation_invariant(lambda x, adj_t: (adj_t @ x).relu().sum(0, keepdim=True), data)


def test_a_compiled_layer_is_called_by_the_names_of_its_own():
    pool = torch.compile(GraclusPool(seed=0).eval(), backend="eager")
    assert_batch_invariant(pool, BATCH)
