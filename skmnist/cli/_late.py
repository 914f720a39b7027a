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
    """Postpone the import of a module until one of its attributes is used.

    scikit-learn imports scipy.stats, which takes a fifth of the time until the first digit is read,
    although reading does not call its functions. Use this only for the command line, where no other
    code runs in the process.

    Parameters
    ----------
    name : str
        Module to import later. A module that is already loaded is not changed.
    """
    if name not in sys.modules:
        sys.modules[name] = _LateModule(name)
