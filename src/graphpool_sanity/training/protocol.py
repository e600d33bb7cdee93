"""The paper's training protocol: one model, one data set, one seed, one result."""

import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timezone
from math import isnan
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphpool_sanity.interface.inputs import call_model
from graphpool_sanity.modules import fork_rng
from graphpool_sanity.select.assignment import check_positive, check_scale
from graphpool_sanity.training.batches import Batches
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.provenance import processor, revision, versions
from graphpool_sanity.training.store import store_of

BuildModel = Callable[[int, int], nn.Module]
"""``build_model(in_channels, out_channels)``: a model that takes a PyG batch, or the fields that it
names, as ``x, edge_index, batch``, and returns its output, or its output and auxiliary losses,
which are added up. If it has a method ``after_epoch(epoch, batches)``, that is called with the
training batches after each epoch, to train what the loss does not."""

OnEpoch = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and the validation metric."""


@dataclass(frozen=True)
class Protocol:
    """How a model is trained: the paper's protocol (Appendix A.2) by default.

    >>> Protocol(epochs=5).learning_rate
    0.001
    """

    batch_size: int = 64
    """Graphs in a batch. A last training batch of one graph, which a batch norm of graphs cannot
    take, joins the one before."""
    epochs: int = 1000
    """At most so many."""
    learning_rate: float = 1e-3
    min_learning_rate: float = 1e-5
    halve_after: int = 10
    """Halve the learning rate after so many epochs without a better validation metric."""
    stop_after: int = 50
    """Stop after so many epochs without a better validation metric."""
    clip_norm: float | None = None
    """Clip the norm of the gradient; not at all if ``None``."""

    def __post_init__(self) -> None:
        clip_norm = 1.0 if self.clip_norm is None else self.clip_norm
        check_positive(batch_size=self.batch_size, epochs=self.epochs)
        check_scale(learning_rate=self.learning_rate, clip_norm=clip_norm)
        for name in ("min_learning_rate", "halve_after", "stop_after"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True)
class Result:
    """What came out of a run, and what it ran with."""

    test: float
    """Test metric at the best validation metric."""
    validation: float
    """The best validation metric."""
    best_epoch: int
    epochs: int
    validation_curve: list[float]
    """The validation metric after each epoch."""
    validation_losses: list[float]
    """The supervised loss on the validation graphs after each epoch."""
    parameters: int
    seconds: float
    device: str
    versions: dict[str, str]
    revision: str | None
    """The git revision of this package, if it runs from a checkout."""
    compiled: bool = False
    """Whether the model was compiled."""
    processor: str = ""
    date: str = ""
    """When the run was done, in UTC."""


def train(
    build_model: BuildModel,
    benchmark: Benchmark,
    seed: int,
    protocol: Protocol = Protocol(),
    device: str = "auto",
    on_epoch: OnEpoch | None = None,
    compile: bool = False,
) -> Result:
    """Train one model and report the test metric at the best validation metric.

    The split, the weights, the order of the batches and whatever the model draws (dropout, its
    pools' seeds) follow from ``seed``. The global random state is left as it was. ``compile`` has
    the model compiled, by its own method of that name: other roundings, and most models are faster
    once that is done.

    Raises:
        ValueError: if the model's output does not fit the task.
        FloatingPointError: if the training loss is no longer finite.

    >>> from torch_geometric.nn import MLP, global_mean_pool
    >>> from graphpool_sanity.datasets import load_dataset
    >>> class Bag(nn.Module):
    ...     def __init__(self, in_channels, out_channels):
    ...         super().__init__()
    ...         self.mlp = MLP([in_channels, 8, out_channels], norm=None)
    ...     def forward(self, data):
    ...         return self.mlp(global_mean_pool(data.x, data.batch))
    >>> result = train(Bag, load_dataset("digits"), seed=0, protocol=Protocol(epochs=2))
    >>> result.epochs, 0 < result.test < 1
    (2, True)
    """
    where = resolve_device(device)
    start, benchmark = time.perf_counter(), benchmark.weighed(seed)
    if where.type == "cuda":
        torch.cuda.init()  # so that its generators are seeded, and put back, too
    with fork_rng(seed):
        model = build_model(benchmark.in_channels, benchmark.out_channels).to(where)
        if compile:
            model.compile(dynamic=True)  # batches differ in size
        batches = _batches(benchmark, seed, protocol.batch_size, where)
        outcome = _fit(model, benchmark, batches, seed, protocol, where, on_epoch)
    return Result(
        **outcome,
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=round(time.perf_counter() - start, 2),
        device=torch.cuda.get_device_name(where) if where.type == "cuda" else "cpu",
        versions=versions(),
        revision=revision(),
        compiled=compile,
        processor=processor(),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _batches(
    benchmark: Benchmark, seed: int, batch_size: int, device: torch.device
) -> tuple[Batches, Iterable[Batch], Iterable[Batch]]:
    """Training batches to be shuffled; validation and test batches, once if they stay the same."""
    store = store_of(benchmark.graphs)
    graphs = benchmark.graphs if store is None else store.to(device)
    train, *others = benchmark.split(seed)
    validation, test = (Batches(graphs, part, batch_size, device) for part in others)
    if validation.same:
        return Batches(graphs, train, batch_size, device, lone=False), list(validation), list(test)
    return Batches(graphs, train, batch_size, device, lone=False), validation, test


def _fit(
    model: nn.Module,
    benchmark: Benchmark,
    batches: tuple[Batches, Iterable[Batch], Iterable[Batch]],
    seed: int,
    protocol: Protocol,
    device: torch.device,
    on_epoch: OnEpoch | None,
) -> dict[str, Any]:
    training, validation, test = batches
    optimizer = torch.optim.Adam(model.parameters(), protocol.learning_rate, foreach=True)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode="max" if benchmark.higher_is_better else "min",
        factor=0.5,
        patience=protocol.halve_after,
        threshold=0,
        min_lr=protocol.min_learning_rate,
    )
    sign = 1 if benchmark.higher_is_better else -1
    curve, losses = list[float](), list[float]()
    best_epoch, best_state = 0, model.state_dict()
    for epoch in range(1, protocol.epochs + 1):
        # From seed and epoch alone, so that runs of one seed see the same batches.
        training.shuffle(seed * 2**20 + epoch)
        train_epoch(model, benchmark, training, optimizer, protocol.clip_norm, device)
        if (after_epoch := getattr(model, "after_epoch", None)) is not None:
            after_epoch(epoch, training)
        metric, loss = evaluate(model, benchmark, validation)
        curve.append(metric)
        losses.append(loss)
        schedule.step(curve[-1])
        best = curve[best_epoch - 1]
        if best_epoch == 0 or sign * metric > sign * best or (isnan(best) and not isnan(metric)):
            best_epoch, best_state = epoch, deepcopy(model.state_dict())
        if on_epoch is not None:
            on_epoch(epoch, curve[-1])
        if epoch - best_epoch >= protocol.stop_after:
            break
    model.load_state_dict(best_state)
    return {
        "test": evaluate(model, benchmark, test).metric,
        "validation": curve[best_epoch - 1],
        "best_epoch": best_epoch,
        "epochs": len(curve),
        "validation_curve": curve,
        "validation_losses": losses,
    }


def train_epoch(
    model: nn.Module,
    benchmark: Benchmark,
    batches: Iterable[Batch],
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    device: torch.device,
) -> None:
    """Train a model on batches, each once.

    Raises:
        FloatingPointError: if the loss is not finite.
    """
    model.train()
    total = torch.zeros((), device=device)
    for batch in batches:
        optimizer.zero_grad()
        output, auxiliary = _forward(model, benchmark, batch)
        loss = benchmark.loss(output, batch.y) + auxiliary
        loss.backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        optimizer.step()
        total += loss.detach()
    if not total.isfinite():
        raise FloatingPointError(f"the training loss must be finite, got {total.item()}")


class Evaluation(NamedTuple):
    """How well a model does on some graphs."""

    metric: float
    """The benchmark's."""
    loss: float
    """The supervised loss, the mean over all graphs."""


@torch.no_grad()
def evaluate(model: nn.Module, benchmark: Benchmark, batches: Iterable[Batch]) -> Evaluation:
    """The metric and the supervised loss of a model in evaluation mode over all batches."""
    model.eval()
    results = [(_forward(model, benchmark, batch)[0], batch.y) for batch in batches]
    outputs, targets = (torch.cat(part) for part in zip(*results, strict=True))
    return Evaluation(benchmark.score(outputs, targets), float(benchmark.loss(outputs, targets)))


def _forward(model: nn.Module, benchmark: Benchmark, batch: Batch) -> tuple[Tensor, Tensor | float]:
    output, auxiliary = _read(call_model(model, batch))
    wanted = (batch.num_graphs, benchmark.out_channels)
    if output.shape != wanted:
        raise ValueError(f"the model must return {list(wanted)} outputs, got {list(output.shape)}")
    one = benchmark.task != "classification" and benchmark.out_channels == 1
    return output.squeeze(1) if one else output, auxiliary


def _read(returned: object) -> tuple[Tensor, Tensor | float]:
    """A model's outputs, and the sum of its auxiliary losses []."""
    output, *losses = returned if isinstance(returned, tuple | list) else (returned,)
    if not isinstance(output, Tensor):
        raise ValueError(
            f"the model must return outputs, or outputs and auxiliary losses, got "
            f"{type(output).__name__}"
        )
    total: Tensor | float = 0.0
    for loss in losses:
        if not isinstance(loss, Tensor | float | int) or (
            isinstance(loss, Tensor) and loss.numel() != 1
        ):
            got = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            raise ValueError(f"the model must return auxiliary losses [], got {got}")
        total = total + (loss.reshape(()) if isinstance(loss, Tensor) else loss)
    return output, total


def resolve_device(device: str) -> torch.device:
    """The device of that name; ``"auto"`` is a CUDA device if there is one, else the CPU."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device must be 'auto' or a torch device, got {device!r}") from error


def check_device(device: str) -> None:
    """Raise a ``ValueError`` for a device that this machine does not have."""
    try:
        torch.empty(0, device=resolve_device(device))
    except (RuntimeError, AssertionError) as error:  # of a torch without CUDA
        raise ValueError(
            f"device must be one of this machine's, got {device!r}: {error}"
        ) from error
