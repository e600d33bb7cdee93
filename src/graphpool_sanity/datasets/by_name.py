"""Any data set of PyG and OGB by its name, as ``TUDataset/ENZYMES`` or ``ogb/ogbg-molbace``."""

import ast
import copy
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch_geometric.data import InMemoryDataset

from graphpool_sanity.datasets.from_graphs import FEATURES, as_benchmark
from graphpool_sanity.datasets.published import read_ogb
from graphpool_sanity.datasets.scaffold import scaffold_split
from graphpool_sanity.training.benchmark import Benchmark, Split
from graphpool_sanity.training.faults import nearest
from graphpool_sanity.training.tasks import Task

_PARTS = ("train", "val", "test")
_OWN = {"features": FEATURES, "split": ("scaffold",)}
"""Options that are no argument of PyG's class."""

_METRICS = {
    "LRGBDataset/Peptides-func": "average_precision",
    "MoleculeNet/muv": "average_precision",
    "MoleculeNet/pcba": "average_precision",
}
_METRICS_OF_OGB = {
    "rocauc": "auroc",
    "ap": "average_precision",
    "rmse": "rmse",
    "acc": "accuracy",
    "F1": "f1",
}
_TASKS_OF_OGB: Mapping[str, Task] = {
    "binary classification": "binary",
    "multiclass classification": "classification",
    "regression": "regression",
}


class DataName(NamedTuple):
    """A class of ``torch_geometric.datasets``, or ``ogb``, a name and options."""

    kind: str
    name: str
    options: dict[str, Any]

    def __str__(self) -> str:
        options = "&".join(k if v is True else f"{k}={v}" for k, v in self.options.items())
        return "/".join(filter(None, (self.kind, self.name))) + (f"?{options}" if options else "")

    @property
    def plain(self) -> str:
        """Without options."""
        return str(self._replace(options={}))

    @property
    def folder(self) -> str:
        """Where its files lie below the root, and their processed forms."""
        if self.kind == "ogb":
            return f"OGB/{self.name.replace('-', '_')}"
        return f"{self.kind}/{self.name}".rstrip("/")


def read_name(text: str) -> DataName:
    """A name's parts.

    Raises:
        ValueError: on a class or an option that there is not.

    >>> read_name("TUDataset/COIL-DEL?cleaned&use_node_attr")
    DataName(kind='TUDataset', name='COIL-DEL', options={'cleaned': True, 'use_node_attr': True})
    """
    path, _, tail = text.partition("?")
    kind, _, name = path.partition("/")
    options: dict[str, Any] = {}
    for pair in filter(None, tail.split("&")):
        key, given, value = pair.partition("=")
        try:
            options[key] = ast.literal_eval(value) if given else True
        except (ValueError, SyntaxError):
            options[key] = value
    found = DataName(kind, name, options)
    takes = {} if kind == "ogb" else inspect.signature(_class(kind)).parameters
    if bool(name) is not ("name" in takes or kind == "ogb"):
        wanted = "no name" if name else "a name"
        raise ValueError(f"name must have {wanted} behind the class {kind}, got {text!r}")
    known = {*_OWN, *takes} - {"root", "name", "transform", "pre_transform", "pre_filter"}
    for key, value in options.items():
        if key not in known:
            raise ValueError(
                f"{found.plain} has no option {key!r}, it has {', '.join(sorted(known))}"
                f"{nearest(key, known)}"
            )
        if key in _OWN and value not in _OWN[key]:
            raise ValueError(
                f"{found.plain}?{key} must be one of {', '.join(_OWN[key])}, got {value!r}"
            )
    return found


def _class(kind: str) -> type[InMemoryDataset]:
    import torch_geometric.datasets as classes

    found = getattr(classes, kind, None)
    if not inspect.isclass(found):
        known = [*classes.__all__, "ogb"]
        raise ValueError(
            f"name must begin with a class of torch_geometric.datasets, or ogb, got {kind!r}"
            f"{nearest(kind, known)}"
        )
    return found


