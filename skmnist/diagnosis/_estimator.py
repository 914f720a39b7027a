"""Find the estimator that learned, inside what it was wrapped in."""

from typing import Any


def get_core(estimator: Any) -> Any:
    """Return the last step of a Pipeline, the best of a search, or the estimator itself."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator


def was_interrupted(estimator: Any) -> bool:
    """Say whether Ctrl-C cut short the training of an estimator or of one that it consists of."""
    core = get_core(estimator)
    members = [*getattr(core, "estimators_", ()), *getattr(core, "calibrated_classifiers_", ())]
    parts = [core, *(get_core(getattr(member, "estimator", member)) for member in members)]
    return any(getattr(part, "stop_reason_", "") == "interrupted" for part in parts)


def get_parameters(estimator: Any) -> dict[str, Any] | None:
    """Return the parameters of the classifier that learned that affect what it learns.

    Those of classifiers inside a wrapper, such as ``CalibratedClassifierCV`` or
    ``VotingClassifier``, are included; those of transformers are not. None if the estimator has
    no ``get_params``.
    """
    core = get_core(estimator)
    if not hasattr(core, "get_params"):
        return None
    found: dict[str, Any] = {}
    for name, value in core.get_params(deep=False).items():
        parts = value if isinstance(value, list | tuple) else [value]
        parts = [part[1] if isinstance(part, tuple) and len(part) > 1 else part for part in parts]
        inner = [part for part in parts if hasattr(part, "predict")]
        for classifier in inner:
            found |= get_parameters(classifier) or {}
        if not inner:
            found[name] = value
    return {name: value for name, value in found.items() if _has_effect(name, found)}


def _has_effect(name: str, parameters: dict[str, Any]) -> bool:
    if parameters.get("solver") == "lbfgs" and name in ("learning_rate_init", "early_stopping"):
        return False  # of MLPClassifier: one solver takes its own steps
    if name == "n_iter_no_change":
        return bool(parameters.get("early_stopping"))
    if name in ("alpha", "C") and "penalty" in parameters:
        return parameters["penalty"] is not None
    return name != "learning_rate" or not isinstance(parameters[name], str)  # a schedule's name
