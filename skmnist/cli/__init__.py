"""The command line.

It only shows the results of other subpackages. To keep ``skmnist --help`` fast, slow modules are
imported only when a command runs.
"""

from skmnist.cli._commands import make_app
from skmnist.cli._main import main

__all__ = ["main", "make_app"]
