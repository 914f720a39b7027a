"""The parts of a data set, and how they are recognized by file and folder names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Any, Literal

from skmnist.datasets._bunch import Note
from skmnist.datasets._members import Member, shorten
from skmnist.text import Phrase

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
NUMBER = re.compile("([0-9]{1,18})")
MAX_NAMED = 5  # names listed in a message


@dataclass(frozen=True)
class Part:
    """The files of one part, such as the training part.

    Attributes
    ----------
    place : str
        Path of its folder or file.
    is_folder : bool
    images : tuple of Member
    labels : tuple of str
        Labels of the image files.
    label_files : tuple of Member
        Files that contain only labels.
    """

    place: str
    is_folder: bool
    images: tuple[Member, ...]
    labels: tuple[str, ...] = ()
    label_files: tuple[Member, ...] = ()

    @property
    def files(self) -> tuple[Member, ...]:
        """All files that are read."""
        return self.images + self.label_files


@dataclass(frozen=True)
class Layout:
    """The parts that were found, and the kind of their files.

    Attributes
    ----------
    kind : str
    parts : dict of role to Part
    notes : list of Note
    twins : list of Member
        Files that are ignored because another one has the same content.
    """

    kind: Kind
    parts: dict[Role, Part] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    twins: list[Member] = field(default_factory=list)


def quote(paths: Iterable[str]) -> Phrase:
    """Return the first few names in quotes, and the number of others, for error messages."""
    paths = list(paths)
    return list_few([repr(shorten(path)) for path in paths[:MAX_NAMED]], len(paths))


def list_few(shown: list[Any], n: int) -> Phrase:
    """Return the names `shown` of `n` names, and the number of others, for error messages."""
    more = n - len(shown)
    if not more:
        return Phrase("data.error.names", {"names": shown})
    return Phrase("data.error.names_and_more", {"names": shown, "more": more})


def name_part(role: Role) -> Phrase:
    """Return the name of a part for error messages."""
    return Phrase(f"data.error.part.{role or 'unnamed'}")


def list_names(names: Iterable[str]) -> str:
    """Return the first few names and, if there are more, the total number, for notes.

    The result contains no words, because notes are available in several languages.
    """
    names = list(names)
    more = [f"... ({len(names):,})"] if len(names) > MAX_NAMED else []
    return ", ".join(names[:MAX_NAMED] + more)


def role_of(parts: Sequence[str]) -> Role:
    """Return the role of the innermost name that indicates one, or None."""
    return next((role for part in reversed(parts) if (role := _role_of_name(part))), None)


@lru_cache(maxsize=1000)  # called for the folders of each image
def _role_of_name(name: str) -> Role:
    roles = {role for word in split_words(name) for role, p in ROLES.items() if p.match(word)}
    return roles.pop() if len(roles) == 1 else None  # type: ignore[return-value]


def split_words(name: str) -> list[str]:
    """Split a name into lowercase words: ``mnistTrain_02.csv`` into mnist, train, 02, csv."""
    name = re.sub(r"([a-zäöüß])([A-ZÄÖÜ])", r"\1 \2", name)
    return re.findall(r"t10k|[^\W\d_]+|[0-9]+", name.lower())


def role_folder(parts: Sequence[str]) -> int | None:
    """Return the depth of the innermost folder with a role, or None."""
    for depth in range(len(parts), 0, -1):
        if role_of(parts[depth - 1 : depth]) is not None:
            return depth
    return None


def by_role(members: Iterable[Member]) -> dict[Role, list[Member]]:
    """Group files by the role that their paths indicate."""
    groups: dict[Role, list[Member]] = defaultdict(list)
    for member in members:
        groups[role_of(member.parts)].append(member)
    return dict(groups)


def folder_of(path: str) -> str:
    """Return the folder of a file; "" at the top level."""
    return path.rpartition("/")[0]


def shared_folders(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the common leading folders of all paths."""
    low, high = min(paths), max(paths)
    return tuple(
        a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False))
    )


def natural_key(text: str) -> list[str | int]:
    """Return a key that sorts ``2.png`` before ``10.png``."""
    # text and numbers alternate, so the items are comparable; the number of digits is limited
    # because converting them takes quadratic time
    pieces: list[str | int] = list(NUMBER.split(text))
    pieces[1::2] = map(int, pieces[1::2])
    return pieces
