"""The paper's Table S5: MinCutPool and the deeper DiffPool against normal random assignments.

python examples/reproduce_table_s5.py                               # the embedded digits
python examples/reproduce_table_s5.py --dataset NCI1 --runs 5       # resumes from what has run
python examples/reproduce_table_s5.py --dataset paper --runs 20 --show
"""

from pathlib import Path

from reproduce_diffpool import DIFFPOOL
from reproduce_mincut import MINCUT

from graphpool_sanity.experiments.tables import Row, reproduce_table

DEEPER = {"version": 2}
ROWS = [
    Row("MinCutPool", "mlp", "mincut", MINCUT),
    Row("N-MinCutPool", "normal", "mincut", MINCUT),
    Row("DiffPool v2", "gnn", "diffpool-v2", DIFFPOOL, DEEPER),
    Row("N-DiffPool v2", "normal", "diffpool-v2", DIFFPOOL, DEEPER),
]
DATASETS = ["NCI1", "IMDB-BINARY", "SMNIST", "ZINC", "PROTEINS", "NCI109", "DD", "ogbg-molhiv"]

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    reproduce_table("Table S5", ROWS, DATASETS, root)
