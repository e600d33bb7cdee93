"""What is written where the encoding lacks some characters."""

import sys
from io import BytesIO, TextIOWrapper

import pytest

from graphpool_sanity.training.terminal import write_any_character


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "±1.1 → 0.9 − … λ ł"),
        ("cp437", "±1.1 -> 0.9 - ... lambda \\u0142"),
        ("latin-1", "±1.1 -> 0.9 - ... lambda \\u0142"),
        ("ascii", "+/-1.1 -> 0.9 - ... lambda \\u0142"),
    ],
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_no_character_fails(encoding, written, stream, monkeypatch):
    buffer = BytesIO()
    monkeypatch.setattr(sys, stream, TextIOWrapper(buffer, encoding=encoding, write_through=True))
    write_any_character()
    getattr(sys, stream).write("±1.1 → 0.9 − … λ ł")
    assert buffer.getvalue().decode(encoding) == written
