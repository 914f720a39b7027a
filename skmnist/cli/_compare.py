"""`skmnist compare`: train both networks, show the results of each, and recommend one."""

import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

from skmnist._networks import NETWORKS, make_network
from skmnist.cli._errors import INTERRUPTED, CommandError, tell_error, tell_interrupt
from skmnist.cli._outputs import write_file, write_results
from skmnist.cli._screen import Screen
from skmnist.comparison import ModelComparison, ModelResult, TrainingEvent, compare_models
from skmnist.text import Catalogue, use_language


def compare_networks(
    say: Catalogue,
    digits: Any,
    name: str,
    settings: dict[str, Any],
    *,
    command: str,
    json_path: Path | None,
    report_path: Path | None,
) -> int:
    """Train, show, compare and write, and return the exit status.

    After an error or Ctrl-C, the results of the networks that were trained are shown and written.
    `command` is the command that repeats the run, for the page.
    """
    screen = Screen(say)
    screen.show_data(digits, name)
    networks = {key: make_network(key, digits.max_value, **settings) for key in NETWORKS}
    begun: list[str] = []
    results: list[ModelResult] = []

    def show(event: TrainingEvent) -> None:
        if event.stage == "begin":
            begun.append(event.model)
            screen.show_title("cli.training_title", name=event.model)
        elif event.result is not None:
            results.append(event.result)
            screen.show_result(event.result)

    if settings["epochs"]:
        print(say("cli.loading"), file=sys.stderr, flush=True)
    comparison, status = None, 0
    try:
        with use_language(say.language), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the results say the same in the reader's language
            comparison = compare_models(
                networks,
                digits.X_train,
                digits.y_train,
                X_test=digits.X_test,
                y_test=digits.y_test,
                callbacks=show,
                verbose=1,
            )
        if len(comparison.results) < len(networks):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        tell_interrupt(say("cli.interrupted" if results else "cli.interrupted_early"))
        status = INTERRUPTED
    except ValueError as error:
        tell_error(say, f"{begun[-1]}: {error}" if begun else str(error))
        status = CommandError.status
    if not results:
        return status
    if comparison is None or status:
        comparison = ModelComparison(results, X_test=digits.X_test, y_test=digits.y_test)
        # an incomplete run claims nothing
        found = comparison.to_dict() | {"tests": [], "recommendation": None}
    else:
        found = comparison.to_dict()
        screen.show_comparison(comparison)
    files = {
        json_path: (
            "cli.written",
            lambda path: write_results(path, "skmnist.compare/1", digits, name, settings, found),
        ),
        report_path: (
            "cli.report_written",
            lambda path: comparison.to_html(
                path,
                overwrite=True,
                language=say.language,
                data=name,
                command=command,
                training_data=(digits.X_train, digits.y_train),
                interrupted=bool(status),
            ),
        ),
    }
    failed = False
    for path, (key, write) in files.items():
        if path is None:
            continue
        if write_file(say, path, partial(write, path)):
            screen.say_line(key, file=path)
        else:
            failed = True
    screen.finish()
    return status or int(failed)
