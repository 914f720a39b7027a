"""Training in threads of the server; it continues when a tab is closed."""

import atexit
import logging
import threading
import warnings
from typing import TYPE_CHECKING

import pandas as pd

from skmnist._networks import NETWORKS, find_swiss_digits, make_network
from skmnist.app._settings import Settings
from skmnist.app._store import Data

if TYPE_CHECKING:
    from skmnist.comparison import ModelComparison, ModelResult, TrainingEvent
    from skmnist.neural_network import EpochEvent

MAX_KEPT = 4  # trainings in memory, with their networks


class Training:
    """Train both networks, one after the other and from all starts, in a thread.

    Attributes
    ----------
    settings : Settings
    data : Data
    events : dict of str to list of EpochEvent
        One event per epoch of the first start, by network.
    n_done, n_trainings : int
        Number of trainings that have ended, and of all trainings.
    results : dict of str to ModelResult
        Results of the networks that are finished.
    comparison : ModelComparison or None
        None until training has ended.
    error : str
        Error message if training failed, else empty.
    running : bool
    """

    def __init__(self, settings: Settings, data: Data) -> None:
        self.settings, self.data = settings, data
        self.events: dict[str, list[EpochEvent]] = {name: [] for name in NETWORKS}
        self.n_done, self.n_trainings = 0, len(NETWORKS) * settings.starts
        self.results: dict[str, ModelResult] = {}
        self.comparison: ModelComparison | None = None
        self.error = ""
        self.running = True
        self._stopped: set[str] = set()
        self._ends_starts = False
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    @property
    def current(self) -> str | None:
        """The network that is being trained from its first start."""
        left = [name for name in NETWORKS if name not in self.results]
        return left[0] if self.running and left else None

    def is_stopping(self, name: str) -> bool:
        """Return whether training of a network ends after the current epoch."""
        return name in self._stopped and name not in self.results

    def stop(self, name: str) -> None:
        """End training of a network after the current epoch and keep its best weights."""
        if name == self.current:
            self._stopped.add(name)

    @property
    def is_ending_starts(self) -> bool:
        """Whether further starts end after the current epoch."""
        return self._ends_starts

    def end_starts(self) -> None:
        """End further starts after the current epoch; complete ones count."""
        self._ends_starts = True

    def history(self, name: str) -> pd.DataFrame:
        """Return a table with one row per finished epoch, indexed by `epoch` from 1."""
        rows = [event.logs for event in list(self.events[name])]
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="epoch"))

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until training has ended."""
        self._thread.join(timeout)

    def _run(self) -> None:
        from skmnist.comparison import compare_models

        digits, settings = self.data.digits, self.settings.of_network()
        try:
            networks = {name: make_network(name, digits.max_value, **settings) for name in NETWORKS}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the page shows them in the user's language
                self.comparison = compare_models(
                    networks,
                    digits.X_train,
                    digits.y_train,
                    X_test=digits.X_test,
                    y_test=digits.y_test,
                    n_repeats=self.settings.starts if self.settings.epochs else 1,
                    short_repeats=True,
                    elsewhere=find_swiss_digits(digits),
                    callbacks=self._follow,
                    random_state=self.settings.seed,
                )
        except Exception as error:  # no caller would see it; the page shows it
            self.error = str(error) or type(error).__name__
            logging.getLogger(__name__).error("Training failed: %s", self.error)
        finally:
            self.running = False

    def _follow(self, event: "TrainingEvent") -> bool:
        self.n_done, self.n_trainings = event.n_done, event.n_trainings
        if event.result is not None:
            self.results[event.model] = event.result
        if event.start:
            if self._ends_starts:
                raise KeyboardInterrupt  # what is complete counts
            return False
        if event.epoch is not None:
            self.events[event.model].append(event.epoch)
        return event.model in self._stopped


_lock = threading.Lock()
_trainings: dict[Settings, Training] = {}


def find(settings: Settings) -> Training | None:
    """Return the training with these settings, if any."""
    return _trainings.get(settings)


def find_latest() -> Training | None:
    """Return the running training, or the last one."""
    return next(reversed(list(_trainings.values())), None)


def start(settings: Settings, data: Data) -> Training:
    """Start training with these settings; if a training is running, return that one instead."""
    with _lock:
        latest = find_latest()
        if latest is not None and latest.running:
            return latest
        training = Training(settings, data)
        _trainings.pop(settings, None)
        _trainings[settings] = training
        for old in list(_trainings)[:-MAX_KEPT]:
            del _trainings[old]
        training.start()
        return training


@atexit.register
def _stop_all() -> None:
    """Wait for the current epoch; tensorflow may crash if the process ends within one."""
    for training in list(_trainings.values()):
        if training.running:
            training._stopped.update(NETWORKS)
            training.end_starts()
            training.join(2)
