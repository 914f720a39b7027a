"""Report how well the bundled reader reads digits, and how often it accepts other ink.

Usage: ``python benchmarks/reader.py [--fonts FILE ...] [--sudoku ZIP] [--cheques FOLDER]
[--figure FILE] [--model FILE]``

Digits: the Swiss writers that the reader was neither trained nor calibrated on, the test images of
MNIST, scikit-learn's small digits, and the cells of ``sudoku_photos.zip``, if given. Cheques: the
folder ``ORAND-CAR-2014-coco`` of github.com/Fzkuji/Labeled_ORAND-CAR-A, which has amounts written
on real cheques (ICFHR 2014). Other ink: scribbles, digits with their halves swapped, blank and
shaded paper, and letters and signs in the given fonts, which should not be fonts used for training.
Letters that many people write like a digit are reported separately. The figure shows the
error-reject curve of each set of digits, and digits that were accepted but misread.
"""

import argparse
import io
import json
import random
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from scipy.interpolate import make_interp_spline
from sklearn.datasets import load_digits

from skmnist.datasets import load_mnist, load_swiss_digits
from skmnist.reading import DigitReader, load_reader

ALIKE = "BDGIOQSZbgiljoqsyz"
LETTERS = "ACEFHJKLMNPRTUVWXYacdefhkmnprtuvwx"
SIGNS = "+=#&@%?*$<>~^:"
N_DRAWN = 1500
SIDE = 96  # pixels of a drawn image
N_SHOWN = 10


def load_swiss() -> tuple[list[Any], np.ndarray]:
    swiss = load_swiss_digits()
    rows = np.isin(swiss.groups, swiss.writers[11:])
    return [*(255 - swiss.images[rows])], swiss.target[rows]


def load_small() -> tuple[list[Any], np.ndarray]:
    images, y = load_digits().images, load_digits().target
    large = [ndimage.zoom(np.pad(image, 2), 4, order=1) for image in images]
    return [(255 - image * 15.9).clip(0, 255).astype(np.uint8) for image in large], y


