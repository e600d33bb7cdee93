import pytest
from typer.testing import CliRunner

from graphpool_sanity.cli import app

QUICK = ["--dataset", "locality-control", "--runs", "2", "--epochs", "1"]


def call(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_checks_a_layer_and_shows_the_report_again(tmp_path):
    out = call(
        "check", "graphpool_sanity:GraclusPool", *QUICK, "--jobs", "1", "--out", str(tmp_path)
    )
    assert out.exit_code == 0, out.output
    assert "undecided" in out.output
    assert (tmp_path / "report.html").stat().st_size > 10_000
    again = call("report", str(tmp_path))
    assert again.exit_code == 0
    assert "complement" in again.output


def test_lists_nulls_and_data_sets():
    out = call("nulls", "graphpool_sanity:MemoryPool")
    assert out.exit_code == 0
    assert all(null in out.output for null in ("distance", "random", "shuffle", "frozen", "none"))
    assert "PROTEINS" in call("datasets").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "graphpool_sanity:Nonesuch"],
        ["check", "nonesuch_module:Layer"],
        ["check", "GraclusPool"],
        ["check", "graphpool_sanity:GraclusPool", "--dataset", "nonesuch"],
        ["check", "graphpool_sanity:GraclusPool", "--nulls", "distance", *QUICK],
        ["check", "graphpool_sanity:GraclusPool", "--arg", "nonesuch=1", *QUICK],
        ["report", "/nonexistent/folder"],
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arguments):
    out = call(*arguments)
    assert out.exit_code == 2, out.output
    assert "Traceback" not in out.output
