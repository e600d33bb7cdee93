"""ASAPooling: its null pools as it does, but for the members of clusters."""

import pytest
import torch
from _helpers.null_layers import HOSTILE
from _helpers.nulls import tensors
from _helpers.pyg_layers import X, call, layer, weights
from torch import nn
from torch_geometric.nn import GCNConv
from torch_geometric.nn.pool import ASAPooling
from torch_geometric.utils import add_remaining_self_loops, to_dense_adj

from graphpool_sanity import randomize


class SameRows(nn.Module):
    def rows(self, batch):
        return torch.arange(len(batch))


def parts(pool, with_weights):
    """S [N, N], the fitness [N] and A [N, N] of the layer."""
    edges, weight = add_remaining_self_loops(
        HOSTILE.edge_index, weights(HOSTILE) if with_weights else None, num_nodes=len(X)
    )
    share = pool._share(X, edges, weight)
    s = torch.zeros(len(X), len(X)).index_put(tuple(edges), share, accumulate=True)
    own = s.t() @ X
    adjacency = to_dense_adj(edges, edge_attr=weight, max_num_nodes=len(X))[0]
    return s, pool.gnn_score(own, edges).sigmoid(), adjacency if with_weights else adjacency > 0


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("options", [{}, {"GNN": GCNConv, "add_self_loops": True}], ids=str)
@pytest.mark.parametrize("weight", [None, weights(HOSTILE)], ids=["plain", "weighted"])
def test_with_its_own_members_it_is_the_layer(training, options, weight):
    torch.manual_seed(0)
    pool = ASAPooling(X.size(1), 0.6, dropout=0.4, **options).train(training)
    null = randomize(pool, "shuffle", 0)
    null.regroup.chance = SameRows()
    own, out = (
        [torch.manual_seed(1), p(X, HOSTILE.edge_index, weight, HOSTILE.batch)][1]
        for p in (pool, null)
    )
    for mine, theirs in zip(tensors(own), tensors(out), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("with_weights", [True, False])
def test_a_shuffle_permutes_the_rows_of_s(with_weights):
    null = randomize(layer("ASAPooling"), "shuffle", 0)
    weight = weights(HOSTILE) if with_weights else None
    x, edges, weight, _, kept = null(X, HOSTILE.edge_index, weight, HOSTILE.batch)
    s, fitness, adjacency = parts(null, with_weights)
    row = null.regroup.chance.rows(HOSTILE.batch)
    centre = row[kept]
    shuffled = s[row][:, centre]
    torch.testing.assert_close(x, (shuffled.t() @ X) * fitness[centre])
    pooled = shuffled.t() @ adjacency.float() @ shuffled
    got = torch.zeros_like(pooled)
    got[tuple(edges)] = 1.0 if weight is None else weight
    wanted = pooled.fill_diagonal_(0)
    torch.testing.assert_close(got, wanted if with_weights else (wanted > 0).float())


def test_a_shuffle_keeps_the_clusters_kept_and_their_gates():
    pool = layer("ASAPooling")
    null = randomize(pool, "shuffle", 0)
    own, kept = call(pool, "ASAPooling")[-1], call(null, "ASAPooling")[-1]
    assert torch.equal(null.regroup.chance.rows(HOSTILE.batch)[kept], own)


def test_by_chance_neighbourhoods_of_other_nodes_are_kept():
    pool = layer("ASAPooling")
    x, *_, kept = call(randomize(pool, "random", 0), "ASAPooling")
    null = randomize(pool, "shuffle", 0)
    s, fitness, _ = parts(null, with_weights=True)
    torch.testing.assert_close(x, (s.t() @ X)[kept] * fitness[kept])
    rewired = HOSTILE._replace(edge_index=HOSTILE.edge_index[:, ::2])
    other = call(randomize(pool, "random", 0), "ASAPooling", X.flip(0), rewired)[-1]
    assert torch.equal(other, kept)


def test_without_pooling_features_stay_but_for_their_gates():
    null = randomize(layer("ASAPooling"), "none")
    x, edges, weight, _, kept = call(null, "ASAPooling")
    _, fitness, adjacency = parts(null, with_weights=True)
    torch.testing.assert_close(x, X * fitness)
    assert kept.tolist() == list(range(len(X)))
    got = torch.zeros_like(adjacency)
    got[tuple(edges)] = weight
    torch.testing.assert_close(got, adjacency.fill_diagonal_(0))
