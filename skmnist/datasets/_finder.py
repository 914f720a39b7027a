"""Find the files of the training and test parts."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable
from typing import get_args

from skmnist.datasets._archive import Contents
from skmnist.datasets._arrays import read_array_header
from skmnist.datasets._bunch import Note, check_n_classes
from skmnist.datasets._formats import recognize_name
from skmnist.datasets._image_folders import find_images
from skmnist.datasets._layout import (
    IMAGE_WORDS,
    LABEL_WORDS,
    MAX_NAMED,
    Kind,
    Layout,
    Part,
    Role,
    by_role,
    folder_of,
    list_names,
    name_part,
    natural_key,
    quote,
    role_of,
    split_words,
)
from skmnist.datasets._listing import ListingError
from skmnist.datasets._members import CHUNK, DatasetError, Member, refuse_format, shorten
from skmnist.datasets._tables import holds_pixels

IDX_LABELS = re.compile("label|idx1")
UNUSED: dict[Role, str] = {None: "unused", "validation": "validation_unused"}
MAX_TWINS = 20  # files to compare by content
SUBMISSION = "submission"  # name of templates for Kaggle submissions, whose labels are not real


def find_digits(contents: Contents, *, label: str | None = None) -> Layout:
    """Find the training and test parts among the files of an archive or folder.

    A kind of file with both parts is preferred to one with only one part. Apart from that, the
    order of preference is arrays, IDX files, images and tables: a table next to images often
    contains only metadata.

    Raises
    ------
    DatasetError
        If there are no digits, or it is ambiguous which part a file belongs to.
    """
    found: list[Layout] = []
    errors: list[DatasetError] = []
    by_kind: dict[str | None, list[Member]] = defaultdict(list)
    for member in contents.members:
        if member.kind != "table" or SUBMISSION not in member.path.casefold():
            by_kind[member.kind].append(member)
    finders: dict[Kind, Callable[[list[Member]], Layout]] = {
        "array": _find_arrays,
        "idx": _find_idx,
        "image": lambda images: find_images(images, by_kind["table"], label),
        "table": _find_tables,
    }
    for kind, finder in finders.items():
        if not by_kind[kind]:
            continue
        try:
            layout = finder(by_kind[kind])
        except ListingError as error:
            errors.insert(0, error)
            by_kind["table"].clear()  # they do not contain pixels
        except DatasetError as error:
            errors.append(error)
        else:
            if layout.parts:
                found.append(layout)
            listed = {id(file) for part in layout.parts.values() for file in part.label_files}
            by_kind["table"] = [table for table in by_kind["table"] if id(table) not in listed]
    if errors or len(found) > 1:
        # an unrelated table must not take precedence over images, or over their error
        found = [one for one in found if one.kind != "table" or _holds_pixels(one, label)]
    both = [layout for layout in found if {"train", "test"} <= layout.parts.keys()]
    if not found:
        first = errors[0] if errors else _explain_no_digits(contents)
        raise DatasetError(first.key, **first.values)
    layout = (both or sorted(found, key=_is_doubtful))[0]
    # checked before images are read
    check_n_classes(
        {label for part in layout.parts.values() for label in part.labels}, name=contents.source
    )
    return _settle(layout, contents)


def _holds_pixels(layout: Layout, label: str | None) -> bool:
    return all(
        holds_pixels(table, label) for part in layout.parts.values() for table in part.images[:1]
    )


def _is_doubtful(layout: Layout) -> bool:
    """Return whether these are images of at most one class, such as the figures in a manual."""
    labels = {label for part in layout.parts.values() for label in part.labels}
    return layout.kind == "image" and len(labels) < 2


def _settle(layout: Layout, contents: Contents) -> Layout:
    """Select the parts of a layout, and add notes on the files that are not used."""
    parts, notes = dict(layout.parts), []
    if None in parts and len(parts) > 1 and "train" not in parts:
        parts["train"] = parts.pop(None)
    if "train" in parts and "validation" in parts and "test" not in parts:
        parts["test"] = parts.pop("validation")
    left_out: list[Member] = []
    if "train" in parts or "test" in parts:
        for role, key in UNUSED.items():
            if role in parts:
                part = parts.pop(role)
                left_out += part.files
                notes.append(_counted(key, part.place, len(part.images)))
    notes += layout.notes
    if layout.twins:
        first = layout.twins[0].path
        notes.append(_counted("twins", first, len(layout.twins)))
    accounted = {id(member) for part in parts.values() for member in part.files}
    accounted |= {id(member) for member in (*left_out, *layout.twins)}
    rest: dict[str | None, list[Member]] = defaultdict(list)
    for member in contents.members:
        if id(member) not in accounted:
            rest[member.kind].append(member)
    notes += _note_rest(layout, parts, rest)
    if contents.leftovers:
        first = shorten(min(contents.leftovers))
        notes.append(Note("leftovers", {"path": first, "n": len(contents.leftovers)}))
    if layout.kind == "image":
        notes += _note_empty_folders(parts, contents.folders)
    order: list[Role] = ["train", "test", "validation", None]
    return Layout(layout.kind, {role: parts[role] for role in order if role in parts}, notes)


def _note_rest(
    layout: Layout, parts: dict[Role, Part], rest: dict[str | None, list[Member]]
) -> list[Note]:
    """Return notes that count unused files: images by reason, others by kind."""
    notes = []
    if layout.kind == "image":
        images = rest.pop("image", [])
        tables = [file for part in parts.values() for file in part.label_files]
        if tables and images:
            notes.append(_note("unlisted", images, table=shorten(tables[0].path)))
        else:
            in_parts = [image for image in images if role_of(image.parts[:-1]) is not None]
            in_none = [image for image in images if role_of(image.parts[:-1]) is None]
            by_key = {"unlabelled": in_parts, "stray_images": in_none}
            notes += [_note(key, some) for key, some in by_key.items() if some]
    if foreign := rest.pop("foreign image", []):
        formats = sorted({member.path.rpartition(".")[2].upper() for member in foreign})
        notes.append(_note("foreign_images", foreign, formats=", ".join(formats)))
    if packed := rest.pop("packed", []):
        paths = list_names(repr(shorten(member.path)) for member in packed)
        values = {"paths": paths, "n": len(packed)}
        notes.append(Note("packed", values))
    if layout.kind == "image" and not any(part.label_files for part in parts.values()):
        at = {folder_of(image.path) for part in parts.values() for image in part.images}
        beside = set(map(folder_of, at))
        odd = [
            member
            for member in rest[None]
            if "/" in member.path
            and ((folder := folder_of(member.path)) in at or folder_of(folder) in beside)
        ]
        if odd:
            notes.append(_note("no_images", odd))
    for kind in (*get_args(Kind), "foreign"):
        if others := rest.get(kind):
            notes.append(_counted("unused", others[0].path, len(others)))
    return notes


def _note(key: str, members: list[Member], **values: str) -> Note:
    return Note(key, {"path": shorten(members[0].path), "n": len(members), **values})


def _counted(key: str, path: str, n: int) -> Note:
    """Return a note whose key has a plural form."""
    return Note(f"{key}_many" if n > 1 else key, {"path": shorten(path), "n": n})


def _note_empty_folders(parts: dict[Role, Part], folders: list[str]) -> list[Note]:
    beside = {folder_of(folder_of(m.path)) for part in parts.values() for m in part.images}
    empty = [folder for folder in folders if folder_of(folder) in beside]
    notes = [Note("empty_folder", {"path": shorten(folder)}) for folder in empty[:MAX_NAMED]]
    if more := len(empty) - len(notes):
        notes.append(Note("more_empty_folders", {"n": more}))
    return notes


def _explain_no_digits(contents: Contents) -> DatasetError:
    source = contents.source
    names = [member.path for member in contents.members]
    packed = [member.path for member in contents.members if member.kind == "packed"]
    if packed:
        return DatasetError("archive_inside", where=source, name=shorten(packed[0]))
    if any(name.startswith("xl/") for name in names):
        return refuse_format(source, "excel")
    for member in contents.members:
        if member.kind == "foreign" and (name := recognize_name(member.path)):
            return refuse_format(member.where, name)
    images = [member.path for member in contents.members if member.kind == "foreign image"]
    if images:
        return DatasetError("foreign_images", where=source, names=quote(images))
    if not names:
        return DatasetError("no_files", where=source)
    return DatasetError("no_digits", where=source, names=quote(names))


# --- tables


def _find_tables(members: list[Member]) -> Layout:
    parts: dict[Role, Part] = {}
    twins: list[Member] = []
    groups = by_role(members)
    for role, tables in groups.items():
        if role is None and "train" in groups:  # not used, see `_settle`
            parts[role] = Part(tables[0].path, False, tuple(tables))
            continue
        if not _are_numbered(tables):
            tables = _drop_twins(tables, twins)
        folders = {folder_of(table.path) for table in tables}
        folder = folders.pop() if len(folders) == 1 else ""
        by_folder = role is not None and role_of(folder.split("/")[-1:]) == role
        named = [table for table in tables if role_of(table.parts[-1:]) is not None]
        if len(tables) > 1 and by_folder and len(named) == 1:
            tables = named
        elif len(tables) > 1 and not (by_folder and not named) and not _are_numbered(tables):
            raise DatasetError(
                "which_table_of_part" if role else "which_table",
                where=tables[0].source,
                names=quote(table.path for table in tables),
                part=name_part(role),
            )
        tables = sorted(tables, key=lambda table: natural_key(table.path))
        is_folder = by_folder and not named
        parts[role] = Part(folder if is_folder else tables[0].path, is_folder, tuple(tables))
    return Layout("table", parts, twins=twins)


def _drop_twins(files: list[Member], twins: list[Member]) -> list[Member]:
    """Keep one of several files with the same uncompressed content; add the others to `twins`.

    If there are more than `MAX_TWINS` files, none are compared.
    """
    if not 1 < len(files) <= MAX_TWINS:
        return files
    kept: dict[bytes, Member] = {}
    for file in sorted(files, key=lambda file: (file.path.endswith(".gz"), file.path.count("/"))):
        if kept.setdefault(_digest(file), file) is not file:
            twins.append(file)
    return list(kept.values())


def _digest(member: Member) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    with member.open(unpack=True) as stream:
        while data := stream.read(CHUNK):
            digest.update(data)
    return digest.digest()


def _are_numbered(tables: list[Member]) -> bool:
    return len({re.sub("[0-9]+", "#", table.path) for table in tables}) == 1


# --- IDX


def _find_idx(members: list[Member]) -> Layout:
    parts: dict[Role, Part] = {}
    twins: list[Member] = []
    for role, files in by_role(members).items():
        labels = [m for m in files if IDX_LABELS.search(m.parts[-1].lower())]
        images = [m for m in files if not IDX_LABELS.search(m.parts[-1].lower())]
        images, labels = _drop_twins(images, twins), _drop_twins(labels, twins)
        parts[role] = _pair(images, labels, ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"))
    return Layout("idx", parts, twins=twins)


def _pair(images: list[Member], labels: list[Member], example: tuple[str, str]) -> Part:
    """Return a part from one file of images and one file of labels."""
    first, second = example
    for found, what in ((images, "images"), (labels, "labels")):
        where = (labels or images)[0].where
        if not found:
            raise DatasetError(f"no_file_of_{what}", where=where, first=first, second=second)
        if len(found) > 1:
            raise DatasetError(
                f"files_of_{what}",
                where=where,
                n=len(found),
                names=quote(member.path for member in found),
                first=first,
                second=second,
            )
    return Part(images[0].path, False, tuple(images), label_files=tuple(labels))


# --- arrays


def _find_arrays(members: list[Member]) -> Layout:
    parts: dict[Role, Part] = {}
    twins: list[Member] = []
    for role, files in by_role(members).items():
        images, labels = [], []
        for member in files:
            n_dimensions = len(read_array_header(member).shape)
            words = split_words(member.parts[-1].removesuffix(".npy"))
            if any(map(LABEL_WORDS.match, words)):
                labels.append(member)
            elif any(map(IMAGE_WORDS.match, words)) or n_dimensions > 1:
                images.append(member)
            elif n_dimensions == 1:
                labels.append(member)
        if not images and not labels:
            continue
        images, labels = _drop_twins(images, twins), _drop_twins(labels, twins)
        parts[role] = _pair(images, labels, ("x_train.npy", "y_train.npy"))
    if not parts:
        raise DatasetError("neither_images_nor_labels", where=members[0].where)
    return Layout("array", parts, twins=twins)
