"""`skmnist show`: describe a saved model, and its limits."""

import inspect
import math
from collections.abc import Iterator, Mapping
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from skmnist import DigitCropper, DigitReader, PixelNormalizer, __version__
from skmnist._files import find_bundled_reader
from skmnist.cli._outputs import CommandError
from skmnist.cli._screen import Screen
from skmnist.persistence import ModelCard, ModelFileError, load_card
from skmnist.text import Catalogue, get_catalogue, get_languages

# a file may come from anybody, and its notes and names may contain a million characters
MAX_TEXT = 1000  # characters
MAX_KEY = 40
MAX_NOTES = 40
MAX_CLASSES = 26
MAX_NAME = 20  # characters of a class

# notes with a label in the catalogue, in the order in which they are shown
TRAINED = ("data", "trained_on", "network", "n_trials")
MEASURED = (
    "n_test",
    "test_accuracy",
    "elsewhere",
    "elsewhere_accuracy",
    "reported_on",
    "n_reported",
    "accuracy",
    "accepted",
    "error_among_accepted",
    "mnist_test_accuracy",
    "calibrated_on",
)
ORIGIN = ("licence", "license", "made_by", "command")
KNOWN_OTHERWISE = ("n_train", "skmnist")  # taken from the network and the file instead
RESULTS = ("test_accuracy", "accuracy")
SHARES = ("accuracy", "accepted")  # endings of the names of notes that are shares

Row = tuple[str, str]  # label, and text


def show_model(say: Catalogue, path: Path | None) -> int:
    """Show the card of a file, or of the bundled reader, and return the exit status."""
    card = _load(say, path)
    screen = Screen(say)
    title = card.notes.get("name") or (say("card.bundled") if path is None else path.name)
    title = _format("name", title, say)
    try:
        sections = list(describe_card(card, say, is_foreign=path is not None))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # from forged figures
        problem = f"{path}: {_clip(error)}."
        raise CommandError(say("cli.show_failed", problem=problem)) from error
    screen.show_card(title, sections)
    screen.finish()
    return 0


def _load(say: Catalogue, path: Path | None) -> ModelCard:
    if path is None:
        with as_file(find_bundled_reader()) as bundled:
            return load_card(bundled)
    if not path.exists():
        raise CommandError(say("cli.rule.no_file", file=path))
    if path.is_dir():
        raise CommandError(say("cli.show_folder", file=path))
    try:
        return load_card(path)
    except ModelFileError as error:
        problem = error.sentence(say.language)
        raise CommandError(say("cli.show_failed", problem=problem)) from None
    except OSError as error:
        problem = f"{path}: {error.strerror or error}."
        raise CommandError(say("cli.show_failed", problem=problem)) from None


def describe_card(
    card: ModelCard, say: Catalogue, *, is_foreign: bool = True
) -> Iterator[tuple[str, list[Row], list[str]]]:
    """Yield the sections of a card: title, labelled facts, and sentences.

    `is_foreign` tells whether the notes may come from a source other than this package.
    """
    model, notes = card.model, card.notes
    steps = list(_list_steps(model))
    network = next((step for step in reversed(steps) if hasattr(step, "coefs_")), None)

    yield say("card.is"), _label(say, _describe_kind(card, steps, network, say)), []

    if network is not None:
        facts = [*_pick(notes, TRAINED, say), *_describe_training(network, say)]
        known = notes.keys() & {"data", "trained_on"}
        yield (
            say("card.trained"),
            _label(say, facts),
            [] if known else [say("card.not_trained_on")],
        )
        missing = [] if notes.keys() & set(RESULTS) else [say("card.not_measured")]
        yield say("card.measured"), _label(say, _pick(notes, MEASURED, say)), missing
        yield say("card.promise"), [], list(_describe_promise(model, say))

    noted = [_format("limits", notes["limits"], say)] if "limits" in notes else []
    derived = [] if network is None else _describe_limits(model, steps, network, say)
    limits = [("-", limit) for limit in (*noted, *derived)]
    if limits:
        yield say("card.limits"), limits, []

    origin = [*_pick(notes, ORIGIN, say), ("versions", _describe_versions(card, say))]
    yield say("card.origin"), _label(say, origin), []

    labelled = {"name", "limits", *ORIGIN}
    if network is not None:
        labelled |= {*TRAINED, *MEASURED, *KNOWN_OTHERWISE}
    others = [key for key in notes if key not in labelled]
    rows = [(_clip(key, MAX_KEY), _format(key, notes[key], say)) for key in others[:MAX_NOTES]]
    more = len(others) - MAX_NOTES
    if rows:
        yield say("card.others"), rows, [say("card.more", shown="...", n=more)] * (more > 0)
    if notes and is_foreign:
        yield "", [], [say("card.noted")]


def _list_steps(model: Any) -> Iterator[Any]:
    """Yield the estimators of a model, including those inside a reader and Pipelines."""
    if hasattr(model, "estimator_"):
        yield from _list_steps(model.estimator_)
    elif hasattr(model, "steps"):
        for _, step in model.steps:
            yield from _list_steps(step)
    elif model not in (None, "passthrough"):
        yield model


def _label(say: Catalogue, rows: list[Row]) -> list[Row]:
    return [(say(f"card.label.{key}") if key else "", text) for key, text in rows]


def _pick(notes: Mapping[str, Any], keys: tuple[str, ...], say: Catalogue) -> list[Row]:
    return [(key, _format(key, notes[key], say)) for key in keys if key in notes]


def _format(key: str, value: Any, say: Catalogue) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if key.endswith(SHARES) and 0 <= value <= 1:
            return say.format("{:.2%}", value)
        value = say.format("{:.4g}" if isinstance(value, float) else "{:,}", value)
    return _clip(_translate(value, say))


