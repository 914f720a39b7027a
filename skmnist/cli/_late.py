"""Import a module when it is used for the first time."""

import importlib
import sys
from types import ModuleType
from typing import Any


class _LateModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def import_late(name: str) -> None:
    """Let ``import`` of a module return at once; the module is loaded with its first attribute.

    scikit-learn imports scipy.stats, which takes a fifth of the time until the first digit is read,
    for functions that reading does not call. This is for the command line, where the process is
    our own.

    Parameters
    ----------
    name : str
        Module that may be imported later. One that is loaded already is left as it is.
    """
    if name not in sys.modules:
        sys.modules[name] = _LateModule(name)
