"""Models that pool without any pooling module."""

import pytest
import torch
from _helpers.unseen_layers import batch_of
from torch import nn
from torch_geometric.nn import GraphConv, global_mean_pool
from torch_geometric.nn.pool.connect.filter_edges import filter_adj
from torch_geometric.nn.pool.select.topk import topk

from graphpool_sanity import Backbone, Protocol, matched_nulls, randomize, sanity_check
from graphpool_sanity.check.sight import bites
from graphpool_sanity.datasets import locality_control
from graphpool_sanity.nulls.registry import pooling_layers, shared_nulls


class Inline(nn.Module):
    """Keeps half of the nodes, once or twice."""

    def __init__(self, in_channels, out_channels, times=1):
        super().__init__()
        sizes = [in_channels, *[8] * times]
        self.convs = nn.ModuleList(GraphConv(size, 8) for size in sizes)
        self.first, self.second = nn.Linear(8, 1), nn.Linear(8, 1)
        self.out, self.times, self.kept = nn.Linear(8, out_channels), times, []

    def forward(self, x, edge_index, batch):
        size = int(batch.max()) + 1
        x = self.convs[0](x, edge_index).relu()
        score = self.first(x).view(-1)
        perm = topk(score, 0.5, batch)
        self.kept = [perm]
        x, batch = x[perm] * score[perm].tanh().view(-1, 1), batch[perm]
        edge_index, _ = filter_adj(edge_index, None, perm, num_nodes=len(score))
        x = self.convs[1](x, edge_index).relu()
        if self.times == 2:
            score = self.second(x).view(-1)
            perm = topk(score, 0.5, batch)
            self.kept.append(perm)
            x, batch = x[perm] * score[perm].tanh().view(-1, 1), batch[perm]
            edge_index, _ = filter_adj(edge_index, None, perm, num_nodes=len(score))
            x = self.convs[2](x, edge_index).relu()
        return self.out(global_mean_pool(x, batch, size=size))


def model_of(times=1):
    torch.manual_seed(0)
    return Inline(3, 2, times).eval()


def call(model, batch):
    return model(batch.x, batch.edge_index, batch.batch)


def test_the_model_itself_is_what_is_exchanged():
    model = model_of()
    with pytest.raises(ValueError, match="must have a pooling layer"):
        pooling_layers(model)
    assert shared_nulls(model) == matched_nulls(model) == ["scores", "shuffle"]
    batch = batch_of(2000, same_graph=True)
    null = randomize(model, "scores", 0).train()
    call(null, batch)
    assert null.choice.startswith("test_inline_models.py:")
    assert "perm = topk(score, 0.5, batch)" in null.choice
    found = (null.kept[0] % 6).bincount(minlength=6) / 2000
    assert (found - 0.5).abs().max() < 5 * (0.25 / 2000) ** 0.5
    assert not torch.equal(call(model, batch), call(null.eval(), batch))


def line(number):
    """Where the model chooses for the first or for the second time."""
    code, start = Inline.forward.__code__, Inline.forward.__code__.co_firstlineno
    with open(code.co_filename) as file:
        lines = file.read().splitlines()
    found = [n for n in range(start, start + 25) if "topk(" in lines[n - 1]]
    return f"test_inline_models.py:{found[number]}"


def test_of_several_calls_the_user_says_which():
    model, batch = model_of(2), batch_of(6)
    with pytest.raises(ValueError, match=rf"several calls: .*{line(0)}: .*{line(1)}: "):
        call(randomize(model, "scores", 0), batch)
    call(model, batch)
    own = model.kept
    for number in (0, 1):
        null = randomize(model, "scores", 0, select=line(number))
        call(null, batch)
        assert torch.equal(null.kept[0], own[0]) == (number == 1)
        assert not torch.equal(null.kept[number], own[number])
    both = randomize(model, "scores", 0, select="*topk*")
    call(both, batch)
    assert not torch.equal(both.kept[0], own[0])
    graph = batch.batch[both.kept[0]]
    assert torch.equal(graph[both.kept[1]], batch.batch[own[0]][own[1]])
    with pytest.raises(
        ValueError, match=r"select must name a call by which Inline chooses \(.*nix"
    ):
        call(randomize(model, "scores", 0, select="nix"), batch)


def test_select_is_for_layers_that_are_not_known():
    model = Backbone(lambda channels: __import__("graphpool_sanity").GraclusPool(), 3, 2)
    with pytest.raises(ValueError, match="select must be None for GraclusPool"):
        randomize(model, select="x.py:1")


def test_a_model_with_inline_pooling_is_checked():
    def build(in_channels, out_channels):
        return Inline(in_channels, out_channels, 2)

    report = sanity_check(
        build,
        locality_control(40),
        runs=2,
        max_runs=2,
        protocol=Protocol(epochs=1),
        select=line(0),
    )
    assert list(report.comparisons) == ["scores"]
    with pytest.raises(ValueError, match="several calls: say by select"):
        sanity_check(build, locality_control(40), runs=2, max_runs=2, protocol=Protocol(epochs=1))


class HomemadePool(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.score = nn.Linear(channels, 1)

    def forward(self, x, edge_index, batch):
        perm = topk(self.score(x).view(-1), 0.5, batch)
        edge_index, _ = filter_adj(edge_index, None, perm, num_nodes=len(x))
        return x[perm], edge_index, batch[perm]


def test_in_the_backbone_any_layer_can_be_left_out():
    model, batch = Backbone(HomemadePool, 3, 2, hidden=8), batch_of(6)
    names = ["scores", "shuffle", "none"]
    assert shared_nulls(model) == names
    assert matched_nulls(HomemadePool(3)) == names[:2]
    with pytest.raises(ValueError, match="null must be 'auto' or one that HomemadePool has"):
        randomize(HomemadePool(3), "none")
    found = bites(model, names, 0, batch)
    assert min(found.values()) > 1e-3
    unpooled = randomize(model, "none", 0).eval()
    sizes = []
    for conv in unpooled.convs:
        conv.register_forward_hook(lambda module, args, out: sizes.append(len(out)))
    unpooled(batch)
    assert sizes == [len(batch.x)] * 3
