"""Write files whole or not at all."""

import errno
import os
import re
import time
import uuid
from contextlib import suppress
from pathlib import Path

TEMPORARY = ".skmnist-"  # how a file begins that a killed process has left
_NAME = re.compile(rf"{re.escape(TEMPORARY)}[0-9a-f]{{32}}")
STALE_SECONDS = 3600.0  # nobody takes that long to write a file that is in memory


def write_whole(path: Path, content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, so that nobody ever sees half of a file.

    What was there stays as it was until the new content is on the disk, whatever ends the process
    before. A link stays and what it points to is replaced; a pipe or a device is written to.
    Temporary files that killed processes have left in the folder are deleted after an hour.

    Raises
    ------
    OSError
        The file cannot be written; what was there is untouched.
    """
    if isinstance(content, str):
        content = content.encode()
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    try:
        path = path.resolve()
    except RuntimeError as error:  # Python 3.13 raises the OSError itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    mode = None
    if path.exists():
        mode = path.stat().st_mode & 0o777  # what was private stays so
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        _clear(path.parent)


def _clear(folder: Path) -> None:
    """Delete temporary files that are too old to be of a process that is still writing."""
    with suppress(OSError):
        for file in folder.glob(f"{TEMPORARY}*"):
            is_ours = _NAME.fullmatch(file.name) and not file.is_symlink() and file.is_file()
            if is_ours and time.time() - file.stat().st_mtime > STALE_SECONDS:
                file.unlink(missing_ok=True)
