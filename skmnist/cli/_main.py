"""From the words behind ``skmnist`` to an exit status: whatever happens is told in a line."""

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
from skmnist.cli._errors import INTERRUPTED, CommandError, OptionError, tell_error, tell_interrupt
from skmnist.cli._options import choice_rule
from skmnist.text import get_catalogue, get_languages, guess_language

WIDTHS = range(20, 1001)  # columns that text can be laid out in

# Not public by name: click's class in older versions of typer, typer's own copy in newer ones.
_UsageError: Any = typer.BadParameter.__base__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, default=None
        What stands behind ``skmnist``; None takes them from the process.

    Returns
    -------
    status : int
        0 done, 1 a run that failed, 2 wrong usage, 130 interrupted, 143 ended by SIGTERM, 129 by
        SIGHUP.
    """
    with _interrupted_by_signals() as received:
        status = _run(arguments)
    return 128 + received[0] if received and status == INTERRUPTED else status


def _run(arguments: Sequence[str] | None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file under Windows knows no arrow, say
            stream.reconfigure(errors="replace")
    _mend_environment()
    say = get_catalogue(guess_language())
    try:
        say = get_catalogue(_find_language(arguments))
        status = int(make_app(say)(arguments, prog_name="skmnist", standalone_mode=False) or 0)
        if sys.stdout is not None:  # it is None where the caller closed it
            sys.stdout.flush()
    except CommandError as error:
        tell_error(say, str(error))
        status = error.status
    except _UsageError as error:
        tell_error(say, error.format_message())
        status = OptionError.status
    except (KeyboardInterrupt, typer.Abort):
        tell_interrupt(say("cli.interrupted_early"))
        status = INTERRUPTED
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # the reader, `head` perhaps, has seen enough
            tell_error(say, say("cli.failed_output", problem=error.strerror or error))
        status = CommandError.status
    _give_up_unwritable_output()
    return status


@contextmanager
def _interrupted_by_signals() -> Iterator[list[int]]:
    """Let other ways to end a program do what Ctrl-C does; yield the signals that came."""
    received: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_IGN)  # a second one must not disturb what is being kept
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            handler(signal.SIGINT, frame)
        raise KeyboardInterrupt  # a shell lets its background jobs ignore SIGINT

    before: list[tuple[int, Any]] = []
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):  # the second is not on Windows
            number = getattr(signal, name, None)
            # what somebody handles or, as nohup does, ignores stays so
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                before.append((number, signal.signal(number, interrupt)))
    try:
        yield received
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _mend_environment() -> None:
    """Ignore variables of the user that would break what is printed and drawn."""
    for name in ("COLUMNS", "TERMINAL_WIDTH"):  # rich reads the first, typer the second
        width = os.environ.get(name, "")
        if width and not (width.isdecimal() and int(width) in WIDTHS):
            del os.environ[name]  # nothing at all is printed in 0 columns
    os.environ["MPLBACKEND"] = "agg"  # pictures go to files; one for windows may not be installed


def _find_language(arguments: list[str]) -> str:
    """Find --lang before anything is parsed: the help, too, is in that language."""
    for at, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang" and (equals or at + 1 < len(arguments)):
            language = value if equals else arguments[at + 1]
            if language not in get_languages():
                say = get_catalogue(guess_language())
                raise OptionError("--lang", language, choice_rule(say, language, get_languages()))
            return language
    return guess_language()


def _give_up_unwritable_output() -> None:
    """Write out what standard output holds; where that fails, see that it is not tried again."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
