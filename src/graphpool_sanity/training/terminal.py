"""Words for terminals, and files, whose encoding lacks some of our characters."""

import codecs
import sys
from io import TextIOWrapper

_INSTEAD = {"−": "-", "–": "-", "→": "->", "…": "...", "±": "+/-", "×": "x", "λ": "lambda"}


def write_any_character() -> None:
    """Let stdout and stderr write what their encoding lacks in other characters, not fail."""
    codecs.register_error(__name__, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=__name__)


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start]
    if lacking in _INSTEAD:
        return _INSTEAD[lacking], error.start + 1
    error.end = error.start + 1
    return codecs.backslashreplace_errors(error)
