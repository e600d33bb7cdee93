"""Checks that run until they are decided, with scores that are drawn instead of trained."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from _helpers.small_checks import check

from graphpool_sanity.check import sanity
from graphpool_sanity.check.pairs import LAYER, PairedRuns
from graphpool_sanity.training.ledger import Ledger


@pytest.fixture
def drawn(monkeypatch):
    """What runs score: ``gaps[null]`` are the layer's mean lead over it and its spread."""
    ran = []

    def draw(**gaps):
        def run(self, config, on_epoch):
            variant, seed = config["variant"], config["seed"]
            ran.append((variant, seed))
            mean, spread = gaps.get(variant, (0.0, 0.0))
            test = 0.8 - mean - spread * np.random.default_rng(seed).normal()
            return {
                "test": float(test), "epochs": 1, "best_epoch": 1, "seconds": 1.0, "parameters": 1,
                "homogeneity": {}, "device": "cpu", "versions": {}, "revision": None,
            }  # fmt: skip

        monkeypatch.setattr(PairedRuns, "__call__", run)
        return ran

    return draw


def test_each_null_is_run_until_it_is_decided(drawn):
    ran = drawn(random=(0.1, 0.001), none=(0.0, 0.025))
    report = check(nulls=["random", "none"], runs=5, max_runs=60)
    found = report.comparisons
    assert found["random"].runs == 5
    assert 10 < found["none"].runs < 60
    assert (found["random"].verdict, found["none"].verdict) == ("locality helps", "null is as good")
    assert len([v for v, _ in ran if v == "random"]) == 5
    assert len([v for v, _ in ran if v == LAYER]) == found["none"].runs == len(report.seeds)
    assert [len(report.scores[v]) for v in ("random", "none")] == [5, found["none"].runs]
    shorter = check(nulls="none", runs=5, max_runs=found["none"].runs - 1)
    assert shorter.verdict == "undecided"


def test_runs_and_minutes_are_limits(drawn):
    drawn(random=(0.0, 0.5))
    assert len(check(runs=5, max_runs=9).seeds) == 9
    assert len(check(runs=5, max_runs=9, minutes=1e-9).seeds) == 5


def test_a_plan_has_the_narrower_interval_as_long_as_it_is_kept(drawn, tmp_path):
    drawn(random=(0.0, 0.03))
    plan = check(runs=10, max_runs=10, out=tmp_path).comparisons["random"]
    assert plan.planned
    assert plan.verdict == "undecided"
    again = check(runs=10, max_runs=10, out=tmp_path)
    assert again.comparisons["random"] == plan
    extended = check(runs=10, max_runs=12, out=tmp_path)
    assert not extended.comparisons["random"].planned
    assert "A plan of 10 pairs was extended: both looks together err in up to" in extended.headline
    once_more = check(runs=10, max_runs=10, out=tmp_path).comparisons["random"]
    assert not once_more.planned
    assert once_more.interval[1] > plan.interval[1]


def test_a_changed_margin_is_marked(drawn, tmp_path):
    drawn(random=(0.0, 0.001))
    assert "margin was changed" not in check(runs=5, out=tmp_path).headline
    report = check(runs=5, margin=0.1, out=tmp_path)
    assert "The margin was changed after runs existed: 0.02, 0.1" in report.headline


def test_more_than_two_jobs_find_the_same(drawn):
    drawn(random=(0.0, 0.02))
    alone = check(runs=5, max_runs=40)
    assert alone.verdict == "null is as good"
    assert 5 < len(alone.seeds) < 40


def test_lines_say_where_the_check_stands(drawn, capsys):
    drawn(random=(0.0, 0.02))
    check(runs=5, max_runs=40)
    said = capsys.readouterr().err.strip().splitlines()
    assert "Backbone on locality-control: 5 to 40 pairs with each of random. An epoch" in said[0]
    times = re.search(r"a run at most 2 of them: (\S+ \w+) to (\S+ \w+) in all, 1 at once", said[0])
    assert times
    assert times[1] != times[2]
    assert "None is added" not in said[0]
    assert "40 pairs can find a null as good if the differences have a standard" in said[0]
    assert said[2] == "pair 1, random: 79.7. random: 1 of 5 pairs"
    assert any("random: 5 pairs, " in line and " more, " in line for line in said)
    assert "inf" not in "".join(said)
    assert said[-1].endswith("null is as good")


