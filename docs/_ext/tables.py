"""Tables made from code and data when the site is built, as Markdown that pages include."""

import ast
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from benchmarks.locality import null_against_null
from benchmarks.paper.cells import markdown
from graphpool_sanity import SanityReport
from graphpool_sanity.nulls import question, registry

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
LISTED = Path(__file__).parents[1] / "inventories" / "tgp_nulls.json"
"""The nulls of torch-geometric-pool's layers, for a build without that package."""

PACKAGES = {
    "graphpool_sanity": "this package",
    "torch_geometric": "PyTorch Geometric",
    "tgp": "torch-geometric-pool",
}

SCRIPTS = {
    "bench_matching": "Hard pooling",
    "bench_soft": "Soft pooling",
    "bench_memory": "Memory pooling",
    "on_gpu": "On a GPU",
}
OF_A_CPU = ("matching-", "soft-", "memory-")
"""Begin the names of what is wanted of a CPU, and measured on a GPU, too."""
ON_GPU = (
    "Steps on small batches are bound by the launch of kernels: a GPU gains little there, and dense "
    "products, which launch few, come out ahead of what is faster on a CPU. Beside `matching-`, `soft-` "
    "and `memory-` stands no wanted value, for those are a CPU's."
)

NULLS = ("complement", "distance", "random", "shuffle", "frozen", "none")


def registered(package: str) -> dict[str, list[str]]:
    """The layers of a package that have nulls, and these, the most telling first."""
    kinds = {kind: list(nulls) for kind, nulls in registry._NULLS.items()}
    found = {kind.__name__: nulls for kind, nulls in kinds.items() if _is_of(kind, package)}
    return dict(sorted(found.items()))


def _is_of(kind: type, package: str) -> bool:
    return kind.__module__.partition(".")[0] == package


def layers(package: str) -> dict[str, list[str]]:
    """As :func:`registered`, or as listed where the package is not installed."""
    if package == "tgp":
        try:
            import_module("graphpool_sanity.nulls.tgp")
        except ImportError:
            return json.loads(LISTED.read_text(encoding="utf-8"))
    return registered(package)


def null_table() -> str:
    """Layers and their nulls, a table for each package."""
    lines: list[str] = []
    for package, title in PACKAGES.items():
        name = "{{py:class}}`~graphpool_sanity.{}`" if package == "graphpool_sanity" else "`{}`"
        rows = [[name.format(layer), _named(nulls)] for layer, nulls in layers(package).items()]
        lines += ["", f"### Layers of {title}", "", *markdown(["layer", "nulls"], rows)]
    return "\n".join(lines)


def _named(nulls: Sequence[str]) -> str:
    first, *others = [f"`{null}`" for null in nulls]
    return ", ".join([f"**{first}**", *others])


def _in_order(found: Mapping[str, Sequence[str]]) -> list[str]:
    """All nulls of these layers: those of the package's own names first, in the order of NULLS."""
    known = {null for nulls in found.values() for null in nulls}
    return [null for null in NULLS if null in known] + sorted(known.difference(NULLS))


def question_table() -> str:
    """What each null asks, and what is said if the layer beats it."""
    found = {layer: nulls for package in PACKAGES for layer, nulls in layers(package).items()}
    rows = [[f"`{null}`", question(null).asks, question(null).helps] for null in _in_order(found)]
    return "\n".join(markdown(["null", "asks", "if the layer beats it"], rows))


def script_table(folder: Path = ROOT / "examples") -> str:
    """The scripts and the first lines of their docstrings."""
    docs = {path: ast.get_docstring(ast.parse(path.read_text())) for path in folder.glob("*.py")}
    rows = [
        [f"`examples/{path.name}`", str(doc).splitlines()[0]] for path, doc in sorted(docs.items())
    ]
    return "\n".join(markdown(["script", "what it repeats"], rows))


def speed_table(path: Path = RESULTS / "speed.json") -> str:
    """What the benchmarks measured, by script and data, and on what machine."""
    if not path.exists():
        return "```{note}\nNot measured yet: there is no `benchmarks/results/speed.json`.\n```"
    lines: list[str] = []
    for script, taken in json.loads(path.read_text(encoding="utf-8")).items():
        lines += ["", f"## {SCRIPTS.get(script, script)}", ""]
        lines += [ON_GPU, ""] if script == "on_gpu" else []
        rows = [
            _figure(script, name, figure) for name in taken for figure in taken[name]["figures"]
        ]
        lines += markdown(["on", "measured", "value", "wanted"], rows)
        machines = dict.fromkeys(_machine(found["machine"]) for found in taken.values())
        lines += [line for machine in machines for line in ("", machine)]
    return "\n".join(lines)


def _figure(script: str, name: str, figure: Mapping[str, Any]) -> list[str]:
    value = f"{_number(figure['value'])} {figure['unit'].replace('x', '×')}".strip()
    is_of_a_cpu = script == "on_gpu" and name.startswith(OF_A_CPU)
    return [f"`{name}`", figure["what"], value, "" if is_of_a_cpu else figure["wanted"]]


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def gpu(path: Path = RESULTS / "speed.json") -> str:
    """What the tests for a GPU, and the measurements on one, come to in a few sentences."""
    taken = json.loads(path.read_text(encoding="utf-8"))["on_gpu"]
    found = {name: [figure["value"] for figure in taken[name]["figures"]] for name in taken}
    (passed, failed), (furthest,) = found["tests"], found["clusters"]
    waits, nulls, steps = (found[name] for name in ("synchronisations", "nulls", "steps"))
    return (
        f"On an {taken['tests']['machine']['GPU']}, {passed} tests that only a GPU can run passed and "
        f"{failed} failed. In evaluation no layer gave anything further than {furthest:g} from what the "
        "CPU gave, in double precision. A forward pass of a layer made the CPU wait for the GPU "
        f"{min(waits)} to {max(waits)} times. A null took {min(nulls):.1f} to {max(nulls):.1f} times as "
        f"long as its layer, and a step of training one of the paper's models {min(steps):.1f} to "
        f"{max(steps):.1f} times as long as without its pooling."
    )


def _machine(machine: Mapping[str, str]) -> str:
    return f"Measured on: {', '.join(f'{name} {value}' for name, value in machine.items())}."


def front_page() -> str:
    """The sentence below the front page's figure."""
    import landing  # not before a backend for its figures is chosen

    return landing.verdict()


def negative_control() -> str:
    """How often the check erred where there is nothing to find."""
    if not (null_against_null.REPORT / "report.json").exists():
        return "```{note}\nNot run yet: `python -m benchmarks.locality.null_against_null`.\n```"
    report = SanityReport.load(null_against_null.REPORT)
    return null_against_null.told(null_against_null.verdicts(report))


def write_tables(app: Sphinx) -> None:
    """Write each table, if it has changed."""
    import citation
    import command_line
    import locality_page

    folder = Path(app.srcdir, "_generated")
    folder.mkdir(exist_ok=True)
    makers = [front_page, null_table, question_table, script_table, speed_table, negative_control]
    makers += [gpu, citation.citation, command_line.commands]
    makers += [locality_page.summary, locality_page.matrix, locality_page.alike]
    makers += [locality_page.control, locality_page.details]
    for make in makers:
        path, text = folder / f"{make.__name__}.md", make() + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("builder-inited", write_tables)
    return {"parallel_read_safe": True}