class Fetched(NamedTuple):
    """What the class of a data set reads, or fetches, and what is known of it."""

    name: DataName
    parts: list[InMemoryDataset]
    """Training, validation and test graphs, where they are told apart, or all of them."""
    split: Split | None = None
    task: Task | None = None
    metric: str | None = None

    def as_benchmark(self) -> Benchmark:
        """With its official split, if it has one, and integers as categories to embed.

        Raises:
            ValueError: naming what is no graph with targets.
        """
        split, task = self.split, self.task
        if len(self.parts) > 1:
            sizes = [len(part) for part in self.parts]
            train, val, test = torch.arange(sum(sizes)).split(sizes)
            split = train, val, test
        if self.name.options.get("split") == "scaffold":
            with _silent():
                split = scaffold_split([s for p in self.parts for s in p._data.get("smiles") or []])
        has_places = self.name.kind == "GNNBenchmarkDataset"
        graphs = [_bare(part, has_places) for part in self.parts]
        y = graphs[0]._data.get("y")
        if self.name.kind == "MoleculeNet" and isinstance(y, Tensor):  # 0 and 1 are floats there
            task = "binary" if ((y == 0) | (y == 1) | y.isnan()).all() else "regression"
        benchmark = as_benchmark(
            graphs[0] if len(graphs) == 1 else [graph for part in graphs for graph in part],
            task,
            str(self.name),
            self.name.options.get("features", "constant"),
            embed=True,
        )
        return replace(benchmark, official_split=split, make_metric=self.metric)


def fetch(name: DataName, root: Path) -> Fetched:
    """What the class of a data set finds below a root, or fetches."""
    if name.kind == "ogb":
        dataset, split = read_ogb(name.name, root / "OGB")
        metric = _METRICS_OF_OGB[dataset.eval_metric]
        return Fetched(name, [dataset], split, _task_of_ogb(dataset.task_type), metric)
    given = {key: value for key, value in name.options.items() if key not in _OWN}
    with _silent() if name.kind == "MoleculeNet" else nullcontext():
        parts = _parts(name, root / name.kind, given)
    return Fetched(name, parts, metric=_METRICS.get(name.plain))


def _parts(name: DataName, root: Path, given: Mapping[str, Any]) -> list[InMemoryDataset]:
    make: Callable[..., InMemoryDataset] = _class(name.kind)
    takes = inspect.signature(make).parameters
    if "name" in takes:
        given = {"name": name.name, **given}
    if "split" not in takes:
        return [make(root=str(root), **given)]
    return [make(root=str(root), split=part, **given) for part in _PARTS]


def _task_of_ogb(task: str) -> Task:
    if task not in _TASKS_OF_OGB:
        raise ValueError(f"dataset must have a task of {', '.join(_TASKS_OF_OGB)}, got {task}")
    return _TASKS_OF_OGB[task]


def _silent() -> AbstractContextManager[object]:
    """RDKit tells of each unusual molecule."""
    try:
        from rdkit.rdBase import BlockLogs
    except ImportError:
        return nullcontext()
    return BlockLogs()


def _bare(dataset: InMemoryDataset, with_places: bool) -> InMemoryDataset:
    """The graphs with what a model is given alone: their names would not lie end to end."""
    data, kept = copy.copy(dataset._data), ("x", "edge_index", "edge_attr", "edge_weight", "y")
    x, pos = data.get("x"), data.get("pos")
    if isinstance(x, Tensor) and x.dim() == 1:
        data.x = x.view(-1, 1)
    if with_places and x is not None and pos is not None:
        data.x = torch.cat([x, pos], dim=1)
    for key in set(data.keys()) - {*kept, "num_nodes"}:
        del data[key]
    bare = InMemoryDataset()
    bare.data = data
    bare.slices = {key: first for key, first in dataset.slices.items() if key in data}
    return bare
