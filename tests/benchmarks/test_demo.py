"""What README says of its picture is what the kept runs of the demo say."""

from pathlib import Path

from benchmarks.demo import PICTURE, REPORTS
from graphpool_sanity import SanityReport

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_picture_of_the_readme_says_what_the_runs_say():
    verdicts = {p.name: SanityReport.load(p).verdict for p in REPORTS.iterdir()}
    assert verdicts == {"GraclusPool": "locality helps", "MinCutPool": "null is as good"}
    assert "GraclusPool is far better than its null" in README
    assert "the null of MinCutPool is as good](docs/_static/demo.svg)" in README
    assert PICTURE.stat().st_size > 1000
