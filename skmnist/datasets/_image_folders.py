"""Images in a folder for each class, or beside a table of their labels."""

import re
from collections import defaultdict

from skmnist.datasets._bunch import Note
from skmnist.datasets._layout import (
    MAX_NAMED,
    Layout,
    Part,
    Role,
    folder_of,
    natural_key,
    quote,
    role_folder,
    role_of,
    shared_folders,
    split_words,
)
from skmnist.datasets._listing import (
    ListingError,
    are_of_images,
    arrange_listed,
    heed_tables,
    list_images,
)
from skmnist.datasets._members import DatasetError, Member, shorten

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

Folder = tuple[str, ...]  # the names that lead to it


def find_images(images: list[Member], tables: list[Member], label: str | None) -> Layout:
    """Find images in the folders of their classes, or with a table that names them."""
    try:
        layout = _find_class_folders(images, label)
    except DatasetError:
        if listings := list_images(tables, images, label):
            return arrange_listed(listings, images)
        raise
    names = {name for part in layout.parts.values() for name in part.labels}
    if len(names) < 2 or not all(map(CLASS_NAME.fullmatch, names)):
        # "images" is no class, and "images_1", "images_2" are none where a table knows better
        may_be_classes = len(names) >= 2 and not are_of_images(names)
        try:
            listings = list_images(tables, images, label)
        except ListingError:
            if not may_be_classes:
                raise
            return layout
        if may_be_classes:
            listings = [listing for listing in listings if listing.is_named]
        if listings:
            return arrange_listed(listings, images)
    elif label not in ("first", "last"):  # these ask for folders
        return heed_tables(layout, tables, images, label)
    return layout


def _find_class_folders(members: list[Member], label: str | None) -> Layout:
    by_path: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_path[folder_of(member.path)].append(member)
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
    return folder[: role_folder(folder[:-1]) or 0]


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
    values = {"folders": quote(inner), "classes": quote(sorted(set(ends[0].values())))}
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
        f"({quote(sorted(names[0]))}) or the inner ones ({quote(sorted(names[1]))}); pass "
        "label='first' for the outer or label='last' for the inner ones"
    )


def _image_part(group: dict[Folder, list[Member]], labels: dict[Folder, str]) -> Part:
    labelled = [(member, labels[at]) for at, some in group.items() for member in some]
    # by the file's name: where images are numbered through all classes, their order is kept
    labelled.sort(key=lambda pair: natural_key(pair[0].path.rpartition("/")[2]))
    folders = next(iter(group))[:-1]
    place = "/".join(folders[: role_folder(folders) or len(folders)])
    members, names = zip(*labelled, strict=True)
    return Part(place, True, members, names)
