"""What goes wrong in a command, and how it is told: in a line on standard error."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skmnist.text import Catalogue, make_printable

INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C has ended


class CommandError(Exception):
    """A command that cannot do what was asked for."""

    status = 1


class OptionError(CommandError):
    """An option with a value that is not allowed."""

    status = 2

    def __init__(self, option: str, value: Any, rule: str) -> None:
        super().__init__(f"{f'{option} {value}'.rstrip()}: {rule}")


def tell_error(say: Catalogue, message: str) -> None:
    """Say in one line what is wrong."""
    line = say("cli.error", message=message)
    print(make_printable(" ".join(line.split())), file=sys.stderr)


def tell_interrupt(text: str) -> None:
    """Print what became of an interrupted run, on a line of its own."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(file=sys.stderr)  # the terminal has written ^C, and may have dropped a line break
    print(text, file=sys.stderr)


@contextmanager
def tell_warnings(start: str = "") -> Iterator[None]:
    """Print the warnings of the block that begin with `start`, without the line of code."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for warning in told:
        if str(warning.message).startswith(start):
            print(make_printable(str(warning.message)), file=sys.stderr)
