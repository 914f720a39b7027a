"""Files that commands write: refused before hours of training, not after."""

import errno
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skmnist import __version__
from skmnist._files import write_whole
from skmnist.cli._errors import OptionError, tell_error
from skmnist.text import Catalogue


def check_outputs(
    say: Catalogue,
    outputs: Mapping[str, Path | None],
    data: str,
    *,
    force: bool,
    given: Mapping[Path, str] | None = None,
) -> None:
    """Refuse files that cannot be written, and two of one name; `given` are such names already."""
    known = dict(given or {})
    for option, path in outputs.items():
        if path is None:
            continue
        other = known.setdefault(path.resolve(), option)
        if other != option:
            raise OptionError(option, path, say("cli.rule.file_twice", other=other))
        if path.is_dir():
            raise OptionError(option, path, say("cli.rule.file_is_folder"))
        if path.exists() and os.path.exists(data) and path.samefile(data):
            raise OptionError(option, path, say("cli.rule.file_is_data"))
        if path.is_file() and not force:
            raise OptionError(option, path, say("cli.rule.file_exists"))
        folder = path.resolve().parent  # of what a link points to
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            problem = os.strerror(errno.ENOENT if not folder.is_dir() else errno.EACCES)
            raise OptionError(option, path, say("cli.rule.file_folder", problem=problem))


def write_file(say: Catalogue, path: Path, write: Callable[[], object]) -> bool:
    """Write one of several files; where that fails say so, and leave the others their chance."""
    try:
        write()
    except OSError as error:
        problem = error.strerror or str(error)
        tell_error(say, say("cli.failed_file", file=path, problem=problem))
        return False
    return True


def write_results(
    path: Path,
    schema: str,
    digits: Any,
    name: str,
    settings: Mapping[str, Any],
    found: Mapping[str, Any],
) -> None:
    """Write all that was found as JSON."""
    document = {
        "schema": schema,
        "skmnist": __version__,
        "data": {"name": name, "n_train": len(digits.y_train), "n_test": len(digits.y_test)},
        "settings": settings,
        **found,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")
