"""What is looked at before a check spends hours: arguments, nulls, a batch through every model."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from numbers import Real
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from torch import nn
from torch_geometric.data import Batch

from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.interface.inputs import call_model
from graphpool_sanity.modules import fork_rng
from graphpool_sanity.nulls.registry import Layers, pooling_layers, randomize, shared_nulls
from graphpool_sanity.testing import assert_batch_invariant, assert_permutation_invariant
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.protocol import Protocol, evaluate

_GRAPHS = 8
"""Of how many graphs the batch is that every model must take."""


def check_runs(runs: int, margin: float, level: float, seed: int, n_jobs: int) -> None:
    """Raise a ``ValueError`` for numbers that no check can have."""
    if isinstance(runs, bool) or not isinstance(runs, int) or runs < 2:
        raise ValueError(f"runs must be an int of 2 or more, got {runs!r}")
    if not (isinstance(margin, Real) and margin > 0 and isfinite(margin)):
        raise ValueError(f"margin must be positive and finite, got {margin!r}")
    if not (isinstance(level, Real) and 0 < level < 1):
        raise ValueError(f"level must lie in (0, 1), got {level!r}")
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0:
        raise ValueError(
            f"n_jobs must be a positive int, or a negative one as joblib counts, got {n_jobs!r}"
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= 2**31 - runs:
        raise ValueError(f"seed must be an int in [0, 2**31 - runs], got {seed!r}")


def check_kinds(build_model: object, protocol: object) -> None:
    """Raise a ``ValueError`` for what cannot build a model, or is no protocol."""
    is_model = isinstance(build_model, nn.Module)
    if not callable(build_model) or is_model:
        raise ValueError(
            "build_model must be callable, build_model(in_channels, out_channels), got "
            f"{type(build_model).__name__}{', a model itself: give its class' if is_model else ''}"
        )
    if not isinstance(protocol, Protocol):
        raise ValueError(f"protocol must be a Protocol, got {type(protocol).__name__}")


def check_writable(folder: str | Path) -> None:
    """Make a folder, and raise a ``ValueError`` if nothing can be written there."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"out must be a folder that can be written, got {folder}: {error.strerror}"
        ) from error


def choose_nulls(
    model: nn.Module, nulls: str | Sequence[str], layers: Layers | None = None
) -> list[str]:
    """The nulls by name, each once.

    ``"auto"``: the first that all pooling layers share, and ``"none"`` if they share it; ``"all"``.

    Raises:
        ValueError: if the pooling layers do not share them, or if there are none.
    """
    shared = shared_nulls(model, layers)
    if nulls == "auto":
        wanted = [*shared[:1], *(["none"] if "none" in shared else [])]
    elif nulls == "all":
        wanted = shared
    elif isinstance(nulls, str):
        wanted = [nulls]
    else:
        wanted = list(nulls) if isinstance(nulls, Iterable) else []
    unknown = [null for null in wanted if null not in shared]
    if unknown or not wanted:
        raise ValueError(
            "nulls must be 'auto', 'all', or names that all pooling layers share "
            f"({', '.join(shared) or 'there are none'}), got {unknown[0] if unknown else nulls!r}"
        )
    return list(dict.fromkeys(wanted))


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


def check_variants(pairs: PairedRuns, variants: Iterable[str], seeds: range) -> None:
    """Split the data by every seed, and give every variant a batch, in training and evaluation.

    Raises:
        ValueError: if the data cannot be split, or a model fails or never calls what a null
            exchanges.
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
    for variant in variants:
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
    graphs = benchmark.graphs
    largest = max(range(len(graphs)), key=lambda i: int(graphs[i].num_nodes or 0))
    first = [i for i in range(min(_GRAPHS, len(graphs))) if i != largest]
    return Batch.from_data_list(
        [graphs[i] for i in [*first[: min(_GRAPHS, batch_size) - 1], largest]]
    )


def first_graphs(benchmark: Benchmark, number: int) -> Batch:
    """The first graphs of the data set, in one batch."""
    number = min(number, len(benchmark.graphs))
    return Batch.from_data_list([benchmark.graphs[i] for i in range(number)])


def invariances(model: nn.Module, batch: Batch) -> dict[str, str]:
    """What the order of the nodes, and a graph's company in the batch, do to a model's outputs.

    In evaluation mode: ``"holds"``, or by how much the worst output differs.
    """
    model = model.eval()
    checks: dict[str, Callable[[nn.Module, Batch], None]] = {
        "permutation": assert_permutation_invariant,
        "batch": assert_batch_invariant,
    }
    found = {}
    for name, check in checks.items():
        try:
            check(model, batch)
            found[name] = "holds"
        except AssertionError as error:
            found[name] = str(error)
        except Exception as error:  # whatever a model does with graphs that come otherwise
            found[name] = f"not measured: {type(error).__name__}: {error}"
    return found
