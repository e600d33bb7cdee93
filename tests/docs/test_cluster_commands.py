"""The commands of the page on clusters, carried out on this machine."""

import os
import re
import shlex
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from reading import ROOT

from graphpool_sanity import SanityReport

pytest.importorskip("distributed", reason='needs the extra "cluster"')

PAGE = (ROOT / "docs" / "gpu_and_clusters.md").read_text(encoding="utf-8")
BASH = re.findall(
    r"^```(?:bash|\{code-block\} bash\n:name: slurm)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE
)
QUICK = " --nulls shuffle --runs 2 --max-runs 2 --epochs 1"


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.fixture
def environment(tmp_path):
    """Where ``srun`` runs a command once, and the machine's name is its address."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, line in (("srun", 'exec "$@"'), ("hostname", "echo 127.0.0.1")):
        (tools / name).write_text(f"#!/bin/sh\n{line}\n")
        (tools / name).chmod(0o755)
    folders = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    python = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return os.environ | {
        "PATH": folders,
        "PYTHONPATH": python,
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "60s",
    }


@contextmanager
def started(command, **where):
    process = subprocess.Popen(shlex.split(command), stderr=subprocess.DEVNULL, **where)
    try:
        yield process
        assert process.poll() is None, f"{command} has ended"
    finally:
        process.terminate()
        process.wait(60)


def found(folder):
    report = SanityReport.load(folder / "results" / "topk")
    return report.name, report.comparisons["shuffle"].runs


@pytest.mark.long
def test_by_hand(tmp_path, port, environment):
    scheduler, worker, check, script = BASH
    assert "#SBATCH" in script
    where = {"cwd": tmp_path, "env": environment}
    local = [
        part.strip().replace("10.0.0.1", "127.0.0.1").replace("8786", port)
        for part in (scheduler, worker, check)
    ]
    with started(local[0], **where), started(local[1], **where):
        subprocess.run(shlex.split(local[2] + QUICK), check=True, timeout=500, **where)
    assert found(tmp_path) == ("TopKPooling", 2)


@pytest.mark.long
def test_with_slurm(tmp_path, port, environment):
    script = BASH[-1].replace("8786", port).replace(" --out", f"{QUICK} --out")
    (tmp_path / "job.sh").write_text(script)
    command = ["bash", "-eu", "job.sh"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=500)
    assert found(tmp_path) == ("TopKPooling", 2)
