"""Table S5: MinCutPool and the deeper DiffPool against normal random assignments.

python examples/reproduce_table_s5.py                               # the embedded digits
python examples/reproduce_table_s5.py --dataset NCI1 --runs 5       # resumes from what has run
python examples/reproduce_table_s5.py --show                        # all that has run
"""

from reproduce_diffpool import DIFFPOOL
from reproduce_mincut import MINCUT

from graphpool_sanity.reproduce import Row, Study, reproduce

TABLE_S5 = Study(
    "Table S5",
    rows=[
        Row("MinCutPool", "mlp", MINCUT),
        Row("N-MinCutPool", "normal", MINCUT),
        Row("DiffPool v2", "gnn", DIFFPOOL, {"version": 2}),
        Row("N-DiffPool v2", "normal", DIFFPOOL, {"version": 2}),
    ],
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC", "PROTEINS", "NCI109", "DD", "ogbg-molhiv"],
)

if __name__ == "__main__":
    reproduce(TABLE_S5)
