"""Which files are the training part, which the test part, whatever they are called."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Literal, get_args

from skmnist.datasets._archive import Contents
from skmnist.datasets._arrays import read_array_header
from skmnist.datasets._bunch import check_n_classes
from skmnist.datasets._errors import DatasetError
from skmnist.datasets._foreign import recognise_name
from skmnist.datasets._listing import Listing, ListingError, find_listings
from skmnist.datasets._members import CHUNK, Member, shorten
from skmnist.datasets._notes import Note
from skmnist.datasets._tables import holds_pixels

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
MAX_TWINS = 20  # files that are compared by their content

# Names of folders that are classes, as far as a name can show it: 7, 07, a, digit_7, Sample008,
# seven. Those of writers, sessions and sets seldom look so.
CLASS_NAME = re.compile(
    r"(?:(?:class|label|digit|sample|klasse|ziffer)[ _-]?)?[0-9]{1,3}|[^\W_]"
    r"|zero|one|two|three|four|five|six|seven|eight|nine"
    r"|null|eins?|zwei|drei|vier|fünf|sechs|sieben|acht|neun",
    re.IGNORECASE,
)
DIGITS = frozenset("0123456789")
# Folders that hold a part of what is in the one beside them.
EXCERPT = re.compile("(?:samples?|small|mini|subset|demo|backup|copy|kopie|auszug|old|alt)$")
SUBMISSION = "submission"  # of Kaggle: its labels are a form to fill in


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
    """What was found, and how to read it.

    Attributes
    ----------
    kind : str
    parts : dict of role to Part
    notes : list of Note
    twins : list of Member
        Files that are left out because another one has the same content.
    """

    kind: Kind
    parts: dict[Role, Part] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    twins: list[Member] = field(default_factory=list)


def find_digits(contents: Contents, *, label: str | None = None) -> Layout:
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
    by_kind: dict[str | None, list[Member]] = defaultdict(list)
    for member in contents.members:
        if member.kind != "table" or SUBMISSION not in member.path.casefold():
            by_kind[member.kind].append(member)
    listed: set[int] = set()

    def find_images(images: list[Member]) -> Layout:
        layout = _find_images(images, by_kind["table"], label)
        listed.update(id(file) for part in layout.parts.values() for file in part.label_files)
        return layout

    def find_tables(tables: list[Member]) -> Layout:
        return _find_tables([table for table in tables if id(table) not in listed])

    finders: list[tuple[Kind, Callable[[list[Member]], Layout]]] = [
        ("array", _find_arrays),
        ("idx", _find_idx),
        ("image", find_images),
        ("table", find_tables),
    ]
    for kind, finder in finders:
        if not by_kind[kind]:
            continue
        try:
            layout = finder(by_kind[kind])
        except ListingError as error:  # its table is no table of pixels
            complaints.insert(0, str(error))
            by_kind["table"].clear()
        except DatasetError as error:
            complaints.append(str(error))
        else:
            if layout.parts:
                found.append(layout)
    if complaints or len(found) > 1:
        # a table of something else must not hide images, or what is wrong with them
        found = [one for one in found if one.kind != "table" or _holds_pixels(one, label)]
    both = [layout for layout in found if {"train", "test"} <= layout.parts.keys()]
    if not found:
        raise DatasetError(complaints[0] if complaints else _nothing(contents))
    layout = (both or sorted(found, key=_is_doubtful))[0]
    # before images are read
    check_n_classes(
        {label for part in layout.parts.values() for label in part.labels}, name=contents.source
    )
    return _settle(layout, contents)


def _holds_pixels(layout: Layout, label: str | None) -> bool:
    return all(
        holds_pixels(table, label) for part in layout.parts.values() for table in part.images[:1]
    )


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
    told = {id(member) for part in parts.values() for member in part.files}
    told |= {id(member) for member in (*left_out, *layout.twins)}
    rest: dict[str | None, list[Member]] = defaultdict(list)
    for member in contents.members:
        if id(member) not in told:
            rest[member.kind].append(member)
    notes += _tell_rest(layout, parts, rest)
    if contents.leftovers:
        first = shorten(min(contents.leftovers))
        notes.append(Note("leftovers", {"path": first, "n": len(contents.leftovers)}))
    if layout.kind == "image":
        notes += _tell_empty_folders(parts, contents.folders)
    order: list[Role] = ["train", "test", "validation", None]
    return Layout(layout.kind, {role: parts[role] for role in order if role in parts}, notes)


def _tell_rest(
    layout: Layout, parts: dict[Role, Part], rest: dict[str | None, list[Member]]
) -> list[Note]:
    """Name what is left, and count it: images by the reason, other files by their kind."""
    notes = []
    if layout.kind == "image":
        images = rest.pop("image", [])
        tables = [file for part in parts.values() for file in part.label_files]
        if tables and images:
            path = shorten(images[0].path)
            values = {"table": shorten(tables[0].path), "path": path, "n": len(images)}
            notes.append(Note("unlisted", values))
        elif images:
            in_parts = [image for image in images if role_of(image.parts[:-1]) is not None]
            in_none = [image for image in images if role_of(image.parts[:-1]) is None]
            for key, some in (("unlabelled", in_parts), ("stray_images", in_none)):
                if some:
                    values = {"path": shorten(some[0].path), "n": len(some)}
                    notes.append(Note(key, values))
    if foreign := rest.pop("foreign image", []):
        endings = sorted({member.path.rpartition(".")[2].upper() for member in foreign})
        values = {"path": shorten(foreign[0].path), "n": len(foreign)}
        notes.append(Note("foreign_images", values | {"formats": ", ".join(endings)}))
    if packed := rest.pop("packed", []):
        values = {"paths": _name(member.path for member in packed), "n": len(packed)}
        notes.append(Note("packed", values))
    if layout.kind == "image" and not any(part.label_files for part in parts.values()):
        at = {_folder_of(image.path) for part in parts.values() for image in part.images}
        beside = set(map(_folder_of, at))
        odd = [
            member.path
            for member in rest[None]
            if "/" in member.path
            and ((folder := _folder_of(member.path)) in at or _folder_of(folder) in beside)
        ]
        if odd:
            notes.append(Note("no_images", {"path": shorten(odd[0]), "n": len(odd)}))
    for kind in (*get_args(Kind), "foreign"):
        if others := rest.get(kind):
            notes.append(_counted("unused", others[0].path, len(others)))
    return notes


def _counted(key: str, path: str, n: int) -> Note:
    return Note(f"{key}_many" if n > 1 else key, {"path": shorten(path), "n": n})


def _tell_empty_folders(parts: dict[Role, Part], folders: list[str]) -> list[Note]:
    beside = {_folder_of(_folder_of(m.path)) for part in parts.values() for m in part.images}
    empty = [folder for folder in folders if _folder_of(folder) in beside]
    notes = [Note("empty_folder", {"path": shorten(folder)}) for folder in empty[:MAX_NAMED]]
    if more := len(empty) - len(notes):
        notes.append(Note("more_empty_folders", {"n": more}))
    return notes


def _nothing(contents: Contents) -> str:
    names = [member.path for member in contents.members]
    packed = [member.path for member in contents.members if member.kind == "packed"]
    if packed:
        return (
            f"{contents.source}: holds another archive, {shorten(packed[0])!r}; unpack that one "
            "and pass it"
        )
    if any(name.startswith("xl/") for name in names):
        return f"{contents.source}: is an Excel workbook; save its table as CSV"
    for member in contents.members:
        if member.kind == "foreign":
            return f"{member.where}: is {recognise_name(member.path)}"
    images = [member.path for member in contents.members if member.kind == "foreign image"]
    if images:
        return (
            f"{contents.source}: holds images of a format that is not read, {_name(images)}; save "
            "them as PNG, in a folder for each class"
        )
    found = f"no digits found among {_name(names)}" if names else "holds no files"
    return (
        f"{contents.source}: {found}; expected CSV, IDX, .npz or .npy files, "
        "a folder of PNG, JPEG, BMP or TIFF images for each class, or such images and a table of "
        "their names and labels"
    )


def _name(paths: Iterable[str]) -> str:
    paths = list(paths)
    more = f" and {len(paths) - MAX_NAMED:,} more" if len(paths) > MAX_NAMED else ""
    return ", ".join(repr(shorten(path) or "it") for path in paths[:MAX_NAMED]) + more


# --- roles


def role_of(parts: Sequence[str]) -> Role:
    """Read from names, the innermost first, whether they mean training or test."""
    return next((role for part in reversed(parts) if (role := _role_of_name(part))), None)


@lru_cache(maxsize=1000)  # folders are asked about once for each image
def _role_of_name(name: str) -> Role:
    roles = {role for word in _words(name) for role, p in ROLES.items() if p.match(word)}
    return roles.pop() if len(roles) == 1 else None  # type: ignore[return-value]


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


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the folders that all paths begin with."""
    low, high = min(paths), max(paths)
    return tuple(
        a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
    )


