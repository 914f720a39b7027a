"""Tables with the names of image files and their labels, and the images that they label."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest

from skmnist.datasets._bunch import MAX_LABEL, Note
from skmnist.datasets._columns import LABEL_NAMES, ROW_NAMES
from skmnist.datasets._formats import kind_of
from skmnist.datasets._layout import (
    IMAGE_WORDS,
    LABEL_WORDS,
    MAX_NAMED,
    Layout,
    Part,
    Role,
    by_role,
    natural_key,
    quote,
    role_of,
    shared_folders,
    split_words,
)
from skmnist.datasets._members import DatasetError, Member, shorten
from skmnist.datasets._tables import read_rows

MAX_TABLES = 50  # that are looked into
MAX_COLUMNS = 30  # a table with more holds pixels
LOOKED_AT = 1000  # rows, to find the column with the names
MAX_NAMESAKES = 100  # images of one name in different folders
FILE_NAMES = {
    *("file", "files", "filename", "file_name", "file name", "filepath", "file_path"),
    *("image", "images", "image_name", "image_path", "img", "name", "path"),
    *("datei", "dateiname", "bild", "bildname", "pfad"),
}

Row = tuple[int, list[str]]  # the number of its line, and its cells


class ListingError(DatasetError):
    """A table names images, but cannot be used for their labels."""


@dataclass
class Listing:
    """The labels that a table gives to images.

    Attributes
    ----------
    table : Member
    column : str
        The column that holds the labels, as a message names it.
    name : str
        Its header, empty where there is none.
    is_named : bool
        Whether that column is called "label" or the like.
    labels : dict of int to str
        By the id of the image's member.
    missing : list of tuple
        Line and name where there is no such image.
    others : list of str
        Columns that are neither name nor label.
    """

    table: Member
    column: str
    name: str
    is_named: bool
    labels: dict[int, str] = field(default_factory=dict)
    missing: list[tuple[int, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


class _Names:
    """Finds images by what a table calls them."""

    def __init__(self, images: Sequence[Member]) -> None:
        self._by_path: dict[str, list[Member]] = defaultdict(list)
        self._by_name: dict[str, list[Member]] = defaultdict(list)
        self._by_stem: dict[str, list[Member]] = defaultdict(list)
        for image in images:
            path = image.path.casefold()
            name = path.rpartition("/")[2]
            self._by_path[path].append(image)
            self._by_name[name].append(image)
            self._by_stem[name.rpartition(".")[0]].append(image)

    def find(self, cell: str, table: Member, *, whole: bool = False) -> list[Member]:
        """Return the images that a cell may mean, one if it is clear.

        With `whole`, names without their endings mean nothing.
        """
        name = unicodedata.normalize("NFC", cell)  # as members are
        parts = name.strip().replace("\\", "/").casefold().split("/")
        parts = [part for part in parts if part not in ("", ".")]
        if not parts:
            return []
        folder = table.path.rpartition("/")[0].casefold()
        for path in ("/".join([folder, *parts]), "/".join(parts)):
            if path in self._by_path:
                return self._by_path[path]
        found = self._by_name.get(parts[-1], [])
        if not found and not whole:
            found = self._by_stem.get(parts[-1], [])
        for depth in range(2, len(parts) + 1):  # of several, the one whose folders are named
            if not 1 < len(found) <= MAX_NAMESAKES:
                break
            found = [
                image for image in found if _name_above(image, depth) == parts[-depth]
            ] or found
        if 1 < len(found) <= MAX_NAMESAKES:  # or the one beside the table
            found = [m for m in found if m.path.casefold().startswith(folder + "/")] or found
        return found


def _name_above(image: Member, depth: int) -> str:
    """Return the last name but `depth` - 1 of an image's path."""
    return image.path.casefold().split("/")[-depth:][0]


def find_listings(
    tables: Sequence[Member], images: Sequence[Member], label: str | None
) -> list[Listing]:
    """Read the tables that name images and give a label to each.

    Parameters
    ----------
    tables, images : list of Member
    label : {"first", "last"}, str or None
        Which of the columns beside the names is the label, or what it is called.

    Raises
    ------
    ListingError
        A table names images, and it is not clear what their labels are.
    """
    names = _Names(images)
    found = []
    for table in tables[:MAX_TABLES]:
        rows = read_rows(table, MAX_COLUMNS)
        try:
            head = list(islice(rows, LOOKED_AT))
        except DatasetError:  # no table, or none of this kind
            continue
        if head and (column := _find_names(head, names, table)) is not None:
            try:
                found.append(_read(table, chain(head, rows), column, names, label))
            except DatasetError as error:
                raise ListingError(str(error)) from error
    return found


