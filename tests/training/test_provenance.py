import subprocess
from pathlib import Path

import torch

from graphpool_sanity.training import provenance
from graphpool_sanity.training.provenance import revision, versions


def test_versions_are_those_that_run():
    assert versions()["torch"] == torch.__version__
    assert {"python", "graphpool-sanity", "torch-geometric", "numpy"} <= versions().keys()


def test_the_revision_is_that_of_the_checkout_or_none(tmp_path, monkeypatch):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    own = tmp_path / "provenance.py"
    monkeypatch.setattr(provenance, "__file__", str(own))
    unknown = revision.__wrapped__
    assert unknown() is None

    own.write_text("")
    ledger = tmp_path / "results" / "ledger.jsonl"
    ledger.parent.mkdir()
    ledger.write_text("")
    subprocess.run([*git, "init", "-q"], check=True)
    assert unknown() is None  # below the checkout of another project
    subprocess.run([*git, "add", "provenance.py", str(ledger)], check=True)
    subprocess.run([*git, "commit", "-qm", "it"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert unknown() == head.stdout[:12]
    ledger.write_text("a run")
    assert unknown() == head.stdout[:12]
    own.write_text("changed")
    assert unknown() == f"{head.stdout[:12]}-dirty"


def test_it_is_looked_up_once():
    assert Path(provenance.__file__).name == "provenance.py"
    assert revision() == revision()
    assert revision.cache_info().hits >= 1
