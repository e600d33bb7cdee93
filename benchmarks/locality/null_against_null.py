"""The negative control: a null against itself, on digits. How often does the check err?

python -m benchmarks.locality.null_against_null      # resumes from what has run

Both sides of every pair pool nodes by chance, under different seeds, so that there is nothing to
find: each block of runs is a check of its own, and *locality helps* or *null is better* is false.
The documentation shows the counts, from the ledger in ``results/null-against-null``.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from scipy import stats
from torch import nn

from graphpool_sanity import GraclusPool, SanityReport, randomize, sanity_check
from graphpool_sanity.check.backbone import Backbone
from graphpool_sanity.check.comparison import compare
from graphpool_sanity.training.faults import Parser, faults_in_one_line, named_alike, positive
from graphpool_sanity.training.protocol import Protocol
from graphpool_sanity.training.runs import jobs_on

REPORT = Path(__file__).parents[1] / "results" / "null-against-null"
BLOCK, BLOCKS = 5, 40
FALSE = ("locality helps", "null is better")
PROTOCOL = Protocol(epochs=5, learning_rate=3e-3)


def make_pool(channels: int) -> nn.Module:
    """A layer of any kind: its way of choosing is taken out at once."""
    return GraclusPool()


def build_model(in_channels: int, out_channels: int) -> nn.Module:
    """The backbone with pools that choose by chance."""
    model = Backbone(make_pool, in_channels, out_channels, hidden=16)
    return randomize(model, "random")


def run(runs: int, jobs: int, out: Path) -> SanityReport:
    """The pairs; what has run is not run again."""
    return sanity_check(
        build_model,
        "digits",
        "random",
        runs,
        max_runs=runs,
        protocol=PROTOCOL,
        n_jobs=jobs,
        out=out,
        name="null",
    )


def verdicts(report: SanityReport, block: int = BLOCK) -> Counter[str]:
    """How often each verdict is said, by checks of so many runs."""
    (differences,), (found,) = report.differences.values(), report.comparisons.values()
    starts = range(0, len(differences) - block + 1, block)
    blocks: list[Sequence[float]] = [differences[start : start + block] for start in starts]
    return Counter(compare(b, found.margin, found.level, planned=True).verdict for b in blocks)


def told(said: Counter[str], level: float = 0.95) -> str:
    """The counts in a sentence, beside what the test promises."""
    checks, false = said.total(), sum(said[verdict] for verdict in FALSE)
    low, high = stats.binomtest(false, checks).proportion_ci()
    times = {verdict: f"{n} times" if n > 1 else "once" for verdict, n in said.most_common()}
    counts = ", ".join(f"{times[verdict]} *{verdict}*" for verdict in times)
    return (
        f"{checks} checks of {BLOCK} pairs said {counts}. False verdicts: {false} of {checks} "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f} %), where at most "
        f"{100 * (1 - level):.0f} % are promised."
    )


def main() -> None:
    """Run what is missing, and tell."""
    parser = Parser(description="How often does the check err?")
    parser.add_argument("--runs", type=positive, default=BLOCK * BLOCKS)
    parser.add_argument("--jobs", type=positive, default=jobs_on("cpu"))
    parser.add_argument("--out", type=Path, default=REPORT)
    args = parser.parse_args()
    with faults_in_one_line(named_alike(vars(args))):
        Console().print(told(verdicts(run(args.runs, args.jobs, args.out))))


if __name__ == "__main__":
    main()
