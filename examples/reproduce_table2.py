"""The paper's Table 2: one convolution before the first pooling against several.

python examples/reproduce_table2.py                               # the embedded digits
python examples/reproduce_table2.py --dataset NCI1 --runs 5       # resumes from what has run
python examples/reproduce_table2.py --dataset paper --runs 5 --show
"""

from pathlib import Path

from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN
from reproduce_graclus import GRACLUS

from graphpool_sanity.experiments.tables import Row, reproduce_table

MODELS = {
    "Graclus": (GRACLUS, "graclus"),
    "Complement": (GRACLUS, "complement"),
    "DiffPool": (DIFFPOOL, "gnn"),
    "U-DiffPool": (DIFFPOOL, "uniform"),
    "GMN": (GMN, "gmn"),
    "Random GMN": (GMN, "random"),
}
ROWS = [
    row
    for label, (experiment, variant) in MODELS.items()
    for row in (
        Row(f"{label}, 1", variant, f"{experiment.family}-one-conv", experiment, {"convs": 1}),
        Row(f"{label}, 2", variant, experiment.family, experiment),
    )
]
DATASETS = ["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"]

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    reproduce_table("Table 2", ROWS, DATASETS, root)
