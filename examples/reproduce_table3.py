"""The paper's Table 3: local pooling against its nulls on five more data sets.

python examples/reproduce_table3.py                               # the embedded digits
python examples/reproduce_table3.py --dataset PROTEINS --runs 20  # resumes from what has run
python examples/reproduce_table3.py --dataset paper --runs 20 --show
"""

from pathlib import Path

from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN
from reproduce_graclus import GRACLUS

from graphpool_sanity.experiments.tables import Row, reproduce_table

ROWS = [
    Row("Graclus", "graclus", "graclus", GRACLUS),
    Row("Complement", "complement", "graclus", GRACLUS),
    Row("DiffPool", "gnn", "diffpool", DIFFPOOL),
    Row("N-DiffPool", "normal", "diffpool", DIFFPOOL),
    Row("GMN", "gmn", "gmn", GMN),
    Row("Random GMN", "random", "gmn", GMN),
]
DATASETS = ["IMDB-C", "PROTEINS", "NCI109", "DD", "ogbg-molhiv"]

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    reproduce_table("Table 3", ROWS, DATASETS, root)
