"""Figure 2: DiffPool (DP) against uniform, normal and Bernoulli random assignments.

python examples/reproduce_figure2.py                              # the embedded digits
python examples/reproduce_figure2.py --dataset NCI1 --runs 20     # resumes from what has run
python examples/reproduce_figure2.py --show                       # all that has run
"""

from reproduce_diffpool import DIFFPOOL

from graphpool_sanity.reproduce import Row, Study, reproduce

FIGURE_2 = Study(
    "Figure 2",
    rows=[
        Row("DP", "gnn", DIFFPOOL),
        Row("U-DP", "uniform", DIFFPOOL),
        Row("N-DP", "normal", DIFFPOOL),
        Row("B-DP", "bernoulli", DIFFPOOL),
    ],
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"],
)

if __name__ == "__main__":
    reproduce(FIGURE_2)
