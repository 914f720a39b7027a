"""Write a whole file or nothing."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write text as UTF-8; whoever reads meanwhile, or after a kill, finds the old file.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a device is written to, not replaced
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()  # a link stays, what it points to is replaced
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
