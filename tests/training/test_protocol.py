import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GraphConv, global_mean_pool

from graphpool_sanity import ComplementGraclusPool, GraclusPool
from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.training import protocol
from graphpool_sanity.training.protocol import Protocol, train


def benchmark(task="classification", out_channels=2, n=200):
    generator = torch.Generator().manual_seed(0)
    graphs = []
    for i in range(n):
        y = torch.tensor([i % 2])
        x = torch.randn(5, 3, generator=generator) + 2 * y
        edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
        graphs.append(Data(x, edges, y=y if task == "classification" else y.float()))
    return Benchmark("toy", graphs, task, out_channels)


class Linear(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.linear = nn.Linear(in_channels, out_channels)

    def forward(self, data):
        return self.linear(global_mean_pool(data.x, data.batch))


class Pooled(nn.Module):
    def __init__(self, in_channels, out_channels, pool):
        super().__init__()
        self.before = GraphConv(in_channels, 4)
        self.pool = pool(seed=1)
        self.after = GraphConv(4, out_channels)
        self.seen = []

    def forward(self, data):
        if self.training:
            self.seen.append(data.y.tolist())
        x = self.before(data.x, data.edge_index)
        x, edge_index, _, batch, _ = self.pool(x, data.edge_index, batch=data.batch)
        return global_mean_pool(self.after(x, edge_index), batch)


@pytest.mark.parametrize(
    ("task", "out_channels", "good"),
    [
        ("classification", 2, lambda score: score > 0.8),
        ("regression", 1, lambda score: score < 0.4),
        ("binary", 1, lambda score: score > 0.8),
    ],
)
def test_learns_each_task(task, out_channels, good):
    result = train(
        Linear, benchmark(task, out_channels), 0, Protocol(epochs=60, learning_rate=0.05)
    )
    assert good(result.test)
    assert good(result.validation)
    curve = result.validation_curve
    best = min(curve) if task == "regression" else max(curve)
    assert result.validation == best == curve[result.best_epoch - 1]
    assert curve.index(best) == result.best_epoch - 1


def test_a_seed_gives_the_same_run_and_leaves_the_global_state_alone():
    runs = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(runs))
        before = torch.get_rng_state()
        runs.append(train(Linear, benchmark("regression", 1), seed, Protocol(epochs=3)))
        assert torch.equal(before, torch.get_rng_state())
    assert runs[0].validation_curve == runs[1].validation_curve
    assert runs[0].test == runs[1].test
    assert runs[0].validation_curve != runs[2].validation_curve


