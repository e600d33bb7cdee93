"""Figure 1: the distributions of Graclus and Complement over 20 runs.

python examples/reproduce_figure1.py                              # the embedded digits
python examples/reproduce_figure1.py --dataset paper              # resumes from what has run
python examples/reproduce_figure1.py --show                       # all that has run
"""

from reproduce_graclus import GRACLUS

from graphpool_sanity.reproduce import Row, Study, reproduce

FIGURE_1 = Study(
    "Figure 1",
    rows=[Row("Graclus", "graclus", GRACLUS), Row("Complement", "complement", GRACLUS)],
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"],
)

if __name__ == "__main__":
    reproduce(FIGURE_1)
