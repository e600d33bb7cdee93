"""The picture that the README leads with: what the demo finds, from its runs.

    python -m benchmarks.demo      # resumes from what has run

The reports lie in ``results/demo``.
"""

from pathlib import Path

from graphpool_sanity.analysis.picture import save_svg
from graphpool_sanity.check.demo import checks
from graphpool_sanity.check.figures import plot_differences
from graphpool_sanity.training.runs import jobs_on
from graphpool_sanity.training.tasks import Unit

REPORTS = Path(__file__).parent / "results" / "demo"
PICTURE = Path(__file__).parents[1] / "docs" / "_static" / "demo.svg"


def main() -> None:
    """Run what is missing, and draw it."""
    found, differences = {}, {}
    for asked, report in checks(jobs_on("cpu"), REPORTS):
        print(asked, report.verdict)
        ((null, comparison),) = report.comparisons.items()
        label = f"{report.name} − {null}\non {report.dataset['name']}"
        found[label], differences[label] = comparison, report.differences[null]
    save_svg(plot_differences(found, differences, Unit("accuracy"), of=""), PICTURE)


if __name__ == "__main__":
    main()
