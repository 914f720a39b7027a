"""How fast and how lean digits are read, against the plain readers.

Usage: ``python benchmarks/reading.py [--rows 60000] [--images 20000] [--repeats 3]``

Writes MNIST as CSV and as image files into a temporary folder and reads it back: by
``load_digit_archive``, by a bare ``pandas.read_csv(engine="c")``, by a bare loop over Pillow.
Ratios are of the best of the repeats, taken in turns in one run. Memory is the peak of a process
of its own (on Linux), less what it had after its imports, as a multiple of the uint8 images.
"""

import argparse
import gzip
import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from skmnist.datasets import load_digit_archive, load_mnist

PEAK = """
import re, sys
from pathlib import Path
import numpy, pandas, PIL.Image, PIL.ImageOps, sklearn.model_selection
from skmnist.datasets import load_digit_archive
from skmnist.datasets._images import FORMATS
PIL.Image.init()
def memory(what):
    return int(re.search(rf"{what}:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1]) * 1024
Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
before = memory("VmRSS")
data = load_digit_archive(sys.argv[1])
print((memory("VmHWM") - before) / (data.X_train.size + data.X_test.size))
"""


def write_csv(path, X, y):
    header = "label," + ",".join(f"pixel{at}" for at in range(784))
    rows = np.hstack([y[:, None], X.reshape(len(X), -1)])
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=header, comments="")


def write_images(folder, X, y, kind):
    for at, (image, label) in enumerate(zip(X, y, strict=True)):
        target = folder / str(label)
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(target / f"{at}.{kind}")


def read_by_pillow(folder):
    images = []
    for path in folder.rglob("*.*"):
        with Image.open(path) as image:
            images.append(np.asarray(image))
    return np.stack(images)


def compare(name, ours, plain, repeats):
    """Print the best times of both and their ratio."""
    times = {ours: [], plain: []}
    for _ in range(repeats):
        for function in times:
            started = time.perf_counter()
            function()
            times[function].append(time.perf_counter() - started)
    best, bare = min(times[ours]), min(times[plain])
    print(
        f"{name:34} {best:7.2f} s  plain reader {bare:7.2f} s  ratio {best / bare:5.2f}", flush=True
    )


def peak(path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PEAK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    X, X_test, y, y_test = load_mnist(return_X_y=True)
    X, y = X[: options.rows], y[: options.rows]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        table = work / "digits.csv"
        write_csv(table, X, y)
        compare(
            f"CSV, {len(X):,} rows",
            lambda: load_digit_archive(table, test_size=10, random_state=0),
            lambda: pd.read_csv(table, engine="c"),
            options.repeats,
        )
        for kind in ("png", "bmp", "jpg"):
            folder = work / kind
            write_images(folder, X[: options.images], y[: options.images], kind)
            compare(
                f"{kind.upper()}, {options.images:,} files",
                lambda folder=folder: load_digit_archive(folder, test_size=10, random_state=0),
                lambda folder=folder: read_by_pillow(folder),
                options.repeats,
            )
        archives = {
            "CSV": ("train.csv", "test.csv"),
            "CSV, gzip-ed": ("train.csv.gz", "test.csv.gz"),
        }
        contents = {}
        for name, (X_part, y_part) in {"train": (X, y), "test": (X_test, y_test)}.items():
            write_csv(work / "part.csv", X_part, y_part)
            contents[f"{name}.csv"] = (work / "part.csv").read_bytes()
            contents[f"{name}.csv.gz"] = gzip.compress(contents[f"{name}.csv"], 1)
        for name, members in archives.items():
            path = work / "a.zip"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for member in members:
                    archive.writestr(member, contents[member])
            print(f"{name + ' in a ZIP':34} peak memory {peak(path):5.2f} x the images", flush=True)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, x_train=X, y_train=y, x_test=X_test, y_test=y_test)
        (work / "digits.npz").write_bytes(buffer.getvalue())
        print(f"{'npz':34} peak memory {peak(work / 'digits.npz'):5.2f} x the images", flush=True)
        images = peak(work / "png")
        print(f"{'PNG files':34} peak memory {images:5.2f} x the images", flush=True)


if __name__ == "__main__":
    main()
