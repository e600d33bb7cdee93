"""Faults of use, told in one line on stderr with exit code 2, and what may have been meant."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import NoReturn


@contextmanager
def faults_in_one_line(options: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turn what a user can have caused into one line on stderr and exit code 2.

    Args:
        options: What arguments that are at fault are called on the command line.
    """
    try:
        yield
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        _exit(of_options(str(error), options or {}))


def named_alike(arguments: Iterable[str]) -> dict[str, str]:
    """The option of each argument, where they have one name.

    >>> named_alike(["batch_size"])
    {'batch_size': '--batch-size'}
    """
    return {name: f"--{name.replace('_', '-')}" for name in arguments}


def of_options(message: str, options: Mapping[str, str]) -> str:
    """A message that begins with an argument, which is given the name of its option.

    >>> of_options("n_jobs must be 1 or more, got 0", {"n_jobs": "--jobs"})
    '--jobs must be 1 or more, got 0'
    """
    argument, space, rest = message.partition(" ")
    return f"{options.get(argument, argument)}{space}{rest}"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are such a line, too."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, what may have been meant, and no more."""
        wrong = message.partition("unrecognized arguments: ")[2].split()
        _exit(message + (nearest(wrong[0], self._option_string_actions) if wrong else ""))


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
    close = closest(name, known)
    return f"; did you mean {close!r}?" if close else ""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The one of those known that is written most like a name, if any nearly is."""
    by_lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None
