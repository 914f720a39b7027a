"""List the files of a ZIP or folder as members, and reject malicious archives.

Nothing is unpacked to disk. zipfile alone would read a central directory of any size and, in older
versions of Python, accept overlapping members.
"""

import gzip
import os
import re
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from os import PathLike
from typing import BinaryIO

from skmnist.datasets._formats import is_image, is_leftover, kind_of, recognize, recognize_name
from skmnist.datasets._members import (
    DAMAGE,
    GZIP,
    MAX_DEFLATE,
    Budget,
    DatasetError,
    Member,
    Progress,
    refuse_format,
    shorten,
)

MAX_MEMBERS = 300_000  # EMNIST's digits are 280,000 images
DIRECTORY_ENTRY = 160  # bytes per member in a ZIP's central directory, with a long name
MAX_ARCHIVES = 16  # .npz files inside an archive or folder
MAX_ARRAYS = 1000  # members of an .npz file
MAX_DEPTH = 100  # nested folders
MAX_PACKED = 1 << 30  # bytes of an .npz file inside an archive

PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")


@dataclass(frozen=True)
class Contents:
    """The files of an archive or folder.

    Attributes
    ----------
    source : str
        Path passed by the user.
    members : list of Member
        Sorted by path, without the files that an operating system or NAS has created.
    leftovers : list of str
        Images among the files that an operating system or NAS has created, such as thumbnails.
    folders : list of str
        Empty folders.
    budget : Budget
    """

    source: str
    members: list[Member]
    leftovers: list[str]
    folders: list[str]
    budget: Budget


@contextmanager
def open_contents(
    path: str | PathLike[str], *, progress: Progress | None = None
) -> Iterator[Contents]:
    """List the files in a ZIP or folder; a file of another kind is listed alone.

    Raises
    ------
    DatasetError
        If `path` is missing, unreadable, malicious, or in an unsupported format.
    """
    source = os.fsdecode(path)
    try:
        mode, size = (found := os.stat(source)).st_mode, found.st_size
    except FileNotFoundError:
        raise DatasetError("missing", where=source) from None
    except (OSError, ValueError) as error:
        raise DatasetError("unreadable", where=shorten(source), reason=_reason(error)) from error
    budget = Budget(size, progress)
    with ExitStack() as stack:
        if stat.S_ISDIR(mode):
            members, leftovers, folders = _list_folder(source, budget)
            budget.packed = sum(member.size for member in members)
        elif not stat.S_ISREG(mode):
            raise DatasetError("device", where=source)
        else:
            file = stack.enter_context(_open(source))
            if _is_zip(file):
                members, leftovers, folders = _list_zip(file, source, budget, stack)
            else:
                member = Member(source, "", size, None, budget, partial(_open, source))
                members = [replace(member, kind=_recognize_file(file, source))]
                leftovers, folders = [], []
        members = sorted(_open_archives(members, stack), key=lambda member: member.path)
        yield Contents(source, members, leftovers, folders, budget)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _open(path: str, *, buffering: int = -1) -> BinaryIO:
    try:
        return open(path, "rb", buffering)
    except OSError as error:
        raise DatasetError("unreadable", where=path, reason=_reason(error)) from error


def _open_below(folder: str, path: str) -> BinaryIO:
    return _open(os.path.join(folder, path), buffering=0)  # reads are large


# --- a single file


def _is_zip(file: BinaryIO) -> bool:
    """Return whether a file is a ZIP, even one that is truncated or has leading bytes."""
    try:
        head = file.read(4)
        return head in (b"PK\3\4", b"PK\5\6") or (head[:2] != GZIP and zipfile.is_zipfile(file))
    except OSError:
        return False  # the next read raises an error with the reason
    finally:
        file.seek(0)


