"""A search that learns from its trials, gives hopeless ones up, resumes and spreads."""

import copy
import time
from collections.abc import Mapping
from contextlib import closing
from numbers import Integral, Real
from statistics import mode
from typing import Any, Self

import joblib
import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, indexable

from skmnist._estimator import FitTasks, warn_caller, with_callbacks
from skmnist._validation import BaseSearchCV, Interval, StrOptions, _fit_context
from skmnist.model_selection._fingerprint import describe, describe_rows
from skmnist.model_selection._pruner import make_pruner
from skmnist.model_selection._results import diagnose_fold, make_results
from skmnist.model_selection._run import SearchRun
from skmnist.model_selection._sampler import SeededSampler
from skmnist.model_selection._space import Space
from skmnist.model_selection._storage import show_storage
from skmnist.model_selection._study import (
    Fingerprint,
    SharedStudy,
    error_of,
    finished_trials,
    folds_of,
)

# What says how a search is done and not what is searched.
_BESIDE_THE_POINT = ("callbacks", "memory", "n_jobs", "verbose")


class OptunaSearchCV(BaseSearchCV):
    """Search hyperparameters with Optuna, cross-validated; hopeless trials stop within epochs.

    Used as scikit-learn's own searches are. Each trial draws parameters where the trials before it
    were good, and is fitted on the folds in order. After every epoch of a step that offers
    callbacks per epoch (of other estimators after every fold) the pruner compares it with the
    trials before. With a `storage` a search that was stopped goes on where it was, and several
    processes share it.

    Parameters
    ----------
    estimator : estimator
        A classifier, a Pipeline, or any other estimator.
    param_distributions : dict of str to distribution or list, or callable
        By parameter name, nested as ``step__name``: distributions of Optuna or scipy, or lists of
        values; :func:`get_search_space` has ready ones. Or a function that takes an
        :class:`optuna.trial.Trial` and returns a dict of parameters, for spaces in which one
        parameter depends on another.
    n_trials : int, default=20
        Trials in all, over all resumes and all processes on one storage.
    timeout : float or None, default=None
        Seconds after which no trial is begun.
    cv : int, cross-validation generator, iterable or None, default=None
        As for GridSearchCV; None is 5 folds, stratified for classifiers.
    scoring : str, callable, list, tuple, dict or None, default=None
        As for GridSearchCV. Of several scores, `refit` names the one that is maximized, or the
        first one is.
    refit : bool, str or callable, default=True
        As for GridSearchCV. Of an estimator with `epochs`, the refit trains for as many as the
        folds of the best trial found best (their median), with ``patience=None``.
    n_jobs : int or None, default=None
        Trials at once; the folds of one run in order. None is 1 unless in a
        :func:`joblib.parallel_config` context, -1 as many as there are cores. Another backend of
        joblib's, Dask's for instance, is used where one is configured.
    pruner : {"median", "hyperband", "successive_halving"}, BasePruner or None, default="median"
        "median" gives up a trial that, after its first three epochs, is worse than the median of
        the best four that ran to their end, at the same epoch; the first two are not pruned. None
        prunes nothing.
    sampler : optuna.samplers.BaseSampler or None, default=None
        None is a TPE sampler whose draws depend on `random_state` and the trial's number. A sampler
        of your own is reseeded where the study has trials already.
    storage : path-like, str, optuna.storages.BaseStorage or None, default=None
        Where the study is kept: a path is an SQLite file, or an Optuna journal where it ends in
        ``.journal`` or ``.log``; a database URL, as ``postgresql://user:password@host/name``. None
        is memory.
    study_name : str or None, default=None
        None is derived from space, estimator, scoring, cv and data, so that the same search finds
        its own study again.
    return_train_score : bool, default=False
        Measure on the training rows as well.
    random_state : int, RandomState instance or None, default=None
        Seeds the draws; the estimator has a seed of its own.
    verbose : int, default=0
        1 shows a bar of the trials and the epochs of those that run.
    error_score : "raise" or float, default=np.nan
        Score of a fold that cannot be fitted. NaN makes the trial a failed one.
    study_callbacks : list of callable or None, default=None
        Called as ``callback(study, frozen_trial)`` after each trial, as Optuna's are; they may call
        ``study.stop()``.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        A row per trial, with scikit-learn's keys, `trial_number` and `trial_state` ("COMPLETE",
        "PRUNED", "FAIL"); pruned and failed trials have NaN for scores and times.
    best_estimator_, best_params_, best_score_, best_index_
        As of GridSearchCV.
    best_diagnoses_ : list of FitDiagnosis or None
        Of each fold of the best trial: training against the rows left out. None where the
        estimator keeps no training accuracy.
    refit_epochs_ : int or None
        Epochs that the refit was given; None where the estimator has none.
    study_ : optuna.Study
    n_splits_ : int
    n_trials_ : int
        Rows of `cv_results_`.
    multimetric_ : bool
    scorer_ : callable or dict
    refit_time_ : float
        Seconds.
    classes_, n_features_in_, feature_names_in_
        Of the best estimator.

    Raises
    ------
    ValueError
        Before the first fit: a name, a value or a distribution that is not possible; a storage that
        holds another search. Afterwards: every trial failed, or was pruned.
    RuntimeError
        The storage cannot be opened or written, or a worker process was killed.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import OptunaSearchCV, PixelNormalizer, SimpleNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = make_pipeline(
    ...     PixelNormalizer(max_value=16), SimpleNNClassifier(32, epochs=5, random_state=0)
    ... )
    >>> search = OptunaSearchCV(
    ...     pipeline, {"simplennclassifier__dropout": [0.0, 0.2]}, n_trials=2, cv=2,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> search.n_trials_, search.best_estimator_[-1].n_iter_ <= 5
    (2, True)
    """

    _parameter_constraints: dict[str, Any] = {
        "estimator": "no_validation",
        "param_distributions": [Mapping, callable],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "cv": ["cv_object"],
        "scoring": BaseSearchCV._parameter_constraints["scoring"],
        "refit": ["boolean", str, callable],
        "n_jobs": [Integral, None],
        "pruner": "no_validation",
        "sampler": [optuna.samplers.BaseSampler, None],
        "storage": "no_validation",
        "study_name": [str, None],
        "return_train_score": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "error_score": [StrOptions({"raise"}), Real],
        "study_callbacks": [list, tuple, None],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_trials: int = 20,
        timeout: float | None = None,
        cv: Any = None,
        scoring: Any = None,
        refit: Any = True,
        n_jobs: int | None = None,
        pruner: Any = "median",
        sampler: Any = None,
        storage: Any = None,
        study_name: str | None = None,
        return_train_score: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        error_score: Any = np.nan,
        study_callbacks: Any = None,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_trials = n_trials
        self.timeout = timeout
        self.pruner = pruner
        self.sampler = sampler
        self.storage = storage
        self.study_name = study_name
        self.random_state = random_state
        self.study_callbacks = study_callbacks

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return BaseSearchCV.__repr__(self._without_password(), N_CHAR_MAX)

    def _repr_html_inner(self) -> str:
        return BaseSearchCV._repr_html_inner(self._without_password())

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return BaseSearchCV._repr_mimebundle_(self._without_password(), **kwargs)

    def _without_password(self) -> Self:
        """Return what a notebook may show."""
        shown = copy.copy(self)
        if isinstance(self.storage, str):
            shown.storage = show_storage(self.storage)
        return shown

    @_fit_context(prefer_skip_nested_validation=False)
    @with_callbacks
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Run the search, or what is left of it, and refit the best.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Rows to choose on; keep the test set out of them.
        y : array-like of shape (n_samples,), default=None
            Their classes.
        **params : dict
            For the `fit` of the estimator, the scorer and the splitter, as for GridSearchCV:
            `sample_weight` is split with the rows and weighs the fit, the scores as well where
            metadata routing is on; `groups` goes to `cv`.

        Returns
        -------
        self : OptunaSearchCV
        """
        X, y = indexable(X, y)
        tasks = FitTasks(self, X, y, params.get("sample_weight"))
        routed = self._get_routed_params_for_fit(params)
        split_params, fit_params = routed.splitter.split, routed.estimator.fit
        space = Space(self.param_distributions, self.estimator)
        self._check_callbacks()
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, **split_params))
        if not splits:
            raise ValueError(f"cv={self.cv!r} yields no fold to fit.")
        self.n_splits_ = len(splits)
        if self.storage is not None and _draws_anew(cv):
            warn_caller(
                f"cv={cv} draws other folds at each call, so the study in storage= is not found "
                "again; pass a random_state to cv."
            )
        scorer, objective = self._scorers()
        self.scorer_ = scorer
        self.multimetric_ = isinstance(scorer, dict)
        # what only splits the rows has done so
        fold_params = {k: v for k, v in params.items() if k in fit_params or k not in split_params}
        shared = SharedStudy(
            self.storage,
            self.study_name,
            self._fingerprint(space, splits, X, y, params),
            n_trials=self.n_trials,
            sampler=self.sampler or SeededSampler(_seed(self.random_state)),
            pruner=make_pruner(self.pruner),
        )
        with closing(shared), shared.explain_failure("read"):
            self.study_ = shared.study
            SearchRun(self, shared, space, splits, objective, fold_params).go(X, y)
            self._conclude(shared, space, objective)
        if self.refit:
            self._refit(X, y, fit_params)
        tasks.end()
        return self

    def _check_callbacks(self) -> None:
        for callback in self.study_callbacks or ():
            if not callable(callback):
                raise TypeError(
                    f"study_callbacks={self.study_callbacks!r} must be functions of a study and a "
                    f"trial; {callback!r} cannot be called."
                )

    def _scorers(self) -> tuple[Any, str | None]:
        """Return the scorer, or all by name, and the name of the one that is maximized."""
        if callable(self.scoring):
            return self.scoring, self.refit if isinstance(self.refit, str) else None
        if self.scoring is None or isinstance(self.scoring, str):
            return check_scoring(self.estimator, self.scoring), "score"
        named = self.scoring
        if not isinstance(named, Mapping):
            names = list(self.scoring)
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                raise ValueError(
                    f"scoring={self.scoring!r} must name different scores; pass scorers as a dict, "
                    "{'name': scorer}."
                )
            named = dict(zip(names, names, strict=True))
        scorers = {name: check_scoring(self.estimator, scorer) for name, scorer in named.items()}
        if not scorers:
            raise ValueError(f"scoring={self.scoring!r} names no score.")
        self._check_refit(scorers)
        return scorers, self.refit if isinstance(self.refit, str) else next(iter(scorers))

    def _check_refit(self, scores: Mapping[str, Any]) -> None:
        if self.refit is False or callable(self.refit) or self.refit in scores:
            return
        raise ValueError(
            f"For multi-metric scoring, refit={self.refit!r} must name one of the scores "
            f"({', '.join(scores)}), be a callable that picks a row of cv_results_, or be False."
        )

    def _fingerprint(
        self, space: Space, splits: Any, X: Any, y: Any, params: Mapping[str, Any]
    ) -> Fingerprint:
        bare = clone(self.estimator)
        # the innermost first: an outer one may be a whole step
        for name in sorted(bare.get_params(), key=lambda name: -name.count("__")):
            if name in space or name.rpartition("__")[2] in _BESIDE_THE_POINT:
                bare.set_params(**{name: None})
        return Fingerprint(
            {
                "param_distributions": space.describe(),
                "estimator": describe(bare),
                "scoring": [
                    describe(self.scoring),
                    self.refit if isinstance(self.refit, str) else None,
                ],
                "cv": joblib.hash(splits),
                "X or y": [describe_rows(X), describe_rows(y), describe(dict(params))],
            }
        )

    def _conclude(self, shared: SharedStudy, space: Space, objective: str | None) -> None:
        """Turn the study into `cv_results_`, and choose the best."""
        trials = finished_trials(shared.study)
        folds = [folds_of(trial) for trial in trials]
        names = _score_names(folds)
        if callable(self.scoring):
            self.multimetric_ = names != ["score"]
            if self.multimetric_:
                self._check_refit(dict.fromkeys(names))
        self._tell_failed_trials(trials)
        self._tell_failed_folds(folds)
        self.cv_results_ = make_results(
            [trial.state.name for trial in trials],
            [trial.number for trial in trials],
            [space.recall(trial, shared.study) for trial in trials],
            folds,
            n_splits=self.n_splits_,
            metrics=names,
            return_train_score=self.return_train_score,
            error_score=np.nan if self.error_score == "raise" else self.error_score,
        )
        self.n_trials_ = len(trials)
        metric = "score" if not self.multimetric_ else objective
        if callable(self.refit):
            self.best_index_ = self._picked_row(self.refit(self.cv_results_))
        elif self.refit or not self.multimetric_:
            self.best_index_ = int(self.cv_results_[f"rank_test_{metric}"].argmin())
            self.best_score_ = float(self.cv_results_[f"mean_test_{metric}"][self.best_index_])
        else:
            return
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        best = folds[self.best_index_]
        self.best_diagnoses_ = [diagnose_fold(fold) for fold in best]
        self._best_epochs = [fold["best_epoch"] for fold in best if fold.get("best_epoch")]

    def _tell_failed_trials(self, trials: list[FrozenTrial]) -> None:
        """Say why trials failed; where none was completed there is no result."""
        errors = [error_of(trial) for trial in trials if error_of(trial)]
        cause = mode(errors) if errors else ""
        if any(trial.state == TrialState.COMPLETE for trial in trials):
            if errors:
                warn_caller(
                    f"{len(errors)} trials failed; {errors.count(cause)} of them with: {cause}"
                )
            return
        if errors:
            raise ValueError(
                f"None of the {len(trials)} trials could be completed; {len(errors)} failed. "
                f"The first cause: {errors[0]}"
                + (f" The most frequent one: {cause}" if cause != errors[0] else "")
            )
        raise ValueError(
            f"None of the {len(trials)} trials was completed: pass a longer timeout "
            f"(timeout={self.timeout}), more trials (n_trials={self.n_trials}) or pruner=None."
        )

    def _tell_failed_folds(self, folds: list[list[dict[str, Any]]]) -> None:
        """Say what a numeric `error_score` stands for; nothing but such scores is no result."""
        found = [fold for trial in folds for fold in trial]
        failed = [fold["error"] for fold in found if fold.get("error")]
        if not failed:
            return
        cause = mode(failed)
        if len(failed) == len(found):
            raise ValueError(f"All {len(found)} fits failed. The most frequent cause: {cause}")
        warn_caller(
            f"{len(failed)} of {len(found)} fits failed; their score is "
            f"error_score={self.error_score}. {failed.count(cause)} of them with: {cause}",
            FitFailedWarning,
        )

    def _picked_row(self, row: Any) -> int:
        if not isinstance(row, Integral):
            raise TypeError(f"refit returned {row!r}; it must return an integer, a row.")
        row = int(row)
        if not 0 <= row < self.n_trials_:
            raise IndexError(f"refit returned row {row}, but there are {self.n_trials_} trials.")
        if self.cv_results_["trial_state"][row] != "COMPLETE":
            raise ValueError(
                f"refit returned row {row}, whose trial was not completed: it is "
                f"{self.cv_results_['trial_state'][row]}. Leave rows of NaN out, by np.nanargmax."
            )
        return row

    def _refit(self, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        self.refit_epochs_ = None
        prefix = _epochs_prefix(best)
        if prefix is not None and self._best_epochs:
            self.refit_epochs_ = max(1, round(float(np.median(self._best_epochs))))
            best.set_params(**{f"{prefix}epochs": self.refit_epochs_, f"{prefix}patience": None})
        started = time.perf_counter()
        if y is None:
            best.fit(X, **fit_params)
        else:
            best.fit(X, y, **fit_params)
        self.refit_time_ = time.perf_counter() - started
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def _draws_anew(cv: Any) -> bool:
    """Say whether a splitter gives other folds each time it is asked."""
    return getattr(cv, "random_state", 0) is None and bool(getattr(cv, "shuffle", True))


def _seed(random_state: Any) -> int:
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def _score_names(folds: list[list[dict[str, Any]]]) -> list[str]:
    """Return the names of the scores that any fold has."""
    scores = (fold["test_scores"] for trial in folds for fold in trial if fold.get("test_scores"))
    return list(next(scores, ["score"]))


def _epochs_prefix(estimator: Any) -> str | None:
    """Return what stands before `epochs` and `patience` of the step that has both."""
    known = estimator.get_params(deep=True)
    found = [
        name.removesuffix("epochs")
        for name in known
        if name.rpartition("__")[2] == "epochs"
        and f"{name.removesuffix('epochs')}patience" in known
    ]
    return found[0] if len(found) == 1 else None
