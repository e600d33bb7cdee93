"""Table 3: the same models on five other data sets.

python examples/reproduce_table3.py                               # the embedded digits
python examples/reproduce_table3.py --dataset PROTEINS --runs 20  # resumes from what has run
python examples/reproduce_table3.py --show                        # all that has run
"""

from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN
from reproduce_graclus import GRACLUS

from graphpool_sanity.reproduce import Row, Study, reproduce

TABLE_3 = Study(
    "Table 3",
    rows=[
        Row("Graclus", "graclus", GRACLUS),
        Row("Complement", "complement", GRACLUS),
        Row("DiffPool", "gnn", DIFFPOOL),
        Row("N-DiffPool", "normal", DIFFPOOL),
        Row("GMN", "gmn", GMN),
        Row("Random GMN", "random", GMN),
    ],
    datasets=["IMDB-C", "PROTEINS", "NCI109", "DD", "ogbg-molhiv"],
)

if __name__ == "__main__":
    reproduce(TABLE_3)