def test_what_limits_a_check_is_said_before_it_is_spent(drawn, capsys):
    drawn(random=(0.0, 0.02))
    check(runs=5, max_runs=40, minutes=50)
    assert " None is added to 5 after 50 min. 40 pairs can " in capsys.readouterr().err


def test_a_null_that_bites_late_is_said_to(drawn, capsys, monkeypatch):
    drawn(random=(0.0, 0.02))
    monkeypatch.setattr(sanity, "prove", lambda *_: {"random": 4e-5})
    check(runs=5)
    assert "Before training random changes the outputs by 4e-05 of" in capsys.readouterr().err


@pytest.mark.parametrize(("most", "of"), [(6, "9 of 12"), (40, "9 of 12 to 80")])
def test_a_check_that_goes_on_says_how_many_runs_are_kept(drawn, capsys, tmp_path, most, of):
    drawn(random=(0.0, 0.02))
    check(runs=6, max_runs=most, out=tmp_path)
    ledger = tmp_path / "ledger.jsonl"
    assert "kept" not in capsys.readouterr().err
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:9]))
    check(runs=6, max_runs=most, out=tmp_path)
    assert f"\n{of} runs are kept from before.\n" in capsys.readouterr().err


def test_a_check_that_is_not_verbose_says_nothing(drawn, capsys):
    drawn(random=(0.0, 0.02))
    check(runs=5, verbose=False)
    assert capsys.readouterr() == ("", "")


def test_pairs_at_most_are_50_or_as_many_as_at_least(drawn):
    drawn(random=(0.0, 0.5))
    for runs, most in ((48, 50), (51, 51)):
        report = check(runs=runs, max_runs=None)
        assert (report.plan["max_runs"], len(report.seeds)) == (most, most)


def test_an_interruption_says_what_is_kept(monkeypatch, tmp_path, capsys):
    def run(self, config, on_epoch):
        raise KeyboardInterrupt

    monkeypatch.setattr(PairedRuns, "__call__", run)
    for out, words in ((tmp_path, "finished runs are kept in "), (None, "nothing is kept")):
        with pytest.raises(KeyboardInterrupt):
            check(out=out)
        assert f"interrupted: {words}" in capsys.readouterr().err


SCRIPT = """
import os, random, signal, sys, time
sys.path[:0] = sys.argv[3:]
import numpy as np
from _helpers.small_checks import check
from graphpool_sanity.check import sanity
from graphpool_sanity.check.pairs import PairedRuns

def run(self, config, on_epoch):
    time.sleep(0.01)
    lead = 0.03 * np.random.default_rng(config["seed"]).normal()
    return {
        "test": 0.8 + float(lead) * (config["variant"] != "layer"), "epochs": 1, "best_epoch": 1,
        "seconds": 1.0, "parameters": 1, "homogeneity": {}, "device": "cpu", "versions": {},
        "revision": None,
    }

PairedRuns.__call__ = run

def say(folder):
    report = check(runs=5, max_runs=60, out=os.path.join(sys.argv[1], folder))
    return f"{report.verdict} {len(report.seeds)} {report.comparisons['random'].interval}"

print(say("undisturbed"))
rng, kills, folder = random.Random(0), 0, 0
while kills < int(sys.argv[2]):
    child = os.fork()
    if child == 0:
        say(f"killed {folder}")
        os._exit(0)
    time.sleep(rng.uniform(0.0, 0.6))
    os.kill(child, signal.SIGKILL)
    if os.waitpid(child, 0)[1] == 0:  # it was done before
        folder += 1
    else:
        kills += 1
for number in range(folder + 1):
    print(say(f"killed {number}"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
@pytest.mark.parametrize("most", [5, pytest.param(20, marks=pytest.mark.long)])
def test_killed_at_any_moment_no_run_is_lost_or_doubled_and_the_verdict_stays(tmp_path, most):
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(most), *sys.path],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    undisturbed, *killed = found.stdout.splitlines()
    assert set(killed) == {undisturbed}
    first, *others = [
        sorted((r["config"]["variant"], r["config"]["seed"], r["test"]) for r in Ledger(path))
        for path in (
            tmp_path / "undisturbed" / "ledger.jsonl",
            *(tmp_path / f"killed {i}" / "ledger.jsonl" for i in range(len(killed))),
        )
    ]
    assert others == [first] * len(killed)
    assert len(first) == len(set(first))
