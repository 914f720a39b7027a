"""Where the next trial is drawn: TPE, in a way that resumes and spreads."""

import hashlib
from typing import Any

import optuna
from optuna.trial import FrozenTrial


class SeededSampler(optuna.samplers.BaseSampler):
    """TPE whose draws for a trial depend on the seed and the trial's number alone.

    A plain seeded sampler would repeat its first trials at each resume, and two processes with the
    same seed would draw the same ones.
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
