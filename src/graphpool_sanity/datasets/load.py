"""Data sets by name, with a word of help where one cannot be fetched."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache, partial
from io import StringIO
from pathlib import Path

from platformdirs import user_cache_path

from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.locality import locality_control
from graphpool_sanity.datasets.published import TASK_OF, molhiv, smnist, tu, zinc
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.tasks import TASKS

_TU = ("NCI1", "NCI109", "PROTEINS", "DD", "MUTAG", "IMDB-BINARY")
_TU_FILES = "TUDataset/{0}/{1}/{0}_*.txt"
_PUBLISHED: dict[str, tuple[Callable[[Path], Benchmark], str]] = {  # reader, and its raw files
    **{name: (partial(tu, name, name), _TU_FILES.format(name, "raw")) for name in _TU},
    "IMDB-C": (
        partial(tu, "IMDB-C", "IMDB-BINARY", cleaned=True),
        _TU_FILES.format("IMDB-BINARY", "raw_cleaned"),
    ),
    "ZINC": (zinc, "ZINC/raw/{train,val,test}.{pickle,index}"),
    "SMNIST": (smnist, "GNNBenchmarkDataset/MNIST/raw/MNIST_v2.pt"),
    "ogbg-molhiv": (molhiv, "OGB/ogbg_molhiv/{raw,split}/"),
}
EMBEDDED: dict[str, Callable[[], Benchmark]] = {
    "digits": digits,
    "locality-control": locality_control,
}
NAMES = (*EMBEDDED, *_PUBLISHED)
"""The names that :func:`load_dataset` knows."""

_ALIASES = {"IMDB-B": "IMDB-BINARY", "MOLHIV": "ogbg-molhiv"}


def load_dataset(name: str, root: str | Path | None = None) -> Benchmark:
    """A data set by its name: the paper's, with its features, task, metric and split, or ours.

    ================  ======  ======  ========  ==========  ========
    name              graphs  nodes   features  task        split
    ================  ======  ======  ========  ==========  ========
    digits            1797    32.7    3         10 classes  seeded
    locality-control  2000    63.4    2         2 classes   seeded
    NCI1              4110    29.9    37        2 classes   seeded
    NCI109            4127    29.7    38        2 classes   seeded
    PROTEINS          1113    39.1    3         2 classes   seeded
    DD                1178    284.3   89        2 classes   seeded
    MUTAG             188     17.9    7         2 classes   seeded
    IMDB-BINARY       1000    19.8    10        2 classes   seeded
    IMDB-C            493     24.1    10        2 classes   seeded
    ZINC              12000   23.2    28        regression  official
    SMNIST            70000   70.6    3         10 classes  official
    ogbg-molhiv       41127   25.5    9         binary      official
    ================  ======  ======  ========  ==========  ========

    ``nodes`` is the mean per graph (ZINC and SMNIST as published, all else as measured). IMDB-C
    is IMDB-BINARY without isomorphic graphs. Features are one-hot labels, but: ten ones (IMDB),
    intensity and position (digits, SMNIST), categories to embed (ogbg-molhiv, the only one with
    ``edge_attr``). ``IMDB-B`` and ``MOLHIV`` stand for IMDB-BINARY and ogbg-molhiv.

    Raw files are looked for under the root, in the layout of PyG's and OGB's own classes, and
    downloaded if absent; these classes keep a ``processed`` folder beside them. ``digits`` and
    ``locality-control`` (:func:`~graphpool_sanity.locality_control`) need no files.

    Args:
        name: One of ``NAMES``.
        root: Holds the folders ``TUDataset``, ``ZINC``, ``GNNBenchmarkDataset`` and ``OGB``. If
            ``None``, the environment variable ``GRAPHPOOL_SANITY_DATA`` names it; without that,
            it is the user's cache folder.

    Raises:
        ValueError: on an unknown name.
        OSError: if the data can neither be read nor downloaded.
        ImportError: for ogbg-molhiv, if OGB is not installed.

    Section 3.1 and Appendix A.1 of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> load_dataset("digits").graphs[0]
    Data(x=[35, 3], edge_index=[2, 182], y=[1])
    """
    name = full_name(name)
    if name in EMBEDDED:
        return EMBEDDED[name]()
    read, raw = _PUBLISHED[name]
    root = _root(root)
    try:
        with _quiet():
            return read(root)
    except ImportError:
        raise
    except Exception as error:  # each loader, and each library it fetches with, has its own
        raise OSError(
            f"{name} could neither be read nor downloaded: {type(error).__name__}: {error}. "
            f"Without internet, put its raw files at {root / raw} (the folder must be writable); "
            f"or let root or GRAPHPOOL_SANITY_DATA name the folder that holds {raw}; "
            "or use 'digits', which needs no files"
        ) from error


@cache
def load_once(name: str) -> Benchmark:
    """The data set of that name, read once for each process."""
    return load_dataset(name)


def metric_of(name: str) -> str:
    """The metric of a data set, which need not be there."""
    return TASKS[TASK_OF.get(name, "classification")].metric


def full_name(name: str) -> str:
    """One of ``NAMES``, which may be given short.

    Raises:
        ValueError: on an unknown name.
    """
    name = _ALIASES.get(name, name)
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    return name


def _root(root: str | Path | None) -> Path:
    """The root folder: as given, else from the environment, else the user's cache."""
    given = root or os.environ.get("GRAPHPOOL_SANITY_DATA")
    return Path(given).expanduser() if given else user_cache_path("graphpool_sanity")


@contextmanager
def _quiet() -> Iterator[None]:
    """No news of progress from the loaders; of their warnings only what a user can act on."""
    with (
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
        warnings.catch_warnings(record=True) as seen,
    ):
        # Of the labels that pandas lends OGB, which copies them.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        yield
    for warning in seen:  # as stderr was turned away when they came
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
