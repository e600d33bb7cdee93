"""A run travels to a process that has this package and not the script."""

import pickle
import subprocess
import sys

import pytest
from _helpers.small_experiment import EXPERIMENT

from graphpool_sanity.reproduce import Row, Study, reproduce
from graphpool_sanity.training.cluster import ByValue, local_cluster
from graphpool_sanity.training.ledger import Ledger


def test_a_script_travels_with_those_beside_it(tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("HALF = 0.5\ndef half(x):\n    return HALF * x\n")
    (tmp_path / "script.py").write_text(
        "from beside import half\n"
        "def run_one(config, on_epoch):\n"
        "    return {'test': half(config['seed'])}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from script import run_one

    travelling = ByValue(run_one, run_one)
    assert travelling({"seed": 1}, None) == {"test": 0.5}
    (tmp_path / "letter").write_bytes(pickle.dumps(travelling))
    arrive = "import pickle; print(pickle.load(open('letter', 'rb'))({'seed': 3}, None))"
    for name in ("beside.py", "script.py"):
        (tmp_path / name).unlink()
    there = subprocess.run(
        [sys.executable, "-c", arrive], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert there.stdout == "{'test': 1.5}\n", there.stderr


def test_a_missing_dask_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ImportError, match=r'needs dask: .* pip install "\.\[cluster\]"'):
        local_cluster(1).__enter__()


def test_a_study_runs_on_workers_that_it_starts(tmp_path):
    pytest.importorskip("distributed", reason='needs the extra "cluster"')
    study = Study("Table 1", [Row("none", "none", EXPERIMENT)], ["NCI1"])
    call = ["--backend", "dask", "--jobs", "1", "--runs", "1", "--epochs", "1"]
    reproduce(study, [*call, "--out", str(tmp_path)])
    (record,) = Ledger(tmp_path / "graclus-digits.jsonl")
    assert record["config"]["variant"] == "none"
    assert len(record["validation_curve"]) == 1
