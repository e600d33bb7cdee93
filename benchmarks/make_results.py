"""Write docs/results.md: the paper's tables and claims beside our runs, from their ledgers.

python benchmarks/make_results.py
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "examples"))

import reproduce_table1
import reproduce_table2
import reproduce_table3
import reproduce_table_s5
from reproduce_diffpool import DIFFPOOL
from reproduce_gmn import GMN

from graphpool_sanity.experiments.statistics import compare
from graphpool_sanity.experiments.tables import RESULTS, Row, held, ours_and_paper

SEEDS = 20
MARGIN = 0.02  # of accuracy; of the mean absolute error on ZINC likewise
RATIO = 1 / 8  # of test to training graphs: splits are 80/10/10
TABLES = {
    "Table 1": (reproduce_table1.ROWS, reproduce_table1.DATASETS),
    "Table 2": (reproduce_table2.ROWS, reproduce_table2.DATASETS),
    "Table 3": (reproduce_table3.ROWS, reproduce_table3.DATASETS),
    "Table S5": (reproduce_table_s5.ROWS, reproduce_table_s5.DATASETS),
}
DATASETS = list(dict.fromkeys(name for _, names in TABLES.values() for name in names))

GRACLUS_ROW, COMPLEMENT, NO_POOLING = reproduce_table1.ROWS[2:]
GMN_ROW, DIFFPOOL_ROW = Row("GMN", "gmn", "gmn", GMN), Row("DiffPool", "gnn", "diffpool", DIFFPOOL)
ONE_AND_TWO = list(zip(reproduce_table2.ROWS[1::2], reproduce_table2.ROWS[::2], strict=True))
CLAIMS: dict[str, list[tuple[Row, Row]]] = {
    "Pooling nodes that are not neighbours does as well as Graclus (Section 2)": [
        (GRACLUS_ROW, COMPLEMENT)
    ],
    "Random assignments do as well as DiffPool (Section 2, Figure 2)": [
        (DIFFPOOL_ROW, Row(f"{name[0].upper()}-DiffPool", name, "diffpool", DIFFPOOL))
        for name in ("uniform", "normal", "bernoulli")
    ],
    "Random keys and random assignments do as well as graph memory (Section 2, Figure 4)": [
        (GMN_ROW, Row("Distance", "distance", "gmn", GMN)),
        (GMN_ROW, Row("Random GMN", "random", "gmn", GMN)),
    ],
    "Random assignments do as well as MinCutPool (Appendix B)": [
        (reproduce_table_s5.ROWS[0], reproduce_table_s5.ROWS[1])
    ],
    "No pooling does as well as local pooling (Section 3)": [(GRACLUS_ROW, NO_POOLING)],
    "All models lose with a single convolution before pooling (Section 3, Table 2)": ONE_AND_TWO,
}


def main() -> None:
    target = ROOT / "docs" / "results.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(page(), encoding="utf-8")
    print(target.relative_to(ROOT))


def page() -> str:
    """The whole page, in MyST Markdown."""
    return "\n".join([_HEAD, *_claims(), "## Tables", *_tables(), _DIFFERENCES])


def _claims() -> Iterator[str]:
    for claim, pairs in CLAIMS.items():
        yield f"### {claim}\n"
        yield "| data | compared | runs | difference | 95 % interval | what the runs say |"
        yield "|---|---|---|---|---|---|"
        lines = [line for pair in pairs for line in _compared(*pair)]
        yield from lines or ["| not run | | | | | |"]
        yield ""


def _compared(first: Row, second: Row) -> Iterator[str]:
    for dataset in DATASETS:
        ours, theirs = (held(row, dataset, ROOT / RESULTS, SEEDS) for row in (first, second))
        seeds = sorted(ours.keys() & theirs.keys())
        if len(seeds) < 2:
            continue
        sign = -1 if dataset == "ZINC" else 1
        found = compare(
            [sign * (ours[s]["test"] - theirs[s]["test"]) for s in seeds], MARGIN, RATIO
        )
        low, high = found.interval
        said = found.explanation.replace("locality helps", f"{first.label} is better")
        said = said.replace("null is better", f"{second.label} is better")
        said = said.replace("null is as good", f"{second.label} is as good")
        yield (
            f"| {dataset} | {first.label} − {second.label} | {len(seeds)} "
            f"| {100 * found.difference:+.1f} | {100 * low:+.1f} to {100 * high:+.1f} | {said} |"
        )


def _tables() -> Iterator[str]:
    for title, (rows, datasets) in TABLES.items():
        yield f"\n### {title}\n"
        yield from _table(rows, datasets)


def _table(rows: Sequence[Row], datasets: Sequence[str]) -> Iterator[str]:
    yield "| | " + " | ".join(f"{name}, ours | paper" for name in datasets) + " |"
    yield "|---" * (1 + 2 * len(datasets)) + "|"
    for row in rows:
        cells = [
            part
            for name in datasets
            for part in ours_and_paper(row, name, held(row, name, ROOT / RESULTS, SEEDS))
        ]
        yield f"| {row.label} | " + " | ".join(cells) + " |"


_HEAD = f"""# The paper's results, repeated

What Mesquita, Souza and Kaski report in *Rethinking pooling in graph neural networks* (NeurIPS
2020), beside our runs of the same models by the scripts in `examples/`. Every figure of ours
comes from the ledgers in `benchmarks/results`, by `python benchmarks/make_results.py`; each run
there has its seed, configuration, versions and revision.

## Claims

Two models are compared run by run: a seed gives both the same split, the same order of batches,
and the same initial weights wherever they share them. Differences are in points, positive where
the first model is better. The interval of the mean difference is a BCa bootstrap; the words are
those of a corrected resampled test and of a test of equivalence within {100 * MARGIN:.0f} points
(see {{py:func}}`~graphpool_sanity.experiments.statistics.compare`). What is undecided is neither
a difference nor its absence.
"""

_DIFFERENCES = """
## Where ours differs from the paper

- **Runs.** The paper has 20 seeds for each figure; ours has as many as stand in brackets.
- **Batches.** Graclus and GMN train on batches of 64 and 128 graphs, as the released code does;
  the paper's table of hyperparameters says 8.
- **The complement.** Ours follows the text: no self-loops, edgeless nodes kept. The released code
  keeps self-loops and drops the complement of trailing edgeless nodes.
- **GMN.** Our keys are parameters that the KL step trains. In the released code they are plain
  tensors, which nothing trains.
- **Evaluation.** The released code draws a new matching whenever it evaluates; ours depends on
  the graph and the seed alone.
- **Data.** Runs here read ZINC with other training molecules of the same collection, since the
  official 10,000 were not to be had, and SMNIST with 10,000 of 55,000 training graphs rebuilt from
  MNIST. TU data sets are the original ones, PROTEINS without node attributes.
"""

if __name__ == "__main__":
    main()
