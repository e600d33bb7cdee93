"""Faults of use, told in one line on stderr with exit code 2, and what may have been meant."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NoReturn


@contextmanager
def faults_in_one_line() -> Iterator[None]:
    """Turn what a user can have caused into one line on stderr and exit code 2."""
    try:
        yield
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        _exit(str(error))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are such a line, too."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and no more."""
        _exit(message)


def positive(text: str) -> int:
    """An int of 1 or more, as the type of an argument."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {number}")
    return number


def _exit(message: str) -> NoReturn:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    raise SystemExit(2) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'NCI1'?"``, if one of those known is written nearly so.

    >>> nearest("NCI-1", ["NCI1", "PROTEINS"]), nearest("x", ["NCI1"])
    ("; did you mean 'NCI1'?", '')
    """
    by_lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""
