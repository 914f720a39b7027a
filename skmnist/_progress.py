"""Signs of life on standard error: a bar on a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self


def is_terminal() -> bool:
    """Say whether standard error is a terminal that can redraw a line."""
    return bool(sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb")


def _console() -> Any:
    """Make a console that stays on the terminal while tensorflow loads.

    Tensorflow's own words are kept off the screen by pointing descriptor 2 elsewhere for a
    while; this one writes to a copy of it.
    """
    from rich.console import Console

    return Console(file=os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8"))


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Turn a spinner beside `text` on a terminal; print one line elsewhere."""
    if is_terminal():
        console = _console()
        with console.file, console.status(text):
            yield
    else:
        print(text, file=sys.stderr, flush=True)
        yield


BAR_DELAY = 2.0  # seconds after which somebody who waits wants to know for how long


def print_line(text: str) -> None:
    """Write what a function with ``verbose=True`` has found, on standard output."""
    print(text)


class ByteBar:
    """A bar for what takes longer than two seconds, on a terminal; a context manager.

    Elsewhere one line says what is being done. Call it with the bytes done and all bytes.

    Parameters
    ----------
    text : str
        What is being done.
    shown : bool, default=True
        False shows nothing at all.
    """

    def __init__(self, text: str, *, shown: bool = True) -> None:
        self.text = text
        self.shown = shown
        self._started = time.monotonic()
        self._bar: Any = None
        self._told = False

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar.console.file.close()
            self._bar = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is."""
        if not self.shown or time.monotonic() - self._started < BAR_DELAY:
            return
        if not is_terminal():
            if not self._told:
                print(f"{self.text} ...", file=sys.stderr, flush=True)
                self._told = True
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


class EpochLog:
    """Shows each epoch of one network as its events arrive; a context manager.

    Parameters
    ----------
    name : str
        What the network is called on the screen.
    eta : str, default="ETA"
        The word before the seconds left.
    """

    def __init__(self, name: str, *, eta: str = "ETA") -> None:
        self.name = name
        self.eta = eta
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

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # scikit-learn's clone copies callbacks, and there is only one screen

    def __call__(self, event: Any) -> None:
        """Show the epoch that has ended."""
        count = f"{self.name} {event.epoch}/{event.epochs}"
        left = f"{self.eta} {event.eta:.0f}s"
        if self._live is None:
            print(f"{count} | {_figures(event.logs)} | {left}", file=sys.stderr, flush=True)
        else:
            self._live.update(_frame(count, event, left), refresh=True)


def _figures(logs: dict[str, float]) -> str:
    groups = []
    for name, label in (("accuracy", "acc"), ("loss", "loss")):
        figures = [f"{label}={logs[name]:.4f}"]
        if f"val_{name}" in logs:
            figures.append(f"val_{label}={logs['val_' + name]:.4f}")
        groups.append(" ".join(figures))
    return " | ".join(groups)


def _frame(count: str, event: Any, left: str) -> Any:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, 1))
    row.add_row(
        Text(count), ProgressBar(event.epochs, event.epoch, width=40), Text(left, style="cyan")
    )
    return Group(row, Text(f"  {_figures(event.logs)}"))
