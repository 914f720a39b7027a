"""Programs on a pseudo-terminal, and Ctrl-C, for tests of what somebody at a screen sees."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial

import pytest

needs_a_terminal = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")


def show_on_a_terminal(*arguments):
    """Run Python with standard error on a terminal, and return what is shown there."""
    ours, theirs = os.openpty()
    written = b""
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "LC_ALL": "C", "TERM": "xterm", "COLUMNS": "80"},
    ) as process:
        os.close(theirs)
        with suppress(OSError):  # what Linux says where nobody is left to write
            while part := os.read(ours, 4096):  # more it does not give at once
                written += part
    os.close(ours)
    assert process.returncode == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written.decode())


def interrupt(*arguments, after):
    """Run the package, press Ctrl-C after a line that begins so; return status, out and err."""
    with subprocess.Popen(
        [sys.executable, "-m", "skmnist", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        # a shell's background jobs, as CI may run us, ignore Ctrl-C
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for line in process.stderr:
            if line.startswith(after):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    return process.returncode, out, err