def _natural(text: str) -> list[str | int]:
    """Make a key that sorts ``2.png`` before ``10.png``."""
    # text and numbers take turns, so that only like is compared with like; a number of thousands
    # of digits would cost the square of them to turn into an int
    pieces: list[str | int] = list(NUMBER.split(text))
    pieces[1::2] = map(int, pieces[1::2])
    return pieces


# --- tables


def _find_tables(members: list[Member]) -> Layout:
    parts: dict[Role, Part] = {}
    twins: list[Member] = []
    groups = _by_role(members)
    for role, tables in groups.items():
        if role is None and "train" in groups:  # what is beside it
            parts[role] = Part(tables[0].path, False, tuple(tables))
            continue
        if not _are_numbered(tables):
            tables = _drop_twins(tables, twins)
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
    return Layout("table", parts, twins=twins)


def _drop_twins(files: list[Member], twins: list[Member]) -> list[Member]:
    """Move files with the same content as an earlier one, packed or not, to `twins`."""
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
    for role, files in _by_role(members).items():
        labels = [m for m in files if IDX_LABELS.search(m.parts[-1].lower())]
        images = [m for m in files if not IDX_LABELS.search(m.parts[-1].lower())]
        images, labels = _drop_twins(images, twins), _drop_twins(labels, twins)
        parts[role] = _pair(images, labels, "train-images-idx3-ubyte and train-labels-idx1-ubyte")
    return Layout("idx", parts, twins=twins)


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


