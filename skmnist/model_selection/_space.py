"""Search spaces, and the sampler that draws from them by default."""

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

from skmnist._estimator import suggest_name
from skmnist._parameters import PARAMETERS, Parameter
from skmnist._validation import check_parameter_values
from skmnist.model_selection._fingerprint import describe
from skmnist.model_selection._storage import quiet_optuna

Params = dict[str, Any]

N_TRIED = 10  # test draws from a function before the first fit; several, to reach rare branches
PARAMS = "skmnist_params"  # key of the parameters that a function returned for a trial
MAX_EPOCHS = 10_000  # of a fold, if a function draws the number of epochs

_TRAINING = ("dropout", "l2", "learning_rate", "learning_rate_schedule", "batch_size")
_SPACES = {  # the ranges are those of PARAMETERS
    "regularization": ("dropout", "l2"),
    "simple": (*_TRAINING, "hidden_units"),
    "deep": (*_TRAINING, "hidden_layer_sizes"),
}


def get_search_space(name: str, prefix: str = "", *, images: bool = False) -> Params:
    """Return a ready-made search space that includes regularization.

    ======================  =====================================================================
    "regularization"        `dropout` 0 to 0.5, `l2` 1e-6 to 1e-3 (logarithmic): for both networks
    "simple"                the above, and `learning_rate` 3e-4 to 5e-3 (logarithmic),
                            `learning_rate_schedule` "constant" or "cosine", `batch_size` 64, 128
                            or 256, `hidden_units` 64, 128, 256 or 512
    "deep"                  like "simple", but instead of `hidden_units`, `hidden_layer_sizes`
                            (256, 128), (512, 256), (512, 256, 128) or (512, 512, 256)
    ======================  =====================================================================

    Parameters
    ----------
    name : {"simple", "deep", "regularization"}
    prefix : str, default=""
        Prefix of each name, such as ``"network__"`` for the step "network" of a Pipeline.
    images : bool, default=False
        Whether to include `augmentation` (None or "digits"), which requires images with values in
        [0, 1].

    Returns
    -------
    space : dict of str to distribution or list
        Pass it as `param_distributions`. Each call returns a new dict that you can change.

    Raises
    ------
    ValueError
        There is no space with that name.

    Examples
    --------
    >>> from skmnist.model_selection import get_search_space
    >>> sorted(get_search_space("regularization", prefix="network__"))
    ['network__dropout', 'network__l2']
    >>> get_search_space("simpel")
    Traceback (most recent call last):
    ValueError: name='simpel' is not a search space. Did you mean 'simple'?
    """
    if name not in _SPACES:
        close = get_close_matches(str(name), _SPACES, n=1)
        way_out = f"Did you mean {close[0]!r}?" if close else f"Choose from {', '.join(_SPACES)}."
        raise ValueError(f"name={name!r} is not a search space. {way_out}")
    space = {prefix + parameter: _range_of(PARAMETERS[parameter]) for parameter in _SPACES[name]}
    return space | ({f"{prefix}augmentation": [None, "digits"]} if images else {})


def _range_of(parameter: Parameter) -> Any:
    """Return the search space of a parameter: a distribution, or a list of values."""
    if isinstance(parameter.search, tuple):
        return FloatDistribution(*parameter.search, log=parameter.log)
    return list(parameter.search or ())


