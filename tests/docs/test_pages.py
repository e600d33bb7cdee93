"""The built pages, read as files."""

import re
import zlib
from html import unescape
from inspect import ismodule

import pytest
from reading import ROOT, Page, is_internal, target_of

import graphpool_sanity


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


def exports(package):
    return {f"{package.__name__}.{name}": getattr(package, name) for name in package.__all__}


def test_reference_is_what_is_public_and_nothing_else(site, pages):
    public = exports(graphpool_sanity)
    parts = [found for found in public.values() if ismodule(found)]
    for part in parts:
        public |= exports(part)
    inventory = zlib.decompress((site / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode()
    entries = [line.split() for line in inventory.splitlines() if " py:" in line]
    assert public.keys() <= {name for name, *_ in entries}
    members = ("py:method", "py:attribute", "py:property")
    documented = {  # each under one name, the others lead there
        name for name, kind, priority, *_ in entries if kind not in members and priority != "-1"
    }
    assert documented <= {"graphpool_sanity", *public}
    assert len(documented) == 1 + len({id(found) for found in public.values()})
    api = (site / "api").resolve()
    assert {path.stem for path in pages if path.parent == api} == {
        "index",
        *(part.__name__.rpartition(".")[2] for part in parts),
    }


def test_pages_of_the_reference_begin_with_tables_of_all_names(site):
    parts = list(filter(ismodule, exports(graphpool_sanity).values()))
    for module in (graphpool_sanity, *parts):
        is_front = module is graphpool_sanity
        name = "index" if is_front else module.__name__.rpartition(".")[2]
        page = (site / "api" / f"{name}.html").read_text(encoding="utf-8")
        tables = re.findall(r'<table class="autosummary.*?</table>', page, re.DOTALL)
        rows = re.findall(r"<tr.*?</tr>", "".join(tables), re.DOTALL)
        texts = [re.findall(r"<p>(.*?)</p>", row, re.DOTALL) for row in rows]
        shown = {re.sub("<.*?>", "", first).rpartition(".")[2] for first, _ in texts}
        below = {name for part in parts for name in part.__all__} if is_front else set()
        assert shown == below.union(module.__all__)
        assert len(tables) == (3 + len(parts) if is_front else 1)
        assert all("<a " in first and last for first, last in texts)
        first_entry = page.find('<dl class="py')
        assert page.rindex('<table class="autosummary') < first_entry or first_entry < 0


def test_signatures_are_spelled_out(site):
    faulty, seen = [], 0
    for page in (*site.glob("api/*.html"), *site.glob("layers/*.html")):
        found = re.findall(r'<dt class="sig.*?</dt>', page.read_text(encoding="utf-8"), re.DOTALL)
        shown = [unescape(re.sub("<.*?>", "", signature)) for signature in found]
        faulty += [text for text in shown if "~" in text or "<factory>" in text]
        seen += len(shown)
    assert not faulty
    assert seen > 100


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
