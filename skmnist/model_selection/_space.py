"""Search spaces: what may stand in one, and ready ones by name."""

import hashlib
import json
import warnings
from collections.abc import Callable, Collection, Mapping, Set
from difflib import get_close_matches
from statistics import mode
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from optuna.trial import FixedTrial, FrozenTrial
from scipy.stats import rv_continuous, rv_discrete
from sklearn.base import clone

from skmnist._estimator import name_meant
from skmnist._parameters import PARAMETERS, Parameter
from skmnist._validation import check_parameter_values
from skmnist.model_selection._fingerprint import describe
from skmnist.model_selection._storage import quiet_optuna

Params = dict[str, Any]

N_TRIED = 10  # draws of a function before the first fit, so that rare branches are seen as well
PARAMS = "skmnist_params"  # the parameters of a trial as its function returned them
MAX_EPOCHS = 10_000  # of a fold that reports its epochs where a function draws their number

_SPACES = {  # the ranges are those of PARAMETERS
    "regularization": ("dropout", "l2"),
    "simple": ("dropout", "l2", "learning_rate", "batch_size", "hidden_units"),
    "deep": ("dropout", "l2", "learning_rate", "batch_size", "hidden_layer_sizes"),
}


def get_search_space(name: str, prefix: str = "") -> Params:
    """Return a ready search space, with regularization in the middle of it.

    ======================  =====================================================================
    "regularization"        `dropout` 0 to 0.5, `l2` 1e-6 to 1e-3 (logarithmic): for both networks
    "simple"                these, `learning_rate` 3e-4 to 3e-3 (logarithmic), `batch_size` 64, 128
                            or 256, `hidden_units` 64, 128, 256 or 512
    "deep"                  the same with `hidden_layer_sizes` (256, 128), (512, 256),
                            (512, 256, 128) or (512, 512, 256)
    ======================  =====================================================================

    Parameters
    ----------
    name : {"simple", "deep", "regularization"}
    prefix : str, default=""
        What stands before each name, ``"network__"`` for the step of that name in a Pipeline.

    Returns
    -------
    space : dict of str to distribution or list
        For `param_distributions`; a dict of your own to change as you like.

    Raises
    ------
    ValueError
        There is no space of that name.
    """
    if name not in _SPACES:
        close = get_close_matches(str(name), _SPACES, n=1)
        way_out = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(_SPACES)}."
        raise ValueError(f"name={name!r} is no search space. {way_out}")
    return {prefix + parameter: _range_of(PARAMETERS[parameter]) for parameter in _SPACES[name]}


def _range_of(parameter: Parameter) -> Any:
    """Return where to search for a parameter: a distribution, or a list of values."""
    if isinstance(parameter.search, tuple):
        return FloatDistribution(*parameter.search, log=parameter.log)
    return list(parameter.search or ())


