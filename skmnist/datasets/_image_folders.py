"""Find images in class folders, or images listed in a table with their labels."""

import re
from collections import defaultdict
from collections.abc import Iterable

from skmnist.datasets._bunch import Note
from skmnist.datasets._layout import (
    IMAGE_WORDS,
    LABEL_WORDS,
    MAX_NAMED,
    Layout,
    Part,
    Role,
    by_role,
    folder_of,
    list_few,
    list_names,
    name_part,
    natural_key,
    quote,
    role_folder,
    role_of,
    shared_folders,
    split_words,
)
from skmnist.datasets._listing import Listing, ListingError, find_listings
from skmnist.datasets._members import DatasetError, Member, shorten
from skmnist.text import Phrase

# Typical names of class folders: 7, 07, a, digit_7, Sample008, seven. Folders of writers or
# sessions rarely match.
CLASS_NAME = re.compile(
    r"(?:(?:class|label|digit|sample|klasse|ziffer)[ _-]?)?[0-9]{1,3}|[^\W_]"
    r"|zero|one|two|three|four|five|six|seven|eight|nine"
    r"|null|eins?|zwei|drei|vier|fünf|sechs|sieben|acht|neun",
    re.IGNORECASE,
)
DIGITS = frozenset("0123456789")
# Names of folders that contain a subset of the images in a sibling folder.
EXCERPT = re.compile("(?:samples?|small|mini|subset|demo|backup|copy|kopie|auszug|old|alt)$")

Folder = tuple[str, ...]  # the parts of its path


def find_images(images: list[Member], tables: list[Member], label: str | None) -> Layout:
    """Find images in class folders, or listed in a table."""
    try:
        layout = _find_class_folders(images, label)
    except DatasetError:
        if listings := _list_images(tables, images, label):
            return _arrange_listed(listings, images)
        raise
    names = {name for part in layout.parts.values() for name in part.labels}
    if len(names) < 2 or not all(map(CLASS_NAME.fullmatch, names)):
        # "images" is not a class; nor are "images_1" and "images_2" if a table has labels
        may_be_classes = len(names) >= 2 and not _are_image_words(names)
        try:
            listings = _list_images(tables, images, label)
        except ListingError:
            if not may_be_classes:
                raise
            return layout
        if may_be_classes:
            listings = [listing for listing in listings if listing.is_named]
        if listings:
            return _arrange_listed(listings, images)
    elif label not in ("first", "last"):  # these select folders
        return _check_tables(layout, tables, images, label)
    return layout


def _find_class_folders(members: list[Member], label: str | None) -> Layout:
    by_path: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_path[folder_of(member.path)].append(member)
    folders = {tuple(path.split("/")) if path else (): some for path, some in by_path.items()}
    # "train" is a class if its siblings are "car" and "bus"
    of_classes = {at[:-1] for at in folders if at and role_of(at[-1:]) is None}
    groups: dict[Role, dict[Folder, list[Member]]] = defaultdict(dict)
    loose = []
    for at, some in folders.items():
        if not at or (role_of(at[-1:]) is not None and at[:-1] not in of_classes):
            loose += some
        else:
            groups[role_of(at[:-1])][at] = some
    if not groups:
        raise DatasetError("no_class_folder", where=loose[0].where)
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
    """Return the folders down to the innermost one named after a role, such as "train"."""
    return folder[: role_folder(folder[:-1]) or 0]


def _check_places(source: str, role: Role, counts: dict[Folder, int]) -> None:
    """Raise if several folders may hold the same part of the data, unless they are numbered."""
    places: dict[Folder, int] = defaultdict(int)
    for folder, n in counts.items():
        places[_place_of(folder)] += n
    if len({re.sub("[0-9]+", "#", "/".join(place)) for place in places}) > 1:
        raise _ambiguous_folders(source, role, places)


def _check_excerpts(source: str, role: Role, counts: dict[Folder, int]) -> None:
    """Raise if a folder seems to be a subset of a sibling folder."""
    names = {name for folder in counts for name in folder[:-1]}
    names = {name for name in names if any(map(EXCERPT.match, split_words(name)))}
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
            raise _ambiguous_folders(source, role, places)


def _ambiguous_folders(source: str, role: Role, counts: dict[Folder, int]) -> DatasetError:
    found = [
        Phrase("data.error.folder_of_images", {"folder": shorten("/".join(place)), "n": n})
        for place, n in sorted(counts.items())[:MAX_NAMED]
    ]
    return DatasetError(
        "which_folder_of_part" if role else "which_folder",
        where=source,
        names=list_few(found, len(counts)),
        part=name_part(role),
    )


def _find_labels(
    folders: list[Folder], source: str, label: str | None
) -> tuple[dict[Folder, str], list[Note]]:
    """Return the class of each folder: its name, or that of an outer folder."""
    levels = {at: at[len(_place_of(at)) :] for at in folders}
    common = len(shared_folders([level[:-1] for level in levels.values()]))
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
    names = {"folders": inner, "classes": sorted(set(ends[0].values()))}
    values = {key: list_names(repr(shorten(name)) for name in some) for key, some in names.items()}
    return ends[chosen], [Note("outer_classes", values)] if chosen == 0 and inner else []


