"""`skmnist data`: show what is in a data set."""

import io
import os
import warnings
from pathlib import Path
from typing import Any

from skmnist._files import write_whole
from skmnist.cli._digits import read_all
from skmnist.cli._errors import CommandError, OptionError
from skmnist.cli._outputs import write_file
from skmnist.cli._screen import Screen
from skmnist.datasets import DatasetDisplay, describe_dataset
from skmnist.text import Catalogue


def show_digits(
    say: Catalogue,
    source: str,
    seed: int,
    *,
    invert: bool,
    label: str | None,
    extract_dir: Path | None,
    picture: Path | None,
) -> int:
    """Describe the digits, and draw them where a picture was asked for; return the exit status."""
    if extract_dir is not None and os.path.isdir(source):
        raise OptionError("--extract", extract_dir, say("cli.rule.extract_folder"))
    digits, name = read_all(
        say, source, seed, option="data", invert=invert, label=label, extract_dir=extract_dir
    )
    screen = Screen(say)
    screen.show_description(digits, name, describe_dataset(digits))
    if picture is not None:
        content = _draw(digits, say.language, picture.suffix.lower())
        if not write_file(say, picture, lambda: write_whole(picture, content)):
            return CommandError.status
        screen.say_line("cli.picture_written", file=picture)
    screen.finish()
    return 0


def _draw(digits: Any, language: str, ending: str) -> bytes:
    import matplotlib.style
    from matplotlib.figure import Figure

    display = DatasetDisplay.from_dataset(digits, language=language)
    content = io.BytesIO()
    # whatever a matplotlibrc asks for, LaTeX that is not installed for example
    with matplotlib.style.context("default"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        figure = display.plot(figure=Figure()).figure_
        figure.savefig(content, format=ending.removeprefix("."), dpi=150)
    return content.getvalue()