class Space:
    """A checked search space: suggests parameters to a trial.

    Parameters
    ----------
    param_distributions : mapping of str to distribution or sequence, or callable
        Optuna's or scipy's distributions, or lists of values; or a function that takes a trial and
        returns a dict of parameters.
    estimator : estimator
        Whose parameters they are.

    Raises
    ------
    ValueError
        A name that the estimator does not have, a value that it refuses, or something that is no
        distribution.
    """

    def __init__(self, param_distributions: Any, estimator: Any) -> None:
        self._function: Callable[[Any], Params] | None = None
        self._parts: dict[str, _Part] = {}
        if callable(param_distributions):
            self._function = param_distributions
            self._try_function(param_distributions, estimator)
            return
        if not isinstance(param_distributions, Mapping) or not param_distributions:
            raise ValueError(
                f"param_distributions={param_distributions!r} must be a dict of at least one "
                "parameter name and its distribution, or a function of a trial."
            )
        for name in sorted(param_distributions, key=_depth):  # a step before its parameters
            part = self._parts[name] = _Part(name, param_distributions[name])
            variants = self._with_steps(name, estimator)
            fitting = [variant for variant in variants if name in variant.get_params()]
            if not fitting:
                raise _unknown(name, *variants)
            for value in part.extremes():
                _check_value(fitting[0], {name: value})

    def suggest(self, trial: Any) -> Params:
        """Draw parameters for a trial."""
        if self._function is not None:
            return dict(self._function(trial))
        return {name: part.suggest(trial) for name, part in self._parts.items()}

    def recall(self, trial: FrozenTrial, study: optuna.Study) -> Params:
        """Return the parameters that a finished trial had.

        A function is asked again, as if the trial were still running, only for what a storage
        cannot hold: what it returns may hang on more than what it draws.
        """
        if self._function is None:
            return self.suggest(FixedTrial(trial.params))
        if PARAMS in trial.user_attrs:
            return dict(trial.user_attrs[PARAMS])
        again = FixedTrial(trial.params, number=trial.number)
        again.study = study  # type: ignore[attr-defined] # which a running trial has
        try:
            return self.suggest(again)
        except optuna.TrialPruned:
            return {}

    def keep(self, trial: optuna.Trial, params: Params) -> None:
        """Keep with a trial what a function returned, if a storage can hold it."""
        if self._function is not None and all(_are_storable([value]) for value in params.values()):
            trial.set_user_attr(PARAMS, params)

    def describe(self) -> Any:
        """Return what tells this space from another, as JSON values."""
        if self._function is not None:
            return describe(self._function)
        return {name: part.description for name, part in sorted(self._parts.items())}

    def highest_epochs(self, name: str, default: Any) -> int:
        """Return how many epochs a fold can have in any trial, so that steps mean the same."""
        chosen = any(name.startswith(f"{owner}__") for owner in map(str, self._parts))
        part = self._parts.get(name)
        epochs = max(part.extremes()) if part else default
        if self._function is None and not chosen and isinstance(epochs, int | np.integer):
            return max(1, int(epochs))
        return MAX_EPOCHS  # a function may draw any number, and a step that is drawn have any

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def _with_steps(self, name: str, estimator: Any) -> list[Any]:
        """Return the estimator with each choice of the steps that a parameter belongs to."""
        variants = [estimator]
        owners = [owner for owner in self._parts if str(name).startswith(f"{owner}__")]
        for owner in sorted(owners, key=_depth):
            variants = [
                clone(variant).set_params(**{owner: value})
                for variant in variants
                for value in self._parts[owner].extremes()
            ]
        return variants

    def _try_function(self, function: Callable[[Any], Any], estimator: Any) -> None:
        """Ask the function some times beforehand, in a study that nobody sees."""
        with quiet_optuna():
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(N_TRIED):
            try:
                params = function(study.ask())
            except optuna.TrialPruned:  # how a function says that values do not go together
                continue
            if not isinstance(params, Mapping) or not params:
                raise ValueError(
                    f"param_distributions, a function, returned {params!r}; it must return a dict "
                    "of parameters, as {'dropout': trial.suggest_float('dropout', 0, 0.5)}."
                )
            variant = clone(estimator)
            for name in sorted(params, key=_depth):
                if name not in variant.get_params():
                    raise _unknown(name, variant)
                _check_value(variant, {name: params[name]})
                variant.set_params(**{name: params[name]})


