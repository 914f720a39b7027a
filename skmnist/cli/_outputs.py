"""Error messages on standard error, and the files that commands write."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skmnist import __version__
from skmnist._files import write_whole
from skmnist.text import Catalogue, make_printable

INTERRUPTED = 130  # exit status that shells report after Ctrl-C


# --- error messages


class CommandError(Exception):
    """A command failed."""

    status = 1


class OptionError(CommandError):
    """An option has an invalid value."""

    status = 2

    def __init__(self, option: str, value: Any, rule: str) -> None:
        super().__init__(f"{f'{option} {value}'.rstrip()}: {rule}")


def print_error(say: Catalogue, message: str) -> None:
    """Print an error message in one line."""
    line = say("cli.error", message=message)
    print(make_printable(" ".join(line.split())), file=sys.stderr)


def print_warning(message: str) -> None:
    """Print a warning in one line."""
    print(make_printable(" ".join(message.split())), file=sys.stderr)


def print_interrupt(text: str) -> None:
    """Print a message after Ctrl-C, starting on a new line."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(file=sys.stderr)  # the terminal has printed ^C without a line break
    print(text, file=sys.stderr)


@contextmanager
def print_warnings(start: str = "") -> Iterator[None]:
    """Print warnings that begin with `start`, without the line of code; drop all others."""
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        yield
    for warning in recorded:
        if str(warning.message).startswith(start):
            print(make_printable(str(warning.message)), file=sys.stderr)


# --- files


def check_outputs(
    say: Catalogue,
    outputs: Mapping[str, Path | None],
    data: str,
    *,
    force: bool,
    given: Mapping[Path, str] | None = None,
) -> None:
    """Raise, before the work begins, if an output file cannot be written.

    Parameters
    ----------
    say : Catalogue
    outputs : dict of str to Path or None
        The output files by option.
    data : str
        The data set, which must not be overwritten.
    force : bool
        Whether existing files are overwritten.
    given : dict of Path to str, default=None
        Other files, which must not be overwritten, and their options.

    Raises
    ------
    OptionError
        If a file cannot be written, already exists (without `force`), is the data set or is given
        twice.
    """
    known = dict(given or {})
    for option, path in outputs.items():
        if path is None:
            continue
        other = known.setdefault(path.resolve(), option)
        if other != option:
            raise OptionError(option, path, say("cli.rule.file_twice", other=other))
        if path.is_dir():
            raise OptionError(option, path, say("cli.rule.file_is_folder"))
        if path.exists() and os.path.exists(data) and path.samefile(data):
            raise OptionError(option, path, say("cli.rule.file_is_data"))
        if path.is_file() and not force:
            raise OptionError(option, path, say("cli.rule.file_exists"))
        folder = path.resolve().parent  # after following links
        if not folder.is_dir():
            raise OptionError(option, path, say("cli.rule.no_folder", folder=folder))
        if not os.access(folder, os.W_OK):
            raise OptionError(option, path, say("cli.rule.locked_folder", folder=folder))


def write_file(say: Catalogue, path: Path, write: Callable[[], object]) -> bool:
    """Write a file; if that fails, print an error and return False."""
    try:
        write()
    except OSError as error:
        problem = error.strerror or str(error)
        print_error(say, say("cli.failed_file", file=path, problem=problem))
        return False
    return True


def write_results(
    path: Path,
    schema: str,
    digits: Any,
    name: str,
    settings: Mapping[str, Any],
    found: Mapping[str, Any],
) -> None:
    """Write the results of a command as JSON."""
    document = {
        "schema": schema,
        "skmnist": __version__,
        "data": {"name": name, "n_train": len(digits.y_train), "n_test": len(digits.y_test)},
        "settings": settings,
        **found,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")
