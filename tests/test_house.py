"""The house: imports run one way and in no circle; rooms are of a size to feel at home in."""

import ast
from pathlib import Path

import pytest

import graphpool_sanity

ROOT = Path(graphpool_sanity.__file__).parent
FILES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
FLOORS = [
    {"_lazy", "modules", "numerics"},
    {"graphs"},
    {"select", "losses"},
    {"pools"},
    {"interface"},
    {"nulls", "_symmetry"},
    {"testing", "analysis", "training"},
    {"datasets"},
    {"check", "reproduce"},
    {"cli"},
    {"__main__"},
]
"""From the cellar up: what lies on a floor imports from it and from those below."""


def imports(path):
    """The modules of this package that a module imports when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    later = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in later:
            continue
        if isinstance(node, ast.ImportFrom):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                if name in FILES:
                    yield name
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)


GRAPH = {module: set(imports(path)) - {module} for module, path in FILES.items()}
DOORS = {module for module, path in FILES.items() if path.name == "__init__.py"}
"""Packages name for type checkers what they import when it is asked for."""


def test_no_import_runs_in_a_circle():
    done, path = set(), []

    def walk(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for other in sorted(GRAPH[module]):
            walk(other)
        done.add(path.pop())

    for module in sorted(GRAPH):
        walk(module)


def floor(module):
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("module", sorted(set(FILES) - {"graphpool_sanity"}))
def test_imports_run_downstairs(module):
    for other in GRAPH[module] - {"graphpool_sanity"}:
        assert floor(other) <= floor(module), f"{module} imports {other}"
    if module not in DOORS and module != "graphpool_sanity.cli":
        assert not GRAPH[module] & (DOORS - {"graphpool_sanity._lazy"}), "by the room, not the door"


@pytest.mark.parametrize("module", sorted(FILES))
def test_rooms_are_not_too_large(module):
    text = FILES[module].read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            documented = node.body[0] if ast.get_docstring(node) else None
            lines = node.end_lineno - node.lineno + 1
            lines -= documented.end_lineno - documented.lineno + 1 if documented else 0
            assert lines <= 70, f"{node.name} has {lines} lines"