class _Part:
    """One parameter: the distribution that Optuna sees, and what its values stand for."""

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        self._objects: dict[Any, Any] | None = None  # what a label stands for
        self._ppf: Callable[[float], Any] | None = None  # what a quantile stands for
        if isinstance(values, rv_continuous | rv_discrete) and values.numargs == 0:
            values = values()  # it has no shape to be frozen with
        if isinstance(values, BaseDistribution):
            self.distribution = values
        elif hasattr(values, "rvs"):
            self._take_scipy(values)
        elif isinstance(values, Collection) and not isinstance(values, str | Mapping | Set):
            self._take_list(list(values))
        else:
            raise ValueError(
                f"param_distributions[{name!r}]={values!r} must be a distribution of Optuna or "
                "scipy, or a list of values."
            )
        self.description: Any = distribution_to_json(self.distribution)
        if self._ppf is not None or self._objects is not None:
            self.description = describe(values)

    def _take_list(self, values: list[Any]) -> None:
        if not values:
            raise ValueError(f"param_distributions[{self.name!r}] is empty; list its values.")
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        if _are_storable(plain):
            self.distribution = CategoricalDistribution(plain)
        else:
            labels = [_label(value) for value in plain]
            if len(set(labels)) < len(labels):
                raise ValueError(
                    f"param_distributions[{self.name!r}] has the value "
                    f"{mode(labels)} more than once."
                )
            self._objects = dict(zip(labels, plain, strict=True))
            self.distribution = CategoricalDistribution(labels)

    def _take_scipy(self, values: Any) -> None:
        kind = getattr(getattr(values, "dist", None), "name", None)
        if kind is None or not hasattr(values, "ppf"):
            raise ValueError(
                f"param_distributions[{self.name!r}]={values!r} must be a frozen distribution of "
                "scipy.stats, as scipy.stats.uniform(0, 0.5)."
            )
        low, high = values.support()
        if kind == "uniform":
            self.distribution = FloatDistribution(float(low), float(high))
        elif kind in ("loguniform", "reciprocal"):
            self.distribution = FloatDistribution(float(low), float(high), log=True)
        elif kind == "randint":
            self.distribution = IntDistribution(int(low), int(high))
        else:  # any other by its quantiles
            whole = isinstance(values.dist, rv_discrete)
            self._ppf = (
                (lambda q: int(values.ppf(q))) if whole else (lambda q: float(values.ppf(q)))
            )
            self.distribution = FloatDistribution(1e-6, 1 - 1e-6)

    def suggest(self, trial: Any) -> Any:
        value = _suggest(trial, self.name, self.distribution)
        return self._decode(value)

    def _decode(self, value: Any) -> Any:
        if self._objects is not None:
            return self._objects[value]
        return value if self._ppf is None else self._ppf(value)

    def extremes(self) -> list[Any]:
        """Return the values between which, or among which, all others lie."""
        if isinstance(self.distribution, CategoricalDistribution):
            ends: list[Any] = list(self.distribution.choices)
        else:
            ends = [self.distribution.low, self.distribution.high]  # type: ignore[attr-defined]
        return [self._decode(end) for end in ends]


def _are_storable(values: list[Any]) -> bool:
    """Say whether a storage can hold the values as they are, and Optuna tell them apart."""
    if not all(value is None or isinstance(value, bool | int | float | str) for value in values):
        return False
    kinds = {value: type(value) for value in values}
    return all(kinds[value] is type(value) for value in values)  # 1, 1.0 and True are one to Optuna


def _label(value: Any) -> str:
    """Return what a storage keeps for another value."""
    shown, where, _ = repr(value).partition(" at 0x")
    if not where and "..." not in shown:
        return shown
    # an address, which the next process has for something else, or an array too long to show
    digest = hashlib.sha256(json.dumps(describe(value), sort_keys=True).encode()).hexdigest()
    return f"{' '.join(shown.removeprefix('<').split())} {digest[:8]}"


def _suggest(trial: Any, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    options = {"step": distribution.step, "log": distribution.log}  # type: ignore[attr-defined]
    low, high = distribution.low, distribution.high  # type: ignore[attr-defined]
    if isinstance(distribution, IntDistribution):
        return trial.suggest_int(name, low, high, **options)
    return trial.suggest_float(name, low, high, **options)


def _depth(name: Any) -> int:
    return str(name).count("__")


def _unknown(name: Any, *variants: Any) -> ValueError:
    known = {known for variant in variants for known in variant.get_params(deep=True)}
    return ValueError(
        f"param_distributions names {name!r}, which {type(variants[0]).__name__} does not "
        f"have as a parameter. {name_meant(str(name), known)}"
    )


def _check_value(estimator: Any, params: Params) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a warning belongs to the fit
            check_parameter_values(clone(estimator).set_params(**params), params)
    except (TypeError, ValueError) as error:
        told = ", ".join(f"{name}={value!r}" for name, value in params.items())
        raise ValueError(f"param_distributions allows {told}: {error}") from error