class Space:
    """A search space whose names and values have been checked.

    Parameters
    ----------
    param_distributions : mapping of str to distribution or sequence, or callable
        Optuna's or scipy's distributions, or lists of values; or a function that takes a trial and
        returns a dict of parameters.
    estimator : estimator
        Estimator that has these parameters.

    Raises
    ------
    ValueError
        The estimator lacks a parameter or does not accept a value, or a distribution is invalid.
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
        """Return the parameters of a finished trial.

        A function is called again only if its result could not be stored. The new result may
        differ, because it may depend on more than the values drawn for the trial.
        """
        if self._function is None:
            return self.suggest(FixedTrial(trial.params))
        if PARAMS in trial.user_attrs:
            return dict(trial.user_attrs[PARAMS])
        again = FixedTrial(trial.params, number=trial.number)
        again.study = study  # type: ignore[attr-defined] # which running trials have as well
        try:
            return self.suggest(again)
        except optuna.TrialPruned:
            return {}

    def keep(self, trial: optuna.Trial, params: Params) -> None:
        """Store with the trial the parameters that a function returned, if that is possible."""
        if self._function is not None and all(_are_storable([value]) for value in params.values()):
            trial.set_user_attr(PARAMS, params)

    def describe(self) -> Any:
        """Return a description for the fingerprint, as JSON values."""
        if self._function is not None:
            return describe(self._function)
        return {name: part.description for name, part in sorted(self._parts.items())}

    def highest_epochs(self, name: str, default: Any) -> int:
        """Return the maximum number of epochs of a fold in any trial; `MAX_EPOCHS` if unknown."""
        chosen = any(name.startswith(f"{owner}__") for owner in map(str, self._parts))
        part = self._parts.get(name)
        epochs = max(part.extremes()) if part else default
        if self._function is None and not chosen and isinstance(epochs, int | np.integer):
            return max(1, int(epochs))
        return MAX_EPOCHS  # with a function, or a step that is drawn, any number is possible

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def _with_steps(self, name: str, estimator: Any) -> list[Any]:
        """Return a copy of the estimator for each choice of steps that contain the parameter."""
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
        """Call the function a few times in a temporary study, and check its results."""
        with quiet_optuna():
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(N_TRIED):
            try:
                params = function(study.ask())
            except optuna.TrialPruned:  # the function rejects this combination
                continue
            if not isinstance(params, Mapping) or not params:
                raise ValueError(
                    f"the function param_distributions returned {params!r}; it must return a dict "
                    "of parameters, such as {'dropout': trial.suggest_float('dropout', 0, 0.5)}."
                )
            variant = clone(estimator)
            for name in sorted(params, key=_depth):
                if name not in variant.get_params():
                    raise _unknown(name, variant)
                _check_value(variant, {name: params[name]})
                variant.set_params(**{name: params[name]})


class _Part:
    """One parameter: its distribution in Optuna, and how to decode values drawn from it."""

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        self._objects: dict[Any, Any] | None = None  # by label
        self._ppf: Callable[[float], Any] | None = None  # from a quantile
        if isinstance(values, rv_continuous | rv_discrete) and values.numargs == 0:
            values = values()  # freeze a distribution without shape parameters
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
            raise ValueError(
                f"param_distributions[{self.name!r}] is empty; pass at least one value."
            )
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        if _are_storable(plain):
            self.distribution = CategoricalDistribution(plain)
        else:
            labels = [_label(value) for value in plain]
            if len(set(labels)) < len(labels):
                raise ValueError(
                    f"param_distributions[{self.name!r}] contains {mode(labels)} more than once; "
                    "remove the duplicates."
                )
            self._objects = dict(zip(labels, plain, strict=True))
            self.distribution = CategoricalDistribution(labels)

    def _take_scipy(self, values: Any) -> None:
        kind = getattr(getattr(values, "dist", None), "name", None)
        if kind is None or not hasattr(values, "ppf"):
            raise ValueError(
                f"param_distributions[{self.name!r}]={values!r} must be a frozen distribution of "
                "scipy.stats, such as scipy.stats.uniform(0, 0.5)."
            )
        low, high = values.support()
        if kind == "uniform":
            self.distribution = FloatDistribution(float(low), float(high))
        elif kind in ("loguniform", "reciprocal"):
            self.distribution = FloatDistribution(float(low), float(high), log=True)
        elif kind == "randint":
            self.distribution = IntDistribution(int(low), int(high))
        else:  # any other distribution, by its quantiles
            whole = isinstance(values.dist, rv_discrete)
            self._ppf = (
                (lambda q: int(values.ppf(q))) if whole else (lambda q: float(values.ppf(q)))
            )
            self.distribution = FloatDistribution(1e-6, 1 - 1e-6)

    def suggest(self, trial: Any) -> Any:
        return self._decode(_suggest(trial, self.name, self.distribution))

    def _decode(self, value: Any) -> Any:
        if self._objects is not None:
            return self._objects[value]
        return value if self._ppf is None else self._ppf(value)

    def extremes(self) -> list[Any]:
        """Return the bounds of a range, or all choices."""
        if isinstance(self.distribution, CategoricalDistribution):
            ends: list[Any] = list(self.distribution.choices)
        else:
            ends = [self.distribution.low, self.distribution.high]  # type: ignore[attr-defined]
        return [self._decode(end) for end in ends]


class SeededSampler(optuna.samplers.BaseSampler):
    """TPE whose random numbers depend only on the seed and on the number of the trial.

    A plain seeded sampler would repeat its first trials each time the search is resumed, and two
    processes with the same seed would draw the same parameters.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def before_trial(self, study: Any, trial: FrozenTrial) -> None:
        """See `BaseSampler`."""
        digest = hashlib.sha256(f"{self._seed},{trial.number}".encode()).digest()
        self._tpe = optuna.samplers.TPESampler(seed=int.from_bytes(digest[:4], "big"))

    def infer_relative_search_space(self, study: Any, trial: FrozenTrial) -> Any:
        """See `BaseSampler`."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(self, study: Any, trial: FrozenTrial, search_space: Any) -> Any:
        """See `BaseSampler`."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Any, trial: FrozenTrial, param_name: str, param_distribution: Any
    ) -> Any:
        """See `BaseSampler`."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)


def _are_storable(values: list[Any]) -> bool:
    """Return whether a storage can hold the values, and whether Optuna can distinguish them."""
    if not all(value is None or isinstance(value, bool | int | float | str) for value in values):
        return False
    kinds = {value: type(value) for value in values}
    return all(
        kinds[value] is type(value) for value in values
    )  # Optuna treats 1, 1.0 and True as equal


def _label(value: Any) -> str:
    """Return a text that represents a value in a storage."""
    shown, where, _ = repr(value).partition(" at 0x")
    if not where and "..." not in shown:
        return shown
    # a memory address, which changes from process to process, or a shortened array
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
        f"param_distributions has the name {name!r}, which is not a parameter of "
        f"{type(variants[0]).__name__}. {suggest_name(str(name), known)}"
    )


def _check_value(estimator: Any, params: Params) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `fit` will warn
            check_parameter_values(clone(estimator).set_params(**params), params)
    except (TypeError, ValueError) as error:
        shown = ", ".join(f"{name}={value!r}" for name, value in params.items())
        raise ValueError(
            f"param_distributions contains {shown}, which is invalid: {error}"
        ) from error
