"""`skmnist tune`: search for good hyperparameters, and train a network with the best ones."""

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from skmnist._networks import MODELS, make_network
from skmnist.cli._outputs import (
    INTERRUPTED,
    CommandError,
    OptionError,
    print_interrupt,
    print_warnings,
    write_file,
    write_results,
)
from skmnist.cli._screen import Screen
from skmnist.comparison import ModelResult, evaluate_model
from skmnist.model_selection import (
    OptunaSearchCV,
    StorageError,
    TrialSummary,
    get_search_space,
    rate_parameters,
    summarize_trials,
)
from skmnist.persistence import save_model
from skmnist.text import Catalogue, use_language

PREFIX = "network__"  # of parameters in the Pipeline
FEW_TRIALS = 50  # with fewer, the command recommends continuing the search


@dataclass(frozen=True)
class Plan:
    """Options of the command line."""

    model: str
    n_trials: int
    timeout: float | None
    storage: str | None
    n_folds: int
    n_jobs: int
    epochs: int
    seed: int


def tune_network(
    say: Catalogue,
    digits: Any,
    name: str,
    plan: Plan,
    *,
    save_path: Path | None,
    json_path: Path | None,
) -> int:
    """Search, evaluate and save the best network, show the results, and return the exit status."""
    screen = Screen(say)
    screen.show_data(digits, name)
    screen.show_title("cli.search_title", name=MODELS[plan.model])
    screen.say_line(
        "cli.search_plan", n_trials=plan.n_trials, n_folds=plan.n_folds, epochs=plan.epochs
    )
    print(say("cli.loading"), file=sys.stderr, flush=True)
    search = _make_search(plan, digits.max_value)
    try:
        # the table of trials contains all other warnings
        with use_language(say.language), print_warnings("The journal "):
            search.fit(digits.X_train, digits.y_train)
    except KeyboardInterrupt:
        return _show_interrupted(screen, plan, search)
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        option_error = _as_option_error(error)
        started = isinstance(error, StorageError) and hasattr(search, "study_")
        if option_error is None or started:  # a storage that fails later is not a usage error
            raise CommandError(str(option_error or error)) from error
        raise option_error from error
    if search.best_estimator_[-1].stop_reason_ == "interrupted":  # during the refit
        return _show_interrupted(screen, plan, search)
    failed = False
    if save_path is not None:
        notes = {
            "data": name,
            "network": MODELS[plan.model],
            "n_trials": search.n_trials_,
            "n_test": len(digits.y_test),
            "test_accuracy": search.score(digits.X_test, digits.y_test),
        }
        if not write_file(
            say, save_path, partial(save_model, search.best_estimator_, save_path, notes=notes)
        ):
            save_path, failed = None, True
    try:
        trials = _summarize(search)
        shares = rate_parameters(search, seed=plan.seed)
    except StorageError as error:
        raise CommandError(str(_as_option_error(error))) from error
    number = int(search.cv_results_["trial_number"][search.best_index_])
    screen.show_best(_short(search.best_params_), number, search.best_score_)
    screen.show_trials(trials)
    screen.show_importances(_short(shares), sum(trial.state == "COMPLETE" for trial in trials))
    screen.show_folds([found for found in search.best_diagnoses_ if found is not None])
    result = evaluate_model(
        search.best_estimator_,
        digits.X_test,
        digits.y_test,
        X=digits.X_train,
        y=digits.y_train,
        name=MODELS[plan.model],
        fit_time=search.best_estimator_[-1].fit_time_,
    )
    screen.show_refit(result)
    screen.show_analysis(result)
    if json_path is not None:
        settings = {**vars(plan), "random_state": plan.seed}
        del settings["seed"], settings["storage"]  # a URL may hold a password
        found = _collect(search, trials, shares, result)
        if not write_file(
            say,
            json_path,
            partial(write_results, json_path, "skmnist.tune/1", digits, name, settings, found),
        ):
            json_path, failed = None, True
    _show_end(screen, plan, result, len(trials), save_path, json_path)
    screen.finish()
    return int(failed)


def _as_option_error(error: Exception) -> OptionError | None:
    """Convert an error about the parameter `storage` to one about ``--storage``, or return None."""
    parameter, equals, rest = str(error).partition("=")
    return OptionError("--storage", "", rest) if parameter == "storage" and equals else None


def _make_search(plan: Plan, max_value: float) -> OptunaSearchCV:
    return OptunaSearchCV(
        make_network(MODELS[plan.model], max_value, epochs=plan.epochs, random_state=plan.seed),
        get_search_space(plan.model, prefix=PREFIX, images=True),
        n_trials=plan.n_trials,
        timeout=plan.timeout,
        cv=StratifiedKFold(plan.n_folds, shuffle=True, random_state=plan.seed),
        scoring="accuracy",
        n_jobs=plan.n_jobs,
        storage=plan.storage,
        random_state=plan.seed,
        verbose=1,
    )


def _short(params: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(PREFIX): value for name, value in params.items()}


def _summarize(search: OptunaSearchCV) -> list[TrialSummary]:
    return [replace(trial, params=_short(trial.params)) for trial in summarize_trials(search)]


def _show_interrupted(screen: Screen, plan: Plan, search: OptunaSearchCV) -> int:
    trials = _summarize(search) if hasattr(search, "study_") else []
    if trials:
        screen.show_trials(trials)
    message = screen.say("cli.interrupted" if trials else "cli.interrupted_no_trial")
    if plan.storage is not None:
        message += " " + screen.say("cli.goes_on")
    print_interrupt(message)
    return INTERRUPTED


def _show_end(
    screen: Screen,
    plan: Plan,
    result: ModelResult,
    n_trials: int,
    save_path: Path | None,
    json_path: Path | None,
) -> None:
    """Show the files that were written, and recommend the next step."""
    if json_path is not None:
        screen.say_line("cli.written", file=json_path)
    if save_path is not None:
        screen.say_line("cli.saved", file=save_path)
    else:
        screen.say_line("cli.save_hint")
    label = None if result.diagnosis is None else result.diagnosis.label
    if label == "underfitting":
        screen.say_line("cli.next_underfitting", epochs=2 * plan.epochs)
    elif n_trials < FEW_TRIALS:
        # after a timeout, fewer trials have been run than requested
        n_trials = max(FEW_TRIALS, plan.n_trials)
        if plan.storage is None:
            screen.say_line("cli.next_more", n_trials=n_trials)
        else:
            written = save_path is not None or json_path is not None
            options = f"--n-trials {n_trials}" + " --force" * written
            screen.say_line("cli.next_more_stored", options=options)
    elif label == "overfitting":
        screen.say_line("cli.next_overfitting")
    else:
        screen.say_line("cli.next_compare")


def _collect(
    search: OptunaSearchCV,
    trials: list[TrialSummary],
    shares: dict[str, float],
    result: ModelResult,
) -> dict[str, Any]:
    """Return the results as plain values, for JSON."""
    return {
        "best_params": {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in _short(search.best_params_).items()
        },
        "best_score": float(search.best_score_),
        "refit_epochs": search.refit_epochs_,
        "trials": [vars(trial) for trial in trials],
        "importances": _short(shares),
        "folds": [found.to_dict() for found in search.best_diagnoses_ if found is not None],
        "model": result.to_dict(),
    }
