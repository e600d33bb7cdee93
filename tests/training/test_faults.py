"""Faults in one line, by the name of the option."""

import pytest

from graphpool_sanity.training.faults import Parser, faults_in_one_line


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("n_jobs must be 1 or more, got 0", "--jobs must be 1 or more, got 0"),
        ("hidden must be 1\nor more", "--hidden must be 1 or more"),
        ("layer must be MODULE:LAYER", "layer must be MODULE:LAYER"),
        ("a hidden fault", "a hidden fault"),
    ],
)
def test_an_argument_is_called_as_its_option(message, said, capsys):
    with pytest.raises(SystemExit), faults_in_one_line({"n_jobs": "--jobs", "hidden": "--hidden"}):
        raise ValueError(message)
    assert capsys.readouterr().err == f"error: {said}\n"


def test_the_option_that_may_have_been_meant_is_named(capsys):
    parser = Parser()
    parser.add_argument("--dataset")
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--datset", "digits"])
    assert end.value.code == 2
    wanted = "error: unrecognized arguments: --datset digits; did you mean '--dataset'?\n"
    assert capsys.readouterr().err == wanted
