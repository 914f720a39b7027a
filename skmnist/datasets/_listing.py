"""Read tables that contain the names and labels of image files."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest

from skmnist.datasets._bunch import check_label
from skmnist.datasets._columns import LABEL_NAMES, ROW_NAMES
from skmnist.datasets._formats import kind_of
from skmnist.datasets._members import DatasetError, Member, at_cell, at_line, shorten
from skmnist.datasets._tables import read_rows

MAX_TABLES = 50  # to search for names
MAX_COLUMNS = 30  # tables with more columns contain pixels
N_HEAD = 1000  # rows to search for the column of names
MAX_NAMESAKES = 100  # images with the same name in different folders
FILE_NAMES = {
    *("file", "files", "filename", "file_name", "file name", "filepath", "file_path"),
    *("image", "images", "image_name", "image_path", "img", "name", "path"),
    *("datei", "dateiname", "bild", "bildname", "pfad"),
}

Row = tuple[int, list[str]]  # line number and cells


class ListingError(DatasetError):
    """Raised if a table contains names of images, but its labels cannot be used."""


@dataclass
class Listing:
    """The labels of images in a table.

    Attributes
    ----------
    table : Member
    column : str
        The label column, as shown in messages.
    name : str
        Name of the label column, empty if there is no header.
    is_named : bool
        Whether this name is "label" or similar.
    labels : dict of int to str
        Labels by the id of the image's member.
    missing : list of tuple
        Line and name of images that do not exist.
    others : list of str
        The other columns.
    """

    table: Member
    column: str
    name: str
    is_named: bool
    labels: dict[int, str] = field(default_factory=dict)
    missing: list[tuple[int, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


class _Names:
    """Find images by the names in a table."""

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
        """Return the images that match a cell; more than one if it is ambiguous.

        With `whole`, names without file extensions do not match.
        """
        name = unicodedata.normalize("NFC", cell)  # like the paths of members
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
        for depth in range(2, len(parts) + 1):  # prefer matching folders
            if not 1 < len(found) <= MAX_NAMESAKES:
                break
            found = [
                image for image in found if _name_above(image, depth) == parts[-depth]
            ] or found
        if 1 < len(found) <= MAX_NAMESAKES:  # prefer the table's folder
            found = [m for m in found if m.path.casefold().startswith(folder + "/")] or found
        return found


def _name_above(image: Member, depth: int) -> str:
    """Return the part of an image's path at this depth, counted from its end."""
    return image.path.casefold().split("/")[-depth:][0]


def find_listings(
    tables: Sequence[Member], images: Sequence[Member], label: str | None
) -> tuple[list[Listing], list[ListingError]]:
    """Read the tables that contain names and labels of images.

    Parameters
    ----------
    tables, images : list of Member
    label : {"first", "last"}, str or None
        Position or name of the label column; the column of file names is not counted.

    Returns
    -------
    listings : list of Listing
    lacking : list of ListingError
        Errors for the tables that have no column named `label`; they may contain metadata.

    Raises
    ------
    ListingError
        If a table contains names of images, but its label column is ambiguous or invalid.
    """
    names = _Names(images)
    found, lacking = [], []
    for table in tables[:MAX_TABLES]:
        rows = read_rows(table, MAX_COLUMNS)
        try:
            head = list(islice(rows, N_HEAD))
        except DatasetError:  # not a table of names
            continue
        if head and (column := _find_name_column(head, names, table)) is not None:
            try:
                found.append(_read(table, chain(head, rows), column, names, label))
            except DatasetError as error:
                problem = ListingError(error.key, **error.values)
                if error.key not in ("no_such_column", "no_header"):
                    raise problem from error
                lacking.append(problem)
    return found, lacking


