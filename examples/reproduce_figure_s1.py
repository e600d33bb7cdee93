"""Figure S1: how often GMN's keys are trained by the KL loss, and the supervised validation loss.

python examples/reproduce_figure_s1.py                                # the embedded digits
python examples/reproduce_figure_s1.py --dataset ZINC IMDB-BINARY     # as in the paper
"""

from functools import partial

from reproduce_gmn import GMN

from graphpool_sanity.reproduce import Row, Study, reproduce
from graphpool_sanity.reproduce.plots import curves, supervised_loss

FIGURE_S1 = Study(
    "Figure S1",
    rows=[Row(f"p = {period}", "gmn", GMN, {"kl_period": period}) for period in (2, 5)],
    datasets=["ZINC", "IMDB-BINARY"],
    draw=partial(curves, of=supervised_loss, name="supervised validation loss"),
    usable=supervised_loss,
)

if __name__ == "__main__":
    reproduce(FIGURE_S1)
