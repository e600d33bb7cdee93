"""Table 2: one convolution before the first pooling against several.

python examples/reproduce_table2.py                               # the embedded digits
python examples/reproduce_table2.py --dataset NCI1 --runs 5       # resumes from what has run
python examples/reproduce_table2.py --show                        # all that has run
"""

from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN
from reproduce_graclus import GRACLUS

from graphpool_sanity.reproduce import Row, Study, reproduce

MODELS = {
    "Graclus": (GRACLUS, "graclus"),
    "Complement": (GRACLUS, "complement"),
    "DiffPool": (DIFFPOOL, "gnn"),
    "U-DiffPool": (DIFFPOOL, "uniform"),
    "GMN": (GMN, "gmn"),
    "Random GMN": (GMN, "random"),
}
ROWS = [
    Row(f"{label}, {convs} conv{'s' if convs > 1 else ''}", variant, experiment, {"convs": convs})
    for label, (experiment, variant) in MODELS.items()
    for convs in (1, 2)
]
TABLE_2 = Study(
    "Table 2",
    ROWS,
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"],
    quick_rows=[row for row in ROWS if row.experiment is GRACLUS],
)

if __name__ == "__main__":
    reproduce(TABLE_2)
