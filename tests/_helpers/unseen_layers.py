"""Pooling layers as research code writes them, none of which is known: each chooses its own way."""

import inspect
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Batch, Data
from torch_geometric.nn.pool.connect.filter_edges import filter_adj
from torch_geometric.nn.pool.select.topk import topk
from torch_geometric.utils import to_dense_adj, to_dense_batch

K = 2


class Scoring(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.score = nn.Linear(channels, 1)

    def keep(self, x, edge_index, batch, perm, gate):
        edge_index, _ = filter_adj(edge_index, None, perm, num_nodes=len(x))
        return x[perm] * gate.view(-1, 1), edge_index, batch[perm], perm, gate


class InlineTopKPool(Scoring):
    """Gates computed before the choice, of the same scores."""

    def forward(self, x, edge_index, batch):
        score = self.score(x).squeeze(-1)
        gate = torch.tanh(score)
        perm = topk(score, 0.5, batch)
        return self.keep(x, edge_index, batch, perm, gate[perm])


class ArgsortPool(Scoring):
    def forward(self, x, edge_index, batch):
        score = self.score(x).view(-1).sigmoid()
        order = (2 * batch - score).argsort()
        count = batch.bincount()
        start = count.cumsum(0) - count
        perm = torch.cat([order[s : s + K] for s in start.tolist()])
        return self.keep(x, edge_index, batch, perm, score[perm])


class PaddedSortPool(Scoring):
    def forward(self, x, edge_index, batch):
        score = self.score(x).view(-1)
        padded, _ = to_dense_batch(score, batch, fill_value=-1e9)
        _, order = padded.sort(dim=1, descending=True)
        count = batch.bincount()
        start = (count.cumsum(0) - count).view(-1, 1)
        perm = (start + order[:, :K]).flatten()
        return self.keep(x, edge_index, batch, perm, score[perm].sigmoid())


class LastChannelPool(Scoring):
    """Ranks by a channel of its embeddings, as SortPool does."""

    def forward(self, x, edge_index, batch):
        h = torch.tanh(self.score(x) * x)
        perm = topk(h[:, -1], 0.5, batch)
        return self.keep(x, edge_index, batch, perm, h[:, -1][perm])


class OtherModulePool(nn.Module):
    """Its scores come from a module of somebody else."""

    def __init__(self, channels):
        super().__init__()
        self.scorer = [nn.Sequential(nn.Linear(channels, 4), nn.Tanh(), nn.Linear(4, 1))]

    keep = Scoring.keep

    def forward(self, x, edge_index, batch):
        score = self.scorer[0](x)
        perm = topk(score.view(-1), 0.5, batch)
        return self.keep(x, edge_index, batch, perm, score[perm].view(-1).tanh())


class DecoySortPool(Scoring):
    """Sorts other numbers of all nodes afterwards, and does nothing with them."""

    def forward(self, x, edge_index, batch):
        score = self.score(x).view(-1)
        perm = topk(score, 0.5, batch)
        self.longest = x.norm(dim=1).argsort()[:1]
        return self.keep(x, edge_index, batch, perm, score[perm].tanh())


class DecoyViewsPool(nn.Module):
    """Weighs three views of each node by a softmax, and scores what comes out."""

    def __init__(self, channels):
        super().__init__()
        self.views = nn.ModuleList(nn.Linear(channels, channels) for _ in range(3))
        self.weigh, self.score = nn.Linear(channels, 1), nn.Linear(channels, 1)

    keep = Scoring.keep

    def forward(self, x, edge_index, batch):
        views = torch.stack([view(x) for view in self.views], 1)
        weight = self.weigh(views).squeeze(-1).softmax(-1)
        score = self.score((weight.unsqueeze(-1) * views).sum(1)).view(-1)
        perm = topk(score, 0.5, batch)
        return self.keep(x, edge_index, batch, perm, score[perm].tanh())


class ThresholdPool(Scoring):
    """Keeps what is above the mean of its graph."""

    def forward(self, x, edge_index, batch):
        score = self.score(x).view(-1).sigmoid()
        count = batch.bincount()
        mean = score.new_zeros(len(count)).scatter_add_(0, batch, score) / count
        perm = (score > mean[batch]).nonzero().view(-1)
        return self.keep(x, edge_index, batch, perm, score[perm])


class NumpyPool(Scoring):
    """Sorts in NumPy, graph by graph."""

    def forward(self, x, edge_index, batch):
        score = self.score(x).view(-1)
        values, graph = score.detach().numpy(), batch.numpy()
        kept = [
            (graph == g).nonzero()[0][np.argsort(-values[graph == g])[:K]]
            for g in range(graph.max() + 1)
        ]
        perm = torch.from_numpy(np.concatenate(kept))
        return self.keep(x, edge_index, batch, perm, score[perm].tanh())


class LoopPool(Scoring):
    """Goes through the graphs one by one, and scores each by itself."""

    def forward(self, x, edge_index, batch):
        perms, gates = [], []
        for g in range(int(batch.max()) + 1):
            own = (batch == g).nonzero().view(-1)
            score = self.score(x[own]).view(-1)
            top = score.topk(K)
            perms.append(own[top.indices])
            gates.append(top.values)
        return self.keep(x, edge_index, batch, torch.cat(perms), torch.cat(gates).tanh())


class DensePool(Scoring):
    """Ranks padded nodes."""

    def forward(self, x, adj, mask):
        score = self.score(x).squeeze(-1).masked_fill(~mask, -1e9)
        gate, perm = score.topk(K, dim=1)
        x = x.gather(1, perm.unsqueeze(-1).expand(-1, -1, x.size(-1))) * gate.unsqueeze(-1).tanh()
        rows = adj.gather(1, perm.unsqueeze(-1).expand(-1, -1, adj.size(-1)))
        self.seen = perm, gate.detach().tanh()
        return x, rows.gather(2, perm.unsqueeze(1).expand(-1, K, -1)), torch.ones_like(mask[:, :K])


@dataclass
class Pooled:
    x: Tensor
    edge_index: Tensor
    batch: Tensor
    perm: Tensor
    gate: Tensor


class DataclassPool(InlineTopKPool):
    def forward(self, x, edge_index, batch):
        return Pooled(*super().forward(x, edge_index, batch))


class GraphListPool(Scoring):
    """Takes a list of features and a list of matrices, and returns such."""

    def forward(self, xs, adjs):
        pooled, self.seen = [], []
        for x, adj in zip(xs, adjs, strict=True):
            score = self.score(x).view(-1)
            gate, perm = score.topk(K)
            pooled.append((x[perm] * gate.view(-1, 1).tanh(), adj[perm][:, perm]))
            self.seen.append((perm, gate.detach().tanh()))
        xs, adjs = zip(*pooled, strict=True)
        return list(xs), list(adjs)


class Sharing(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.lin = nn.Linear(channels, K)

    def share(self, scores):
        return scores.softmax(-1)


class FlatSoftmaxPool(Sharing):
    """S of [N, K], one graph's clusters after the other's."""

    def forward(self, x, edge_index, batch):
        s = self.share(self.lin(x))
        num_graphs = int(batch.max()) + 1
        pooled = x.new_zeros(num_graphs, K, x.size(1))
        pooled = pooled.index_add(0, batch, s.unsqueeze(-1) * x.unsqueeze(1))
        adj = to_dense_adj(edge_index, batch, batch_size=num_graphs).to(x.dtype)
        s, _ = to_dense_batch(s, batch)
        return pooled, s.mT @ adj @ s, s


class GumbelPool(FlatSoftmaxPool):
    def share(self, scores):
        return F.gumbel_softmax(scores, tau=0.5)


class PaddedSoftmaxPool(Sharing):
    def forward(self, x, adj, mask):
        s = self.share(self.lin(x)) * mask.unsqueeze(-1)
        return s.mT @ x, s.mT @ adj @ s, s


class ClustersFirstPool(Sharing):
    """S of [B, K, N]."""

    def forward(self, x, adj, mask):
        s = self.lin(x).mT.softmax(1) * mask.unsqueeze(1)
        return s @ x, s @ adj @ s.mT, s.mT


class SeedsPool(nn.Module):
    """Seeds attend to the nodes: a softmax over these."""

    def __init__(self, channels):
        super().__init__()
        self.seeds, self.key = nn.Parameter(torch.randn(K, channels)), nn.Linear(channels, channels)

    def forward(self, x, adj, mask):
        score = self.seeds @ self.key(x).mT
        s = score.masked_fill(~mask.unsqueeze(1), -torch.inf).softmax(-1)
        return s @ x, s @ adj @ s.mT, s.mT


class TwoStepPool(Sharing):
    """Clusters the nodes, then keeps the best of the clusters."""

    def __init__(self, channels):
        super().__init__(channels)
        self.score = nn.Linear(channels, 1)

    def forward(self, x, adj, mask):
        s = self.share(self.lin(x)) * mask.unsqueeze(-1)
        y = s.mT @ x
        best = self.score(y).squeeze(-1).topk(1, dim=1).indices.unsqueeze(-1)
        y = y.gather(1, best.expand(-1, -1, y.size(-1)))
        kept = s.gather(2, best.mT.expand(-1, s.size(1), -1))
        return y, kept.mT @ adj @ kept, s


class ContractionPool(nn.Module):
    """Contracts the edges of the highest scores, one after the other."""

    def __init__(self, channels):
        super().__init__()
        self.score = nn.Linear(2 * channels, 1)

    def forward(self, x, edge_index, batch):
        source, target = edge_index
        score = self.score(torch.cat([x[source], x[target]], 1)).view(-1)
        cluster, free = torch.arange(len(x)), [True] * len(x)
        for edge in score.argsort(descending=True).tolist():
            u, v = edge_index[:, edge].tolist()
            if u != v and free[u] and free[v]:
                free[u] = free[v] = False
                cluster[v] = u
        cluster = cluster.unique(return_inverse=True)[1]
        num_clusters = int(cluster.max()) + 1
        pooled = x.new_zeros(num_clusters, x.size(1)).index_add(0, cluster, x)
        of_graph = batch.new_zeros(num_clusters).scatter(0, cluster, batch)
        return pooled, cluster[edge_index], of_graph, cluster


class IndependentSetPool(Scoring):
    """Keeps the best node, drops its neighbours, and so on."""

    def forward(self, x, edge_index, batch):
        score, free, kept = self.score(x).view(-1), [True] * len(x), []
        for node in score.argsort(descending=True).tolist():
            if free[node]:
                kept.append(node)
                free[node] = False
                for other in edge_index[1, edge_index[0] == node].tolist():
                    free[other] = False
        perm = torch.tensor(kept)
        perm = perm[batch[perm].argsort(stable=True)]
        return self.keep(x, edge_index, batch, perm, score[perm].tanh())


# Those that have no null


class TwoChoicesPool(Sharing):
    """Keeps nodes by a score, and scales these by shares of another choice."""

    def __init__(self, channels):
        super().__init__(channels)
        self.score = nn.Linear(channels, 1)

    keep = Scoring.keep

    def forward(self, x, edge_index, batch):
        s = self.lin(x).softmax(-1)
        perm = topk(self.score(x).view(-1), 0.5, batch)
        return self.keep(x, edge_index, batch, perm, s[perm, 0])


@torch.jit.script
def scripted_choice(score: Tensor, batch: Tensor) -> Tensor:
    order = (2 * batch - score.sigmoid()).argsort()
    return order[: order.size(0) // 2]


class ScriptedChoicePool(Scoring):
    def forward(self, x, edge_index, batch):
        score = self.score(x).view(-1)
        perm = scripted_choice(score, batch)
        return self.keep(x, edge_index, batch, perm, score[perm].tanh())


class PrecomputedPool(Scoring):
    """Keeps the nodes that come first."""

    def forward(self, x, edge_index, batch):
        count = batch.bincount()
        perm = (count.cumsum(0) - count + torch.arange(K).view(-1, 1)).t().flatten()
        return self.keep(x, edge_index, batch, perm, torch.ones(len(perm)))


class GivenScoresPool(Scoring):
    """Its scores were computed before, by another module, and are given to it."""

    def forward(self, x, edge_index, batch, score):
        perm = topk(score, 0.5, batch)
        return self.keep(x, edge_index, batch, perm, score[perm].tanh())


class GivenWeightsPool(Scoring):
    """Ranks edges by the weights they come with."""

    def forward(self, x, edge_index, weight, batch):
        perm = edge_index[0, weight.topk(2).indices].unique()
        edge_index, _ = filter_adj(edge_index, None, perm, num_nodes=len(x))
        return x[perm], edge_index, batch[perm]


RANKING = [
    GivenScoresPool,
    InlineTopKPool,
    ArgsortPool,
    PaddedSortPool,
    LastChannelPool,
    OtherModulePool,
    DecoySortPool,
    DecoyViewsPool,
    ThresholdPool,
    NumpyPool,
    LoopPool,
    DensePool,
    DataclassPool,
    GraphListPool,
]
SHARING = [
    FlatSoftmaxPool,
    GumbelPool,
    PaddedSoftmaxPool,
    ClustersFirstPool,
    SeedsPool,
    TwoStepPool,
]
STRUCTURAL = [ContractionPool, IndependentSetPool]
REFUSED = {
    TwoChoicesPool: "chooses by several calls: say by select which is meant, got .*softmax.*topk",
    ScriptedChoicePool: "it is, or calls, TorchScript",
    PrecomputedPool: "its choice is precomputed",
    GivenWeightsPool: "numbers that were computed before and given to it, at unseen_layers.py",
}


# A batch, and how a layer is called and read

GRAPH = [[0, 1, 2, 3, 4, 0, 2], [1, 2, 3, 4, 5, 2, 5]]  # 6 nodes


def batch_of(copies, seed=0, same_graph=False):
    generator = torch.Generator().manual_seed(seed)
    edges = torch.tensor(GRAPH)
    edges = torch.cat([edges, edges.flip(0)], 1)
    graphs, x = [], torch.randn(6, 3, generator=generator)
    for number in range(copies):
        size = 6 if same_graph else 4 + number % 3
        inside = (edges < size).all(0)
        x = x if same_graph else torch.randn(size, 3, generator=generator)
        graphs.append(Data(x, edges[:, inside], num_nodes=size))
    return Batch.from_data_list(graphs)


def given(kind, batch):
    """The arguments of a layer."""
    if kind.__name__ == "GraphListPool":
        graphs = batch.to_data_list()
        adjs = [to_dense_adj(g.edge_index, max_num_nodes=g.num_nodes)[0] for g in graphs]
        return [g.x for g in graphs], adjs
    names = inspect.signature(kind.forward).parameters
    if "adj" in names:
        x, mask = to_dense_batch(batch.x, batch.batch)
        return x, to_dense_adj(batch.edge_index, batch.batch), mask
    if "score" in names:
        return batch.x, batch.edge_index, batch.batch, batch.x[:, 0]
    if "weight" in names:
        return batch.x, batch.edge_index, batch.edge_index.sum(0).float(), batch.batch
    return batch.x, batch.edge_index, batch.batch


def kept(layer, out, batch):
    """The nodes that were kept and their gates [B, k], or S [B, N, K] and nothing."""
    if type(layer).__name__ == "GraphListPool":
        perms, gates = zip(*layer.seen, strict=True)
        return torch.stack(perms), torch.stack(gates)
    if type(layer).__name__ == "DensePool":
        return layer.seen
    out = vars(out).values() if hasattr(out, "perm") else out
    x, _, *rest = out
    if x.dim() == 3:
        return rest[0], None
    of, perm, gate = rest
    chosen = [(of == graph).nonzero().view(-1) for graph in range(batch.num_graphs)]
    chosen = [own[gate[own].argsort()] for own in chosen]
    nodes = [perm[own] - start for own, start in zip(chosen, batch.ptr[:-1], strict=True)]
    return stacked(nodes), stacked([gate[own] for own in chosen])


def stacked(parts):
    return torch.stack(parts) if len({len(part) for part in parts}) == 1 else parts