def _find_arrays(members: list[Member]) -> Layout:
    parts: dict[Role, Part] = {}
    twins: list[Member] = []
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
        images, labels = _drop_twins(images, twins), _drop_twins(labels, twins)
        parts[role] = _pair(images, labels, "x_train.npy and y_train.npy")
    if not parts:
        raise DatasetError(f"{members[0].where}: is no array of images or labels")
    return Layout("array", parts, twins=twins)


# --- images


def _find_images(images: list[Member], tables: list[Member], label: str | None) -> Layout:
    """Find images in the folders of their classes, or with a table that names them."""
    try:
        layout = _find_class_folders(images, label)
    except DatasetError:
        if listings := _list_images(tables, images, label):
            return _find_listed(listings, images)
        raise
    names = {name for part in layout.parts.values() for name in part.labels}
    if len(names) < 2 or not all(map(CLASS_NAME.fullmatch, names)):
        # "images" is no class, and "images_1", "images_2" are none where a table knows better
        may_be_classes = len(names) >= 2 and not _are_of_images(names)
        try:
            listings = _list_images(tables, images, label)
        except ListingError:
            if not may_be_classes:
                raise
            return layout
        if may_be_classes:
            listings = [listing for listing in listings if listing.is_named]
        if listings:
            return _find_listed(listings, images)
    elif label not in ("first", "last"):  # these ask for folders
        return _heed_tables(layout, tables, images, label)
    return layout


def _heed_tables(
    layout: Layout, tables: list[Member], images: list[Member], label: str | None
) -> Layout:
    """Raise if a table gives other labels than the folders, unless `label` asks for the table."""
    try:
        listings = _list_images(tables, images, label)
    except ListingError:
        if label is not None:
            raise
        return layout
    of_folder = {
        id(image): name
        for part in layout.parts.values()
        for image, name in zip(part.images, part.labels, strict=True)
    }
    for listing in listings:
        if label is not None and label == listing.name:
            return _find_listed([listing], images)
        words = _words(listing.table.parts[-1].partition(".")[0])
        if not (listing.is_named or any(map(LABEL_WORDS.match, words))):
            continue
        both = {at: of_folder[at] for at in listing.labels if at in of_folder}
        pairs = {(name, listing.labels[at]) for at, name in both.items()}
        if 2 * len(both) < len(of_folder) or _mean_the_same(pairs):
            continue
        at = next(at for at in both if not _mean_the_same({(both[at], listing.labels[at])}))
        path = next(image.path for image in images if id(image) == at)
        way = (
            f"pass label={shorten(listing.name)!r} to take the labels of the table, or "
            if listing.name
            else ""
        )
        raise ListingError(
            f"{listing.table.where}: gives {shorten(path)!r} the label "
            f"{shorten(listing.labels[at])!r}, and its folder says {shorten(both[at])!r}; "
            f"{way}pass label='last' to take the folders, or remove the table"
        )
    return layout