def read_cells(reader: DigitReader, path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read the cells of sudokus; the true label of an empty cell is -1."""
    frames, truth = [], []
    reader.n_digits = 1
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if not name.startswith("cells/") or not name.endswith(".png"):
                continue
            digit, kind = Path(name).stem.split("_")[2:]
            if kind == "print":
                continue
            with Image.open(io.BytesIO(archive.read(name))) as image:
                places = reader.read_page(np.asarray(image.convert("RGB")))
            frames.append(places.iloc[:1])
            truth.append(int(digit))
    reader.n_digits = None
    return pd.concat(frames, ignore_index=True), np.array(truth)


def read_cheques(reader: DigitReader, folder: Path) -> None:
    """Read amounts on cheques; some of them were looked at when the rules were chosen."""
    amounts = []
    for part in ("train2017", "val2017"):
        known = json.loads((folder / "annotations" / f"instances_{part}.json").read_text())
        digits = pd.DataFrame(known["annotations"])
        digits["middle"] = [left + width / 2 for left, _, width, _ in digits["bbox"]]
        digits = digits.sort_values("middle").astype({"category_id": str})
        texts = digits.groupby("image_id")["category_id"].agg("".join)
        amounts += sorted(
            (folder / "images" / part / image["file_name"], texts[image["id"]])
            for image in known["images"]
        )
    random.Random(7).shuffle(amounts)
    for name, some in (("looked at", amounts[:400]), ("others", amounts[400:])):
        places = reader.read([np.asarray(Image.open(path).convert("L")) for path, _ in some])
        places["is_mark"] = (places["outcome"] == "not_digit") & (places["text"] == "")
        counts: Counter[str] = Counter()
        for at, (_, truth) in enumerate(some):
            its = places[places["image"] == at]
            read = its[~its["is_mark"]]
            right = "".join(read["text"]) == truth
            counts["read correctly"] += right
            if len(read) and (read["outcome"] == "digit").all():
                kind = "accepted" if len(read) == len(its) else "accepted, beside a mark"
                counts[kind] += 1
                counts[f"{kind}, wrong"] += not right
        guaranteed = not reader.check_shift(places)
        print(f"cheques, {name}: {len(some)} amounts, {dict(counts)}, guaranteed: {guaranteed}")


def draw(font: str, character: str, rng: np.random.Generator) -> np.ndarray:
    """Return dark ink on light paper, turned by up to 8 degrees, with noise."""
    image = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(image).text(
        (SIDE / 2, SIDE / 2),
        character,
        fill=int(rng.integers(170, 250)),
        font=ImageFont.truetype(font, int(rng.integers(44, 60))),
        anchor="mm",
        stroke_width=int(rng.integers(2)),
    )
    ink = ndimage.rotate(np.asarray(image, float), rng.uniform(-8, 8), reshape=False, order=1)
    ink = ndimage.gaussian_filter(ink, rng.uniform(0.3, 1)) + rng.normal(0, 2, ink.shape)
    return (250 - ink).clip(0, 255).astype(np.uint8)


def draw_all(
    fonts: list[str], characters: str, rng: np.random.Generator
) -> tuple[list[Any], list[str]]:
    """Draw characters that the fonts have, except small letters that are drawn as capitals."""

    def show(font: Any, character: str) -> bytes:
        return bytes(font.getmask(character))

    pairs = []
    for name in fonts:
        font = ImageFont.truetype(name, 40)
        for one in characters:
            is_capital = one.islower() and show(font, one) == show(font, one.upper())
            if show(font, one) not in (show(font, "\uffff"), b"") and not is_capital:
                pairs.append((name, one))
    chosen = [pairs[at] for at in rng.integers(len(pairs), size=N_DRAWN)]
    return [draw(*pair, rng) for pair in chosen], [one for _, one in chosen]


def scribble(rng: np.random.Generator) -> np.ndarray:
    """Draw a smooth random line that is folded several times."""
    points = rng.uniform(20, 76, size=(rng.integers(5, 14), 2))
    at = np.linspace(0, len(points) - 1, 100)
    curve = make_interp_spline(np.arange(len(points)), points, k=3)(at)
    image = Image.new("L", (SIDE, SIDE), 240)
    line = [tuple(point) for point in curve.tolist()]
    ImageDraw.Draw(image).line(line, fill=20, width=int(rng.integers(2, 6)))
    return np.asarray(image)


def make_other_ink(fonts: list[str]) -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    digits, _ = load_swiss()
    shaded = [
        np.tile(np.linspace(rng.integers(100, 200), 240, 60), (60, 1)).astype(np.uint8)
        for _ in range(100)
    ]
    found = {
        "halves swapped": [np.roll(a, 14, axis=int(rng.integers(2))) for a in digits],
        "scribbles": [scribble(rng) for _ in range(N_DRAWN // 2)],
        "blank and shaded paper": [np.full((60, 60), 240, np.uint8), *shaded],
    }
    if fonts:
        found["letters"], _ = draw_all(fonts, LETTERS, rng)
        found["signs"], _ = draw_all(fonts, SIGNS, rng)
        found["letters like digits"], _ = draw_all(fonts, ALIKE, rng)
    return found


def curve(places: pd.DataFrame, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of rejects and of errors among the rest, for each threshold."""
    confidence = places["probability"].where(places["outcome"] != "not_digit", 0).fillna(0)
    order = np.argsort(-confidence.to_numpy(), kind="stable")
    n = np.arange(1, len(order) + 1)
    return 1 - n / len(order), np.cumsum(~right[order]) / n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fonts", nargs="*", default=[])
    parser.add_argument("--sudoku", type=Path)
    parser.add_argument("--cheques", type=Path)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    reader = load_reader(options.model)
    warnings.filterwarnings("ignore", "The images look unlike")

    mnist = load_mnist()
    sets: dict[str, Any] = {"Swiss writers": load_swiss()}
    sets["MNIST"] = [*(255 - mnist.X_test.reshape(-1, 28, 28))], mnist.y_test
    sets["small digits"] = load_small()
    if options.fonts:
        images, labels = draw_all(options.fonts, "0123456789", np.random.default_rng(1))
        sets["digits of fonts"] = images, np.array(labels, dtype=int)
    read = {name: (reader.read_digits(images), y, images) for name, (images, y) in sets.items()}
    if options.sudoku:
        places, y = read_cells(reader, options.sudoku)
        read["sudoku cells"] = places, y, []
    curves, mistakes = {}, []
    for name, (places, y, images) in read.items():
        right = np.where(y < 0, places["outcome"] == "blank", places["text"] == y.astype(str))
        accepted = (places["outcome"] == "digit").to_numpy()
        print(
            f"{name:24} {len(y):6} digits  {right.mean():7.2%} right  {accepted.mean():7.2%} "
            f"accepted  {(~right)[accepted].mean():7.2%} of these wrong"
        )
        curves[name] = curve(places, right)
        for at in np.flatnonzero(accepted & ~right)[: N_SHOWN if images else 0]:
            mistakes.append((images[at], y[at], places["text"][at], name))
    if options.cheques:
        read_cheques(reader, options.cheques)
    for name, images in make_other_ink(options.fonts).items():
        outcome = reader.read_digits(images)["outcome"]
        print(f"{name:24} {len(images):6}         {(outcome == 'digit').mean():7.2%} accepted")
    if options.figure:
        plot(curves, mistakes, options.figure)


def plot(curves: dict[str, Any], mistakes: list[Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(9, 6), layout="constrained")
    grid = figure.add_gridspec(3, N_SHOWN, height_ratios=(5, 1, 1))
    axes = figure.add_subplot(grid[0, :])
    for name, (rejects, errors) in curves.items():
        axes.plot(rejects, errors.clip(1e-4), label=name, drawstyle="steps")
    axes.axhline(0.005, color="grey", linestyle=":", label="max_error")
    axes.set(xlim=(0, 0.4), ylim=(1e-4, 0.3), yscale="log")
    axes.set(xlabel="left to people", ylabel="wrong among the others")
    axes.legend(loc="upper right", ncols=3)
    swiss = [one for one in mistakes if one[3] == "Swiss writers"][:N_SHOWN]
    others = [one for one in mistakes if one[3] != "Swiss writers"]
    shown = (swiss + others)[: 2 * N_SHOWN]
    for at, (image, truth, text, _) in enumerate(shown):
        small = figure.add_subplot(grid[1 + at // N_SHOWN, at % N_SHOWN])
        small.imshow(image, cmap="gray")
        small.set_title(f"{truth} read as {text}", fontsize=7)
        small.axis("off")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
