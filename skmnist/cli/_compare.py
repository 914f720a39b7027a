"""`skmnist compare`: train both networks, show what became of each, and recommend one."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from skmnist._networks import NETWORKS, compare_results, find_max_value, train_network
from skmnist._progress import EpochLog, speak, spinner
from skmnist.cli._errors import INTERRUPTED, CommandError, tell_error
from skmnist.cli._outputs import write_file, write_results
from skmnist.cli._screen import Screen
from skmnist.comparison import ModelComparison, ModelResult
from skmnist.diagnosis._estimator import was_interrupted
from skmnist.neural_network._tensorflow import load_training
from skmnist.text import Catalogue


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
    """Train, show, compare and write; what was finished before an error or Ctrl-C as well.

    `command` repeats the run, for the page. Returned is the exit status.
    """
    screen = Screen(say)
    max_value = find_max_value(digits)
    screen.show_data(digits, name, max_value)
    results: list[ModelResult] = []
    status = 0
    try:
        for result in train(screen, digits, max_value, settings):
            results.append(result)
            screen.show_result(result)
            if was_interrupted(result.estimator):
                raise KeyboardInterrupt
        comparison = compare_results(results, digits)
    except KeyboardInterrupt:
        print(say("cli.interrupted" if results else "cli.interrupted_early"), file=sys.stderr)
        status = INTERRUPTED
    except CommandError as error:
        tell_error(say, str(error))
        status = error.status
    if not results:
        return status
    if status:
        comparison = ModelComparison(results, X_test=digits.X_test, y_test=digits.y_test)
        # of what was cut short nothing is claimed
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


def train(
    screen: Screen, digits: Any, max_value: float, settings: dict[str, Any]
) -> Iterator[ModelResult]:
    """Train both networks, and evaluate each when it is trained."""
    if settings["epochs"]:
        with spinner(screen.say("cli.loading")):
            load_training()
    for name in NETWORKS:
        screen.show_title("cli.training_title", name=name)
        with speak(screen.say.language), EpochLog(name) as log:
            try:
                result = train_network(name, digits, max_value, settings, log)
            except ValueError as error:
                raise CommandError(f"{name}: {error}") from error
        yield result
