"""Training in threads of the server, one run at a time; a run continues if its tab is closed."""

import atexit
import itertools
import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING

import pandas as pd

from skmnist._networks import (
    NETWORKS,
    find_swiss_digits,
    make_network,
    make_reader,
    write_command,
)
from skmnist.app._server import WAITING
from skmnist.app._settings import Settings
from skmnist.app._store import Data

if TYPE_CHECKING:
    from skmnist.comparison import ModelComparison, ModelResult, TrainingEvent
    from skmnist.neural_network import EpochEvent
    from skmnist.reading import DigitReader

MAX_WAITING = 20  # runs by default; at 20 seconds each, the last one waits seven minutes
MAX_KEPT = 4  # runs of a visitor in memory, with their networks
MAX_KEPT_IN_ALL = 40  # runs of all visitors, such as a school class; each takes up to 40 MB


class QueueFullError(Exception):
    """The queue already contains as many training runs as the server accepts."""


class Training:
    """Train both networks from all starts, in a thread, when it is their turn.

    Attributes
    ----------
    settings : Settings
    data : Data
    visitor : str
        Who started the run.
    number : int
        Differs between training runs, even with equal settings.
    events : dict of str to list of EpochEvent
        One event per epoch of the first start, by network.
    n_done, n_trainings : int
        Number of fits that have ended, and of all fits, each of one network from one start.
    results : dict of str to ModelResult
        Results of the networks that are finished.
    comparison : ModelComparison or None
        None until training has ended, and also if it failed.
    error : str
        Error message if training failed; otherwise empty.
    running : bool
        Whether the run is waiting for its turn or in progress.
    """

    def __init__(self, settings: Settings, data: Data, visitor: str = "") -> None:
        self.settings, self.data, self.visitor = settings, data, visitor
        self.number = next(_numbers)
        self.events: dict[str, list[EpochEvent]] = {name: [] for name in NETWORKS}
        self.n_done, self.n_trainings = 0, len(NETWORKS) * settings.starts
        self.results: dict[str, ModelResult] = {}
        self.comparison: ModelComparison | None = None
        self.error = ""
        self.running = True
        self._stopped: set[str] = set()
        self._reader: DigitReader | None = None
        self._reading = threading.Lock()
        self._ends_starts = False
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)

    @property
    def n_before(self) -> int:
        """Number of runs that have to end before this one begins."""
        line = find_line()
        return line.index(self) if self in line else 0

    @property
    def current(self) -> str | None:
        """The network that is being trained from its first start, or None."""
        left = [name for name in NETWORKS if name not in self.results]
        return left[0] if self.running and left and not self.n_before else None

    def is_stopping(self, name: str) -> bool:
        """Return whether training of a network ends after the current epoch."""
        return name in self._stopped and name not in self.results

    def stop(self, name: str) -> None:
        """End training of a network after the current epoch and keep its best weights."""
        if name == self.current:
            self._stopped.add(name)

    def leave(self) -> None:
        """Leave the queue; a training run that has begun continues."""
        with _turns:
            if self.n_before:
                self.running = False
                _trainings.pop((self.visitor, self.settings), None)
                _turns.notify_all()

    @property
    def has_reader(self) -> bool:
        """Whether `make_reader` returns at once."""
        return self._reader is not None

    def make_reader(self) -> "DigitReader":
        """Return the recommended network as a reader; the first call takes a while.

        Raises
        ------
        ValueError
            If the network cannot be used as a reader, for example because labels have several
            characters.
        """
        assert self.comparison is not None  # only a finished run has a recommendation
        with self._reading:
            if self._reader is None:
                name = self.data.name or self.settings.data
                self._reader = make_reader(
                    self.comparison, self.data.digits, name, self.write_command(name)
                )
        return self._reader

    def write_command(self, name: str) -> str:
        """Return the command that repeats this training run, with `name` for the data."""
        settings = self.settings
        return write_command(
            name,
            settings.train_size or None,
            {"label": settings.label or None, "invert": settings.invert},
            settings.of_network() | {"starts": settings.starts},
        )

    @property
    def is_ending_starts(self) -> bool:
        """Whether further starts end after the current epoch."""
        return self._ends_starts

    def end_starts(self) -> None:
        """End further starts after the current epoch; complete starts are kept."""
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

        with _turns:
            _turns.wait_for(lambda: not (self.running and self.n_before))
        if not self.running:  # left the queue
            return
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
            with _turns:
                self.running = False
                _turns.notify_all()

    def _follow(self, event: "TrainingEvent") -> bool:
        self.n_done, self.n_trainings = event.n_done, event.n_trainings
        if event.result is not None:
            self.results[event.model] = event.result
        if event.start:
            if self._ends_starts:
                raise KeyboardInterrupt  # complete starts are kept
            return False
        if event.epoch is not None:
            self.events[event.model].append(event.epoch)
        return event.model in self._stopped


_numbers = itertools.count()
_turns = threading.Condition()
_trainings: dict[tuple[str, Settings], Training] = {}  # in the order in which they were started


def find(visitor: str, settings: Settings) -> Training | None:
    """Return a visitor's training run with these settings, if any."""
    return _trainings.get((visitor, settings))


def find_latest(visitor: str) -> Training | None:
    """Return the latest training run of a visitor, which may be running or waiting."""
    own = [training for training in list(_trainings.values()) if training.visitor == visitor]
    return own[-1] if own else None


def find_line() -> list[Training]:
    """Return the current training run and those that wait, of all visitors, in order."""
    return [training for training in list(_trainings.values()) if training.running]


def count_places() -> int:
    """Return how many training runs may wait."""
    return int(os.environ.get(WAITING, MAX_WAITING))


def start(visitor: str, settings: Settings, data: Data) -> Training:
    """Start a training run, or let it wait for its turn.

    If the same visitor already has a run in progress or waiting, return that run instead.

    Raises
    ------
    QueueFullError
        If as many runs are waiting as `count_places` allows.
    """
    with _turns:
        latest = find_latest(visitor)
        if latest is not None and latest.running:
            return latest
        if len(find_line()) > count_places():
            raise QueueFullError
        training = Training(settings, data, visitor)
        _trainings.pop((visitor, settings), None)
        _trainings[visitor, settings] = training
        _forget_old(visitor)
        training.start()
        return training


def _forget_old(visitor: str) -> None:
    ended = [key for key, training in _trainings.items() if not training.running]
    own = [key for key in ended if key[0] == visitor]
    n_own = sum(key[0] == visitor for key in _trainings)
    for key in own[: max(0, n_own - MAX_KEPT)]:
        del _trainings[key]
        ended.remove(key)
    for key in ended[: max(0, len(_trainings) - MAX_KEPT_IN_ALL)]:
        del _trainings[key]


@atexit.register
def _stop_all() -> None:
    """Stop training; tensorflow may crash if the process ends within an epoch."""
    for training in reversed(find_line()):  # waiting runs leave the queue before their turn
        training.leave()
        training._stopped.update(NETWORKS)
        training.end_starts()
        training.join(2)
