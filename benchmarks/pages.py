"""Measure how fast ``skmnist read`` answers, and how many places it reads per second.

Usage: ``python benchmarks/pages.py [--pages 200] [--repeats 3] [--quick]``

Draws pages with 19 boxes in three fields (a row of boxes, separate boxes, and a comb) that contain
digits of MNIST's test images, as if scanned at 200 dots per inch. The pages are the same each time.
The installed command then reads one digit, and all pages on one core and on two, in turns. "Cold"
is the very first run, in which programs may have to be read from disk and compiled; of the other
runs, the best is reported. Do not run other programs meanwhile.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from skmnist.datasets import load_mnist

BOX = 72  # pixels, 9 mm
FIELDS = {"boxes": 8, "apart": 6, "comb": 5}
N_BLANK = 2  # boxes of the first field without a digit
N_PLACES = sum(FIELDS.values())
HEIGHT, WIDTH = 480, 800
LINE = 2  # pixels


def draw_guides(page: np.ndarray, kind: str, top: int) -> list[int]:
    """Draw the guides of a field, and return the left side of each box."""
    step = BOX + (BOX // 4 if kind == "apart" else 0)
    lefts = [40 + step * at for at in range(FIELDS[kind])]
    tall = BOX // 3 if kind == "comb" else BOX
    for left in lefts:
        box = page[top + BOX - tall : top + BOX + LINE, left : left + BOX + LINE]
        box[:, :LINE] = box[:, -LINE:] = box[-LINE:] = 90
        if kind != "comb":
            box[:LINE] = 90
    return lefts


def draw_page(digits: np.ndarray, rng: np.random.Generator) -> Image.Image:
    """Draw a page that is turned by up to one degree, with noise."""
    page = np.full((HEIGHT, WIDTH), 245, dtype=np.uint8)
    for row, kind in enumerate(FIELDS):
        top = 40 + 2 * BOX * row
        lefts = draw_guides(page, kind, top)
        for left in lefts[: -N_BLANK if kind == "boxes" else None]:
            digit = Image.fromarray(digits[rng.integers(len(digits))])
            side = int(rng.integers(54, 64))
            ink = np.asarray(digit.resize((side, side), Image.Resampling.BILINEAR))
            x, y = rng.integers(3, BOX - side + 1, size=2)
            where = page[top + y : top + y + side, left + x : left + x + side]
            where[:] = np.minimum(where, 245 - 0.85 * ink)
    turned = Image.fromarray(page).rotate(
        rng.uniform(-1, 1), Image.Resampling.BICUBIC, fillcolor=245
    )
    noisy = np.asarray(turned) + rng.normal(0, 2, page.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def read(files: list[Path], n_cores: int, out: Path) -> tuple[float, int]:
    """Run the command; return its time in seconds and the number of places that it has read."""
    command = [sys.executable, "-m", "skmnist", "read", *map(str, files), "--csv", str(out)]
    environment = {**os.environ, "LOKY_MAX_CPU_COUNT": str(n_cores)}
    started = time.perf_counter()
    subprocess.run([*command, "--force"], check=True, capture_output=True, env=environment)
    seconds = time.perf_counter() - started
    with out.open(encoding="utf-8", newline="") as opened:
        return seconds, sum(len(row["text"]) for row in csv.DictReader(opened))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="two pages, once, to test the script")
    options = parser.parse_args()
    n_pages, repeats = (2, 1) if options.quick else (options.pages, options.repeats)
    digits, rng = load_mnist().X_test.reshape(-1, 28, 28), np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pages = [folder / f"{at:04}.png" for at in range(n_pages)]
        for path in pages:
            draw_page(digits, rng).save(path)
        one = folder / "digit.png"
        Image.fromarray(255 - np.pad(digits[0], 6)).save(one)
        runs = {"one digit": ([one], 1), "pages, one core": (pages, 1)}
        runs["pages, two cores"] = (pages, 2)
        out = folder / "read.csv"
        cold, _ = read([one], 1, out)
        done = [{name: read(*run, out) for name, run in runs.items()} for _ in range(repeats)]
    warm = min(some["one digit"][0] for some in done)
    print(f"{'one digit, cold':18} {cold:6.1f} s")
    print(f"{'one digit, warm':18} {warm:6.1f} s")
    for name in list(runs)[1:]:
        seconds, n_places = min(some[name] for some in done)
        later = n_places / max(seconds - warm, 1e-3)
        print(
            f"{name:18} {seconds:6.1f} s  {n_pages} pages  {n_places} of {n_pages * N_PLACES} "
            f"places  {n_places / seconds:4.0f} a second, {later:4.0f} after the first answer"
        )


if __name__ == "__main__":
    main()