def _mean_the_same(pairs: set[tuple[str, str]]) -> bool:
    """Say whether the names of folders, such as "07" or "digit_7", mean the labels beside them."""
    if all(
        name.casefold() == text.casefold()
        or (name.isdecimal() and text.isdecimal() and name.lstrip("0") == text.lstrip("0"))
        for name, text in pairs
    ):
        return True
    # a sheet 1 may hold nothing but sevens; a folder "digit_7" says what it holds
    names, texts = {name for name, _ in pairs}, {text for _, text in pairs}
    are_words = all(len(name) > 1 and not name.isdecimal() for name in names)
    return are_words and len(pairs) == len(names) == len(texts) > 1


def _are_of_images(names: Iterable[str]) -> bool:
    return all(any(map(IMAGE_WORDS.match, _words(name))) for name in names)


def _list_images(tables: list[Member], images: list[Member], label: str | None) -> list[Listing]:
    """Read the tables that name images, each with images of its own part, or of no part."""
    found = []
    roles = [role_of(image.parts[:-1]) for image in images]
    for role, some in _by_role(tables).items():
        fitting = [
            image
            for image, own in zip(images, roles, strict=True)
            if role is None or own in (role, None)
        ]
        found += find_listings(some, fitting, label)
    return [listing for listing in found if listing.is_named] or found


def _find_listed(listings: list[Listing], images: list[Member]) -> Layout:
    """Put each image into the part of its table, or of its folder where the table has none."""
    owners: dict[int, Listing] = {}
    labels: dict[Role, dict[int, str]] = defaultdict(dict)
    files: dict[Role, dict[int, Member]] = defaultdict(dict)
    members = {id(image): image for image in images}
    for listing in listings:
        role = role_of(listing.table.parts)
        for key, text in listing.labels.items():
            other = owners.setdefault(key, listing)
            if other.labels[key] != text:
                raise ListingError(
                    f"{members[key].where}: has different labels in two tables, "
                    f"{_name([other.table.path, listing.table.path])}; remove the one that does "
                    "not hold the labels"
                )
            own = role_of(members[key].parts[:-1]) if role is None else role
            if other is listing:
                labels[own][key] = text
                files[own][id(listing.table)] = listing.table
    parts: dict[Role, Part] = {}
    for role, named in labels.items():
        order = sorted(named, key=lambda key: _natural(members[key].path))
        place = "/".join(_shared([members[key].parts[:-1] for key in order]))
        parts[role] = Part(
            place,
            True,
            tuple(members[key] for key in order),
            tuple(named[key] for key in order),
            tuple(files[role].values()),
        )
    return Layout("image", parts, [note for listing in listings for note in _tell_listing(listing)])


def _tell_listing(listing: Listing) -> list[Note]:
    path = shorten(listing.table.path)
    notes = [Note("listed", {"path": path, "column": listing.column})]
    if listing.missing:
        line, name = listing.missing[0]
        values = {"path": path, "n": len(listing.missing), "line": line, "name": name}
        notes.append(Note("listed_missing", values))
    if listing.others:
        columns = ", ".join(listing.others[:MAX_NAMED]) + ", ..." * (
            len(listing.others) > MAX_NAMED
        )
        notes.append(
            Note("other_columns", {"path": path, "columns": columns, "n": len(listing.others)})
        )
    return notes


Folder = tuple[str, ...]  # the names that lead to it


def _find_class_folders(members: list[Member], label: str | None) -> Layout:
    by_path: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_path[_folder_of(member.path)].append(member)
    folders = {tuple(path.split("/")) if path else (): some for path, some in by_path.items()}
    # beside folders "car" and "bus", "train" is a class
    of_classes = {at[:-1] for at in folders if at and role_of(at[-1:]) is None}
    groups: dict[Role, dict[Folder, list[Member]]] = defaultdict(dict)
    loose = []
    for at, some in folders.items():
        if not at or (role_of(at[-1:]) is not None and at[:-1] not in of_classes):
            loose += some
        else:
            groups[role_of(at[:-1])][at] = some
    if not groups:
        raise DatasetError(
            f"{loose[0].where}: does not lie in the folder of a class; expected a folder for each "
            "class, such as train/7/image.png, or a table with file names and labels beside the "
            "images. Images without labels serve for predictions, not for training."
        )
    source = members[0].source
    for role, group in groups.items():
        counts = {at: len(some) for at, some in group.items()}
        if role is not None:
            _check_places(source, role, counts)
        _check_excerpts(source, role, counts)
    labels, notes = _find_labels([at for group in groups.values() for at in group], source, label)
    parts = {role: _image_part(group, labels) for role, group in groups.items()}
    return Layout("image", parts, notes)


