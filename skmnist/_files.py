"""Write files whole or not at all."""

import os
import uuid
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write bytes, or text as UTF-8, so that nobody ever sees half of a file.

    What was there stays as it was until the new content is on the disk, whatever ends the process
    before. A link stays and what it points to is replaced; a pipe or a device is written to.

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
    path = path.resolve()
    temporary = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
