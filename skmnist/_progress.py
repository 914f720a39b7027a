"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from skmnist.text import get_catalogue, make_printable

BAR_DELAY = 2.0  # seconds; shorter tasks do not show a bar
MAX_RUNNING = 8  # maximum number of trials below the bar


def is_terminal() -> bool:
    """Return whether standard error is a terminal that can redraw lines."""
    return bool(sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb")


def _console() -> Any:
    """Return a console that writes to a copy of file descriptor 2.

    The descriptor itself is redirected while tensorflow is imported, to hide its log lines.
    """
    from rich.console import Console

    return Console(file=os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"))


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show a spinner beside `text` on a terminal, or print `text` elsewhere."""
    if is_terminal():
        console = _console()
        with console.file, console.status(text):
            yield
    else:
        print(text, file=sys.stderr, flush=True)
        yield


@contextmanager
def report_bytes(
    progress: bool | Callable[[int, int], Any], text: str
) -> Iterator[Callable[[int, int], Any]]:
    """Provide a function to call with the number of bytes done and the total.

    Parameters
    ----------
    progress : bool or callable
        True shows a bar, False shows nothing, and a callable is returned unchanged.
    text : str
        Text beside the bar.
    """
    if callable(progress):
        yield progress
    elif progress:
        with ByteBar(text) as bar:
            yield bar
    else:
        yield lambda done, total: None


class ByteBar:
    """A progress bar for tasks that take longer than two seconds, as a context manager.

    Call it with the number of bytes done and the total. If standard error is not a terminal, one
    line is printed instead.

    Parameters
    ----------
    text : str
        Text beside the bar.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._started = time.monotonic()
        self._bar: Any = None
        self._printed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar.console.file.close()
            self._bar = None

    def __call__(self, done: int, total: int) -> None:
        """Update the bar."""
        if time.monotonic() - self._started < BAR_DELAY:
            return
        if not is_terminal():
            if not self._printed:
                print(f"{self.text} ...", file=sys.stderr, flush=True)
                self._printed = True
            return
        if self._bar is None:
            self._bar = _make_bar(self.text)
            self._bar.start()
        total = max(total, done, 1)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)


def _make_bar(text: str) -> Any:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        console=_console(),
        transient=True,
    )
    bar.add_task(text, total=1)
    return bar


def print_trained(name: str, n_done: int, n_trainings: int, seconds: float) -> None:
    """Print that a model was trained, for models whose epochs are not shown."""
    count = f"{n_done}/{n_trainings}"
    line = get_catalogue()("cli.trained_line", count=count, name=name, seconds=seconds)
    print(line, file=sys.stderr, flush=True)


