"""The command line: its commands and options as a table each, and commands run for the page."""

import re
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from typer.main import get_command

from benchmarks.paper.cells import markdown
from graphpool_sanity.cli import app as command_line

PROGRAM = "graphpool-sanity"
_FOLDER = TemporaryDirectory(prefix="commands-")


def commands() -> str:
    """Each command: how it is called, what it does, its arguments and options."""
    return "\n".join(line for name in _group().commands for line in _section(name))


def _group() -> Any:
    return get_command(command_line)


def _section(name: str) -> Iterator[str]:
    command = _group().commands[name]
    context = command.context_class(command, info_name=name)
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    usage = " ".join(piece.strip("{}") for piece in command.collect_usage_pieces(context))
    yield from ("", f"### {name}", "", _as_code(command.help), "", "```text")
    yield from (f"{PROGRAM} {name} {usage.replace('}...', '...')}", "```", "")
    rows = [[f"`{call}`", _as_code(what)] for call, what in records]
    yield from markdown(["argument or option", "what it says"], rows)


def _as_code(text: str) -> str:
    """Options in the text as code, or they would be set with dashes."""
    return re.sub(r"(?<![`\w])--[a-z-]+", r"`\g<0>`", text)


def run(line: str) -> str:
    """What a command prints, in a folder that all commands of a build share."""
    program, *rest = line.split()
    if program != PROGRAM:
        raise ExtensionError(f"a command must begin with {PROGRAM!r}, got {line!r}")
    out, err = StringIO(), StringIO()
    with chdir(_FOLDER.name), redirect_stdout(out), redirect_stderr(err):
        try:
            failed = command_line(rest, standalone_mode=False)
        except SystemExit as end:
            failed = end.code
    if failed:
        raise ExtensionError(f"{line!r} failed: {err.getvalue()}")
    return "\n".join(printed.rstrip() for printed in out.getvalue().splitlines())


class Commands(SphinxDirective):
    """Shows commands, a line each, and below each what it prints: they are run."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """One block for all."""
        text = "\n".join(f"$ {line}\n{run(line)}" for line in self.content)
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
