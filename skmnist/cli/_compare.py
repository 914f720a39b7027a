"""`skmnist compare`: train both networks, show their results, and recommend one."""

import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from skmnist._networks import NETWORKS, make_network, make_reader
from skmnist.cli._outputs import (
    INTERRUPTED,
    CommandError,
    print_error,
    print_interrupt,
    write_file,
    write_results,
)
from skmnist.cli._screen import Screen
from skmnist.comparison import ModelComparison, ModelResult, TrainingEvent, compare_models
from skmnist.persistence import save_model
from skmnist.reading import DigitReader
from skmnist.text import Catalogue, use_language


def compare_networks(
    say: Catalogue,
    digits: Any,
    name: str,
    settings: dict[str, Any],
    *,
    elsewhere: dict[str, Any],
    command: str,
    allowed_error: float,
    max_error: float | None,
    n_starts: int,
    save_path: Path | None,
    json_path: Path | None,
    report_path: Path | None,
) -> int:
    """Train and compare both networks, show and write the results, and return the exit status.

    `elsewhere` contains further data sets for `compare_models`. The saved reader is calibrated to
    `max_error`; None uses the default of the reader.

    After an error or Ctrl-C, the results of finished networks, and of one that was stopped during
    its training, are still shown and written. If both networks are finished, so are the results of
    their complete starts. The report shows `command` as the command that repeats the run.
    """
    screen = Screen(say)
    screen.show_data(digits, name)
    networks = {key: make_network(key, digits.max_value, **settings) for key in NETWORKS}
    begun: list[str] = []
    results: list[ModelResult] = []

    def show(event: TrainingEvent) -> None:
        if event.stage == "begin":
            begun.append(event.model)
            if not event.start:
                screen.show_title("cli.training_title", name=event.model)
            elif event.n_done == len(networks):
                screen.show_title("cli.starts_title", n_starts=n_starts)
        elif event.result is not None:
            results.append(event.result)
            screen.show_result(event.result)

    untrained = settings.get("epochs") == 0
    if not untrained:
        print(say("cli.loading"), file=sys.stderr, flush=True)
    comparison, status = None, 0
    try:
        with use_language(say.language), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the results contain them in the user's language
            comparison = compare_models(
                networks,
                digits.X_train,
                digits.y_train,
                X_test=digits.X_test,
                y_test=digits.y_test,
                n_repeats=1 if untrained else n_starts,
                short_repeats=True,
                elsewhere=elsewhere,
                allowed_error=allowed_error,
                random_state=settings["random_state"],
                callbacks=show,
                verbose=1,
            )
        if len(comparison.results) < len(networks):
            comparison = None
            raise KeyboardInterrupt
        if any(c.code == "interrupted_starts" for c in comparison.recommendation.cautions):
            print_interrupt(say("cli.interrupted_starts"))
            status = INTERRUPTED
    except KeyboardInterrupt:
        print_interrupt(say("cli.interrupted" if results else "cli.interrupted_early"))
        status = INTERRUPTED
    except ValueError as error:
        print_error(say, f"{begun[-1]}: {error}" if begun else str(error))
        status = CommandError.status
    if not results:
        return status
    complete = comparison is not None
    if comparison is None:
        comparison = ModelComparison(
            results, X_test=digits.X_test, y_test=digits.y_test, allowed_error=allowed_error
        )
        # no recommendation after an incomplete run
        found = comparison.to_dict() | {"tests": [], "recommendation": None}
    else:
        found = comparison.to_dict()
        screen.show_comparison(comparison)
    reader = None
    if save_path is not None and not complete:
        print(say("cli.not_saved", file=save_path), file=sys.stderr)
    if save_path is not None and complete:
        print(say("cli.preparing_reader"), file=sys.stderr, flush=True)
        try:
            reader = make_reader(comparison, digits, name, command, max_error=max_error)
        except ValueError as error:
            print_error(say, f"--save: {error}")
        else:
            show_promise(screen, reader, own_error=max_error is None)
    written: list[Path] = []
    files = {
        save_path if reader is not None else None: (
            "cli.reader_saved",
            lambda path: save_model(reader, path),
        ),
        json_path: (
            "cli.written",
            lambda path: write_results(
                path, "skmnist.compare/1", digits, name, {**settings, "starts": n_starts}, found
            ),
        ),
        report_path: (
            "cli.report_written",
            lambda path: comparison.to_html(
                path,
                overwrite=True,
                language=say.language,
                data=name,
                command=command,
                model_path=save_path if save_path in written else None,
                max_error=reader.max_error if reader is not None else None,
                training_data=(digits.X_train, digits.y_train),
                interrupted=not complete,
            ),
        ),
    }
    failed = save_path is not None and reader is None
    for path, (key, write) in files.items():
        if path is None:
            continue
        if write_file(say, path, partial(write, path)):
            written.append(path)
            screen.say_line(key, file=path)
        else:
            failed = True
    screen.finish()
    return status or int(failed)


def show_promise(screen: Screen, reader: DigitReader, *, own_error: bool) -> None:
    """Show the guarantee of the reader, and how many test images it leaves out.

    `own_error` says whether the reader has its default error rate.
    """
    screen.show_title("cli.reader_title")
    promise = reader.promise()
    for sentence in promise.sentences(screen.say.language):
        screen.show_text(sentence)
    n_test, n_rows = len(reader.calibration_["correct"]), promise.selection.n_rows
    if n_rows < n_test:
        screen.say_line("cli.reader_left_out", n_test=n_test, n_left_out=n_test - n_rows)
    if own_error:
        screen.say_line("cli.reader_own_error", max_error=promise.max_error)
