"""The command line: it arranges what the rest of the package finds out, and decides nothing.

Only typer and the texts are imported at once: ``skmnist --help`` answers without delay. What a
command needs beyond that is imported when it runs.
"""

from skmnist.cli._commands import make_app
from skmnist.cli._main import main

__all__ = ["main", "make_app"]
