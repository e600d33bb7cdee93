"""Figure 3: random DiffPool on permuted validation graphs, with and without the invariant fix.

python examples/reproduce_figure3.py                              # the embedded digits
python examples/reproduce_figure3.py --dataset ZINC --runs 20     # as in the paper
python examples/reproduce_figure3.py --dataset ZINC --distribution normal

``fixed`` evaluates graphs as they are stored, so that each row of the random matrix meets the node
that it met before; ``permuted`` evaluates the same model on graphs whose nodes change places each
time; ``invariant`` does so with S = softmax(X S'), which follows the nodes.
"""

from functools import partial

import torch
from reproduce_diffpool import DIFFPOOL
from torch import Tensor, nn
from torch_geometric.data import Batch

from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce import Experiment, Row, Study, reproduce
from graphpool_sanity.reproduce.plots import curves
from graphpool_sanity.training.workers import Config


class Permuted(nn.Module):
    """A model that sees the nodes of each graph in another order whenever it is evaluated."""

    def __init__(self, model: nn.Module, seed: int) -> None:
        super().__init__()
        self.model = model
        self.generator = torch.Generator().manual_seed(seed)

    def forward(self, data: Batch) -> Tensor | tuple[Tensor, Tensor | float]:
        return self.model(data if self.training else permuted(data, self.generator))


def permuted(data: Batch, generator: torch.Generator) -> Batch:
    """The same graphs, the nodes of each in an order drawn by chance."""
    chance = torch.rand(data.num_nodes, dtype=torch.double, generator=generator)
    order = (data.batch + chance.to(data.x.device)).argsort()  # of the nodes, graph by graph
    place = torch.empty_like(order).scatter_(0, order, torch.arange(order.numel()).to(order))
    data = data.clone()
    data.x, data.edge_index = data.x[order], place[data.edge_index]
    return data


def build(config: Config, benchmark: Benchmark) -> nn.Module:
    law = {"variant": config["distribution"], "invariant": config["variant"] == "invariant"}
    model = DIFFPOOL.build({**config, **law}, benchmark)
    return model if config["variant"] == "fixed" else Permuted(model, config["seed"])


PERMUTED = Experiment(
    family="permuted",
    build=build,
    variants=["fixed", "permuted", "invariant"],
    settings={
        **DIFFPOOL.settings,
        "default": {**DIFFPOOL.settings["default"], "distribution": "uniform"},
    },
    protocol=DIFFPOOL.protocol,
)
FIGURE_3 = Study(
    "Figure 3",
    rows=[Row(variant, variant, PERMUTED) for variant in PERMUTED.variants],
    datasets=["ZINC"],
    draw=partial(curves, of=lambda run: run["validation_curve"], name="validation {metric}"),
)

if __name__ == "__main__":
    reproduce(FIGURE_3)
