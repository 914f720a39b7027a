"""Unpacks the files that were read, where the user asked for it, and nothing anywhere else."""

import contextlib
import filecmp
import os
import re
import tempfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from skmnist.datasets._members import CHUNK, DatasetError, Member, shorten

# Names that mean something else to Windows, and characters that it does not allow.
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


def extract(members: Iterable[Member], extract_dir: str | PathLike[str]) -> None:
    """Write members into a folder, all of them or none.

    They are written beside their places first and moved when all are whole. A file that is there
    already stays when it is the same.

    Raises
    ------
    DatasetError
        The folder cannot be written to, is full, or holds another file of the same name.
    """
    root = Path(extract_dir)
    made: list[Path] = []
    try:
        made += _make_folders(root)
        resolved = root.resolve()
        with tempfile.TemporaryDirectory(prefix=".skmnist-", dir=resolved) as work:
            waiting = []
            seen: set[str] = set()
            for number, member in enumerate(dict.fromkeys(m.outer or m for m in members)):
                target = resolved.joinpath(*_safe_parts(member, seen))
                temporary = Path(work) / str(number)
                _write(member, temporary)
                if not _is_there(target, temporary, member, resolved):
                    waiting.append((temporary, target))
            for temporary, target in waiting:
                made += _make_folders(target.parent)
                made.append(target)
                os.replace(temporary, target)
    except BaseException as error:
        for path in reversed(made):  # what this call put there, and nothing else
            if path.is_dir():
                _remove_empty(path)
            else:
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DatasetError(
                f"extract_dir={str(root)!r}: cannot be written to ({error.strerror}); pass another "
                "folder, or leave extract_dir out: files are read without being unpacked"
            ) from error
        raise


def _make_folders(path: Path) -> list[Path]:
    """Make a folder and those above it, and return the new ones."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):  # something else has come into it
        path.rmdir()


def _safe_parts(member: Member, seen: set[str]) -> tuple[str, ...]:
    """Return the member's path where each part is a plain name on every system."""
    if member.path.casefold() in seen:
        raise DatasetError(f"{member.where}: differs from another member only in small and capital")
    seen.add(member.path.casefold())
    for part in member.parts:
        # `_archive` has refused paths that lead outside; a second look costs nothing
        if part in ("", ".", "..") or "/" in part or "\\" in part:
            raise DatasetError(f"{member.where}: leads outside of extract_dir")
        if RESERVED.fullmatch(part) or FORBIDDEN.search(part) or part[-1] in ". ":
            raise DatasetError(
                f"{member.where}: {shorten(part)!r} cannot be the name of a file on every system; "
                "leave extract_dir out: files are read without being unpacked"
            )
    return member.parts


def _write(member: Member, path: Path) -> None:
    with member.open() as stream, path.open("xb") as file:
        while data := stream.read(CHUNK):
            file.write(data)


def _is_there(target: Path, temporary: Path, member: Member, root: Path) -> bool:
    """Say whether the same file is there already; refuse to replace another."""
    if not target.resolve().is_relative_to(root):
        raise DatasetError(f"{member.where}: a link in extract_dir leads outside of it")
    if not target.exists() and not target.is_symlink():
        return False
    if target.is_file() and filecmp.cmp(target, temporary, shallow=False):
        return True
    raise DatasetError(
        f"{target}: is there already and is another file; pass an empty folder as extract_dir"
    )
