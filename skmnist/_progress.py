"""Show progress as a bar on a terminal or in a notebook, or as plain lines on standard error."""

import io
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
BAR_PAUSE = 0.2  # seconds between drawings of a bar that is updated often
BAR_WIDTH = 30
MAX_RUNNING = 8  # maximum number of running trials below the bar


def is_terminal() -> bool:
    """Return whether standard error is a terminal that can redraw lines."""
    return bool(sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb")


def is_notebook() -> bool:
    """Return whether the code runs in the kernel of a notebook."""
    module = sys.modules.get("IPython")
    return getattr(module and module.get_ipython(), "kernel", None) is not None


def _console() -> Any:
    """Return a console that writes to a copy of file descriptor 2.

    The descriptor itself is redirected during the import of tensorflow, to hide its log lines.
    """
    from rich.console import Console

    return Console(file=os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"))


class _Terminal:
    """Draw the result of `get_frame` and redraw it in place, four times a second if `moving`."""

    def __init__(
        self, get_frame: Callable[[], Any], *, moving: bool = False, transient: bool = False
    ) -> None:
        from rich.live import Live

        # if `moving`, rich calls `get_frame` in a separate thread
        self._live = Live(
            get_renderable=get_frame,
            console=_console(),
            auto_refresh=moving,
            transient=transient,
        )
        self._live.start(refresh=True)

    def refresh(self) -> None:
        self._live.refresh()

    def close(self) -> None:
        self._live.stop()
        self._live.console.file.close()


class _Notebook:
    """Draw the result of `get_frame` below a cell, and redraw it in place at `refresh`.

    rich does the same only if ipywidgets is installed.
    """

    def __init__(
        self, get_frame: Callable[[], Any], *, moving: bool = False, transient: bool = False
    ) -> None:
        from IPython.display import display

        self._get_frame, self._transient = get_frame, transient
        self._handle = display(self._draw(), raw=True, display_id=True)

    def refresh(self) -> None:
        self._handle.update(self._draw(), raw=True)

    def close(self) -> None:
        empty = {"text/html": "", "text/plain": ""}
        self._handle.update(empty if self._transient else self._draw(), raw=True)

    def _draw(self) -> dict[str, str]:
        from rich.console import Console

        console = Console(file=io.StringIO(), record=True, width=100, force_jupyter=False)
        console.print(self._get_frame())
        form = '<pre style="line-height: 1.4; margin: 0">{code}</pre>'
        html = console.export_html(code_format=form, inline_styles=True, clear=False)
        return {"text/html": html, "text/plain": console.export_text()}


def _open_screen(get_frame: Callable[[], Any], **options: bool) -> _Terminal | _Notebook | None:
    """Return an object that draws frames, or None if only lines can be printed."""
    if is_notebook():
        return _Notebook(get_frame, **options)
    return _Terminal(get_frame, **options) if is_terminal() else None


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show `text` during the block, beside a spinner on a terminal.

    There is no spinner in a notebook: it would not move, and the program would seem to hang.
    """
    from rich.spinner import Spinner
    from rich.text import Text

    frame = Text(text) if is_notebook() else Spinner("dots", text)
    screen = _open_screen(lambda: frame, moving=True, transient=True)
    if screen is None:
        print(text, file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if screen is not None:
            screen.close()


@contextmanager
def report_bytes(
    progress: bool | Callable[[int, int], Any], text: str
) -> Iterator[Callable[[int, int], Any]]:
    """Provide a function to call with the number of bytes processed and the total.

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

    Call it with the number of bytes processed and the total. Where no bar can be shown, one line is
    printed instead.

    Parameters
    ----------
    text : str
        Text beside the bar.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._started = self._drawn = time.monotonic()
        self._done, self._total = 0, 1
        self._is_told = False
        self._screen: _Terminal | _Notebook | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._screen is not None:
            self._screen.close()
            self._screen = None

    def __call__(self, done: int, total: int) -> None:
        """Update the bar."""
        self._done, self._total = done, max(total, done, 1)
        now = time.monotonic()
        if now - self._started < BAR_DELAY:
            return
        if not self._is_told:
            self._is_told = True
            self._screen = _open_screen(self._draw, transient=True)
            if self._screen is None:
                print(f"{self.text} ...", file=sys.stderr, flush=True)
        elif self._screen is not None and now - self._drawn >= BAR_PAUSE:
            self._drawn = now
            self._screen.refresh()

    def _draw(self) -> Any:
        return _make_row(self.text, self._done, self._total, f"{self._done / self._total:.0%}")


def _make_row(text: str, done: int, total: int, *more: str) -> Any:
    """Return a line with a text, a bar and more texts, the last one in colour."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    *inner, last = more
    cells = [Text(word) for word in inner]
    row.add_row(
        Text(text), ProgressBar(total, done, width=BAR_WIDTH), *cells, Text(last, style="cyan")
    )
    return row


def print_trained(name: str, n_done: int, n_trainings: int, seconds: float) -> None:
    """Print that a model has been trained, if its epochs are not shown."""
    count = f"{n_done}/{n_trainings}"
    line = get_catalogue()("cli.trained_line", count=count, name=name, seconds=seconds)
    print(line, file=sys.stderr, flush=True)


class EpochLog:
    """Show the epochs of a network as they end, as a context manager.

    Parameters
    ----------
    name : str
        Name to show for the network.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.words = get_catalogue()
        self._event: Any = None
        self._screen: _Terminal | _Notebook | None = None

    def __enter__(self) -> Self:
        self._screen = _open_screen(self._draw)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._screen is not None:
            self._screen.close()

    def __call__(self, event: Any) -> None:
        """Show an epoch that has ended."""
        self._event = event
        if self._screen is None:
            count, figures, left = self._describe()
            print(f"{count} | {figures} | {left}", file=sys.stderr, flush=True)
        else:
            self._screen.refresh()

    def _draw(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        if self._event is None:
            return Text(f"{self.name} ...")
        count, figures, left = self._describe()
        row = _make_row(count, self._event.epoch, self._event.epochs, left)
        return Group(row, Text(f"  {figures}"))

    def _describe(self) -> tuple[str, str, str]:
        """Return the number of the epoch, its figures and the remaining time."""
        event = self._event
        count = f"{self.name} {event.epoch}/{event.epochs}"
        return count, self._figures(event.logs), f"{self.words('cli.eta')} {event.eta:.0f}s"

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


class TrialLog:
    """Show finished and running trials of a search, as a context manager.

    On a terminal and in a notebook, this is a bar with the best value and the remaining time,
    followed by a line for each running trial, up to eight (in a notebook, updated only when a trial
    ends). Elsewhere, a line is printed for each finished trial.

    Parameters
    ----------
    n_trials : int
        Total number of trials, including those of earlier calls.
    folder : Path
        Folder in which each running trial records its progress after each epoch. The file
        ``<number>.json`` contains `fold` and `n_folds`, `epoch` and `epochs` (0 if the estimator
        has no epochs), and `value` (a float or None).
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
        self._screen: _Terminal | _Notebook | None = None
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._screen = _open_screen(self._draw, moving=True)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._screen is not None:
            self._ended = True  # the last frame is the bar without running trials
            self._screen.close()
            self._screen = None

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
        if self._screen is not None:
            self._screen.refresh()
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
        """Return the remaining time, estimated from trials of this call; "" if none has ended."""
        n_finished = self.done - self._done_before
        if not n_finished:
            return ""
        seconds_per_trial = (time.monotonic() - self._started) / n_finished
        left = seconds_per_trial * max(0, self.n_trials - self.done)
        return self.words.format("{} {:.0f}s", self.words("cli.eta"), left)

    def _draw(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        say = self.words
        count = say("cli.trial_count", count=f"{self.done}/{self.n_trials}")
        best = say("cli.trial_best", best=self._number(self._best))
        row = _make_row(count, self.done, self.n_trials, best, self._left())
        running = [] if self._ended else self._running()
        return Group(row, *(Text(f"  {line}") for line in running))

    def _running(self) -> list[str]:
        """Return a line for each running trial, at most `MAX_RUNNING`."""
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
