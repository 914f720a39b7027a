"""Import tensorflow when it is needed, and keep it quiet."""

import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

# What tensorflow 2.18 to 2.21 write to file descriptor 2 themselves, before their own log level
# applies: glog lines (its "errors" are plugins registered twice), and the two that go with them.
_CHATTER = re.compile(
    rb"^([IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
    rb"|\d{4}-\d\d-\d\d .*: [IW] )"
)


def load_training() -> ModuleType:
    """Import the module that trains, and with it tensorflow, which takes seconds."""
    name = "skmnist.neural_network._keras"
    if name not in sys.modules:
        # 1 would drop tensorflow's notes and 2 its warnings; its errors come as exceptions
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        with quiet():
            importlib.import_module(name)
    return sys.modules[name]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep tensorflow's chatter off the screen, and nothing else.

    It comes from C++, below Python's ``sys.stderr``: so the descriptor itself points to a
    temporary file for a while. What is no chatter is written out afterwards, and all of it where
    an exception ended the block.
    """
    try:
        real = os.dup(2)
    except OSError:  # no standard error at all, as under pythonw
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        chatter: re.Pattern[bytes] | None = _CHATTER
        try:
            yield
        except BaseException:
            chatter = None  # it may say why
            raise
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            caught.seek(0)
            for line in caught:
                if chatter is None or not chatter.match(line):
                    os.write(2, line)
