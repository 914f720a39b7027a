"""Signs of life on standard error: a bar on a terminal, plain lines elsewhere."""

import os
import sys
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