def _choose_level(names: list[set[str]], source: str) -> int:
    """Return 0 if the outer folders are the classes, 1 if the inner ones are."""
    likely = [all(map(CLASS_NAME.fullmatch, some)) for some in names]
    if all(likely) and all(name.isdecimal() for some in names for name in some):
        likely = [some <= DIGITS for some in names]  # numbers of writers usually exceed 9
    if likely[0] != likely[1]:
        return likely.index(True)
    raise DatasetError(
        "outer_or_inner",
        where=source,
        outer=quote(sorted(names[0])),
        inner=quote(sorted(names[1])),
    )


def _image_part(group: dict[Folder, list[Member]], labels: dict[Folder, str]) -> Part:
    labelled = [(member, labels[at]) for at, some in group.items() for member in some]
    # sorted by file name, which keeps the order of images numbered across classes
    labelled.sort(key=lambda pair: natural_key(pair[0].path.rpartition("/")[2]))
    folders = next(iter(group))[:-1]
    place = "/".join(folders[: role_folder(folders) or len(folders)])
    members, names = zip(*labelled, strict=True)
    return Part(place, True, members, names)


# --- images listed in tables


def _check_tables(
    layout: Layout, tables: list[Member], images: list[Member], label: str | None
) -> Layout:
    """Raise if a table contradicts the class folders, unless `label` is its label column."""
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
            return _arrange_listed([listing], images)
        words = split_words(listing.table.parts[-1].partition(".")[0])
        if not (listing.is_named or any(map(LABEL_WORDS.match, words))):
            continue
        both = {at: of_folder[at] for at in listing.labels if at in of_folder}
        pairs = {(name, listing.labels[at]) for at, name in both.items()}
        if 2 * len(both) < len(of_folder) or _are_equivalent(pairs):
            continue
        at = next(at for at in both if not _are_equivalent({(both[at], listing.labels[at])}))
        path = next(image.path for image in images if id(image) == at)
        raise ListingError(
            "table_or_folders" if listing.name else "unnamed_table_or_folders",
            where=listing.table.where,
            path=shorten(path),
            label=shorten(listing.labels[at]),
            folder=shorten(both[at]),
            column=shorten(listing.name),
        )
    return layout


def _are_equivalent(pairs: set[tuple[str, str]]) -> bool:
    """Return whether folder names, such as "07" or "digit_7", correspond to labels."""
    if all(
        name.casefold() == text.casefold()
        or (name.isdecimal() and text.isdecimal() and name.lstrip("0") == text.lstrip("0"))
        for name, text in pairs
    ):
        return True
    # a plain number may be the number of a sheet, even if all its images have the same label
    names, texts = {name for name, _ in pairs}, {text for _, text in pairs}
    are_words = all(len(name) > 1 and not name.isdecimal() for name in names)
    return are_words and len(pairs) == len(names) == len(texts) > 1


def _are_image_words(names: Iterable[str]) -> bool:
    return all(any(map(IMAGE_WORDS.match, split_words(name))) for name in names)


def _list_images(tables: list[Member], images: list[Member], label: str | None) -> list[Listing]:
    """Read the tables that list images; a table of one part cannot list images of another."""
    found: list[Listing] = []
    lacking: list[ListingError] = []
    roles = [role_of(image.parts[:-1]) for image in images]
    for role, some in by_role(tables).items():
        fitting = [
            image
            for image, own in zip(images, roles, strict=True)
            if role is None or own in (role, None)
        ]
        listings, errors = find_listings(some, fitting, label)
        found += listings
        lacking += errors
    if lacking and not found:
        raise lacking[0]
    return [listing for listing in found if listing.is_named] or found


def _arrange_listed(listings: list[Listing], images: list[Member]) -> Layout:
    """Assign each image to the part of its table, or of its folder if the table has none."""
    owners: dict[int, Listing] = {}
    labels: dict[Role, dict[int, str]] = defaultdict(dict)
    files: dict[Role, dict[int, Member]] = defaultdict(dict)
    members = {id(image): image for image in images}
    for listing in listings:
        role = role_of(listing.table.parts)
        for key, text in listing.labels.items():
            other = owners.setdefault(key, listing)
            if other.labels[key] != text:
                tables = quote([other.table.path, listing.table.path])
                raise ListingError("labels_differ", where=members[key].where, tables=tables)
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
    return Layout("image", parts, [note for listing in listings for note in _note_listing(listing)])


def _note_listing(listing: Listing) -> list[Note]:
    path = shorten(listing.table.path)
    notes = [Note("listed", {"path": path, "column": listing.column})]
    if listing.missing:
        line, name = listing.missing[0]
        values = {"path": path, "n": len(listing.missing), "line": line, "name": name}
        notes.append(Note("listed_missing", values))
    if listing.others:
        values = {"columns": list_names(listing.others), "n": len(listing.others)}
        notes.append(Note("other_columns", {"path": path, **values}))
    return notes
