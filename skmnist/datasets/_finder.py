"""Which files are the training part, which the test part, whatever they are called."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from skmnist.datasets._archive import NESTED, Contents
from skmnist.datasets._arrays import read_array_header
from skmnist.datasets._errors import DatasetError
from skmnist.datasets._members import Member, shorten
from skmnist.datasets._notes import Note

Role = Literal["train", "test", "validation"] | None
Kind = Literal["array", "idx", "table", "image"]

_BEFORE = r"(?:[efkq]?mnist|digits?|ziffern?|[xy])?"  # mnisttrain, xtrain
ROLES = {
    "train": re.compile(_BEFORE + r"(?:train|lern)"),
    "test": re.compile(_BEFORE + r"(?:test|eval|t10k|prüf)"),
    "validation": re.compile(_BEFORE + r"(?:valid|val$|dev$)"),
}
LABEL_WORDS = re.compile(r"(?:y|labels?|targets?|lab|class(?:es)?|klassen?)$|y(?:train|test|val)")
IMAGE_WORDS = re.compile(r"(?:x|images?|imgs?|data|pixels?|bild(?:er)?)$|x(?:train|test|val)")
IDX_LABELS = re.compile("label|idx1")
UNUSED: dict[Role, str] = {None: "unused", "validation": "validation_unused"}
NUMBER = re.compile("([0-9]{1,18})")
MAX_NAMED = 5  # names in a message


@dataclass(frozen=True)
class Part:
    """The files of the training or the test part.

    Attributes
    ----------
    place : str
        The folder they lie in, or the file.
    is_folder : bool
    images : tuple of Member
    labels : tuple of str
        The label of each image file.
    label_files : tuple of Member
        The file with the labels of arrays or IDX images; none for tables, which hold both.
    """

    place: str
    is_folder: bool
    images: tuple[Member, ...]
    labels: tuple[str, ...] = ()
    label_files: tuple[Member, ...] = ()

    @property
    def files(self) -> tuple[Member, ...]:
        """All that is read."""
        return self.images + self.label_files


@dataclass(frozen=True)
class Layout:
    """What was found, and how to read it."""

    kind: Kind
    parts: dict[Role, Part]
    notes: list[Note] = field(default_factory=list)


def find_digits(contents: Contents) -> Layout:
    """Find the training and the test part among the files of an archive or folder.

    A kind of file that has both is preferred to one that has one part only; where several have,
    arrays come before IDX, images and tables: beside images, a table often tells who wrote them.

    Raises
    ------
    DatasetError
        There are no digits, or it cannot be told which part a file belongs to.
    """
    found: list[Layout] = []
    complaints: list[str] = []
    finders: list[tuple[Kind, Callable[[list[Member]], dict[Role, Part]]]] = [
        ("array", _find_arrays),
        ("idx", _find_idx),
        ("image", _find_images),
        ("table", _find_tables),
    ]
    for kind, finder in finders:
        members = [member for member in contents.members if member.kind == kind]
        if not members:
            continue
        try:
            parts = finder(members)
        except DatasetError as error:
            complaints.append(str(error))
        else:
            found.append(Layout(kind, parts))
    both = [layout for layout in found if {"train", "test"} <= layout.parts.keys()]
    if not found:
        raise DatasetError(complaints[0] if complaints else _nothing(contents))
    return _settle((both or sorted(found, key=_is_doubtful))[0], contents)


def _is_doubtful(layout: Layout) -> bool:
    """Say whether these are images of one class only, such as the pictures of a manual."""
    labels = {label for part in layout.parts.values() for label in part.labels}
    return layout.kind == "image" and len(labels) < 2


def _settle(layout: Layout, contents: Contents) -> Layout:
    """Choose among the parts of a layout, and say what is left out."""
    parts, notes = dict(layout.parts), []
    if None in parts and len(parts) > 1 and "train" not in parts:
        parts["train"] = parts.pop(None)
    if "train" in parts and "validation" in parts and "test" not in parts:
        parts["test"] = parts.pop("validation")
    if "train" in parts or "test" in parts:
        for role, key in UNUSED.items():
            if role in parts:
                notes.append(Note(key, {"path": shorten(parts.pop(role).place)}))
    used = {id(member) for part in parts.values() for member in part.files}
    if layout.kind == "image":
        stray = [m for m in contents.members if m.kind == "image" and id(m) not in used]
        if stray and not notes:
            values = {"n": len(stray), "path": shorten(stray[0].path)}
            notes.append(Note("stray_images", values))
        beside = {_folder_of(_folder_of(m.path)) for part in parts.values() for m in part.images}
        for folder in contents.folders:
            if _folder_of(folder) in beside:
                notes.append(Note("empty_folder", {"path": shorten(folder)}))
    for kind in get_args(Kind):
        others = [member.path for member in contents.members if member.kind == kind]
        if others and kind != layout.kind:
            notes.append(Note("unused", {"path": shorten(others[0])}))
    order: list[Role] = ["train", "test", "validation", None]
    return Layout(layout.kind, {role: parts[role] for role in order if role in parts}, notes)


def _nothing(contents: Contents) -> str:
    names = [member.path for member in contents.members]
    nested = [name for name in names if name.lower().endswith(NESTED)]
    if nested:
        return (
            f"{contents.source}: holds another archive, {shorten(nested[0])!r}; unpack that one "
            "and pass it"
        )
    if any(name.startswith("xl/") for name in names):
        return f"{contents.source}: is an Excel workbook; save its table as CSV"
    found = f"no digits found among {_name(names)}" if names else "holds no files"
    return (
        f"{contents.source}: {found}; expected CSV, IDX, .npz or .npy files, "
        "or a folder of PNG, JPEG, BMP or TIFF images for each class"
    )


def _name(paths: Iterable[str]) -> str:
    paths = [shorten(path) or "it" for path in paths]
    more = f" and {len(paths) - MAX_NAMED:,} more" if len(paths) > MAX_NAMED else ""
    return ", ".join(map(repr, paths[:MAX_NAMED])) + more


# --- roles


def role_of(parts: Sequence[str]) -> Role:
    """Read from names, the innermost first, whether they mean training or test."""
    for part in reversed(parts):
        roles = {role for word in _words(part) for role, p in ROLES.items() if p.match(word)}
        if len(roles) == 1:
            return roles.pop()  # type: ignore[return-value]
    return None


def _words(name: str) -> list[str]:
    """Split a name into small words: ``mnistTrain_02.csv`` is mnist, train, 02, csv."""
    name = re.sub(r"([a-zäöüß])([A-ZÄÖÜ])", r"\1 \2", name)
    return re.findall(r"t10k|[^\W\d_]+|[0-9]+", name.lower())


def _role_folder(parts: Sequence[str]) -> int | None:
    """Return how many folders lead to the innermost one that has a role."""
    for depth in range(len(parts), 0, -1):
        if role_of(parts[depth - 1 : depth]) is not None:
            return depth
    return None


def _by_role(members: Iterable[Member]) -> dict[Role, list[Member]]:
    groups: dict[Role, list[Member]] = defaultdict(list)
    for member in members:
        groups[role_of(member.parts)].append(member)
    return dict(groups)


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _natural(text: str) -> list[str | int]:
    """Make a key that sorts ``2.png`` before ``10.png``."""
    # text and numbers take turns, so that only like is compared with like; a number of thousands
    # of digits would cost the square of them to turn into an int
    pieces: list[str | int] = list(NUMBER.split(text))
    pieces[1::2] = map(int, pieces[1::2])
    return pieces


# --- tables


def _find_tables(members: list[Member]) -> dict[Role, Part]:
    parts: dict[Role, Part] = {}
    groups = _by_role(members)
    for role, tables in groups.items():
        if role is None and "train" in groups:  # Kaggle's sample_submission.csv, say
            parts[role] = Part(tables[0].path, False, (tables[0],))
            continue
        folders = {_folder_of(table.path) for table in tables}
        folder = folders.pop() if len(folders) == 1 else ""
        by_folder = role is not None and role_of(folder.split("/")[-1:]) == role
        named = [table for table in tables if role_of(table.parts[-1:]) is not None]
        if len(tables) > 1 and by_folder and len(named) == 1:
            tables = named
        elif len(tables) > 1 and not (by_folder and not named) and not _are_numbered(tables):
            raise DatasetError(
                f"{tables[0].source}: cannot tell which table is to be read"
                f"{f' as the {role} part' if role else ''}: {_name(t.path for t in tables)}; "
                "expected one, or numbered parts of one. Pass the file itself, or remove the "
                "others."
            )
        tables = sorted(tables, key=lambda table: _natural(table.path))
        is_folder = by_folder and not named
        parts[role] = Part(folder if is_folder else tables[0].path, is_folder, tuple(tables))
    return parts


def _are_numbered(tables: list[Member]) -> bool:
    return len({re.sub("[0-9]+", "#", table.path) for table in tables}) == 1


# --- IDX


def _find_idx(members: list[Member]) -> dict[Role, Part]:
    plain = {member.path for member in members}
    # the unpacked file beside the packed one is the same
    members = [m for m in members if not (m.path.endswith(".gz") and m.path[:-3] in plain)]
    parts: dict[Role, Part] = {}
    for role, files in _by_role(members).items():
        labels = [m for m in files if IDX_LABELS.search(m.parts[-1].lower())]
        images = [m for m in files if not IDX_LABELS.search(m.parts[-1].lower())]
        parts[role] = _pair(images, labels, "train-images-idx3-ubyte and train-labels-idx1-ubyte")
    return parts


def _pair(images: list[Member], labels: list[Member], example: str) -> Part:
    """Put the one file of images and the one of labels together."""
    for found, what in ((images, "images"), (labels, "labels")):
        if len(found) != 1:
            other = labels or images
            raise DatasetError(
                f"{other[0].where}: has {len(found) or 'no'} files of {what} to go with it"
                f"{': ' + _name(m.path for m in found) if found else ''}; expected one, as in "
                f"{example}"
            )
    return Part(images[0].path, False, tuple(images), label_files=tuple(labels))


# --- arrays


def _find_arrays(members: list[Member]) -> dict[Role, Part]:
    parts: dict[Role, Part] = {}
    for role, files in _by_role(members).items():
        images, labels = [], []
        for member in files:
            n_dimensions = len(read_array_header(member).shape)
            words = _words(member.parts[-1].removesuffix(".npy"))
            if any(map(LABEL_WORDS.match, words)):
                labels.append(member)
            elif any(map(IMAGE_WORDS.match, words)) or n_dimensions > 1:
                images.append(member)
            elif n_dimensions == 1:
                labels.append(member)
        if not images and not labels:
            continue
        parts[role] = _pair(images, labels, "x_train.npy and y_train.npy")
    if not parts:
        raise DatasetError(f"{members[0].where}: is no array of images or labels")
    return parts


# --- images


def _find_images(members: list[Member]) -> dict[Role, Part]:
    groups: dict[Role, list[Member]] = defaultdict(list)
    loose = []
    leaves = {member.parts[:-1] for member in members}
    # beside folders "car" and "bus", "train" is a class
    of_classes = {leaf[:-1] for leaf in leaves if leaf and role_of(leaf[-1:]) is None}
    for member in members:
        folders, label = member.parts[:-2], member.parts[-2:-1]
        if not label or (role_of(label) is not None and folders not in of_classes):
            loose.append(member)
        else:
            groups[role_of(folders)].append(member)
    if not groups:
        raise DatasetError(
            f"{loose[0].where}: does not lie in the folder of a class; expected a folder for each "
            "class, such as train/7/image.png"
        )
    return {role: _image_part(group) for role, group in groups.items()}


def _image_part(members: list[Member]) -> Part:
    # by the file's name first: where images are numbered through all classes, their order is kept
    members = sorted(members, key=lambda m: _natural(m.parts[-1]))
    labels = tuple(member.parts[-2] for member in members)
    folders = members[0].parts[:-2]
    place = "/".join(folders[: _role_folder(folders) or len(folders)])
    return Part(place, True, tuple(members), labels)
