"""The digits that a command is asked to read."""

import os
import re
from pathlib import Path
from typing import Any

from skmnist.cli._errors import OptionError, tell_warnings
from skmnist.cli._options import suggest
from skmnist.text import Catalogue, make_printable

SETS = ("mnist", "cloud")


def read_part(
    say: Catalogue, data: str, train_size: int | None, seed: int, *, invert: bool, label: str | None
) -> tuple[Any, str]:
    """Read what was asked for, and keep of it as many training images as were asked for."""
    from skmnist.datasets._bunch import take_part

    digits, name = read_all(say, data, seed, option="--data", invert=invert, label=label)
    # two per class: one to train on, and some to validate on
    low, high = 2 * len(set(digits.y_train.tolist())), len(digits.y_train)
    if train_size is not None and not low <= train_size <= high:
        rule = say("cli.rule.train_size", low=low, high=high)
        raise OptionError("--train-size", train_size, rule)
    digits.X_train, digits.y_train = take_part(
        digits.X_train, digits.y_train, train_size, parameter="train_size", random_state=seed
    )
    return digits, name


def read_all(
    say: Catalogue,
    data: str,
    seed: int,
    *,
    option: str,
    invert: bool,
    label: str | None,
    extract_dir: Path | None = None,
) -> tuple[Any, str]:
    """Read what was asked for, and say what to call it."""
    from skmnist._progress import ByteBar
    from skmnist.datasets import DatasetError, load_mnist
    from skmnist.datasets._cloud import get_file
    from skmnist.datasets._local import read_digits
    from skmnist.datasets._mnist import make_mnist

    given = {"--invert": invert, "--label": label is not None, "--extract": extract_dir}
    for name, value in given.items():
        if value and data in SETS:
            raise OptionError(name, "", say("cli.rule.own_data"))
    try:
        if data == "mnist":
            return load_mnist(), say("data.bundled")
        if data == "cloud":
            with ByteBar(say("cli.downloading")) as bar, tell_warnings():
                content = get_file(None, None, progress=bar)
            return make_mnist(content), say("data.cloud")
        with ByteBar(make_printable(say("cli.reading", file=data))) as bar:
            digits = read_digits(
                data,
                extract_dir,
                random_state=seed,
                invert=invert,
                label=label,
                progress=bar,
            )
        return digits, data
    except DatasetError as error:
        if data in SETS:  # it says all there is to say
            raise OptionError(option, data, str(error)) from None
        # the parameter's name in Python is the option's here
        rule = re.sub(r"\blabel= ?", "--label ", str(error).removeprefix(f"{data}: "))
        if not os.path.exists(data):
            rule = say("cli.rule.data", problem=rule) + suggest(say, data, SETS)
        raise OptionError(option, data, rule) from None
