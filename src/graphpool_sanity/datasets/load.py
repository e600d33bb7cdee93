"""Data sets by name, with a word of help where one cannot be fetched."""

import hashlib
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache, partial
from io import StringIO
from pathlib import Path
from tempfile import gettempdir
from typing import NamedTuple

from filelock import FileLock
from platformdirs import user_cache_path
from torch_geometric import datasets as classes

from graphpool_sanity._lazy import needs
from graphpool_sanity.datasets.by_name import Fetched, fetch, read_name
from graphpool_sanity.datasets.digits import digits
from graphpool_sanity.datasets.from_graphs import checked
from graphpool_sanity.datasets.locality import locality_control
from graphpool_sanity.datasets.published import TASK_OF, molhiv, smnist, tu, zinc
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.faults import nearest
from graphpool_sanity.training.tasks import TASKS


class _Published(NamedTuple):
    """A data set as it was published, and where its files lie below the root."""

    read: Callable[[Path], Benchmark]
    raw: str
    processed: str
    features: int
    outputs: int
    graphs: tuple[int, ...]
    """How many; SMNIST also comes with fewer training images."""


def _of_tu(
    name: str, features: int, graphs: int, folder: str | None = None, cleaned: bool = False
) -> _Published:
    folder, suffix = folder or name, "_cleaned" if cleaned else ""
    path = f"TUDataset/{folder}"
    return _Published(
        partial(tu, name, folder, cleaned=cleaned),
        f"{path}/raw{suffix}/{folder}_*.txt",
        f"{path}/processed{suffix}",
        features,
        2,
        (graphs,),
    )