def _translate(value: Any, say: Catalogue) -> Any:
    """Translate a note by this package into the user's language; return others unchanged."""
    for language in get_languages():  # notes may be in the language of another user
        for key, phrase in get_catalogue(language).phrases.items():
            is_own = key.startswith("card.known.") or key in ("data.bundled", "data.cloud")
            if key == f"elsewhere.data.{value}" or (is_own and phrase == value):
                return say.phrases[key]
    return value


def _clip(value: Any, limit: int = MAX_TEXT) -> str:
    """Return a text on one line, cut off at the limit."""
    text = " ".join(str(value)[: 2 * limit].split())
    return text if len(text) <= limit else f"{text[:limit]} ..."


# --- the sections


def _describe_kind(card: ModelCard, steps: list[Any], network: Any, say: Catalogue) -> list[Row]:
    model = card.model
    kind = "preparation" if network is None else "classifier"
    if isinstance(model, DigitReader):
        kind = "reader"
    rows = [("task", say(f"card.{kind}"))]
    for step in [model, *steps] if kind == "reader" else steps:
        rows.append(("" if len(rows) > 1 else "steps", _describe_step(step)))
    if network is not None:
        sizes = [network.n_features_in_, *map(len, network.intercepts_)]
        written = " - ".join(say.format("{:,}", size) for size in sizes)
        rows.append(("layers", say("card.layers_value", sizes=written)))
        rows.append(("n_parameters", say.format("{:,}", network.n_parameters_)))
    if steps:
        rows.append(("input", _describe_input(model, steps, say)))
    if network is not None:
        rows.append(("classes", _list_classes(network.classes_.tolist(), say)))
    rows.append(("size", say.format("{:bytes}", card.n_bytes)))
    return rows


def _describe_step(step: Any) -> str:
    """Return a step with the parameters that differ from their defaults."""
    defaults = inspect.signature(type(step)).parameters
    changed = [
        f"{name}={value!r}"
        for name, value in step.get_params(deep=False).items()
        if name not in ("estimator", "verbose") and repr(value) != repr(defaults[name].default)
    ]
    return _clip(f"{type(step).__name__}({', '.join(changed)})")


def _describe_input(model: Any, steps: list[Any], say: Catalogue) -> str:
    first = steps[0]
    if isinstance(first, DigitCropper):
        return say("card.any_size", height=first.size, width=first.size)
    shape = first.image_shape_
    side = math.isqrt(first.n_features_in_)
    if len(shape) == 1 and side**2 == first.n_features_in_:
        shape = (side, side)
    if len(shape) == 1:
        return say("card.values", n=first.n_features_in_)
    height, width = shape
    if isinstance(model, DigitReader):
        return say("card.any_size", height=height, width=width)
    written = say("card.pixels", height=height, width=width)
    if isinstance(first, PixelNormalizer):
        written = say("card.scale", shape=written, high=float(first.max_value))
    return written


def _list_classes(classes: list[Any], say: Catalogue) -> str:
    names = ", ".join(_clip(name, MAX_NAME) for name in classes[:MAX_CLASSES])
    if len(classes) > MAX_CLASSES:
        names = say("card.more", shown=names, n=len(classes) - MAX_CLASSES)
    return say("card.classes_value", n=len(classes), names=names)


def _describe_training(network: Any, say: Catalogue) -> list[Row]:
    if not network.n_iter_:
        return [("epochs", say("card.epochs_none"))]
    n_train, n_validation = network.n_train_, network.n_validation_
    images = "images_value" if n_validation else "images_all"
    rows = [
        ("images", say(f"card.{images}", n_train=n_train, n_validation=n_validation)),
        ("epochs", say("card.epochs_value", n=network.n_iter_, kept=network.kept_epoch_)),
    ]
    for part, n in (("train", network.n_train_measured_), ("validation", n_validation)):
        share = getattr(network, f"{part}_accuracy_")
        if share is not None and 0 <= share <= 1:
            rows.append((f"{part}_accuracy", say("card.on_images", share=share, n=n)))
    return [(label, _clip(text)) for label, text in rows]


def _describe_promise(model: Any, say: Catalogue) -> Iterator[str]:
    if not isinstance(model, DigitReader):
        yield say("card.no_promise")
    elif not hasattr(model, "calibration_"):
        yield say("card.not_calibrated")
    else:
        for sentence in model.promise().sentences(say.language):
            yield _clip(sentence)


def _describe_limits(model: Any, steps: list[Any], network: Any, say: Catalogue) -> Iterator[str]:
    """Yield the limits that follow from the kind of model."""
    if not network.n_iter_:
        yield say("card.limit.untrained")
    if isinstance(model, DigitReader):
        if not hasattr(model, "calibration_") or not model.promise().selection.guaranteed:
            yield say("card.limit.no_guarantee")
        else:
            yield say("card.limit.others")
        yield say("card.limit.alphabet", alphabet=_clip(model.alphabet))
        if not model.guard_coefs_:
            yield say("card.limit.no_guard")
        return
    if not isinstance(steps[0], DigitCropper):
        yield say("card.limit.prepared")
    yield say("card.limit.none_of_them", n=len(network.classes_))
    yield say("card.limit.unchecked")


def _describe_versions(card: ModelCard, say: Catalogue) -> str:
    here = {"skmnist": __version__, "scikit-learn": sklearn.__version__, "numpy": np.__version__}
    written = []
    for name, version in card.versions.items():
        same = here[name] == version
        shown = version if same else say("card.versions_value", version=version, here=here[name])
        written.append(f"{name} {shown}")
    return ", ".join(written)
