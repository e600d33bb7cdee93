"""Table 1: Graclus, its complement and no pooling; GraphSAGE and GIN as cited there.

python examples/reproduce_table1.py                               # the embedded digits
python examples/reproduce_table1.py --dataset NCI1 --runs 20      # resumes from what has run
python examples/reproduce_table1.py --show                        # all that has run
"""

from reproduce_graclus import GRACLUS

from graphpool_sanity.reproduce import Row, Study, reproduce

TABLE_1 = Study(
    "Table 1",
    rows=[
        Row("GraphSAGE", "GraphSAGE"),
        Row("GIN", "GIN"),
        Row("Graclus", "graclus", GRACLUS),
        Row("Complement", "complement", GRACLUS),
        Row("no pooling", "none", GRACLUS),
    ],
    datasets=["NCI1", "IMDB-BINARY", "SMNIST", "ZINC"],
)

if __name__ == "__main__":
    reproduce(TABLE_1)
