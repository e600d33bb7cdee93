"""What each difference from the paper's released code is worth, on NCI1 and PROTEINS.

    python examples/reproduce_released.py                               # the embedded digits
    python examples/reproduce_released.py --dataset NCI1 PROTEINS       # resumes from what has run
    python examples/reproduce_released.py --dataset paper --show        # all that has run

DiffPool and MinCutPool as in the other scripts, and with one thing done as in the released code.
"""

from statistics import fmean

import reproduce_diffpool
import reproduce_mincut
from reproduce_diffpool import DIFFPOOL, Sages
from reproduce_mincut import MINCUT
from torch import Tensor, nn
from torch_geometric.data import Data

from graphpool_sanity.datasets import Benchmark
from graphpool_sanity.reproduce import Experiment, Row, Study, reproduce
from graphpool_sanity.training.workers import Config


def normalised(conv: nn.Module, inputs: tuple[Data], out: Tensor) -> Tensor:
    """Of a mean convolution this makes a GraphSAGE convolution."""
    return nn.functional.normalize(out, dim=-1)


def build_diffpool(config: Config, benchmark: Benchmark) -> nn.Module:
    net = reproduce_diffpool.build({**config, "variant": "gnn"}, benchmark)
    if config["variant"] == "signed":
        net.relu_after_first = False
    elif config["variant"] == "sage":
        net.first.register_forward_hook(normalised)
    else:
        for sages in net.modules():
            if isinstance(sages, Sages):
                sages.residual_after_last = False
    return net


def build_mincut(config: Config, benchmark: Benchmark) -> nn.Module:
    size = max if config["variant"] == "clusters" else fmean
    net = reproduce_mincut.build({**config, "variant": "mlp"}, benchmark, size)
    net.relu_after_last = config["variant"] != "linear"
    return net


DIFFPOOL_RELEASED = Experiment(
    family="diffpool-released",
    build=build_diffpool,
    variants=["last", "signed", "sage"],
    settings=DIFFPOOL.settings,
    protocol=DIFFPOOL.protocol,
)
MINCUT_RELEASED = Experiment(
    family="mincut-released",
    build=build_mincut,
    variants=["linear", "clusters"],
    settings=MINCUT.settings,
)
ALIGNED = {
    "DiffPool": [
        Row("no last residual", "last", DIFFPOOL_RELEASED),
        Row("no first ReLU", "signed", DIFFPOOL_RELEASED),
        Row("first normalised", "sage", DIFFPOOL_RELEASED),
    ],
    "MinCutPool": [
        Row("clipped at 2", "mlp", MINCUT, {"clip_norm": 2.0}),
        Row("no last ReLU", "linear", MINCUT_RELEASED),
        Row("largest graph's clusters", "clusters", MINCUT_RELEASED),
    ],
    "N-MinCutPool": [Row("U-MinCutPool", "uniform", MINCUT)],
}
OURS = [
    Row("DiffPool", "gnn", DIFFPOOL),
    Row("MinCutPool", "mlp", MINCUT),
    Row("N-MinCutPool", "normal", MINCUT),
]
RELEASED = Study(
    "Released code",
    rows=[row for ours in OURS for row in (ours, *ALIGNED[ours.label])],
    datasets=["NCI1", "PROTEINS"],
    pairs=[(ours, row.label) for ours, rows in ALIGNED.items() for row in rows],
    runs=5,
)

if __name__ == "__main__":
    reproduce(RELEASED)