_PUBLISHED: dict[str, _Published] = {
    "NCI1": _of_tu("NCI1", 37, 4110),
    "NCI109": _of_tu("NCI109", 38, 4127),
    "PROTEINS": _of_tu("PROTEINS", 3, 1113),
    "DD": _of_tu("DD", 89, 1178),
    "MUTAG": _of_tu("MUTAG", 7, 188),
    "IMDB-BINARY": _of_tu("IMDB-BINARY", 10, 1000),
    "IMDB-C": _of_tu("IMDB-C", 10, 493, "IMDB-BINARY", cleaned=True),
    "ZINC": _Published(
        zinc,
        "ZINC/raw/{train,val,test}.{pickle,index}",
        "ZINC/subset/processed",
        28,
        1,
        (12000,),
    ),
    "SMNIST": _Published(
        smnist,
        "GNNBenchmarkDataset/MNIST/raw/MNIST_v2.pt",
        "GNNBenchmarkDataset/MNIST/processed",
        3,
        10,
        (70000, 22000),
    ),
    "ogbg-molhiv": _Published(
        molhiv, "OGB/ogbg_molhiv/{raw,split}/", "OGB/ogbg_molhiv/processed", 9, 1, (41127,)
    ),
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

    Any other is named by its class in ``torch_geometric.datasets`` and its name there, or by
    ``ogb``: ``TUDataset/ENZYMES``, ``MoleculeNet/tox21``, ``LRGBDataset/Peptides-func``,
    ``ogb/ogbg-molbace``. Options follow a question mark: the arguments of the class, as
    ``TUDataset/COIL-DEL?cleaned&use_node_attr``; ``features=degree``, for nodes without features,
    which else get a constant; ``split=scaffold``, for molecules. Integers are categories to embed,
    the split is official if the class has one, and so is the metric of OGB's and LRGB's.

    Raw files are looked for under the root, in the layout of PyG's and OGB's own classes, and
    downloaded if absent; these classes keep a ``processed`` folder beside them, which one process
    of a machine reads or writes at a time. What is read must have as many graphs, features and
    classes as above; of SMNIST 22,000 graphs will do, with 10,000 of the training images and 2,000
    of those for validation. ``digits`` and ``locality-control``
    (:func:`~graphpool_sanity.locality_control`) need no files.

    Args:
        name: One of ``NAMES``, or a class of PyG's and a name.
        root: Holds a folder for each class, as ``TUDataset``, and ``OGB``. If ``None``, the
            environment variable ``GRAPHPOOL_SANITY_DATA`` names it; without that, it is the
            user's cache folder.

    Raises:
        ValueError: on an unknown name, or files that do not hold the graphs that were published.
        OSError: if the data can neither be read nor downloaded.
        ImportError: if OGB, or RDKit for molecules, is needed and not installed.

    Section 3.1 and Appendix A.1 of Mesquita, Souza, Kaski, NeurIPS 2020.

    >>> load_dataset("digits").graphs[0]
    Data(x=[35, 3], edge_index=[2, 182], y=[1])
    """
    name = full_name(name)
    if name in EMBEDDED:
        return EMBEDDED[name]()
    root = _root(root)
    read = _PUBLISHED[name].read if name in _PUBLISHED else partial(fetch, read_name(name))
    try:
        with _one_at_a_time(root / _places(name)[1]), _quiet():
            found = read(root)
    except ImportError as error:
        if error.name != "rdkit":
            raise
        raise ImportError(f"{name} {needs('rdkit')}") from error
    except Exception as error:  # each loader, and each library it fetches with, has its own
        raise OSError(_help(name, root, error)) from error
    if isinstance(found, Fetched):
        return found.as_benchmark()
    _check_published(name, found, root)
    return found


def _places(name: str) -> tuple[str, str]:
    """Where raw and processed files lie below the root."""
    if name in _PUBLISHED:
        return _PUBLISHED[name].raw, _PUBLISHED[name].processed
    found = read_name(name)
    suffix = "_cleaned" if found.options.get("cleaned") else ""
    return f"{found.folder}/raw{suffix}/", f"{found.folder}/processed{suffix}"


def _help(name: str, root: Path, error: Exception) -> str:
    """What went wrong, and what to do about it."""
    raw, processed = _places(name)[0], root / _places(name)[1]
    what = f"{type(error).__name__}: {error}"
    if any(not file.name.startswith("pre_") for file in processed.glob("*.pt")):
        return (
            f"{name} could not be read: {what}. Its processed files may be damaged: "
            f"delete {processed}"
        )
    others = [folder.name for folder in processed.parent.parent.glob("*")]
    near = nearest(processed.parent.name, {*others} - {processed.parent.name}).lstrip("; ")
    near = f"{near.rstrip('?')}, which is there? " if near else ""
    cleaned = processed.with_name("raw_cleaned").is_dir() and not raw.endswith("_cleaned/")
    return (
        f"{name} could neither be read nor downloaded: {what}. "
        f"Without internet, put its raw files at {root / raw} (the folder must be writable); "
        f"or let root or GRAPHPOOL_SANITY_DATA name the folder that holds {raw}; "
        + near
        + ("or use its cleaned version, which is there, by ?cleaned; " if cleaned else "")
        + "or use 'digits', which needs no files"
    )


def _check_published(name: str, benchmark: Benchmark, root: Path) -> None:
    published = _PUBLISHED[name]
    where = f"put the published files at {root / published.raw} and delete "
    where += str(root / published.processed)
    got = (len(benchmark.graphs), benchmark.in_channels, benchmark.out_channels)
    if got[0] not in published.graphs or got[1:] != (published.features, published.outputs):
        wanted = " or ".join(map(str, published.graphs))
        raise ValueError(
            f"{name} must have {wanted} graphs, {published.features} features and "
            f"{published.outputs} outputs, as published, got {got[0]}, {got[1]} and {got[2]}: "
            + where
        )
    try:
        checked(benchmark)
    except ValueError as error:
        raise ValueError(f"{name} is not as published: {error}: {where}") from error


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine from a folder that PyG reads, or writes first."""
    user = getattr(os, "getuid", str)()
    path = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    with FileLock(Path(gettempdir()) / f"graphpool_sanity-{user}-{path}.lock"):
        yield


@cache
def load_once(name: str) -> Benchmark:
    """The data set of that name, read once for each process."""
    return load_dataset(name)


def is_here(name: str) -> bool:
    """Whether a data set can be read without being fetched first: a loader has read it before."""
    return name in EMBEDDED or (_root(None) / _places(name)[1]).is_dir()


def metric_of(name: str) -> str:
    """The metric of a data set; the paper's need not be there."""
    if name in NAMES:
        return TASKS[TASK_OF.get(name, "classification")].metric
    return load_once(name).metric


def as_file_name(name: str) -> str:
    """A name without what a file's cannot have.

    >>> as_file_name("TUDataset/COIL-DEL?cleaned&use_node_attr")
    'TUDataset-COIL-DEL-cleaned-use_node_attr'
    """
    return re.sub(r"[^\w.=-]+", "-", name)


def full_name(name: str) -> str:
    """One of ``NAMES``, which may be given short, or a class of PyG's and a name.

    Raises:
        ValueError: on an unknown name.
    """
    name = _ALIASES.get(name, name)
    if name in NAMES:
        return name
    if "/" in name or "?" in name or hasattr(classes, name):
        return str(read_name(name))
    known = [*NAMES, *_ALIASES]
    raise ValueError(
        f"name must be one of {', '.join(NAMES)}, or a class of PyG's and a name, as "
        f"TUDataset/ENZYMES, got {name!r}{nearest(name, known)}"
    )


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