def _find_names(head: Sequence[Row], names: _Names, table: Member) -> int | None:
    """Return the column with the names of images, None if there is none."""
    header = [cell.strip().casefold() for cell in head[0][1]]
    n_columns = len(header)
    if n_columns < 2:
        return None
    columns = list(islice(zip_longest(*(row for _, row in head), fillvalue=""), n_columns))
    for whole in (True, False):  # "3.png" is a name; "3" is one where no column has the whole ones
        found = [[names.find(cell, table, whole=whole) for cell in cells] for cells in columns]
        matched = [len({id(images[0]) for images in some if images}) for some in found]
        fitting = []
        for at, cells in enumerate(columns):
            # most images may be missing, where the cells can be nothing but their names
            likely = max(matched[at], sum(kind_of(cell.strip()) == "image" for cell in cells))
            if matched[at] and 2 * likely >= len(head) - 1:
                fitting.append(at)
        fitting = [at for at in fitting if header[at] in FILE_NAMES] or fitting
        fitting = [at for at in fitting if header[at] not in LABEL_NAMES] or fitting
        # labels come again and again, names do not
        fitting = [at for at in fitting if len(set(columns[at])) == len(head)] or fitting
        if not fitting:
            continue
        best = max(fitting, key=matched.__getitem__)
        for other in fitting:
            if any(
                a and b and not _share(a, b) for a, b in zip(found[best], found[other], strict=True)
            ):
                both = " and ".join(
                    f"{at + 1} ({shorten(head[0][1][at])!r})" for at in sorted((best, other))
                )
                raise ListingError(
                    f"{table.where}, line 1: the columns {both} both name images, but not the same "
                    "ones; remove the one that does not, or call the other 'file'"
                )
        return best
    return None


def _share(some: Sequence[Member], others: Sequence[Member]) -> bool:
    return not {id(image) for image in some}.isdisjoint({id(image) for image in others})


def _read(
    table: Member,
    rows: Iterator[Row],
    column: int,
    names: _Names,
    label: str | None,
) -> Listing:
    _, first = top = next(rows)
    header: list[str] = []
    if names.find(first[column], table):
        rows = chain([top], rows)
    else:
        header = [cell.strip() for cell in first]
    others = [at for at in range(len(first)) if at != column]
    chosen = _choose_label(header, others, label, table)
    shown = [repr(shorten(name)) for name in header] or [str(at + 1) for at in range(len(first))]
    listing = Listing(
        table,
        column=shown[chosen],
        name=header[chosen] if header else "",
        is_named=bool(header) and header[chosen].casefold() in LABEL_NAMES,
        others=[shown[at] for at in others if at != chosen],
    )
    for line, row in rows:
        where = f"{table.where}, line {line}"
        table.budget.spend_rows(1, where)
        if len(row) != len(first):
            raise DatasetError(f"{where}: has {len(row)} fields, expected {len(first)}")
        text, found = row[chosen].strip(), names.find(row[column], table)
        if not 0 < len(text) <= MAX_LABEL:
            told = f"{shorten(text)!r} has {len(text):,} characters" if text else "is empty"
            raise DatasetError(
                f"{where}, column {chosen + 1}: {told}, expected a label of up to {MAX_LABEL} "
                "characters"
            )
        if len(found) > 1:
            both = " or ".join(repr(shorten(image.path)) for image in found[:2])
            raise DatasetError(
                f"{where}: {shorten(row[column])!r} may be {both}; write the folder before the name"
            )
        if not found:
            listing.missing.append((line, shorten(row[column])))
        elif listing.labels.setdefault(id(found[0]), text) != text:
            raise DatasetError(
                f"{where}: {shorten(row[column])!r} has the label {shorten(text)!r}, and "
                f"{shorten(listing.labels[id(found[0])])!r} before; expected one"
            )
    return listing


def _choose_label(header: list[str], others: list[int], label: str | None, table: Member) -> int:
    """Return the column of the labels, among those beside the names."""
    if header and label in header:
        return header.index(label)
    if label in ("first", "last"):
        return others[0 if label == "first" else -1]
    if header:
        named = [at for at in others if header[at].casefold() in LABEL_NAMES]
        rest = [at for at in others if header[at].casefold() not in ROW_NAMES]
        for some in (named, rest, others):
            if len(some) == 1:
                return some[0]
    elif len(others) == 1:
        return others[0]
    found = ", ".join(repr(shorten(header[at])) if header else str(at + 1) for at in others[:5])
    raise DatasetError(
        f"{table.where}, line 1: names images, and their label may be in any of the columns "
        f"{found}; pass label= with the name of the one that is"
    )


# --- which images take their labels from tables


def heed_tables(
    layout: Layout, tables: list[Member], images: list[Member], label: str | None
) -> Layout:
    """Raise if a table gives other labels than the folders, unless `label` asks for the table."""
    try:
        listings = list_images(tables, images, label)
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
            return arrange_listed([listing], images)
        words = split_words(listing.table.parts[-1].partition(".")[0])
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


def are_of_images(names: Iterable[str]) -> bool:
    return all(any(map(IMAGE_WORDS.match, split_words(name))) for name in names)


def list_images(tables: list[Member], images: list[Member], label: str | None) -> list[Listing]:
    """Read the tables that name images, each with images of its own part, or of no part."""
    found = []
    roles = [role_of(image.parts[:-1]) for image in images]
    for role, some in by_role(tables).items():
        fitting = [
            image
            for image, own in zip(images, roles, strict=True)
            if role is None or own in (role, None)
        ]
        found += find_listings(some, fitting, label)
    return [listing for listing in found if listing.is_named] or found


def arrange_listed(listings: list[Listing], images: list[Member]) -> Layout:
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
                    f"{quote([other.table.path, listing.table.path])}; remove the one that does "
                    "not hold the labels"
                )
            own = role_of(members[key].parts[:-1]) if role is None else role
            if other is listing:
                labels[own][key] = text
                files[own][id(listing.table)] = listing.table
    parts: dict[Role, Part] = {}
    for role, named in labels.items():
        order = sorted(named, key=lambda key: natural_key(members[key].path))
        place = "/".join(shared_folders([members[key].parts[:-1] for key in order]))
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