def _find_name_column(head: Sequence[Row], names: _Names, table: Member) -> int | None:
    """Return the column with names of images, or None."""
    header = [cell.strip().casefold() for cell in head[0][1]]
    n_columns = len(header)
    if n_columns < 2:
        return None
    columns = list(islice(zip_longest(*(row for _, row in head), fillvalue=""), n_columns))
    for whole in (True, False):  # "3" is a name only if no column contains names such as "3.png"
        found = [[names.find(cell, table, whole=whole) for cell in cells] for cells in columns]
        matched = [len({id(images[0]) for images in some if images}) for some in found]
        fitting = []
        for at, cells in enumerate(columns):
            # most images may be missing if the cells look like file names
            likely = max(matched[at], sum(kind_of(cell.strip()) == "image" for cell in cells))
            if matched[at] and 2 * likely >= len(head) - 1:
                fitting.append(at)
        fitting = [at for at in fitting if header[at] in FILE_NAMES] or fitting
        fitting = [at for at in fitting if header[at] not in LABEL_NAMES] or fitting
        # names are unique, but labels are not
        fitting = [at for at in fitting if len(set(columns[at])) == len(head)] or fitting
        if not fitting:
            continue
        best = max(fitting, key=matched.__getitem__)
        for other in fitting:
            if any(
                a and b and not _share(a, b) for a, b in zip(found[best], found[other], strict=True)
            ):
                first, second = sorted((best, other))
                raise ListingError(
                    "two_columns_of_names",
                    where=at_line(table.where, 1),
                    first=first + 1,
                    first_name=shorten(head[0][1][first]),
                    second=second + 1,
                    second_name=shorten(head[0][1][second]),
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
    chosen = _choose_label(header, column, others, label, table)
    shown = [repr(shorten(name)) for name in header] or [str(at + 1) for at in range(len(first))]
    listing = Listing(
        table,
        column=shown[chosen],
        name=header[chosen] if header else "",
        is_named=bool(header) and header[chosen].casefold() in LABEL_NAMES,
        others=[shown[at] for at in others if at != chosen],
    )
    for line, row in rows:
        where = at_line(table.where, line)
        table.budget.spend_rows(1, where)
        if len(row) != len(first):
            raise DatasetError("n_fields", where=where, n=len(row), expected=len(first))
        text, found = row[chosen].strip(), names.find(row[column], table)
        check_label(text, where=at_cell(table.where, line, chosen + 1))
        if len(found) > 1:
            raise DatasetError(
                "two_images",
                where=where,
                name=shorten(row[column]),
                first=shorten(found[0].path),
                second=shorten(found[1].path),
            )
        if not found:
            listing.missing.append((line, shorten(row[column])))
        elif listing.labels.setdefault(id(found[0]), text) != text:
            raise DatasetError(
                "label_differs",
                where=where,
                name=shorten(row[column]),
                label=shorten(text),
                before=shorten(listing.labels[id(found[0])]),
            )
    return listing


def _choose_label(
    header: list[str], column: int, others: list[int], label: str | None, table: Member
) -> int:
    """Return the label column among `others`, the columns other than the name column `column`."""
    if label is not None and label in header:
        named = [at for at in others if header[at] == label]
        if not named:
            found = ", ".join(repr(shorten(header[at])) for at in others[:5])
            where = at_cell(table.where, 1, column + 1)
            raise DatasetError("label_of_names", where=where, label=shorten(label), columns=found)
        return named[0]
    if label in ("first", "last"):
        return others[0 if label == "first" else -1]
    if label is not None:
        where = at_line(table.where, 1)
        if not header:
            raise DatasetError("no_header", where=where, label=label)
        raise DatasetError(
            "no_such_column", where=where, label=label, names=[shorten(name) for name in header[:3]]
        )
    if header:
        named = [at for at in others if header[at].casefold() in LABEL_NAMES]
        rest = [at for at in others if header[at].casefold() not in ROW_NAMES]
        for some in (named, rest, others):
            if len(some) == 1:
                return some[0]
    elif len(others) == 1:
        return others[0]
    found = ", ".join(repr(shorten(header[at])) if header else str(at + 1) for at in others[:5])
    raise DatasetError("which_column", where=at_line(table.where, 1), columns=found)
