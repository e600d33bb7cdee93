"""What is public, what a plain install has, and what is imported for it."""

import subprocess
import sys
from pathlib import Path

import pytest

import graphpool_sanity
from graphpool_sanity._lazy import attach, needs

PACKAGES = ("analysis", "check", "datasets", "nulls", "testing", "training")
EXTRA = (
    "sklearn",
    "torchmetrics",
    "joblib",
    "rich",
    "typer",
    "matplotlib",
    "statsmodels",
)


def run(code, *missing):
    """Run code in a fresh process in which some packages cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
    return subprocess.run([sys.executable, "-c", blocked + code], capture_output=True, text=True)


def test_all_that_is_public_is_reached_by_a_plain_import():
    assert set(PACKAGES) <= set(graphpool_sanity.__all__)
    for name in graphpool_sanity.__all__:
        assert getattr(graphpool_sanity, name) is not None
    for package in PACKAGES:
        module = getattr(graphpool_sanity, package)
        for name in module.__all__:
            assert getattr(module, name) is not None
    assert set(graphpool_sanity.__all__) <= set(dir(graphpool_sanity))


@pytest.mark.parametrize("module", ["", ".check", ".training", ".analysis", ".reproduce"])
def test_other_names_are_refused(module):
    found = run(f"import graphpool_sanity{module} as m; m.nix")
    assert (
        f"AttributeError: module 'graphpool_sanity{module}' has no attribute 'nix'" in found.stderr
    )


def test_the_doors_of_the_packages_lead_to_the_same_things():
    assert graphpool_sanity.compare is graphpool_sanity.check.compare
    assert graphpool_sanity.Backbone is graphpool_sanity.check.Backbone
    assert graphpool_sanity.Protocol is graphpool_sanity.training.Protocol
    assert graphpool_sanity.randomize is graphpool_sanity.nulls.randomize
    assert graphpool_sanity.load_dataset is graphpool_sanity.datasets.load_dataset
    assert callable(graphpool_sanity.analysis.homogeneity)
    assert callable(graphpool_sanity.training.train)


def test_a_layer_brings_nothing_that_trains_or_plots():
    code = "import torch_geometric.nn; before = set(sys.modules)\n"
    code += "from graphpool_sanity import GraclusPool\nnew = set(sys.modules) - before\n"
    code += "print(sorted({name.partition('.')[0] for name in new}))"
    assert run(code).stdout == "['graphpool_sanity']\n"


PLAIN = """
import torch
from graphpool_sanity import GraclusPool, MinCutPool, matched_nulls, randomize, compare
from graphpool_sanity.testing import assert_batch_invariant
from graphpool_sanity.analysis import homogeneity, record_activations
from torch_geometric.data import Batch, Data
edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
batch = Batch.from_data_list([Data(torch.randn(3, 4), edges) for _ in range(3)])
pool = GraclusPool().eval()
assert_batch_invariant(pool, batch)
assert_batch_invariant(randomize(pool, "random", 0), batch)
assert matched_nulls(MinCutPool(4, 2))[0] == "random"
print(homogeneity(batch.x, batch.batch) > 0, compare([0.1, 0.2], 0.02).runs)
"""


def test_a_plain_install_has_layers_nulls_and_symmetries():
    found = run(PLAIN, *EXTRA, "platformdirs")
    assert found.stdout == "True 2\n", found.stderr


@pytest.mark.parametrize(
    ("code", "missing", "said"),
    [
        ("sanity_check", "joblib", "graphpool_sanity.sanity_check needs joblib"),
        ("SanityReport", "matplotlib", "graphpool_sanity.SanityReport needs matplotlib"),
        ("load_dataset", "platformdirs", "graphpool_sanity.load_dataset needs platformdirs"),
        ("training.run_all", "rich", "graphpool_sanity.training.run_all needs rich"),
        ("analysis.plot_homogeneity", "matplotlib", "analysis.plot_homogeneity needs matplotlib"),
        (
            "check.sanity_check",
            "matplotlib",
            "graphpool_sanity.check.sanity_check needs matplotlib",
        ),
    ],
)
def test_what_needs_an_extra_says_so_in_one_line(code, missing, said):
    found = run(f"import graphpool_sanity\ngraphpool_sanity.{code}", missing)
    wanted = f'{said}: in a checkout of graphpool-sanity, pip install ".[check]"'
    assert found.stderr.splitlines()[-1].endswith(wanted)


def test_nothing_is_advised_of_an_index_that_does_not_have_it():
    """Until the name is published, what is by that name there is not ours."""
    for path in Path(graphpool_sanity.__file__).parent.rglob("*.py"):
        assert "pip install" not in path.read_text(encoding="utf-8") or path.name == "_lazy.py"
    assert "graphpool-sanity[" not in needs("joblib")


MAIN = "from graphpool_sanity.__main__ import main\nsys.argv = {!r}\nmain()"


def test_the_command_says_in_one_line_what_it_needs():
    found = run(MAIN.format(["graphpool-sanity", "nulls"]), "typer")
    said = "error: graphpool-sanity needs typer: in a checkout of graphpool-sanity, "
    said += 'pip install ".[check]"\n'
    assert (found.returncode, found.stderr) == (1, said)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "Does a pooling layer beat its nulls?"),
        (["check", "--help"], 0, "--dataset"),
        (["chek"], 2, "Did you mean 'check'?"),
        (["check", "x:Y", "--datset", "digits"], 2, "--dataset"),
    ],
)
def test_help_and_slips_are_answered_without_torch(arguments, code, said):
    found = run(
        MAIN.format(["graphpool-sanity", *arguments]), "torch", "torch_geometric", "sklearn"
    )
    assert found.returncode == code, found.stderr
    assert said in found.stdout + found.stderr
    assert "Traceback" not in found.stderr


def test_the_command_runs_as_a_module():
    found = subprocess.run(
        [sys.executable, "-m", "graphpool_sanity", "--help"], capture_output=True, text=True
    )
    assert "Does a pooling layer beat its nulls?" in found.stdout


def test_errors_of_an_installed_package_are_its_own(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise ValueError('mine')")
    (tmp_path / "__init__.pyi").write_text("from broken import thing as thing")
    monkeypatch.syspath_prepend(tmp_path)
    get, _, _ = attach("graphpool_sanity", str(tmp_path / "__init__.py"))
    with pytest.raises(ValueError, match="mine"):
        get("thing")
