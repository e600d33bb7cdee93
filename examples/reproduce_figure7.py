"""Figure 7: the weight of DiffPool's unsupervised losses, and the supervised validation loss.

python examples/reproduce_figure7.py                              # the embedded digits
python examples/reproduce_figure7.py --dataset ZINC SMNIST        # as in the paper

The losses (link prediction and entropy) are added to the supervised one with weight λ: 1 as
everywhere else, 10, or 0.
"""

from functools import partial

from reproduce_diffpool import DIFFPOOL

from graphpool_sanity.reproduce import Row, Study, reproduce
from graphpool_sanity.reproduce.plots import curves, supervised_loss

FIGURE_7 = Study(
    "Figure 7",
    rows=[
        Row(f"λ = {weight:g}", "gnn", DIFFPOOL, {"loss_weight": weight})
        for weight in (0.0, 1.0, 10.0)
    ],
    datasets=["ZINC", "SMNIST"],
    draw=partial(curves, of=supervised_loss, name="supervised validation loss"),
    usable=supervised_loss,
)

if __name__ == "__main__":
    reproduce(FIGURE_7)