class EpochLog:
    """Show the epochs of a network as they end, as a context manager.

    Parameters
    ----------
    name : str
        Name of the network on the screen.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.words = get_catalogue()
        self._live: Any = None

    def __enter__(self) -> Self:
        if is_terminal():
            from rich.live import Live

            self._live = Live(f"{self.name} ...", console=_console(), auto_refresh=False)
            self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live.console.file.close()

    def __call__(self, event: Any) -> None:
        """Show an epoch that has ended."""
        count = f"{self.name} {event.epoch}/{event.epochs}"
        left = f"{self.words('cli.eta')} {event.eta:.0f}s"
        if self._live is None:
            line = f"{count} | {self._figures(event.logs)} | {left}"
            print(line, file=sys.stderr, flush=True)
        else:
            frame = _frame(count, event, left, self._figures(event.logs))
            self._live.update(frame, refresh=True)

    def _figures(self, logs: dict[str, float]) -> str:
        groups = []
        for name, label in (("accuracy", "acc"), ("loss", "loss")):
            shown = {f"{part}{label}": logs.get(f"{part}{name}") for part in ("", "val_")}
            figures = [
                self.words.format("{}={:.4f}", key, value)
                for key, value in shown.items()
                if value is not None
            ]
            groups.append(" ".join(figures))
        return " | ".join(groups)


def _frame(count: str, event: Any, left: str, figures: str) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    row.add_row(
        Text(count), ProgressBar(event.epochs, event.epoch, width=40), Text(left, style="cyan")
    )
    return Group(row, Text(f"  {figures}"))


class TrialLog:
    """Show finished and running trials of a search, as a context manager.

    On a terminal, this is a bar with the best value and the remaining time, followed by a line per
    running trial. Elsewhere, a line is printed for each finished trial.

    Parameters
    ----------
    n_trials : int
        Total number of trials, including those of earlier calls.
    folder : Path
        Folder in which each running trial writes its progress after each epoch, to a file
        ``<number>.json`` with `fold` and `n_folds`, `epoch` and `epochs` (0 if it has no epochs),
        and `value` (a float or None).
    done : int, default=0
        Number of trials finished in earlier calls.
    """

    def __init__(self, n_trials: int, folder: Path, *, done: int = 0) -> None:
        self.n_trials = n_trials
        self.folder = folder
        self.done = done
        self.words = get_catalogue()
        self._done_before = done
        self._finished: set[int] = set()
        self._best: float | None = None
        self._ended = False
        self._live: Any = None
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        if is_terminal():
            from rich.live import Live

            # rich calls this in a thread of its own
            self._live = Live(get_renderable=self._frame, console=_console())
            self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._live is not None:
            self._ended = True  # the last frame is the bar without running trials
            self._live.stop()
            self._live.console.file.close()
            self._live = None

    def finished(
        self, number: int, state: str, value: float | None, best: float | None, seconds: float
    ) -> None:
        """Show a trial that has ended.

        Parameters
        ----------
        number : int
            Number of the trial in the study.
        state : {"COMPLETE", "PRUNED", "FAIL"}
        value, best : float or None
            Score of the trial, and best score so far. None or NaN if there is none.
        seconds : float
            Duration of the trial.
        """
        self.done += 1
        self._finished.add(number)
        self._best = best
        if self._live is not None:
            self._live.refresh()
            return
        say = self.words
        outcomes = {"PRUNED": "cli.trial_pruned", "FAIL": "cli.trial_failed"}
        outcome = say(outcomes[state]) if state in outcomes else self._number(value)
        line = say(
            "cli.trial_line",
            count=f"{self.done}/{self.n_trials}",
            number=number,
            outcome=outcome,
            best=self._number(best),
            seconds=seconds,
            left=self._left(),
        )
        print(line, file=sys.stderr, flush=True)

    def _number(self, value: float | None) -> str:
        return "-" if value is None or math.isnan(value) else self.words.format("{:.4f}", value)

    def _left(self) -> str:
        """Return the remaining time, estimated from the trials of this call."""
        n_finished = self.done - self._done_before
        if not n_finished:
            return ""
        seconds_per_trial = (time.monotonic() - self._started) / n_finished
        left = seconds_per_trial * max(0, self.n_trials - self.done)
        return self.words.format("{} {:.0f}s", self.words("cli.eta"), left)

    def _frame(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        say = self.words
        row = Table.grid(padding=(0, 1))
        row.add_row(
            Text(say("cli.trial_count", count=f"{self.done}/{self.n_trials}")),
            ProgressBar(self.n_trials, self.done, width=30),
            Text(say("cli.trial_best", best=self._number(self._best))),
            Text(self._left(), style="cyan"),
        )
        running = [] if self._ended else self._running()
        return Group(row, *(Text(f"  {line}") for line in running))

    def _running(self) -> list[str]:
        """Return a line for each running trial."""
        say, lines = self.words, []
        for number, note in _read_running(self.folder):
            if number in self._finished:
                continue
            try:
                key = "cli.trial_running" if note["epochs"] else "cli.trial_running_fold"
                line = say(key, number=number, value=self._number(note["value"]), **_counts(note))
            except (KeyError, TypeError, ValueError):  # not a progress note
                continue
            lines.append(make_printable(line))
        return lines[:MAX_RUNNING]


def _counts(note: dict[str, Any]) -> dict[str, int]:
    return {name: int(note[name]) for name in ("fold", "n_folds", "epoch", "epochs")}


def _read_running(folder: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read the notes of the running trials, ignoring deleted and incomplete files."""
    found = []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        number, _, ending = name.partition(".")
        if ending != "json" or not number.isdecimal():
            continue
        try:
            found.append((int(number), dict(json.loads((folder / name).read_bytes()))))
        except (OSError, TypeError, ValueError):
            continue
    return sorted(found, key=lambda entry: entry[0])