def test_swapping_a_pool_moves_neither_weights_nor_batches():
    models = []

    def build(pool):
        def make(in_channels, out_channels):
            models.append(Pooled(in_channels, out_channels, pool))
            return models[-1]

        return make

    frozen = Protocol(epochs=2, learning_rate=1e-30, min_learning_rate=0.0, batch_size=8)
    for pool in (GraclusPool, ComplementGraclusPool):
        train(build(pool), benchmark(), 3, frozen)
    local, null = models
    assert local.seen == null.seen
    assert local.seen[: len(local.seen) // 2] != local.seen[len(local.seen) // 2 :]
    for a, b in zip(local.parameters(), null.parameters(), strict=True):
        assert torch.equal(a, b)


class Watched(Linear):
    """Notes each training batch; its child class reads the batches again after each epoch."""

    def __init__(self, *channels):
        super().__init__(*channels)
        self.seen, self.reread = [], []

    def forward(self, data):
        if self.training:
            self.seen.append(data.x.sum().item())
        return super().forward(data)


class Rereading(Watched):
    def after_epoch(self, epoch, batches):
        self.reread.append((epoch, sorted(y for batch in batches for y in batch.x[:, 0].tolist())))


def test_a_model_may_read_the_training_batches_after_each_epoch_and_moves_no_order():
    models = []

    def build(kind):
        def make(*channels):
            models.append(kind(*channels))
            return models[-1]

        return make

    data = benchmark()
    for kind in (Watched, Rereading):
        train(build(kind), data, 3, Protocol(epochs=3, batch_size=8))
    plain, rereading = models
    assert plain.seen == rereading.seen
    per_epoch = len(plain.seen) // 3
    assert plain.seen[:per_epoch] != plain.seen[per_epoch : 2 * per_epoch]

    graphs = [data.graphs[int(i)] for i in data.split(3)[0]]
    everything = sorted(v for graph in graphs for v in graph.x[:, 0].tolist())
    assert rereading.reread == [(epoch, everything) for epoch in (1, 2, 3)]


def test_parameters_count_whether_or_not_the_supervised_loss_trains_them():
    class Frozen(Linear):
        def __init__(self, *channels):
            super().__init__(*channels)
            self.linear.bias.requires_grad_(False)

    assert train(Frozen, benchmark(), 0, Protocol(epochs=1)).parameters == 3 * 2 + 2


def scripted(monkeypatch, validation, test):
    """Let the metric follow a script: validation after each epoch, test where it is asked for."""
    validation, test, asked = iter(validation), iter(test), []
    sizes = {}

    def evaluate(model, benchmark, batches):
        kind = sizes.setdefault(id(batches), "validation" if not sizes else "test")
        asked.append(kind)
        return protocol.Evaluation(next(validation if kind == "validation" else test), 0.5)

    monkeypatch.setattr(protocol, "evaluate", evaluate)
    return asked


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_looks_at_the_test_graphs_once_with_the_weights_of_the_best_epoch(monkeypatch, task):
    best = [0.5, 0.3, 0.4, 0.3] if task == "regression" else [0.5, 0.7, 0.6, 0.7]
    asked = scripted(monkeypatch, best, [0.1])
    models, weights = [], []

    class Noted(Linear):
        def after_epoch(self, epoch, batches):
            weights.append(self.linear.weight.detach().clone())

    def build(*channels):
        models.append(Noted(*channels))
        return models[0]

    data = benchmark(task, 1 if task == "regression" else 2)
    result = train(build, data, 0, Protocol(epochs=4))
    assert (result.validation, result.test, result.best_epoch) == (best[1], 0.1, 2)
    assert asked == ["validation"] * 4 + ["test"]
    assert torch.equal(models[0].linear.weight, weights[1])
    assert not torch.equal(weights[1], weights[3])


def test_stops_and_halves_after_patience(monkeypatch):
    rates = []
    original = protocol.train_epoch

    def spy(model, data, batches, optimizer, *rest):
        rates.append(optimizer.param_groups[0]["lr"])
        original(model, data, batches, optimizer, *rest)

    monkeypatch.setattr(protocol, "train_epoch", spy)
    scripted(monkeypatch, [0.5] * 100, [0.1])
    plan = Protocol(epochs=100, halve_after=2, stop_after=9, min_learning_rate=3e-4)
    result = train(Linear, benchmark(), 0, plan)
    assert (result.epochs, result.best_epoch) == (10, 1)
    assert rates == pytest.approx([1e-3] * 4 + [5e-4] * 3 + [3e-4] * 3)


def test_the_auxiliary_loss_is_minimised_too():
    class Auxiliary(Linear):
        def __init__(self, *channels):
            super().__init__(*channels)
            self.extra = nn.Parameter(torch.tensor(1.0))
            self.history = history

        def forward(self, data):
            history.append(self.extra.item())
            return super().forward(data), self.extra**2

    history = []
    train(Auxiliary, benchmark(), 0, Protocol(epochs=20, learning_rate=0.01))
    assert abs(history[-1]) < 0.9


def test_clipping_bounds_the_gradient(monkeypatch):
    norms = []
    original = torch.optim.Adam.step

    def step(self, *args, **kwargs):
        grads = [p.grad for group in self.param_groups for p in group["params"]]
        norms.append(torch.cat([g.flatten() for g in grads]).norm().item())
        return original(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    train(Linear, benchmark(), 0, Protocol(epochs=1, batch_size=8))
    assert max(norms) > 0.01
    norms.clear()
    train(Linear, benchmark(), 0, Protocol(epochs=1, batch_size=8, clip_norm=0.01))
    assert max(norms) <= 0.01 + 1e-6


@pytest.mark.parametrize(("task", "out_channels"), [("classification", 2), ("regression", 1)])
def test_keeps_the_supervised_validation_loss_of_each_epoch(task, out_channels):
    models = []

    class Regularised(Linear):  # its auxiliary loss is no part of what is kept
        def forward(self, data):
            return super().forward(data), 7 * self.linear.weight.square().sum()

    def build(*channels):
        models.append(Regularised(*channels))
        return models[0]

    data = benchmark(task, out_channels)
    result = train(build, data, 0, Protocol(epochs=3, batch_size=7), device="cpu")
    assert len(result.validation_losses) == 3
    whole = Batch.from_data_list([data.graphs[int(i)] for i in data.split(0)[1]])
    output = models[0](whole)[0]
    if task == "regression":
        loss = (output.squeeze(1) - whole.y).abs().mean()
        assert result.validation_losses == pytest.approx(result.validation_curve)
    else:
        loss = nn.functional.cross_entropy(output, whole.y)
    assert result.validation_losses[result.best_epoch - 1] == pytest.approx(loss.item())


@pytest.mark.parametrize("compiled", [False, True])
def test_compiles_the_model_if_asked(compiled):
    asked = []

    class Compiled(Linear):
        def compile(self, **kwargs):
            asked.append(kwargs)

    result = train(Compiled, benchmark(), 0, Protocol(epochs=1), compile=compiled)
    assert asked == [{"dynamic": True}] * compiled
    assert result.compiled is compiled


def test_everything_needed_to_repeat_a_run_comes_back():
    result = train(Linear, benchmark(), 0, Protocol(epochs=1), device="cpu")
    assert result.device == "cpu"
    assert result.parameters == 3 * 2 + 2
    assert result.versions["torch"] == torch.__version__
    assert result.seconds > 0


class Infinite(Linear):
    def forward(self, data):
        return super().forward(data) * float("inf")


def test_names_what_is_wrong():
    with pytest.raises(ValueError, match=r"model must return \[.*\] outputs, got"):
        train(lambda *_: Linear(3, 2), benchmark("regression", 1), 0, Protocol(epochs=1))
    with pytest.raises(ValueError, match=r"model must return \[40, 2\] outputs, got \[40, 1\]"):
        train(lambda *_: Linear(3, 1), benchmark(), 0, Protocol(epochs=1, batch_size=40))
    with pytest.raises(ValueError, match="device must be"):
        train(Linear, benchmark(), 0, device="abacus")
    with pytest.raises(FloatingPointError, match="loss must be finite"):
        train(Infinite, benchmark(), 0, Protocol(epochs=1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_trains_on_cuda():
    result = train(Linear, benchmark(), 0, Protocol(epochs=2), device="cuda")
    assert result.device != "cpu"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("epochs", 0, "a positive integer"),
        ("epochs", 1.5, "a positive integer"),
        ("batch_size", 0, "a positive integer"),
        ("learning_rate", 0.0, "positive and finite"),
        ("learning_rate", float("inf"), "positive and finite"),
        ("learning_rate", float("nan"), "positive and finite"),
        ("clip_norm", 0, "positive and finite"),
        ("stop_after", -1, "0 or more"),
    ],
)
def test_a_protocol_of_nothing_is_refused(name, value, wanted):
    with pytest.raises(ValueError, match=f"^{name} must be {wanted}, got {value}$"):
        Protocol(**{name: value})


def test_a_validation_metric_that_starts_as_nan_is_beaten_by_any_number(monkeypatch):
    scripted(monkeypatch, [float("nan"), 0.4, 0.2], [0.3])
    result = train(Linear, benchmark(), 0, Protocol(epochs=3))
    assert (result.best_epoch, result.validation, result.test) == (2, 0.4, 0.3)
