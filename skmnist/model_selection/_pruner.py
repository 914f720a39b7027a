"""When a trial is given up: pruners by name, and the default one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

# Ours to choose: of the rules tried on three searches, the boldest that lost no best one.
N_BEST = 4
N_STARTUP = 2  # trials that run to their end cost most; Optuna waits for five of them
N_WARMUP = 3  # epochs; the first ones say little


class BestMedianPruner(optuna.pruners.BasePruner):
    """Gives up what is below the median of the best trials so far, at the same step.

    Optuna's MedianPruner compares with the median of all trials that ran to their end. Where the
    sampler gets better from trial to trial, that one stays behind, and most trials pass it.

    A study is expected to be maximized.
    """

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Say whether to give a trial up at its last step."""
        step = trial.last_step
        if step is None or step < N_WARMUP:
            return False
        done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(done) < N_STARTUP:
            return False
        best = sorted(done, key=lambda other: other.value or 0.0, reverse=True)[:N_BEST]
        there = [other.intermediate_values.get(step) for other in best]
        values = [value for value in there if value is not None]
        return bool(values) and bool(trial.intermediate_values[step] < np.median(values))


_PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "median": BestMedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
}


def make_pruner(pruner: Any) -> optuna.pruners.BasePruner:
    """Return the pruner that `pruner=` names; None prunes nothing."""
    if pruner is None:
        return optuna.pruners.NopPruner()
    if isinstance(pruner, optuna.pruners.BasePruner):
        return pruner
    if isinstance(pruner, str) and pruner in _PRUNERS:
        return _PRUNERS[pruner]()
    raise ValueError(
        f"pruner={pruner!r} must be one of {', '.join(map(repr, _PRUNERS))}, a pruner of Optuna or "
        "None."
    )