def _place_of(folder: Folder) -> Folder:
    """Return the folders down to the one that says which part it is."""
    return folder[: _role_folder(folder[:-1]) or 0]


def _check_places(source: str, role: Role, counts: dict[Folder, int]) -> None:
    """Raise if several folders may be one part, unless they are numbered."""
    places: dict[Folder, int] = defaultdict(int)
    for folder, n in counts.items():
        places[_place_of(folder)] += n
    if len({re.sub("[0-9]+", "#", "/".join(place)) for place in places}) > 1:
        raise _cannot_tell(source, role, places)


def _check_excerpts(source: str, role: Role, counts: dict[Folder, int]) -> None:
    """Raise if a folder seems to hold images of the one beside it once more."""
    names = {name for folder in counts for name in folder[:-1]}
    names = {name for name in names if any(map(EXCERPT.match, _words(name)))}
    if not names:
        return
    beside: dict[Folder, dict[Folder, int]] = defaultdict(dict)
    above_classes = set()
    for folder, n in counts.items():
        for depth in range(1, len(folder) + 1):
            at = folder[:depth]
            beside[at[:-1]][at] = beside[at[:-1]].get(at, 0) + n
            if depth < len(folder):
                above_classes.add(at)
    for places in beside.values():
        excerpts = [place for place in places if place in above_classes and place[-1] in names]
        if excerpts and len(excerpts) < len(places):
            raise _cannot_tell(source, role, places)


def _cannot_tell(source: str, role: Role, counts: dict[Folder, int]) -> DatasetError:
    found = ", ".join(
        f"{shorten('/'.join(place))!r} ({n:,} images)"
        for place, n in sorted(counts.items())[:MAX_NAMED]
    )
    more = f" and {len(counts) - MAX_NAMED:,} more" if len(counts) > MAX_NAMED else ""
    return DatasetError(
        f"{source}: cannot tell which folder is to be read{f' as the {role} part' if role else ''}:"
        f" {found}{more}; expected one, or numbered parts of one. Pass one of the folders, or "
        "remove the others."
    )


def _find_labels(
    folders: list[Folder], source: str, label: str | None
) -> tuple[dict[Folder, str], list[Note]]:
    """Return the class of the images in each folder: its name, or that of one further out."""
    levels = {at: at[len(_place_of(at)) :] for at in folders}
    common = len(_shared([level[:-1] for level in levels.values()]))
    ends = [
        {at: level[common] for at, level in levels.items()},
        {at: level[-1] for at, level in levels.items()},
    ]
    if label in ("first", "last"):
        chosen = ("first", "last").index(label)
    elif ends[0] == ends[1]:
        return ends[1], []
    else:
        chosen = _choose_level([set(end.values()) for end in ends], source)
    inner = sorted({name for level in levels.values() for name in level[common + 1 :]})
    values = {"folders": _name(inner), "classes": _name(sorted(set(ends[0].values())))}
    return ends[chosen], [Note("outer_classes", values)] if chosen == 0 and inner else []


def _choose_level(names: list[set[str]], source: str) -> int:
    """Say whether outer (0) or inner (1) folders are classes."""
    likely = [all(map(CLASS_NAME.fullmatch, some)) for some in names]
    if all(likely) and all(name.isdecimal() for some in names for name in some):
        likely = [some <= DIGITS for some in names]  # of writers that are numbered there are more
    if likely[0] != likely[1]:
        return likely.index(True)
    raise DatasetError(
        f"{source}: cannot tell which folders are the classes, the outer ones "
        f"({_name(sorted(names[0]))}) or the inner ones ({_name(sorted(names[1]))}); pass "
        "label='first' for the outer or label='last' for the inner ones"
    )


def _image_part(group: dict[Folder, list[Member]], labels: dict[Folder, str]) -> Part:
    labelled = [(member, labels[at]) for at, some in group.items() for member in some]
    # by the file's name: where images are numbered through all classes, their order is kept
    labelled.sort(key=lambda pair: _natural(pair[0].path.rpartition("/")[2]))
    folders = next(iter(group))[:-1]
    place = "/".join(folders[: _role_folder(folders) or len(folders)])
    members, names = zip(*labelled, strict=True)
    return Part(place, True, members, names)