def _recognize_file(file: BinaryIO, source: str) -> str:
    """Return the kind of a file from its first bytes and its name; raise if it is unsupported."""
    try:
        head = file.read(512)
    except OSError as error:
        raise DatasetError("unreadable", where=source, reason=_reason(error)) from error
    if not head:
        raise DatasetError("empty", where=source)
    if (name := recognize(head)) is not None:
        raise refuse_format(source, name)
    if head[:2] == GZIP and (name := recognize(_unpack_start(file))) is not None:
        raise refuse_format(source, name)
    if head[257:262] == b"ustar":
        raise refuse_format(source, "tar")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise refuse_format(source, "web_page")
    if head.startswith(PICTURES):
        raise DatasetError("single_image", where=source)
    if head.startswith(b"\x93NUMPY"):
        return "array"
    if head[:3] == b"\0\0\x08" or kind_of(os.path.basename(source)) == "idx":
        return "idx"
    if (name := recognize_name(source)) is not None:
        raise refuse_format(source, name)
    return "table"


def _unpack_start(file: BinaryIO) -> bytes:
    """Return the first uncompressed bytes of a gzip file."""
    file.seek(0)
    try:
        return gzip.GzipFile(fileobj=file).read(512)
    except DAMAGE:
        return b""  # the next read raises an error with the reason
    finally:
        file.seek(0)


# --- a folder


def _list_folder(source: str, budget: Budget) -> tuple[list[Member], list[str], list[str]]:
    members: list[Member] = []
    leftovers: list[str] = []
    empty: list[str] = []
    seen = set()

    def raise_unreadable(error: OSError) -> None:
        if is_leftover(os.path.relpath(os.fsdecode(error.filename), source)):
            return  # "System Volume Information" is never readable
        where = os.fsdecode(error.filename)
        raise DatasetError("unreadable", where=where, reason=_reason(error)) from error

    for at, folders, names in os.walk(source, onerror=raise_unreadable, followlinks=True):
        prefix = "" if at == source else os.path.relpath(at, source).replace(os.sep, "/") + "/"
        try:
            found = os.stat(at)
        except OSError as error:
            raise_unreadable(error)
            continue
        if (found.st_dev, found.st_ino) in seen:  # a circular link
            folders.clear()
            continue
        seen.add((found.st_dev, found.st_ino))
        _check_depth(prefix + "*", source)
        if is_leftover(prefix[:-1]):  # visited only to count its images
            leftovers += [prefix + name for name in names if is_image(name)]
            continue
        folders.sort()
        leftovers += [prefix + name for name in names if is_leftover(name) and is_image(name)]
        names = [name for name in names if not is_leftover(name)]
        if prefix and not names and all(map(is_leftover, folders)):
            empty.append(_check_text(prefix[:-1], source))
        for name in names:
            raw = prefix + name
            try:
                info = os.stat(os.path.join(source, raw))
            except OSError:  # a broken link
                continue
            if stat.S_ISREG(info.st_mode):
                path, opener = _check_text(raw, source), partial(_open_below, source, raw)
                members.append(Member(source, path, info.st_size, kind_of(name), budget, opener))
        if len(members) > MAX_MEMBERS:
            raise DatasetError("too_many_files", where=source, limit=MAX_MEMBERS)
    return members, leftovers, empty


def _check_depth(path: str, where: str) -> None:
    depth = path.count("/")
    if depth > MAX_DEPTH:
        raise DatasetError(
            "too_deep", where=where, path=shorten(path), depth=depth, limit=MAX_DEPTH
        )


