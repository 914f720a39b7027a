"""Run a command, and turn errors into messages and exit codes."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from skmnist.cli._commands import make_app
from skmnist.cli._options import choice_rule
from skmnist.cli._outputs import (
    INTERRUPTED,
    CommandError,
    OptionError,
    print_error,
    print_interrupt,
)
from skmnist.text import get_catalogue, get_languages, guess_language

WIDTHS = range(20, 1001)  # valid widths of a terminal, in columns

# Private in typer: click's class in old releases, and a copy of it in new ones
_UsageError: Any = typer.BadParameter.__base__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, default=None
        Arguments after ``skmnist``; None uses ``sys.argv``.

    Returns
    -------
    status : int
        0 for success, 1 for a failed run, 2 for invalid arguments, 130 after Ctrl-C, 143 after
        SIGTERM and 129 after SIGHUP.
    """
    with _interrupted_by_signals() as received:
        status = _run(arguments)
    return 128 + received[0] if received and status == INTERRUPTED else status


def _run(arguments: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # Windows code pages lack many characters
            stream.reconfigure(errors="replace")
    _fix_environment()
    say = get_catalogue(guess_language())
    try:
        say = get_catalogue(_find_language(arguments))
        status = int(make_app(say)(arguments, prog_name="skmnist", standalone_mode=False) or 0)
        if sys.stdout is not None:  # None if the caller has closed it
            sys.stdout.flush()
    except CommandError as error:
        print_error(say, str(error))
        status = error.status
    except _UsageError as error:
        print_error(say, error.format_message())
        status = OptionError.status
    except (KeyboardInterrupt, typer.Abort):
        print_interrupt(say("cli.interrupted_early"))
        status = INTERRUPTED
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # normal in a pipe, such as to `head`
            print_error(say, say("cli.failed_output", problem=error.strerror or error))
        status = CommandError.status
    _flush_output()
    return status


@contextmanager
def _interrupted_by_signals() -> Iterator[list[int]]:
    """Handle SIGTERM and SIGHUP like Ctrl-C; yield a list of the received signals."""
    received: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt writing results
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, frame)
        raise KeyboardInterrupt  # background jobs of a shell ignore SIGINT

    before: list[tuple[int, Any]] = []
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
            number = getattr(signal, name, None)
            # keep other handlers, and signals ignored by nohup
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                before.append((number, signal.signal(number, interrupt)))
    try:
        yield received
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _fix_environment() -> None:
    """Override environment variables that would break the output."""
    for name in ("COLUMNS", "TERMINAL_WIDTH"):  # rich reads the first, typer the second
        width = os.environ.get(name, "")
        if width and not (width.isdecimal() and int(width) in WIDTHS):
            del os.environ[name]
    os.environ["MPLBACKEND"] = "agg"  # pictures are only saved; other backends may be missing


def _find_language(arguments: list[str]) -> str:
    """Return the language from --lang or the system; help texts need it before parsing."""
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang" and (equals or at + 1 < len(arguments)):
            language = value if equals else arguments[at + 1]
            if language not in get_languages():
                say = get_catalogue(guess_language())
                raise OptionError("--lang", language, choice_rule(say, language, get_languages()))
            return language
    return guess_language()


def _flush_output() -> None:
    """Flush standard output; if that fails, prevent Python from trying again at exit."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
