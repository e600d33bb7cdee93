"""The built pages, read as files."""

import re
import zlib
from importlib import import_module
from inspect import isclass, isfunction
from pkgutil import walk_packages

import pytest
from reading import ROOT, Page, is_internal, target_of

import graphpool_sanity

OPTIONAL = "graphpool_sanity.nulls.tgp"
"""Modules that a site built without torch-geometric-pool does not hold."""


@pytest.fixture(scope="session")
def pages(site):
    return {path.resolve(): Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_internal_link_and_anchor_resolves(pages):
    broken = []
    for path, page in pages.items():
        for link in filter(is_internal, page.links):
            target, anchor = target_of(path, link)
            known = not anchor or (target in pages and anchor in pages[target].anchors)
            if not target.is_file() or not known:
                broken.append(f"{path.name}: {link}")
    assert not broken
    assert sum(len(page.links) for page in pages.values()) > 1000


def test_pages_load_nothing_from_elsewhere_and_all_that_they_load_is_there(pages):
    for path, page in pages.items():
        for link in page.loaded:
            assert link.startswith("data:") or is_internal(link), f"{path.name}: {link}"
            assert link.startswith("data:") or target_of(path, link)[0].is_file(), link


def test_styles_load_nothing_from_elsewhere(site):
    for path in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)'\"]+", path.read_text())
        assert not found, path


def test_every_image_has_a_text(pages):
    assert not [image for page in pages.values() for image in page.silent_images]


def test_nothing_public_is_undocumented(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    documented = {line.split()[0] for line in zlib.decompress(inventory).decode().splitlines()}
    assert {f"graphpool_sanity.{name}" for name in graphpool_sanity.__all__} <= documented
    for module, name in public_objects():
        if module.startswith(OPTIONAL) and OPTIONAL not in documented:
            continue
        path = module.split(".")
        homes = [".".join(path[:length]) for length in range(1, len(path) + 1)]
        assert any(f"{home}.{name}" in documented for home in homes), f"{module}.{name}"


def public_objects():
    """Functions and classes without an underscore, where they are defined."""
    found = []
    for module in walk_packages(graphpool_sanity.__path__, "graphpool_sanity."):
        if any(part.startswith("_") for part in module.name.split(".")):
            continue
        try:
            members = vars(import_module(module.name))
        except ImportError:  # nulls of a package that is not installed
            continue
        for name, value in members.items():
            own = getattr(value, "__module__", None) == module.name
            if own and (isclass(value) or isfunction(value)) and not name.startswith("_"):
                found.append((module.name, name))
    assert len(found) > 100
    return found


def test_layers_have_a_page_each(site):
    for name in ("GraclusPool", "ComplementGraclusPool", "RandomMatchingPool", "DiffPool"):
        assert name in graphpool_sanity.__all__
    pages = {path.stem.replace("_", "") for path in (site / "layers").glob("*.html")}
    layers = {name.lower() for name in graphpool_sanity.__all__ if name.endswith("Pool")}
    assert pages - {"index"} == layers


def test_install_names_every_extra():
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs" / "install.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(
        project["optional-dependencies"]
    )
