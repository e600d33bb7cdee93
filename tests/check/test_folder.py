import subprocess
import sys
import time

import pytest

from graphpool_sanity.check.folder import held, planned


def asked(folder, runs, most, margin=0.02, has_runs=False, identity="check"):
    plan = planned(folder, identity, runs, most, margin, has_runs)
    return plan.is_kept, plan.first if plan.is_extended else None, plan.margins


def test_one_number_asked_for_first_is_a_plan(tmp_path):
    assert asked(tmp_path, 10, 10) == (True, None, (0.02,))
    assert asked(tmp_path, 10, 10) == (True, None, (0.02,))  # resumed
    assert asked(tmp_path, 5, 5, identity="another") == (True, None, (0.02,))


def test_a_plan_that_is_changed_is_none_for_good(tmp_path):
    asked(tmp_path, 10, 10)
    assert asked(tmp_path, 10, 40) == (False, 10, (0.02,))
    for _ in range(2):  # the second time it is what was asked for last
        assert asked(tmp_path, 10, 10) == (False, 10, (0.02,))
    assert asked(tmp_path, 5, 5) == (False, 10, (0.02,))


def test_until_decided_is_no_plan(tmp_path):
    assert asked(tmp_path, 10, 50) == (False, None, (0.02,))
    assert asked(tmp_path, 20, 20) == (False, None, (0.02,))


def test_a_review_goes_by_what_was_asked_for_first(tmp_path):
    for runs, most in ((10, 50), (37, 37), (5, 50)):  # a stop at a verdict, say, was at 37
        assert planned(tmp_path, "check", runs, most, 0.02, has_runs=False).first == 10


def test_runs_of_which_no_plan_is_known_may_have_been_looked_at(tmp_path):
    assert asked(tmp_path, 10, 10, has_runs=True) == (False, None, (0.02,))


def test_a_changed_margin_is_remembered(tmp_path):
    asked(tmp_path, 10, 10)
    assert asked(tmp_path, 10, 10, margin=0.05)[2] == (0.02, 0.05)
    assert asked(tmp_path, 10, 10)[2] == (0.02, 0.05)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_torn_memory_is_none(tmp_path, text):
    (tmp_path / "plans.json").write_text(text)
    assert asked(tmp_path, 10, 10)[0]


HOLD = """
import sys, time
from pathlib import Path
from graphpool_sanity.check.folder import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_who_comes_second_waits(tmp_path, capsys):
    command = [sys.executable, "-c", HOLD, str(tmp_path), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        start = time.monotonic()
        with held(tmp_path):
            assert time.monotonic() - start > 0.3
    assert "another check works in" in capsys.readouterr().err


def test_a_process_that_is_killed_holds_nothing(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path), "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        process.kill()
        process.wait()
    with held(tmp_path):
        pass
