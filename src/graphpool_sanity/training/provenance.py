"""Where a result comes from: the versions, the revision and the processor that made it."""

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch


def versions() -> dict[str, str]:
    """The versions of everything that a result depends on."""
    from graphpool_sanity import __version__

    own = {"python": platform.python_version(), "graphpool-sanity": __version__}
    own["torch"] = str(torch.__version__)  # which build, too
    return own | {name: version(name) for name in ("torch-geometric", "numpy", "scikit-learn")}


@cache
def revision() -> str | None:
    """The git revision of the checkout that this file is in, with ``-dirty`` if its code differs.

    The ledgers there may differ: the runs write them.
    """
    git = ["git", "-C", str(Path(__file__).parent)]
    try:  # an installed package may lie below the checkout of another project
        subprocess.run(
            [*git, "ls-files", "--error-unmatch", __file__], capture_output=True, check=True
        )
        describe = [*git, "describe", "--always", "--abbrev=12"]
        head = subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ":(top)*.py"]).returncode
        return f"{head}-dirty" if changed else head
    except (OSError, subprocess.CalledProcessError):
        return None


@cache
def processor() -> str:
    """The name of the processor, or its architecture where the system does not say more."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
