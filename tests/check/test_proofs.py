"""What a check refuses before it runs anything."""

import os

import pytest
import torch
from _helpers.small_checks import CYCLES, check, graclus
from torch import nn
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.nn import GraphConv, TopKPooling, global_mean_pool
from torchmetrics.aggregation import MeanMetric
from torchmetrics.classification import MulticlassF1Score

from graphpool_sanity import Benchmark, GraclusPool, Protocol, RandomDiffPool
from graphpool_sanity.check import proofs
from graphpool_sanity.datasets import digits


class Fails(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.pool = GraclusPool()
        self.lin = nn.Linear(in_channels, out_channels)

    def forward(self, data):
        raise TypeError("no\nway")


class WithLoss(nn.Module):
    def __init__(self, in_channels, out_channels, *loss):
        super().__init__()
        self.net, self.loss = graclus(in_channels, out_channels), loss

    def forward(self, data):
        return self.net(data), *self.loss


def two_classes_of_one(n=20):
    edges = torch.tensor([[0, 1], [1, 0]])
    return [Data(torch.ones(2, 3), edges, y=torch.tensor([int(i == 0)])) for i in range(n)]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"runs": 1}, "runs must be an int of 2 or more, got 1"),
        ({"margin": 0}, "margin must be positive and finite, got 0"),
        ({"level": 1}, r"level must lie in \(0, 1\), got 1"),
        ({"seed": -1}, r"seed must be an int in \[0, \d+\], got -1"),
        ({"nulls": "nix"}, "nulls must be 'auto', 'all', or names .*got 'nix'"),
        ({"nulls": []}, r"nulls must be .* got \[\]"),
        ({"nulls": None}, "nulls must be .* got None"),
        ({"nulls": 3}, "nulls must be .* got 3"),
        ({"margin": "2 points"}, "margin must be positive and finite, got '2 points'"),
        ({"margin": float("nan")}, "margin must be positive and finite, got nan"),
        ({"level": None}, r"level must lie in \(0, 1\), got None"),
        ({"n_jobs": 0}, "n_jobs must be a positive int, or a negative one .* got 0"),
        ({"n_jobs": 1.5}, "n_jobs must be a positive int, or a negative one .* got 1.5"),
        ({"build_model": 3}, r"build_model must be callable, build_model\(.*\), got int"),
        ({"build_model": lambda i, o: 3}, "build_model must return a torch.nn.Module, got int"),
        ({"protocol": {"epochs": 3}}, "protocol must be a Protocol, got dict"),
        ({"dataset": "nix"}, "name must be one of digits, .* got 'nix'"),
        ({"dataset": 3}, "dataset must be a Benchmark"),
        ({"dataset": two_classes_of_one()}, "dataset list cannot be split 80/10/10"),
        ({"task": "binary"}, "task must be None for a data set that has one"),
        ({"device": "nix"}, "device must be 'auto' or a torch device"),
        ({"metric": 3}, "metric must make a torchmetrics.Metric when called, got int"),
        ({"metric": MulticlassF1Score(2)}, "metric must make .* when called, got a metric itself"),
        ({"metric": lambda: 3}, "metric must make a torchmetrics.Metric when called, got int"),
        ({"metric": MeanMetric}, "metric must say by higher_is_better whether more is better"),
        ({"build_model": nn.Linear}, "model must have a pooling layer, got Linear without any"),
        (
            {"build_model": Fails},
            "build_model: the model fails on a batch of 8 graphs of locality-control: "
            "TypeError: no$",
        ),
        (
            {"build_model": lambda i, o: graclus(i, o + 1)},
            r"ValueError: the model must return \[8, 2\] outputs, got \[8, 3\]",
        ),
        (
            {"build_model": lambda i, o: WithLoss(i, o, torch.ones(2))},
            r"ValueError: the model must return auxiliary losses \[\], got \[2\]",
        ),
        (
            {"build_model": lambda i, o: WithLoss(i, o, torch.ones(()), "x")},
            r"ValueError: the model must return auxiliary losses \[\], got str",
        ),
    ],
)
def test_faults_are_named_before_anything_runs(kwargs, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        check(**kwargs, out=tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_model_that_is_not_built_anew_is_refused():
    once = graclus(2, 2)
    with pytest.raises(ValueError, match=r"^build_model must build a new model at each call"):
        check(lambda i, o: once)


class Roomy(nn.Module):
    """A model with room for graphs of up to nine nodes."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.pool = RandomDiffPool(in_channels, 2, invariant=False, max_num_nodes=9, seed=0)
        self.lin = nn.Linear(in_channels, out_channels)

    def forward(self, data):
        x, *_ = self.pool(data.x, data.edge_index, batch=data.batch)
        return self.lin(x.mean(1))


@pytest.mark.parametrize("place", [0, 5, 39])
def test_a_model_without_room_for_the_largest_graph_is_refused_before_anything_runs(
    tmp_path, place
):
    sizes = [10 if i == place else 9 for i in range(40)]
    edges = torch.tensor([[0, 1], [1, 0]])
    graphs = [Data(torch.ones(n, 3), edges, y=torch.tensor([i % 2])) for i, n in enumerate(sizes)]
    with pytest.raises(ValueError, match=r"fails on a batch of 8 graphs .* has 10 nodes"):
        check(Roomy, graphs, "none", out=tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without CUDA")
def test_a_device_that_is_not_here_is_named(tmp_path):
    with pytest.raises(ValueError, match="device must be one of this machine's, got 'cuda'"):
        check(device="cuda", out=tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"out must be a folder that can be written, got .*file"):
        check(out=tmp_path / "file" / "below")
    with pytest.raises(ValueError, match=r"out must be a folder that can be written, got .*file"):
        check(out=tmp_path / "file")


def test_a_model_in_place_of_what_builds_it_is_told():
    with pytest.raises(ValueError, match=r"^build_model must be .* got Backbone, a model"):
        check(graclus(2, 2))
    with pytest.raises(ValueError, match=r"^build_model\(in_channels, out_channels\) fails: T"):
        check(lambda: graclus(2, 2))


class ByFields(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.pool, self.lin = GraclusPool(), nn.Linear(in_channels, out_channels)

    def forward(self, x, edge_index, batch):
        x, _, _, batch, _ = self.pool(x, edge_index, batch=batch)
        return global_mean_pool(self.lin(x), batch)


class ByBatch(ByFields):
    def forward(self, data):
        return super().forward(data.x, data.edge_index, data.batch)


class WithAnOptionOfThatName(ByBatch):
    def forward(self, data, adj=None, mask=None):
        return super().forward(data)


class WithTwoLosses(ByBatch):
    def forward(self, data):
        out = super().forward(data)
        return out, self.lin.weight.square().sum(), self.lin.bias.square().sum()


class WithTheirSum(ByBatch):
    def forward(self, data):
        out = super().forward(data)
        return out, self.lin.weight.square().sum() + self.lin.bias.square().sum()


def test_a_model_may_be_called_by_fields_and_return_several_losses():
    assert check(ByFields).scores == check(ByBatch).scores
    assert check(WithAnOptionOfThatName).scores == check(ByBatch).scores
    curves = [
        [record["validation_losses"] for record in check(model).records]
        for model in (WithTwoLosses, WithTheirSum, ByBatch)
    ]
    assert curves[0] == curves[1] != curves[2]


def test_a_user_says_which_modules_are_pooled():
    class Both(ByBatch):
        def __init__(self, in_channels, out_channels):
            super().__init__(in_channels, out_channels)
            self.FancyPooling = FancyPooling()

        def forward(self, data):
            return super().forward(self.FancyPooling(data))

    with pytest.raises(ValueError, match=r"layer FancyPooling has no null: .* say by layers which"):
        check(Both, nulls="shuffle")
    for layers in ("pool", ["pool"], GraclusPool):
        report = check(Both, layers=layers)
        assert list(report.homogeneity["layer"]) == ["before pool", "after pool"]


class FancyPooling(nn.Module):
    def forward(self, data):
        return data


RING = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])


def graphs_of(**changes):
    fields = {"x": torch.arange(18.0).view(6, 3) / 18, "edge_index": RING} | changes
    y = fields.pop("y", lambda i: torch.tensor([i % 2]))
    return [Data(**fields, y=y(i)) for i in range(40)]


@pytest.mark.parametrize("hand", [lambda graphs: graphs, lambda graphs: benchmark_of(graphs)])
def test_edges_of_int32_are_taken(hand):
    report = check(dataset=hand(graphs_of(edge_index=RING.int())))
    assert report.scores == check(dataset=hand(graphs_of())).scores


def benchmark_of(graphs, task="classification"):
    return Benchmark("own", graphs, task, 2 if task == "classification" else 1)


@pytest.mark.parametrize(
    ("graphs", "message"),
    [
        (graphs_of(x=torch.ones(6, 3).double()), r"dataset\[0\] must have x of type torch.float32"),
        (graphs_of(y=lambda i: torch.tensor([i % 3])), "y must be classes below out_channels=2"),
        (graphs_of(y=lambda i: torch.tensor([float(i % 2)])), "y must be torch.int64 for task='cl"),
        (graphs_of(edge_index=torch.ones(3, 2).long()), "have edge_index of shape"),
        (graphs_of(edge_index=torch.ones(2, 2)), "have edge_index of integers, got torch.float32"),
        (graphs_of(y=lambda i: torch.tensor([0, 1])), "have one target y"),
        (graphs_of()[:9], "dataset must have 10 graphs or more, got 9"),
    ],
)
def test_a_benchmark_that_is_handed_over_is_checked(graphs, message):
    with pytest.raises(ValueError, match=message):
        check(dataset=benchmark_of(graphs))


class Normed(nn.Module):
    """Normalises graphs over the batch, which one graph alone does not allow."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.pool, self.norm = GraclusPool(), nn.BatchNorm1d(in_channels)
        self.lin = nn.Linear(in_channels, out_channels)

    def forward(self, data):
        x, _, _, batch, _ = self.pool(data.x, data.edge_index, batch=data.batch)
        return self.lin(self.norm(global_mean_pool(x, batch)))


@pytest.mark.parametrize("batch_size", [31, 16])  # 32 graphs in training: the last is alone
def test_a_last_graph_alone_is_trained_with_the_batch_before(batch_size):
    report = check(Normed, protocol=Protocol(epochs=1, batch_size=batch_size))
    assert len(report.scores["layer"]) == 2


def test_batches_of_one_graph_that_a_model_cannot_take_are_named():
    message = (
        "of 1 graphs of locality-control, as batch_size is 1: ValueError: Expected more than 1"
    )
    with pytest.raises(ValueError, match=message):
        check(Normed, protocol=Protocol(epochs=1, batch_size=1))


class FirstNodes(TopKPooling):
    """Keeps the first nodes, whatever ``select`` says."""

    def forward(self, x, edge_index, batch):
        keep = batch.diff(prepend=batch.new_tensor([-1])) > 0
        return x[keep], batch[keep]


class Keeps(nn.Module):
    def __init__(self, in_channels, out_channels, pool):
        super().__init__()
        self.lin, self.pool = nn.Linear(in_channels, out_channels), pool

    def forward(self, data):
        x, batch = self.pool(data.x, data.edge_index, data.batch)
        return global_mean_pool(self.lin(x), batch)


class Twice(nn.Module):
    """Has a second pooling layer that it never calls."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.net, self.spare = graclus(in_channels, out_channels), GraclusPool()

    def forward(self, data):
        return self.net(data)


@pytest.mark.parametrize(
    ("build_model", "name"),
    [(lambda i, o: Keeps(i, o, FirstNodes(i)), "pool"), (Twice, "spare")],
)
@pytest.mark.parametrize("null", ["random", "shuffle", "none"])
def test_a_selection_that_the_model_never_calls_is_named(build_model, name, null):
    message = (
        f"build_model: the null {null!r} of {name} is never called on a batch of 8 graphs of "
        "locality-control"
    )
    with pytest.raises(ValueError, match=message):
        check(build_model, CYCLES, null)


class WritesOnTheBatch(nn.Module):
    """Sets its features on the batch, as PyG's own examples of Graclus do."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv, self.pool = GraphConv(in_channels, 8), GraclusPool(seed=0)
        self.lin = nn.Linear(8, out_channels)

    def forward(self, data):
        data.x = self.conv(data.x, data.edge_index).relu()
        data.x, data.edge_index, _, data.batch, _ = self.pool(
            data.x, data.edge_index, batch=data.batch
        )
        return self.lin(global_mean_pool(data.x, data.batch))


def test_what_a_model_sets_on_a_batch_is_gone_in_the_next_pass():
    still = Protocol(epochs=4, batch_size=16, learning_rate=1e-30, min_learning_rate=0.0)
    report = check(WritesOnTheBatch, protocol=still)
    for record in report.records:
        assert len(set(record["validation_losses"])) == 1
    assert list(report.homogeneity["layer"]) == ["before pool", "after pool"]


def test_no_graph_of_a_large_data_set_is_built_for_its_first_batches(monkeypatch):
    benchmark = digits()
    sizes = [graph.num_nodes for graph in benchmark.graphs]
    built = []
    get = InMemoryDataset.get
    monkeypatch.setattr(InMemoryDataset, "get", lambda self, i: built.append(i) or get(self, i))
    batch = proofs._trial_batch(benchmark, 64)
    few, two = proofs.first_graphs(benchmark, 5), proofs._trial_batch(benchmark, 2)
    benchmark.split(0)
    assert built == []
    largest = sizes.index(max(sizes))
    expected = Batch.from_data_list([benchmark.graphs[i] for i in [*range(7), largest]])
    assert largest >= 7
    for key in ("x", "edge_index", "y", "batch", "ptr"):
        assert torch.equal(batch[key], expected[key])
    assert few.num_graphs == 5
    assert two.ptr.diff().tolist() == [sizes[0], max(sizes)]


class ByIndex(nn.Module):
    """The mean of all nodes, and a little of the first one, computed as told."""

    def __init__(self, share=0.0, inside=None, constant=None):
        super().__init__()
        self.share, self.inside, self.constant = share, inside, constant

    def forward(self, data):
        x = data.x if self.inside is None else data.x.to(self.inside)
        x = x if self.constant is None else x @ self.constant
        first = x[data.ptr[:-1]]
        return (global_mean_pool(x, data.batch) + self.share * first).to(data.x.dtype)


@pytest.mark.parametrize(
    ("model", "permutation"),
    [
        (ByIndex(), "holds"),
        (ByIndex(3e-6), "> 1e-06"),  # which single precision cannot tell from rounding
        (ByIndex(inside=torch.float32), "holds"),
        (ByIndex(3e-6, torch.float32), "> 1e-06"),
        (ByIndex(constant=torch.full((2, 2), 0.1)), "holds"),  # in single precision alone
        (ByIndex(1.0, constant=torch.full((2, 2), 0.1)), "> 1.4e-05"),
    ],
)
def test_a_dependence_on_the_order_of_nodes_is_told_from_rounding(model, permutation):
    edges = torch.tensor([[0, 1], [1, 0]])
    batch = Batch.from_data_list([Data(torch.rand(n, 2), edges) for n in (40, 50)])
    found = proofs.invariances(model, batch)
    assert found["permutation"].endswith(permutation)
    assert found["batch"] == "holds"
    assert batch.x.dtype == torch.float32
