"""`skmnist read`: read digits from scans and photos."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import cpu_count
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from threadpoolctl import threadpool_limits

from skmnist._files import write_whole
from skmnist.cli._outputs import (
    INTERRUPTED,
    CommandError,
    OptionError,
    print_error,
    print_interrupt,
    print_warning,
    print_warnings,
    write_file,
)
from skmnist.cli._screen import Screen
from skmnist.persistence import ModelFileError
from skmnist.reading import (
    DigitReader,
    FileReading,
    Form,
    FormError,
    find_files,
    join_fields,
    load_reader,
    make_review,
    read_files,
)
from skmnist.text import Catalogue, use_language

# Images, documents and archives that are not read. Nobody expects other files to be read.
OTHER_ENDINGS = (
    *(".gif", ".webp", ".heic", ".heif", ".avif", ".jp2", ".svg", ".dng"),
    *(".doc", ".docx", ".odt", ".rtf", ".xls", ".xlsx", ".ods", ".ppt", ".pptx", ".odp"),
    *(".zip", ".7z", ".rar", ".tar", ".gz"),
)
PER_PROCESS = 25  # files; with fewer, starting a process takes longer than it saves


def read_digits(
    say: Catalogue,
    paths: Sequence[Path],
    *,
    model: Path | None,
    form: Path | None,
    n_digits: int | None,
    max_error: float | None,
    csv_path: Path | None,
    review_path: Path | None,
) -> int:
    """Read files, show and write the fields, and return the exit status."""
    described = _load_form(say, form)
    reader = _load_reader(say, model)
    if n_digits is not None:
        reader.n_digits = n_digits
        if described is not None:
            print_warning(say("cli.digits_of_form", n=n_digits))
    if max_error is not None:
        reader.max_error = max_error
    files = _find_files(say, paths)
    screen = Screen(say)
    readings: list[FileReading] = []
    status = 0
    try:
        with use_language(say.language):
            _read(say, files, reader, described, readings)
    except KeyboardInterrupt:
        print_interrupt(say("cli.read_interrupted"))
        status = INTERRUPTED
    except RuntimeError:  # a process was killed
        n_left = len(files) - len(readings)
        print_error(say, say("cli.read_killed", n=len(readings), n_left=n_left))
        status = 1
    with use_language(say.language):
        fields = join_fields(readings)
    if any(reading.problem is None or len(reading.places) for reading in readings):
        screen.show_fields(fields)
    _show_promise(screen, reader, readings)
    _show_others(screen, paths)
    written: dict[Path | None, tuple[str, Callable[[], str]]] = {
        csv_path: ("cli.csv_written", lambda: fields.to_csv(index=False, float_format="%.4f")),
        review_path: ("cli.review_written", lambda: make_review(readings, say.language)),
    }
    failed = bool((fields["outcome"] == "failed").any())
    for path, (key, make) in written.items():
        if path is None:
            continue
        if write_file(say, path, partial(write_whole, path, make())):
            screen.say_line(key, file=path)
        else:
            failed = True
    screen.finish()
    return status or int(failed)


def _load_form(say: Catalogue, path: Path | None) -> Form | None:
    try:
        return None if path is None else Form.load(path)
    except FormError as error:
        raise OptionError("--form", "", error.sentence(say.language)) from None


def _load_reader(say: Catalogue, path: Path | None) -> DigitReader:
    try:
        with use_language(say.language), print_warnings():
            return load_reader(path)
    except ModelFileError as error:
        problem = error.sentence(say.language)
        if error.key != "no_reader":  # which says the same
            problem = say("cli.read_model_failed", problem=problem)
        raise OptionError("--model", "", problem) from None
    except OSError as error:
        name = "" if path is None else path
        raise OptionError("--model", name, error.strerror or str(error)) from None


def _find_files(say: Catalogue, paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        if not path.exists():
            raise CommandError(say("cli.rule.no_file", file=path))
        files = find_files([path])
        if not files:
            raise CommandError(say("cli.rule.no_files", file=path))
        found += files
    return find_files(found)  # each once


def _read(
    say: Catalogue,
    files: list[Path],
    reader: DigitReader,
    form: Form | None,
    readings: list[FileReading],
) -> None:
    """Read the files and append the results to `readings`, so that they are kept after Ctrl-C."""
    columns: tuple[Any, ...] = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    # the matrix products for one page are so small that threads would only wait for each other
    with (
        threadpool_limits(1, user_api="blas"),
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task(say("cli.reading_bar"), total=len(files))
        n_jobs = max(1, min(cpu_count(), len(files) // PER_PROCESS))
        for reading in read_files(files, reader, form=form, n_jobs=n_jobs):
            readings.append(reading)
            bar.advance(task)
            if reading.problem is not None:
                message = reading.problem.removeprefix(f"{reading.file}: ")
                print_error(say, say("cli.read_failed", file=reading.file, problem=message))
            turned = reading.places["reason"] == say("reading.reason.turned")
            for page in reading.places.loc[turned, "image"].unique():
                print_warning(say("cli.page_turned", file=reading.file, page=int(page) + 1))


def _show_promise(screen: Screen, reader: DigitReader, readings: list[FileReading]) -> None:
    places = [reading.places for reading in readings if len(reading.places)]
    if not places:
        return
    if reader.check_shift(pd.concat(places)):
        screen.say_line("reading.promise.void")
        return
    for sentence in reader.promise().sentences(screen.say.language):
        screen.show_text(sentence)


def _show_others(screen: Screen, paths: Sequence[Path]) -> None:
    """Show how many images and documents of other types the folders contain."""
    others = find_files((path for path in paths if path.is_dir()), endings=OTHER_ENDINGS)
    if others:
        screen.say_line("cli.read_others", n=len(others), file=others[0].name)
