"""Write files atomically, and find the bundled reader and the user's cache.

No library is used for writing, because none of them keeps permissions, follows symlinks and removes
stale temporary files.
"""

import errno
import os
import re
import time
import uuid
from contextlib import suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

TEMPORARY = ".skmnist-"  # prefix of temporary files; killed processes leave some behind
_NAME = re.compile(rf"{re.escape(TEMPORARY)}[0-9a-f]{{32}}")
STALE_SECONDS = 3600.0  # writing a file from memory never takes that long


def find_cache() -> Path:
    """Return the package's folder in the user's cache directory, which may not exist yet."""
    import pooch

    return Path(pooch.os_cache("skmnist"))


def find_bundled_reader() -> Traversable:
    """Return the file of the reader that is bundled with the package."""
    return files("skmnist") / "reading" / "data" / "digits.skmnist"


def write_whole(path: Path, content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, atomically.

    An existing file is left unchanged until the new content is on disk, even if the process is
    killed. Symlinks are followed; pipes and devices are written to directly. Temporary files that
    killed processes left in the folder more than an hour ago are deleted.

    Raises
    ------
    OSError
        If the file cannot be written. An existing file is left unchanged.
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
        mode = path.stat().st_mode & 0o777  # a private file stays private
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
    """Delete temporary files too old to belong to a running process."""
    with suppress(OSError):
        for file in folder.glob(f"{TEMPORARY}*"):
            is_ours = _NAME.fullmatch(file.name) and not file.is_symlink() and file.is_file()
            if is_ours and time.time() - file.stat().st_mtime > STALE_SECONDS:
                file.unlink(missing_ok=True)
