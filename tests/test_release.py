"""What says which version this is, and what it needs, says the same."""

import re
from pathlib import Path

import pytest
import yaml

from graphpool_sanity import __version__

ROOT = Path(__file__).parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
RECIPE = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
CONDA = {
    "torch": "pytorch",
    "torch-geometric": "pytorch_geometric",
    "matplotlib": "matplotlib-base",
}
"""Names of packages that have others on conda-forge."""


def project():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def for_conda(requirement):
    name, bound = re.fullmatch(r"([\w-]+)(>=.+)", requirement).groups()
    return f"{CONDA.get(name, name)} {bound}"


def test_citation_and_recipe_have_the_version():
    assert CITATION["version"] == RECIPE["context"]["version"] == __version__


def test_citation_and_package_have_the_same_authors_and_licence():
    said = project()
    assert [author["name"] for author in said["authors"]] == [
        author["name"] for author in CITATION["authors"]
    ]
    assert said["license"] == CITATION["license"] == RECIPE["about"]["license"]
    assert said["description"] == RECIPE["about"]["summary"]


def test_the_changelog_is_cut_at_the_day_of_the_citation():
    sections = re.findall(
        r"^## \[(.+?)\](?: - (\S+))?$",
        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert sections[0] == ("Unreleased", "")
    released = dict(sections[1:])
    assert released.get(__version__, str(CITATION["date-released"])) == str(
        CITATION["date-released"]
    )
    assert list(released)[:1] in ([], [__version__])


def test_the_recipe_needs_what_a_plain_install_and_check_need():
    said = project()
    wanted = [*said["dependencies"], *said["optional-dependencies"]["check"]]
    python = said["requires-python"].removeprefix(">=")
    assert RECIPE["context"]["python_min"] == python
    assert RECIPE["requirements"]["run"] == [
        "python >=${{ python_min }}",
        *map(for_conda, wanted),
    ]
