"""What pages claim of commands, messages, other packages and measurements holds."""

import json
import re
import shlex
from importlib import import_module

import pytest
from reading import ROOT
from typer.main import get_command

import graphpool_sanity
from graphpool_sanity._lazy import needs
from graphpool_sanity.cli import app

DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
COMMAND = re.compile(r"^(?:\$ )?(graphpool-sanity [a-z].*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def extensions():
    """The modules that make parts of pages, by name."""
    pytest.importorskip("sphinx", reason='needs the extra "docs"')
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "_ext")
        yield import_module


def commands():
    return [
        pytest.param(line, id=f"{page.stem}: {line}"[:90])
        for page in PAGES
        for line in COMMAND.findall(page.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("line", commands())
def test_commands_on_pages_are_what_the_command_line_takes(line):
    name, *arguments = shlex.split(line)[1:]
    command = get_command(app).commands[name]
    command.make_context(name, arguments)  # an unknown option, or a missing argument, raises


def test_every_command_and_option_has_its_line(extensions):
    page = extensions("command_line").commands()
    group = get_command(app)
    for name, command in group.commands.items():
        start = page.index(f"\n### {name}\n")
        part = page[start : page.find("\n### ", start + 1)]
        assert " ".join(command.help.split()[:3]) in part
        for parameter in command.params:
            for option in parameter.opts:
                assert option in part
    assert not re.search(r"(?<![`\w, -])--[a-z]", re.sub(r"```.*?```", "", page, flags=re.DOTALL))


def test_a_page_runs_its_commands_and_fails_with_them(extensions):
    module = extensions("command_line")
    from sphinx.errors import ExtensionError  # not without the extra "docs"

    assert "accuracy" in module.run("graphpool-sanity datasets digits")
    with pytest.raises(ExtensionError, match=r"must begin with 'graphpool-sanity', got 'rm"):
        module.run("rm results")
    with pytest.raises(ExtensionError, match=r"report nowhere' failed: error: "):
        module.run("graphpool-sanity report nowhere")


def test_bibtex_is_what_the_citation_file_says(extensions):
    text = extensions("citation").citation()
    paper, software = re.findall(r"^@(.*?)^}", text, re.DOTALL | re.MULTILINE)
    assert "author = {Mesquita, Diego and Souza, Amauri H. and Kaski, Samuel}" in paper
    assert "title = {{Rethinking pooling in graph neural networks}}" in paper
    assert "year = {2020}" in paper
    assert f"version = {{{graphpool_sanity.__version__}}}" in software
    assert "author = {{The graphpool_sanity developers}}" in software
    assert text.count("{") == text.count("}")


def test_figures_of_a_gpu_have_no_wanted_value_of_a_cpu(extensions, tmp_path):
    tables = extensions("tables")

    def taken(**figures):
        machine = {"processor": "abacus", "GPU": "beads"}
        rows = {
            name: [{"what": name, "value": value, "unit": "x", "wanted": "much"}]
            for name, value in figures.items()
        }
        return {
            name.replace("_", "-"): {"machine": machine, "figures": rows[name]} for name in rows
        }

    path = tmp_path / "speed.json"
    groups = {"on_gpu": taken(matching_dd=0.5, soft_dd=0.25, memory_dd=2.0, steps=147)}
    path.write_text(json.dumps(groups | {"bench_soft": taken(soft_dd=0.015)}))
    table = tables.speed_table(path)
    gpu, cpu = table[table.index("## On a GPU") :].split("## Soft pooling")
    assert re.findall(r"^\| `(.*?)` .*\| (.*?) \|$", gpu, re.MULTILINE) == [
        ("matching-dd", ""),
        ("soft-dd", ""),
        ("memory-dd", ""),
        ("steps", "much"),
    ]
    assert "| 147 × | much |" in gpu
    assert gpu.count("launch of kernels") == 1
    assert "| 0.015 × | much |" in cpu


def test_sentences_on_a_gpu_are_what_was_measured(extensions):
    tables = extensions("tables")
    said = tables.gpu()
    taken = json.loads((tables.RESULTS / "speed.json").read_text())["on_gpu"]
    waits = [figure["value"] for figure in taken["synchronisations"]["figures"]]
    assert f"{taken['tests']['figures'][0]['value']} tests" in said
    assert taken["tests"]["machine"]["GPU"] in said
    assert f"{min(waits)} to {max(waits)} times" in said


def test_messages_in_the_faq_are_ours():
    faq = (DOCS / "faq.md").read_text(encoding="utf-8")
    part = faq[faq.index("## When something is refused") : faq.index("## About the layers")]
    quoted = [
        q
        for bold in re.findall(r"^### (.*)$", part, re.MULTILINE)
        for q in re.findall(r"`([^`]+)`", bold)
    ]
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    source += needs("joblib")
    assert len(quoted) >= 4
    assert [message for message in quoted if message not in source] == []


def test_every_name_beside_ours_is_there():
    rows = re.findall(
        r"^\| .*? \| (.*?) \| (.*?) \| (.*?) \|$", (DOCS / "beside.md").read_text(), re.MULTILINE
    )
    columns = list(zip(*rows, strict=True))
    places = ["torch_geometric.nn", "tgp.poolers tgp.lift tgp.data", "graphpool_sanity"]
    for cells, modules in zip(columns, places, strict=True):
        names = re.findall(r"`(\w+)`", " ".join(cells[2:]))
        if modules.startswith("tgp"):
            pytest.importorskip("tgp", reason="needs torch-geometric-pool")
        found = [import_module(module) for module in modules.split()]
        assert len(names) > 3
        for name in names:
            assert any(hasattr(module, name) for module in found), f"{modules}: {name}"
