"""Create ``skmnist/datasets/data/swiss.npz`` from the scans of Swiss digits.

Usage: ``python scripts/make_swiss_npz.py swiss_digits.zip``

Members of the ZIP are called ``0001_CH4M/7/number-31.png``: writer, digit, place on the sheet.
"""

import hashlib
import sys
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from skmnist import DigitCropper

TARGET = Path(__file__).parents[1] / "skmnist" / "datasets" / "data" / "swiss.npz"
SIDE = 40  # pixels of a reduced scan; the digits in it are as large as those of MNIST
PAPER = 245  # brighter pixels are paper and become white
STEP = 255 / 31  # distance between two of 32 grey levels


def read_scans(path: Path) -> tuple[list[Image.Image], np.ndarray]:
    """Return the scans on white paper, and the writer, digit and place of each."""
    rows = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            writer, digit, file = PurePosixPath(name).parts
            place = int(file.removeprefix("number-").removesuffix(".png"))
            with archive.open(name) as member, Image.open(member) as scan:
                scan = scan.convert("RGBA")
            paper = Image.new("RGBA", scan.size, "white")
            paper.alpha_composite(scan)
            rows.append((writer, place, int(digit), paper.convert("RGB")))
    rows.sort(key=lambda row: row[:2])
    kinds = [("writer", "U9"), ("place", "u2"), ("digit", "i8")]
    return [row[3] for row in rows], np.array([row[:3] for row in rows], dtype=kinds)


def reduce_scan(scan: Image.Image) -> np.ndarray:
    """Return the scan in few grey levels, centred in a square."""
    scale = SIDE / max(scan.size)
    size = (round(scan.width * scale), round(scan.height * scale))
    levels = np.asarray(scan.convert("L").resize(size, Image.Resampling.BOX), dtype=np.float64)
    levels = np.where(levels < PAPER, np.rint(np.rint(levels / STEP) * STEP), 255)
    square = np.full((SIDE, SIDE), 255, dtype=np.uint8)
    top, left = (SIDE - levels.shape[0]) // 2, (SIDE - levels.shape[1]) // 2
    square[top : top + levels.shape[0], left : left + levels.shape[1]] = levels
    return square


def main() -> None:
    scans, rows = read_scans(Path(sys.argv[1]))
    np.savez_compressed(
        TARGET,
        images=DigitCropper().fit_transform(scans).reshape(-1, 28, 28),
        scans=np.stack([reduce_scan(scan) for scan in scans]),
        target=rows["digit"],
        groups=rows["writer"],
        place=rows["place"].astype(np.int64),
    )
    print(f"{TARGET}: {TARGET.stat().st_size:,} bytes")
    print(f"SHA-256: {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