def _check_text(path: str, source: str) -> str:
    """Return a path in Unicode normalization form NFC, because a name may become a label."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise DatasetError("name_not_utf8", where=source, name=shorten(path)) from None
    return unicodedata.normalize("NFC", path)


# --- a ZIP


def _list_zip(
    file: BinaryIO, source: str, budget: Budget, stack: ExitStack, *, inside: str = ""
) -> tuple[list[Member], list[str], list[str]]:
    where = f"{source}: {inside}" if inside else source
    try:
        _check_directory(file, where, MAX_ARRAYS if inside else MAX_MEMBERS)
        archive = stack.enter_context(zipfile.ZipFile(file))
    except DatasetError:
        raise
    except DAMAGE as error:
        raise DatasetError("not_a_zip", where=where, reason=_reason(error)) from error
    members, leftovers, folders, filled = {}, [], [], set()
    for info in archive.infolist():
        path = _check_entry(info, where)
        if is_leftover(path):
            if is_image(path):
                leftovers.append(path)
            continue
        filled.add(path.rpartition("/")[0])
        if info.is_dir():
            folders.append(path)
        elif path in members:
            raise DatasetError("two_members", where=where, name=shorten(path))
        else:
            full = f"{inside}/{path}" if inside else path
            kind = kind_of(path.rpartition("/")[2])
            opener = partial(_open_entry, archive, info, source, full)
            # file_size may be forged; compress_size is verified by `_check_overlaps`
            size = min(info.file_size, info.compress_size * MAX_DEFLATE)
            members[path] = Member(source, full, size, kind, budget, opener)
    _check_overlaps(archive, where)
    empty = [folder for folder in folders if folder not in filled]
    return list(members.values()), leftovers, empty


def _check_directory(file: BinaryIO, where: str, max_members: int) -> None:
    """Raise if the central directory is too large, because zipfile reads all of it at once."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_557 - 76))  # end records, including ZIP64's, and a comment
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise DatasetError("no_list_of_members", where=where)
    (length,) = struct.unpack_from("<L", tail, at + 12)
    start = size - len(tail) + at - length
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\6\7" and tail[at - 76 : at - 72] == b"PK\6\6":
        (length,) = struct.unpack_from("<Q", tail, at - 36)
        start = size - len(tail) + at - 76 - length
    too_many = length > DIRECTORY_ENTRY * max_members
    if not too_many and start >= 0:
        file.seek(start)
        too_many = file.read(length).count(b"PK\1\2") > max_members
    if too_many:
        raise DatasetError("too_many_members", where=where, limit=max_members)
    file.seek(0)


def _check_entry(info: zipfile.ZipInfo, where: str) -> str:
    """Return the normalized path of a member, or raise if it may be malicious."""
    name = _decode_name(info)
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    kind = stat.S_IFMT(info.external_attr >> 16)
    fault = None
    if "\0" in name:
        fault = "nul"
    elif path.startswith("/") or re.match(r"[A-Za-z]:", path):
        fault = "absolute"
    elif ".." in parts or not parts:
        fault = "outside"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        fault = "link" if kind == stat.S_IFLNK else "device"
    if fault:
        raise DatasetError(f"member_{fault}", where=where, name=shorten(name))
    path = "/".join(parts)
    _check_depth(path, where)
    return _check_text(path, where)


def _decode_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name; macOS writes UTF-8 without setting the flag."""
    name = info.orig_filename
    if not info.flag_bits & 0x800 and not name.isascii():
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return name


def _check_overlaps(archive: zipfile.ZipFile, where: str) -> None:
    """Raise if members overlap, which lets a small archive unpack to petabytes."""
    end, before = 0, ""
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise DatasetError(
                "members_overlap",
                where=where,
                first=shorten(before),
                second=shorten(info.filename),
            )
        name = info.orig_filename
        end = info.header_offset + 30 + len(name) + info.compress_size
        before = info.filename
    if end > archive.start_dir:
        raise DatasetError("overlaps_list", where=where, name=shorten(before))


def _open_entry(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: str, path: str
) -> BinaryIO:
    if info.flag_bits & 0x1:
        raise DatasetError("encrypted", where=f"{source}: {shorten(path)}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        where = f"{source}: {shorten(path)}"
        raise DatasetError("compression", where=where, method=info.compress_type)
    return archive.open(info)  # type: ignore[return-value]


def _open_archives(members: list[Member], stack: ExitStack) -> list[Member]:
    """Replace .npz files with the arrays that they contain."""
    opened: list[Member] = []
    n_archives = 0
    for member in members:
        if member.kind != "archive":
            opened.append(member)
            continue
        n_archives += 1
        if n_archives > MAX_ARCHIVES:
            raise DatasetError("too_many_npz", where=member.where, n=n_archives, limit=MAX_ARCHIVES)
        file = stack.enter_context(BytesIO(member.read(MAX_PACKED)))
        arrays, *_ = _list_zip(file, member.source, member.budget, stack, inside=member.path)
        # archives inside these are not opened
        opened += [replace(array, outer=member) for array in arrays if array.kind == "array"]
    return opened
