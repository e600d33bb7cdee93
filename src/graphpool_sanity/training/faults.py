"""Faults of use on a command line: one line on stderr, and exit code 2."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
