"""The paper's Table 1: Graclus, its complement, no pooling; GraphSAGE and GIN as cited there.

python examples/reproduce_table1.py                               # the embedded digits
python examples/reproduce_table1.py --dataset NCI1 --runs 20      # resumes from what has run
python examples/reproduce_table1.py --dataset paper --runs 20 --show
"""

from pathlib import Path

from reproduce_graclus import GRACLUS

from graphpool_sanity.experiments.tables import Row, reproduce_table

ROWS = [
    Row("GraphSAGE", "GraphSAGE", paper="cited"),
    Row("GIN", "GIN", paper="cited"),
    Row("Graclus", "graclus", "graclus", GRACLUS),
    Row("Complement", "complement", "graclus", GRACLUS),
    Row("no pooling", "none", "graclus", GRACLUS),
]
DATASETS = ["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"]

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    reproduce_table("Table 1", ROWS, DATASETS, root)
