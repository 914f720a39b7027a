"""Unpack the files that were read, if `extract_dir` is given."""

import contextlib
import filecmp
import os
import re
import tempfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from skmnist.datasets._members import CHUNK, DatasetError, Member, shorten

# Reserved names and characters of Windows.
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


def extract(members: Iterable[Member], extract_dir: str | PathLike[str]) -> None:
    """Write all members into a folder, or none of them.

    They are written to a temporary folder and moved when all are complete. Identical files that
    already exist are kept.

    Raises
    ------
    DatasetError
        If the disk is full, the folder is not writable or contains a different file of the same
        name, or a name is not valid on every system.
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
                if not _exists_already(target, temporary, member, resolved):
                    waiting.append((temporary, target))
            for temporary, target in waiting:
                made += _make_folders(target.parent)
                made.append(target)
                os.replace(temporary, target)
    except BaseException as error:
        for path in reversed(made):  # only what this call created
            if path.is_dir():
                _remove_empty(path)
            else:
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DatasetError("not_extracted", folder=str(root), reason=error.strerror) from error
        raise


def _make_folders(path: Path) -> list[Path]:
    """Create a folder and its parents, and return the new ones."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):  # no longer empty
        path.rmdir()


def _safe_parts(member: Member, seen: set[str]) -> tuple[str, ...]:
    """Return the parts of a member's path, or raise if they are not valid on every system."""
    if member.path.casefold() in seen:
        raise DatasetError("same_but_case", where=member.where)
    seen.add(member.path.casefold())
    for part in member.parts:
        # checked again, although `_archive` rejects paths that lead outside
        if part in ("", ".", "..") or "/" in part or "\\" in part:
            raise DatasetError("outside_extract_dir", where=member.where)
        if RESERVED.fullmatch(part) or FORBIDDEN.search(part) or part[-1] in ". ":
            raise DatasetError("not_portable", where=member.where, name=shorten(part))
    return member.parts


def _write(member: Member, path: Path) -> None:
    with member.open() as stream, path.open("xb") as file:
        while data := stream.read(CHUNK):
            file.write(data)


def _exists_already(target: Path, temporary: Path, member: Member, root: Path) -> bool:
    """Return whether an identical file exists, or raise if a different one does."""
    if not target.resolve().is_relative_to(root):
        raise DatasetError("link_outside", where=member.where)
    if not target.exists() and not target.is_symlink():
        return False
    if target.is_file() and filecmp.cmp(target, temporary, shallow=False):
        return True
    raise DatasetError("extracted_before", where=str(target))
