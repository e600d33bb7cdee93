"""A layer by its name, in the standard backbone, all arguments filled in from the data."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from importlib import import_module
from math import ceil
from pathlib import Path
from typing import Any

from torch import nn

from graphpool_sanity.check.backbone import Backbone, LayerFactory
from graphpool_sanity.datasets.from_graphs import Features, as_benchmark, checked
from graphpool_sanity.datasets.load import as_file_name, load_dataset
from graphpool_sanity.select.assignment import check_positive
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.faults import closest, nearest
from graphpool_sanity.training.input_conv import InputConv
from graphpool_sanity.training.protocol import BuildModel
from graphpool_sanity.training.store import num_nodes_of
from graphpool_sanity.training.tasks import Task

_SHARE = 0.25
"""Clusters of a soft layer per node, as the paper has it for two pooling layers."""

_BACKBONE = {"hidden": 64, "num_pools": 2}
_OF_DATA: Mapping[str, Mapping[str, Any]] = {
    "digits": {"epochs": 40},
    # Picked on GraclusPool's validation accuracy over seeds 1000 to 1003.
    "locality-control": {"epochs": 6, "batch_size": 32, "num_pools": 4},
}

_LAYERS = ("torch_geometric.nn", "graphpool_sanity")
"""Where layers are that somebody may name without their module."""

_HEADS = 5
"""Of memory layers, as the paper has it for most data."""


def find_layer(target: str) -> Callable[..., nn.Module]:
    """The class (or function that returns a layer) ``MODULE:LAYER``; the working folder counts.

    Raises:
        ValueError: if there is no such module, or nothing of that name that can be called.
    """
    try:
        return _find("layer", "LAYER", target)
    except ValueError as error:
        name = target.rpartition(":")[2]
        known = ((own, home) for home in _LAYERS for own in dir(import_module(home)))
        homes = {own: home for own, home in known if own.endswith(("Pool", "Pooling"))}
        said = str(error).partition("; did you mean")[0]
        meant = closest(name, homes)
        if meant is None or (":" in target and meant.lower() != name.lower()):
            raise
        raise ValueError(f"{said}; did you mean '{homes[meant]}:{meant}'?") from error


def find_data(target: str, task: Task | None = None, features: Features | None = None) -> Benchmark:
    """The data set of that name, or what the function ``MODULE:FUNCTION`` returns.

    That is a PyG dataset, a list of ``Data``, or a benchmark; integers in ``x`` and ``edge_attr``
    are categories to embed.

    Raises:
        ValueError: if there is no such data set, module or function; on a task or features for a
            data set that says them itself.
    """
    if ":" not in target:
        if task is not None:
            raise ValueError(f"task must not be given for {target}, which has a task, got {task!r}")
        if features is not None:
            raise ValueError(
                f"features must not be given for {target}, got {features!r}: they are chosen by "
                "NAME?features=degree"
            )
        return load_dataset(target)
    try:
        made = _find("dataset", "FUNCTION", target)()
    except TypeError as error:
        raise ValueError(f"dataset {target} must be called without arguments: {error}") from error
    if isinstance(made, Benchmark):
        return checked(made)
    return as_benchmark(made, task, target, features or "constant", embed=True)


def _find(what: str, kind: str, target: str) -> Callable[..., Any]:
    module_name, _, name = target.partition(":")
    if not module_name or not name:
        raise ValueError(f"{what} must be MODULE:{kind}, got {target!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = import_module(module_name)
    except Exception as error:  # whatever a module of the user's does
        raise ValueError(
            f"{what} {target}: module {module_name!r} cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        known = {key for key in dir(module) if not key.startswith("_")} - {name}
        raise ValueError(
            f"{what} {target}: module {module_name!r} must have a {what} {name!r}, and has none"
            f"{nearest(name, known)}"
        )
    return found


def read_arguments(pairs: Iterable[str]) -> dict[str, Any]:
    """Arguments of a constructor from ``name=value``, values as Python has them, or else words.

    Raises:
        ValueError: if one has no name or no value.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name.isidentifier() or not equals:
            raise ValueError(f"arg must be NAME=VALUE, got {pair!r}")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value
    return found


