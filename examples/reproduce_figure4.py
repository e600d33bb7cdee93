"""Figure 4: graph memory networks against fixed keys and random assignments.

python examples/reproduce_figure4.py                              # the embedded digits
python examples/reproduce_figure4.py --dataset NCI1 --runs 20     # resumes from what has run
python examples/reproduce_figure4.py --show                       # all that has run
"""

from reproduce_gmn import GMN

from graphpool_sanity.reproduce import Row, Study, reproduce

FIGURE_4 = Study(
    "Figure 4",
    rows=[
        Row("GMN", "gmn", GMN),
        Row("Distance", "distance", GMN),
        Row("Random", "random", GMN),
    ],
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"],
)

if __name__ == "__main__":
    reproduce(FIGURE_4)
