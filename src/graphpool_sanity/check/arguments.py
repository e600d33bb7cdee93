"""The arguments of a check: what is no number, folder, device or null of a model is refused."""

from collections.abc import Iterable, Sequence
from math import isfinite
from numbers import Real
from pathlib import Path
from tempfile import NamedTemporaryFile

from torch import nn

from graphpool_sanity.check.defaults import MAX_RUNS
from graphpool_sanity.nulls.registry import Layers, shared_nulls
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.faults import nearest
from graphpool_sanity.training.protocol import Protocol
from graphpool_sanity.training.tasks import MARGIN


def check_numbers(
    runs: int, max_runs: int | None, minutes: float | None, level: float, seed: int, n_jobs: int
) -> int:
    """The greatest number of pairs; a ``ValueError`` for numbers that no check can have."""
    if not _is_int(runs) or runs < 2:
        raise ValueError(f"runs must be an int of 2 or more, got {runs!r}")
    max_runs = max(runs, MAX_RUNS) if max_runs is None else max_runs
    if not _is_int(max_runs) or max_runs < runs:
        raise ValueError(f"max_runs must be an int of runs={runs} or more, got {max_runs!r}")
    if minutes is not None and not (_is_number(minutes) and minutes > 0):
        raise ValueError(f"minutes must be positive and finite, or None, got {minutes!r}")
    if not (_is_number(level) and 0 < level < 1):
        raise ValueError(f"level must lie in (0, 1), got {level!r}")
    if not _is_int(n_jobs) or n_jobs == 0:
        raise ValueError(
            f"n_jobs must be a positive int, or a negative one as joblib counts, got {n_jobs!r}"
        )
    if not _is_int(seed) or not 0 <= seed <= 2**31 - max_runs:
        raise ValueError(f"seed must be an int in [0, {2**31 - max_runs}], got {seed!r}")
    return max_runs


def resolve_margin(margin: float | None, benchmark: Benchmark) -> float:
    """A margin that fits the metric; the default one for ``None``.

    It is 0.02 where the metric lies in [0, 1], and for other errors 2 % of the error of the best
    constant, of the median and the mean.

    Raises:
        ValueError: if the margin is not positive, or 1 or more of a metric in [0, 1]; if there is
            none for a metric of which more is better, but not how much at most.
    """
    if margin is not None and not (_is_number(margin) and margin > 0):
        raise ValueError(f"margin must be positive and finite, got {margin!r}")
    if benchmark.is_share and margin is not None and margin >= 1:
        raise ValueError(
            f"margin must be below 1, as {benchmark.metric} lies in [0, 1], got {margin!r}: "
            f"{margin:g} points are {margin / 100:g}"
        )
    if margin is not None:
        return float(margin)
    if benchmark.is_share:
        return MARGIN
    if benchmark.higher_is_better:
        raise ValueError(f"margin must be given for {benchmark.metric}, which has no upper bound")
    return MARGIN * benchmark.error_of_constant()


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


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
            f"{nearest(unknown[0], shared) if unknown else ''}"
        )
    return list(dict.fromkeys(wanted))
