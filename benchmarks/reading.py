"""Compare the speed and memory of the loaders with plain readers.

Usage: ``python benchmarks/reading.py [--rows 60000] [--images 20000] [--repeats 3]``

Writes MNIST as CSV and as image files into a temporary folder and reads it back with
``load_digit_archive``, ``pandas.read_csv(engine="c")`` and a loop over Pillow, in turns. The best
time is reported. Memory is the peak of a separate process (Linux only) minus its memory after the
imports, in multiples of the size of the images in uint8.
"""

import argparse
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
PIL.Image.init()
def memory(name):
    return int(re.search(rf"{name}:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1]) * 1024
Path("/proc/self/clear_refs").write_text("5")  # reset the peak
before = memory("VmRSS")
data = load_digit_archive(sys.argv[1])
print((memory("VmHWM") - before) / (data.X_train.size + data.X_test.size))
"""


def write_csv(path, X, y):
    table = pd.DataFrame(X.reshape(len(X), -1)).add_prefix("pixel")
    table.insert(0, "label", y)
    table.to_csv(path, index=False)


def read_by_pillow(folder):
    images = []
    for path in folder.rglob("*.*"):
        with Image.open(path) as image:
            images.append(np.asarray(image))
    return np.stack(images)


def compare(name, path, plain, repeats):
    """Print the best times of both readers and their ratio."""
    readers = (lambda: load_digit_archive(path, test_size=10, random_state=0), plain)
    times = ([], [])
    for _ in range(repeats):
        for reader, seconds in zip(readers, times, strict=True):
            started = time.perf_counter()
            reader()
            seconds.append(time.perf_counter() - started)
    ours, theirs = map(min, times)
    print(f"{name:34} {ours:7.2f} s  plain reader {theirs:7.2f} s  ratio {ours / theirs:5.2f}")


def print_peak(name, path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PEAK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    print(f"{name:34} peak memory {float(done.stdout):5.2f} x the images")


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
        write_csv(work / "train.csv", X, y)
        write_csv(work / "test.csv", X_test, y_test)
        plain = lambda: pd.read_csv(work / "train.csv", engine="c")  # noqa: E731
        compare(f"CSV, {len(X):,} rows", work / "train.csv", plain, options.repeats)
        for kind in ("png", "bmp", "jpg"):
            folder = work / kind
            for at in range(min(options.images, len(X))):
                (folder / str(y[at])).mkdir(parents=True, exist_ok=True)
                Image.fromarray(X[at]).save(folder / str(y[at]) / f"{at}.{kind}")
            plain = lambda folder=folder: read_by_pillow(folder)  # noqa: E731
            compare(f"{kind.upper()}, {options.images:,} files", folder, plain, options.repeats)
        with zipfile.ZipFile(work / "digits.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("train.csv", "test.csv"):
                archive.write(work / name, name)
        print_peak("CSV in a ZIP", work / "digits.zip")
        np.savez_compressed(work / "digits.npz", x_train=X, y_train=y, x_test=X_test, y_test=y_test)
        print_peak("npz", work / "digits.npz")
        print_peak("PNG files", work / "png")


if __name__ == "__main__":
    main()