def layer_factories(
    layer: Callable[..., nn.Module],
    overrides: Mapping[str, Any],
    benchmark: Benchmark,
    num_pools: int,
) -> list[LayerFactory]:
    """One factory for each pool of a :class:`Backbone`, all arguments filled in that have to be.

    Channels are the backbone's; clusters (``num_clusters`` or ``k``) a quarter of the mean number
    of nodes, and a quarter of that after each pool; ``max_num_nodes`` that of the largest graph.

    Raises:
        ValueError: on an argument that the layer does not have, or needs and nobody gave.
    """
    name = getattr(layer, "__name__", str(layer))
    parameters = inspect.signature(layer).parameters
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for key in overrides:
        if key not in parameters and not open_ended:
            raise ValueError(
                f"arg {key} is none that {name} takes ({', '.join(parameters)})"
                f"{nearest(key, parameters)}"
            )
    sizes = num_nodes_of(benchmark.graphs)
    nodes = int(sizes.sum()) / len(sizes)
    factories: list[LayerFactory] = []
    for _ in range(num_pools):
        nodes = max(1.0, _SHARE * nodes)
        clusters = dict.fromkeys(("num_clusters", "k"), ceil(nodes))
        known = clusters | {"heads": _HEADS, "max_num_nodes": int(sizes.max())}
        given = {k: v for k, v in known.items() if _is_open(parameters.get(k))}
        factories.append(partial(_make, layer, name, given | dict(overrides)))
    return factories


def _make(
    layer: Callable[..., nn.Module], name: str, given: Mapping[str, Any], channels: int
) -> nn.Module:
    parameters = inspect.signature(layer).parameters
    widths = dict.fromkeys(("in_channels", "channels", "out_channels"), channels)
    wanted = {k: v for k, v in widths.items() if _is_open(parameters.get(k))} | dict(given)
    missing = [k for k, p in parameters.items() if _is_needed(p) and k not in wanted]
    if missing:
        raise ValueError(f"{name} needs {', '.join(missing)}: --arg {missing[0]}=VALUE")
    try:
        made = layer(**wanted)
    except Exception as error:  # whatever a layer of the user's does
        told = ", ".join(f"{key}={value!r}" for key, value in wanted.items())
        raise ValueError(f"{name}({told}) fails: {type(error).__name__}: {error}") from error
    if not isinstance(made, nn.Module):
        raise ValueError(f"{name} must make a torch.nn.Module, got {type(made).__name__}")
    return made


def _is_open(parameter: inspect.Parameter | None) -> bool:
    """Whether a constructor has this argument without a default, or with ``None``."""
    return parameter is not None and (_is_needed(parameter) or parameter.default is None)


def _is_needed(parameter: inspect.Parameter) -> bool:
    """Whether a constructor cannot do without this argument."""
    collects = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not collects


def settings_of(dataset: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arguments of the protocol and of the backbone; what is given, and not ``None``, wins.

    Raises:
        ValueError: on a backbone without width or pools.
    """
    chosen = {key: value for key, value in given.items() if value is not None}
    protocol = {**_BACKBONE, **_OF_DATA.get(dataset, {}), **chosen}
    backbone = {key: protocol.pop(key) for key in _BACKBONE}
    check_positive(**backbone)
    return protocol, backbone


def default_folder(name: str, dataset: str, setting: object) -> str:
    """Where a check is kept if nobody says: one folder for each setting.

    >>> default_folder("GraclusPool", "digits", {"epochs": None})
    'GraclusPool-digits-dcff97'
    """
    digest = sha256(repr(setting).encode()).hexdigest()
    return f"{name}-{as_file_name(dataset)}-{digest[:6]}"


def standard_model(
    layer: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    benchmark: Benchmark,
    hidden: int,
    num_pools: int,
) -> BuildModel:
    """``build_model`` of a layer in the :class:`Backbone` for a benchmark, which it does not keep.

    Raises:
        ValueError: on arguments that do not fit the layer.
    """
    factories = layer_factories(layer, arguments, benchmark, num_pools)
    sample = replace(benchmark, graphs=[benchmark.graphs[0].clone()], official_split=None)
    special = benchmark.node_categories or benchmark.edge_categories or benchmark.edge_channels
    return partial(_build, factories, sample if special else None, hidden)


def _build(
    factories: Sequence[LayerFactory],
    sample: Benchmark | None,
    hidden: int,
    in_channels: int,
    out_channels: int,
) -> Backbone:
    first = None if sample is None else InputConv(sample, hidden)
    return Backbone(factories, in_channels, out_channels, hidden, first=first)
