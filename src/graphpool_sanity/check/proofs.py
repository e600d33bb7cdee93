"""What is proved before a check spends hours: every model runs, sees its pooling, and is a null."""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.check.sight import bites
from graphpool_sanity.interface.inputs import call_model
from graphpool_sanity.modules import copied, fork_rng
from graphpool_sanity.nulls.registry import Layers, pooling_layers, randomize
from graphpool_sanity.testing import assert_batch_invariant, assert_permutation_invariant
from graphpool_sanity.training.batches import Batches
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.protocol import evaluate
from graphpool_sanity.training.store import num_nodes_of

_GRAPHS = 8
"""Of how many graphs the batch is that every model must take."""
_ROUNDED = 1e-6
"""Differences below this, relative to large outputs, are of rounding, where a model in double
precision has something single inside."""
_SEEN = 64
"""On how many graphs it is measured whether the network sees its pooling."""


class WatchedNull:
    """A model with a null, of which it is watched whether the model calls what was exchanged.

    A model that calls none of the exchanged modules (its layer has a ``forward`` that does without
    them, or is never called itself) pools as ever: it has no null.
    """

    def __init__(
        self, model: nn.Module, null: str, seed: int, layers: Layers | None = None
    ) -> None:
        for part in model.modules():
            vars(part)["_is_own"] = True  # in its copy, too
        self.model = randomize(model, null, seed, layers)
        self._parts = {
            name or type(layer).__name__: self._exchanged(name)
            for name, layer in pooling_layers(model, layers).items()
        }
        self._called: set[nn.Module] = set()

    def uncalled(self) -> list[str]:
        """The layers none of whose exchanged modules, if there are any, has been called so far."""
        return [
            name for name, parts in self._parts.items() if parts and self._called.isdisjoint(parts)
        ]

    def _exchanged(self, name: str) -> list[nn.Module]:
        parts = self.model.get_submodule(name).modules()
        foreign = [part for part in parts if "_is_own" not in vars(part)]
        for part in foreign:
            part.register_forward_hook(lambda module, args, out: self._called.add(module))
        return foreign


def prove(pairs: PairedRuns, nulls: Sequence[str], seeds: range) -> dict[str, float]:
    """Split the data by every seed, and give every model a batch, in training and evaluation.

    Returns:
        How far each null changes what the untrained network says: its :func:`bite`.

    Raises:
        ValueError: if the data cannot be split, a model fails or never calls what a null
            exchanges, the network cannot see its pooling, or a null changes nothing.
    """
    benchmark = pairs.benchmark()
    for seed in seeds:
        try:
            benchmark.split(seed)
        except ValueError as error:
            raise ValueError(
                f"dataset {benchmark.name} cannot be split 80/10/10, with every class in each "
                f"part: {error}"
            ) from error
    _check_builds_anew(pairs, seeds[0])
    batch_size = pairs.protocol.batch_size
    batch = _trial_batch(benchmark, batch_size)
    small = f", as batch_size is {batch_size}" if batch_size < _GRAPHS else ""
    for variant in (LAYER, *nulls):
        model = pairs.build_seeded(LAYER, seeds[0])
        watched = None
        if variant != LAYER:
            watched = WatchedNull(model, variant, seeds[0], pairs.layers or None)
        try:
            _try(model if watched is None else watched.model, benchmark, batch)
        except Exception as error:
            which = "the model" if variant == LAYER else f"the model's null {variant!r}"
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(
                f"build_model: {which} fails on a batch of {batch.num_graphs} graphs of "
                f"{benchmark.name}{small}: {type(error).__name__}: {reason}"
            ) from error
        if watched is not None and watched.uncalled():
            raise ValueError(
                f"build_model: the null {variant!r} of {watched.uncalled()[0]} is never called on "
                f"a batch of {batch.num_graphs} graphs of {benchmark.name}: the model, or a "
                "forward of the layer's own, does without the module that the null exchanges"
            )
    model, graphs = pairs.build_seeded(LAYER, seeds[0]), first_graphs(benchmark, _SEEN)
    return bites(model, nulls, seeds[0], graphs, pairs.layers or None)


def _check_builds_anew(pairs: PairedRuns, seed: int) -> None:
    first, second = (pairs.build_seeded(LAYER, seed) for _ in range(2))
    if {id(part) for part in first.parameters()} & {id(part) for part in second.parameters()}:
        raise ValueError(
            "build_model must build a new model at each call, got one with parameters of the last: "
            "a run would go on training the model of the run before"
        )


def _try(model: nn.Module, benchmark: Benchmark, batch: Batch) -> None:
    with fork_rng(0), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of metrics that miss a class in so few graphs
        call_model(model.train(), batch)
        evaluate(model, benchmark, [batch])


def _trial_batch(benchmark: Benchmark, batch_size: int) -> Batch:
    """The first graphs of the data set and the largest, which a model may have no room for."""
    sizes = num_nodes_of(benchmark.graphs).tolist()
    largest = sizes.index(max(sizes))
    first = [i for i in range(min(_GRAPHS, len(sizes))) if i != largest]
    return _batch_of(benchmark, [*first[: min(_GRAPHS, batch_size) - 1], largest])


def first_graphs(benchmark: Benchmark, number: int) -> Batch:
    """The first graphs of the data set, in one batch."""
    return _batch_of(benchmark, range(min(number, len(benchmark.graphs))))


def _batch_of(benchmark: Benchmark, chosen: Sequence[int]) -> Batch:
    (batch,) = Batches(benchmark.graphs, torch.tensor(chosen), len(chosen))
    return batch


def invariances(model: nn.Module, batch: Batch) -> dict[str, str]:
    """What the order of the nodes, and a graph's company in the batch, do to a model's outputs.

    In evaluation mode and in double precision, where rounding neither hides a dependence nor looks
    like one; in single if the model has no other. ``"holds"``, or by how much the worst output
    differs.
    """
    model, batch, atol = _as_exact(model.eval(), batch)
    checks: dict[str, Callable[..., None]] = {
        "permutation": assert_permutation_invariant,
        "batch": assert_batch_invariant,
    }
    found = {}
    for name, check in checks.items():
        try:
            check(model, batch, atol=atol)
            found[name] = "holds"
        except AssertionError as error:
            found[name] = str(error)
        except Exception as error:  # whatever a model does with graphs that come otherwise
            found[name] = f"not measured: {type(error).__name__}: {error}"
    return found


def _as_exact(model: nn.Module, batch: Batch) -> tuple[nn.Module, Batch, float | None]:
    """Copies in double precision, and the difference to tolerate: a layer may round in between."""
    wide = batch.clone().apply(lambda t: t.double() if t.is_floating_point() else t)
    try:
        twin = copied(model).double()
        with fork_rng(0), torch.no_grad():
            out = call_model(twin, wide)
        largest = float((out if isinstance(out, Tensor) else out[0]).abs().max())
    except Exception:  # of a model that has numbers of single precision alone
        return model, batch, None
    return twin, wide, _ROUNDED * max(1.0, largest)
