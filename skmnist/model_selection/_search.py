"""OptunaSearchCV: a scikit-learn search whose trials Optuna samples and prunes.

Scorers, results and the choice of the best candidate are those of scikit-learn's own searches.
"""

import copy
import time
import warnings
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
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, indexable

from skmnist._estimator import FitTasks, warn_caller, with_callbacks
from skmnist._validation import (
    BaseSearchCV,
    Interval,
    StrOptions,
    _fit_context,
    _warn_or_raise_about_fit_failures,
)
from skmnist.diagnosis import diagnose_fit
from skmnist.model_selection._fingerprint import describe, describe_rows
from skmnist.model_selection._space import SeededSampler, Space
from skmnist.model_selection._storage import show_storage
from skmnist.model_selection._study import (
    SearchRun,
    SharedStudy,
    error_of,
    finished_trials,
    folds_of,
)
from skmnist.model_selection._trial import make_pruner

# Parameters of estimators that do not affect the search.
_NOT_IN_FINGERPRINT = ("callbacks", "memory", "n_jobs", "verbose")


class OptunaSearchCV(BaseSearchCV):
    """Search hyperparameters with Optuna and cross-validation, and prune trials by epoch.

    Use it like scikit-learn's own searches. Each trial draws parameters based on earlier trials,
    and is fitted on the folds in order. The pruner compares it with the earlier trials after
    every epoch if exactly one step offers callbacks per epoch, and after every fold otherwise. With
    a `storage`, a search that was stopped can be resumed, and several processes can share it.

    Parameters
    ----------
    estimator : estimator
        A classifier, a Pipeline, or any other estimator.
    param_distributions : dict of str to distribution or list, or callable
        Distributions of Optuna or scipy, or lists of values, by parameter name (nested as
        ``step__name``); :func:`get_search_space` returns predefined ones. If one parameter depends
        on another, pass a function that takes an :class:`optuna.trial.Trial` and returns a dict of
        parameters.
    n_trials : int, default=20
        Total number of trials, including those of resumed searches and of all processes that share
        the storage.
    timeout : float or None, default=None
        Seconds after which no further trial starts. None sets no limit.
    cv : int, cross-validation generator, iterable or None, default=None
        As for GridSearchCV; None means 5 folds, stratified for classifiers.
    scoring : str, callable, list, tuple, dict or None, default=None
        As for GridSearchCV. If there are several scores, the one named by `refit` is maximized, or
        else the first one.
    refit : bool, str or callable, default=True
        As for GridSearchCV. An estimator with `epochs` and `patience` is refitted with
        ``patience=None`` for as many epochs as the median of the best epochs in the folds of the
        best trial.
    n_jobs : int or None, default=None
        Number of trials to run in parallel; the folds of one trial run in order. None means 1
        unless in a :func:`joblib.parallel_config` context; -1 uses all cores. Another backend of
        joblib, such as Dask, is used if one is configured.
    pruner : {"best_median", "median", "hyperband", "successive_halving"}, BasePruner or None, \
            default="best_median"
        "best_median" prunes a trial that, after its first three epochs, is worse than the median of
        the best four completed trials at the same epoch, once two trials have been completed. The
        other names select Optuna's pruners with their default settings. None disables pruning.
    sampler : optuna.samplers.BaseSampler or None, default=None
        None uses a TPE sampler whose random numbers depend on `random_state` and on the number of
        the trial. Any other sampler is reseeded if the study already has trials.
    storage : path-like, str, optuna.storages.BaseStorage or None, default=None
        Where the study is kept. A path names an SQLite file, or an Optuna journal if it ends in
        ``.journal`` or ``.log``; a URL such as ``postgresql://user:password@host/name`` names a
        database. None keeps the study in memory.
    study_name : str or None, default=None
        Name of the study. None derives it from the search space, the estimator, `scoring`, `cv` and
        the data, so that a repeated search finds its study again.
    return_train_score : bool, default=False
        Whether to include training scores.
    random_state : int, RandomState instance or None, default=None
        Seed for the sampler; the `random_state` of the estimator is separate.
    verbose : int, default=0
        1 shows a progress bar of the trials, and the epochs of those that are running.
    error_score : "raise" or float, default=np.nan
        Score of a fold that cannot be fitted or scored. With NaN, the whole trial fails; "raise"
        raises the error.
    study_callbacks : list of callable or None, default=None
        Called as ``callback(study, frozen_trial)`` after each trial, like Optuna's own callbacks;
        they may call ``study.stop()``.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        One row per trial, with scikit-learn's keys as well as `trial_number` and `trial_state`
        ("COMPLETE", "PRUNED" or "FAIL"). Scores and times of pruned and failed trials are NaN.
    best_estimator_ : estimator
        Refitted with the best parameters; only if `refit` is not False.
    best_params_ : dict
        Parameters of the best trial. Like all ``best_`` attributes, it is not available if `refit`
        is False and there are several scores.
    best_score_ : float
        Mean cross-validated score of the best trial; not available if `refit` is a callable.
    best_index_ : int
        Row of the best trial in `cv_results_`.
    best_diagnoses_ : list of (FitDiagnosis or None)
        For each fold of the best trial, the diagnosis that compares the training accuracy with the
        accuracy on the rows left out; None if there is no diagnosis, for example because the
        estimator does not record its training accuracy.
    refit_epochs_ : int or None
        Number of epochs of the refit; None if the estimator has no epochs. Not available if `refit`
        is False.
    refit_time_ : float
        Duration of the refit in seconds. Not available if `refit` is False.
    study_ : optuna.Study
        Optuna's study, for Optuna's plots and parameter importances.
    n_splits_ : int
        Number of folds.
    n_trials_ : int
        Number of rows in `cv_results_`.
    multimetric_ : bool
        Whether there are several scores.
    scorer_ : callable or dict of str to callable
        The scorer, or a dict of the scorers by name if there are several.
    classes_, n_features_in_ : ndarray of shape (n_classes,) and int
        Class labels of the best estimator, and number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Feature names seen in `fit`, if the best estimator has them.

    Raises
    ------
    ValueError
        Before the first fit if a name, value or distribution is invalid, or if the storage holds a
        different search; after the last fit if no trial was completed.
    RuntimeError
        If the storage cannot be opened or written, or a worker process was killed.

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
        pruner: Any = "best_median",
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
        """Return a copy whose storage does not show a password."""
        shown = copy.copy(self)
        if isinstance(self.storage, str):
            shown.storage = show_storage(self.storage)
        return shown

    @_fit_context(prefer_skip_nested_validation=False)
    @with_callbacks
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Run the search, or the rest of it, and refit the best estimator.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training rows. They should not include the test set.
        y : array-like of shape (n_samples,), default=None
            Target.
        **params : dict
            Parameters for the `fit` of the estimator, the scorer and the splitter, as for
            GridSearchCV. `sample_weight` is split with the rows and passed to `fit`, and with
            metadata routing also to the scorers; `groups` is passed to `cv`.

        Returns
        -------
        self : OptunaSearchCV
            Fitted search.
        """
        X, y = indexable(X, y)
        tasks = FitTasks(self, X, y, params.get("sample_weight"))
        scorers, _ = self._get_scorers()
        self.scorer_ = getattr(scorers, "_scorers", scorers)  # several scorers are wrapped in one
        self.multimetric_ = isinstance(self.scorer_, dict)
        routed = self._get_routed_params_for_fit(params)
        split_params, fit_params = routed.splitter.split, routed.estimator.fit
        space = Space(self.param_distributions, self.estimator)
        self._check_callbacks()
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, **split_params))
        if not splits:
            raise ValueError(f"cv={self.cv!r} yields no folds; pass a splitter with at least one.")
        self.n_splits_ = len(splits)
        if self.storage is not None and _is_random(cv):
            warn_caller(
                f"cv={cv} draws different folds at each call, so a resumed search will not find "
                "its study in storage=; pass a random_state to cv."
            )
        objective = self.refit if isinstance(self.refit, str) else None
        if objective is None and self.multimetric_:
            objective = next(iter(self.scorer_))
        # parameters that only the splitter takes have been used
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
                    f"trial, but {callback!r} is not callable."
                )

    def _fingerprint(
        self, space: Space, splits: Any, X: Any, y: Any, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        bare = clone(self.estimator)
        # innermost parameters first: an outer one may be a whole step
        for name in sorted(bare.get_params(), key=lambda name: -name.count("__")):
            if name in space or name.rpartition("__")[2] in _NOT_IN_FINGERPRINT:
                bare.set_params(**{name: None})
        refit = self.refit if isinstance(self.refit, str) else None
        return {
            "param_distributions": space.describe(),
            "estimator": describe(bare),
            "scoring": [describe(self.scoring), refit],
            "cv": joblib.hash(splits),
            "X or y": [describe_rows(X), describe_rows(y), describe(dict(params))],
        }

    def _conclude(self, shared: SharedStudy, space: Space, objective: str | None) -> None:
        """Set `cv_results_` from the study, and choose the best trial."""
        trials = finished_trials(shared.study)
        self._check_failures(trials)
        folds = [folds_of(trial) for trial in trials]
        errors = [{"fit_error": fold.get("error")} for trial in folds for fold in trial]
        # a resumed study may contain failed fits, even if a failure would now raise an error
        error_score = np.nan if self.error_score == "raise" else self.error_score
        _warn_or_raise_about_fit_failures(errors, error_score)
        scores = (fold["test_scores"] for trial in folds for fold in trial)
        names = list(next(filter(None, scores), ["score"]))
        if callable(self.scoring):  # the names are known only now
            self.multimetric_ = names != ["score"]
            if self.multimetric_:
                self._check_refit_for_multimetric(names)
        self.n_trials_ = len(trials)
        params = [space.recall(trial, shared.study) for trial in trials]
        self.cv_results_ = self._make_results(trials, params, names, error_score)
        if not self.refit and self.multimetric_:
            return
        metric = objective if self.multimetric_ else "score"
        self.best_index_ = int(self._select_best_index(self.refit, metric, self.cv_results_))
        state = self.cv_results_["trial_state"][self.best_index_]
        if state != "COMPLETE":
            raise ValueError(
                f"refit returned row {self.best_index_}, whose trial was not completed "
                f"(trial_state is {state!r}). Skip rows with NaN, for example with np.nanargmax."
            )
        if not callable(self.refit):
            self.best_score_ = float(self.cv_results_[f"mean_test_{metric}"][self.best_index_])
        self.best_params_ = params[self.best_index_]
        best = folds[self.best_index_]
        figures = [fold.get("diagnosis") for fold in best]
        self.best_diagnoses_ = [each and diagnose_fit(**each) for each in figures]
        self._best_epochs = [fold["best_epoch"] for fold in best if fold.get("best_epoch")]

    def _check_failures(self, trials: list[FrozenTrial]) -> None:
        """Warn about failed trials; raise if no trial was completed."""
        errors = [error_of(trial) for trial in trials if error_of(trial)]
        cause = mode(errors) if errors else ""
        if any(trial.state == TrialState.COMPLETE for trial in trials):
            if errors:
                warn_caller(
                    f"{len(errors)} of {len(trials)} trials failed, {errors.count(cause)} of them "
                    f"with: {cause}"
                )
            return
        if errors:
            raise ValueError(
                f"None of the {len(trials)} trials completed; {len(errors)} failed. First error: "
                f"{errors[0]}" + (f" Most frequent error: {cause}" if cause != errors[0] else "")
            )
        raise ValueError(
            f"None of the {len(trials)} trials completed: pass a longer timeout "
            f"(timeout={self.timeout}), more trials (n_trials={self.n_trials}) or pruner=None."
        )

    def _make_results(
        self,
        trials: list[FrozenTrial],
        params: list[dict[str, Any]],
        names: list[str],
        error_score: float,
    ) -> dict[str, Any]:
        """Return `cv_results_`; scores and times of trials that were not completed are NaN."""
        unknown: dict[str, Any] = {"test_scores": {}, "train_scores": {}}

        def read(fold: dict[str, Any], kind: str) -> dict[str, float]:
            scores: dict[str, float] | None = fold.get(kind)  # None if the fit failed
            default = error_score if scores is None else np.nan
            return {name: (scores or {}).get(name, default) for name in names}

        rows = [
            {
                "fit_time": fold.get("fit_time", np.nan),
                "score_time": fold.get("score_time", np.nan),
                "test_scores": read(fold, "test_scores"),
                "train_scores": read(fold, "train_scores"),
            }
            for trial in trials
            for fold in (
                folds_of(trial)
                if trial.state == TrialState.COMPLETE
                else [unknown] * self.n_splits_
            )
        ]
        columns = {
            "trial_number": [trial.number for trial in trials],
            "trial_state": np.array([trial.state.name for trial in trials], dtype=object),
        }
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)  # NaN is expected
            results: dict[str, Any] = self._format_results(params, self.n_splits_, rows, columns)
        return results

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


def _is_random(cv: Any) -> bool:
    """Return whether a splitter yields different folds on each call."""
    return getattr(cv, "random_state", 0) is None and bool(getattr(cv, "shuffle", True))


def _seed(random_state: Any) -> int:
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def _epochs_prefix(estimator: Any) -> str | None:
    """Return the prefix of the step that has both `epochs` and `patience`, if there is just one."""
    known = estimator.get_params(deep=True)
    found = [
        name.removesuffix("epochs")
        for name in known
        if name.rpartition("__")[2] == "epochs"
        and f"{name.removesuffix('epochs')}patience" in known
    ]
    return found[0] if len(found) == 1 else None
