"""Load the data set of a command; `skmnist data` describes it."""

import io
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skmnist._files import write_whole
from skmnist._networks import find_swiss_digits, limit_training, scale_images
from skmnist.cli._options import suggest
from skmnist.cli._outputs import CommandError, OptionError, print_warnings, write_file
from skmnist.text import Catalogue, use_language

SETS = ("mnist", "cloud")
ELSEWHERE = ("swiss", "none", *SETS)
OPTIONS = {  # options by parameter of the loader; only for the user's own files
    "label": "--label",
    "image_shape": "--image-shape",
    "invert": "--invert",
    "extract_dir": "--extract",
}


def read_part(
    say: Catalogue, data: str, train_size: int | None, seed: int, options: Mapping[str, Any]
) -> tuple[Any, str]:
    """Return a data set, limited to `train_size` training images unless None, and its name."""
    digits, name = read_all(say, data, seed, options)
    # two per class: one for training, one for validation
    low, high = 2 * len(set(digits.y_train.tolist())), len(digits.y_train)
    if train_size is not None:
        if not low <= train_size <= high:
            rule = say("cli.rule.train_size", low=low, high=high)
            raise OptionError("--train-size", train_size, rule)
        limit_training(digits, train_size, seed)
    return digits, name


def read_all(
    say: Catalogue, data: str, seed: int, options: Mapping[str, Any], *, option: str = "--data"
) -> tuple[Any, str]:
    """Return a data set and its name; `options` are parameters of the loader."""
    from skmnist.datasets import DatasetError, load_dataset

    given = {name: value for name, value in options.items() if value not in (None, False)}
    if data in SETS and given:
        raise OptionError(OPTIONS[next(iter(given))], "", say("cli.rule.own_data"))
    try:
        with use_language(say.language):
            if data in SETS:
                with print_warnings():
                    digits = load_dataset(data, progress=True)
                return digits, say("data.bundled" if data == "mnist" else "data.cloud")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `Screen` shows the same notes
                return load_dataset(data, random_state=seed, progress=True, **given), data
    except DatasetError as error:
        problem = error.sentence(say.language)
        if data in SETS:
            raise OptionError(option, data, problem) from None
        # replace the names of Python parameters with options
        rule = problem.removeprefix(f"{data}: ")
        for name, spelling in OPTIONS.items():
            rule = re.sub(rf"\b{name}= ?", f"{spelling} ", rule)
        rule = re.sub(r"(?<=--image-shape )\((\w+), (\w+)\)", r"\1x\2", rule)
        if not os.path.exists(data):
            key, names = ("elsewhere", ELSEWHERE) if option == "--elsewhere" else ("data", SETS)
            rule = say(f"cli.rule.{key}", problem=rule) + suggest(say, data, names)
        raise OptionError(option, data, rule) from None


def read_elsewhere(say: Catalogue, elsewhere: str, digits: Any, seed: int) -> dict[str, Any]:
    """Return further digits to measure accuracy on, if any, as `elsewhere` for `compare_models`."""
    import numpy as np

    if elsewhere == "none":
        return {}
    if elsewhere == "swiss":
        return find_swiss_digits(digits)
    other, _ = read_all(say, elsewhere, seed, {}, option="--elsewhere")
    X = np.concatenate([other.X_train, other.X_test])
    y = np.concatenate([other.y_train, other.y_test])
    (height, width), (found_height, found_width) = digits.X_train.shape[1:], X.shape[1:]
    if (found_height, found_width) != (height, width):
        sizes = {"found_height": found_height, "found_width": found_width}
        rule = say("cli.rule.elsewhere_size", height=height, width=width, **sizes)
        raise OptionError("--elsewhere", elsewhere, rule)
    classes = np.unique(digits.y_train).tolist()
    unknown = sorted(set(y.tolist()) - set(classes), key=str)
    if unknown:
        listed = {"found": _list_classes(unknown), "classes": _list_classes(classes)}
        raise OptionError("--elsewhere", elsewhere, say("cli.rule.elsewhere_classes", **listed))
    return {elsewhere: (scale_images(X, other.max_value, digits.max_value), y)}


def _list_classes(classes: list[Any]) -> str:
    return ", ".join(map(str, classes[:10])) + (", …" if len(classes) > 10 else "")


def show_digits(
    say: Catalogue,
    source: str,
    seed: int,
    options: Mapping[str, Any],
    *,
    picture: Path | None,
) -> int:
    """Describe a data set, save a picture of it if requested, and return the exit status."""
    from skmnist.cli._screen import Screen
    from skmnist.datasets import describe_dataset

    extract_dir = options["extract_dir"]
    if extract_dir is not None and os.path.isdir(source):
        raise OptionError("--extract", extract_dir, say("cli.rule.extract_folder"))
    digits, name = read_all(say, source, seed, options, option="data")
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

    from skmnist.datasets import DatasetDisplay

    display = DatasetDisplay.from_dataset(digits, language=language)
    content = io.BytesIO()
    # ignore the user's matplotlibrc, which may require LaTeX, for example
    with matplotlib.style.context("default"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # characters missing from the font are drawn as boxes
        figure = display.plot(figure=Figure()).figure_
        figure.savefig(content, format=ending.removeprefix("."), dpi=150)
    return content.getvalue()
