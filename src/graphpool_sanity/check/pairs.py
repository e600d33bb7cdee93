"""Paired runs: a model and its nulls, trained under common random numbers."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch_geometric.data import Batch, Data
from torchmetrics import Metric

from graphpool_sanity.analysis.activations import record_activations
from graphpool_sanity.check.sight import bite
from graphpool_sanity.check.ties import tied_cuts
from graphpool_sanity.datasets.load import load_once
from graphpool_sanity.modules import fork_rng, seed_all
from graphpool_sanity.nulls.registry import (
    MakeNull,
    layers_to_exchange,
    name_choice,
    randomize,
    register_null,
    shared_nulls,
)
from graphpool_sanity.nulls.unseen import found_choices
from graphpool_sanity.training.batches import Batches
from graphpool_sanity.training.benchmark import Benchmark
from graphpool_sanity.training.protocol import BuildModel, OnEpoch, Protocol, resolve_device, train
from graphpool_sanity.training.workers import Config

LAYER = "layer"
"""The variant that is no null: the model as it is built."""

_GRAPHS = 256
"""Of how many test graphs at most the homogeneity is taken."""


@dataclass(frozen=True)
class PairedRuns:
    """What all runs of a check share; called with a configuration it trains and reports one.

    ``config["seed"]`` alone decides split, initial weights, order of the batches and dropout;
    ``config["variant"]`` is :data:`LAYER` or the name of a null.
    """

    build_model: BuildModel
    source: str | Benchmark
    """A name is sent to other processes in place of the graphs."""
    protocol: Protocol
    make_metric: str | Callable[[], Metric] | None = None
    device: str = "auto"
    layers: tuple[str, ...] = ()
    """Where a model has its pooling layers."""
    select: str | None = None
    """The call by which these choose, if they are not known and there are several."""
    nulls: Mapping[tuple[type[nn.Module], str], MakeNull] = field(default_factory=dict)
    """Nulls of the user's own, which another process is told by this."""
    class_weights: Literal["balanced"] | Tensor | None = None

    def __call__(self, config: Config, on_epoch: OnEpoch | None) -> dict[str, Any]:
        """Everything that :class:`Result` has, and what can be measured on the trained model.

        That is the homogeneity around each pooling layer, and of the layer, not of its nulls, the
        bite of each null and the share of cuts among equal scores.
        """
        benchmark, built = self.benchmark(), list[nn.Module]()
        for (layer, name), make in self.nulls.items():
            register_null(layer, name)(make)

        def build(in_channels: int, out_channels: int) -> nn.Module:
            built.append(self.build(config["variant"], config["seed"], in_channels, out_channels))
            return built[-1]

        result = train(build, benchmark, config["seed"], self.protocol, self.device, on_epoch)
        test = benchmark.split(config["seed"])[2][:_GRAPHS]
        (batch,) = Batches(benchmark.graphs, test, _GRAPHS, resolve_device(self.device))
        model, layers = built[-1], self.layers or None
        found: dict[str, Any] = asdict(result) | {"homogeneity": {}}
        found["chosen_at"] = found_choices(model)
        with suppress(ValueError), warnings.catch_warnings():  # of what cannot be read off
            warnings.simplefilter("ignore")
            found["homogeneity"] = record_activations(model, batch, layers).homogeneity()
        if config["variant"] == LAYER:
            found |= {"bite": self._bites(model, config["seed"], batch), "ties": {}}
            with suppress(ValueError):
                found["ties"] = tied_cuts(model, batch, layers)
        return found

    def benchmark(self) -> Benchmark:
        """The data set with the metric and the class weights of the check."""
        benchmark = load_once(self.source) if isinstance(self.source, str) else self.source
        if self.make_metric is not None:
            benchmark = replace(benchmark, make_metric=self.make_metric)
        if self.class_weights is not None:
            benchmark = replace(benchmark, class_weights=self.class_weights)
        return benchmark

    def build(self, variant: str, seed: int, in_channels: int, out_channels: int) -> nn.Module:
        """The model of a variant. Whatever it draws while it trains is the same in all variants.

        That is, as far as it can be: each forward pass in training starts from a random state of
        its own, whatever the passes before have drawn.
        """
        try:
            model = self.build_model(in_channels, out_channels)
        except TypeError as error:  # of one that takes other arguments
            raise ValueError(
                f"build_model(in_channels, out_channels) fails: TypeError: {error}"
            ) from error
        if not isinstance(model, nn.Module):
            raise ValueError(
                f"build_model must return a torch.nn.Module, got {type(model).__name__}"
            )
        if any(is_lazy(parameter) for parameter in model.parameters()):
            _initialize(model, self.benchmark().graphs[0])
        for layer in layers_to_exchange(model, self.layers or None).values():
            name_choice(layer, self.select)
        if variant != LAYER:
            model = randomize(model, variant, seed, self.layers or None)
        model.register_forward_pre_hook(_CommonChance(seed))
        return model

    def build_seeded(self, variant: str, seed: int) -> nn.Module:
        """The model as training builds it, on the CPU; the global random state is left alone."""
        benchmark = self.benchmark()
        with fork_rng(seed):
            return self.build(variant, seed, benchmark.in_channels, benchmark.out_channels)

    def _bites(self, model: nn.Module, seed: int, batch: Batch) -> dict[str, float]:
        """Of each null that the pooling layers share."""
        found = {}
        layers = self.layers or None
        for null in shared_nulls(model, layers):
            with suppress(ValueError):  # of a null that this layer cannot have
                found[null] = bite(model, randomize(model, null, seed, layers), batch)
        return found


def _initialize(model: nn.Module, graph: Data) -> None:
    """Draw the weights of layers that take their sizes from the first graphs that they see."""
    training = model.training
    with torch.no_grad():
        model.eval()(Batch.from_data_list([graph]))
    model.train(training)


class _CommonChance:
    """Seeds the global generators before each forward pass in training."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.passes = 0

    def __call__(self, model: nn.Module, args: object) -> None:
        if model.training:
            seed_all(self.seed << 32 | self.passes)
            self.passes += 1
