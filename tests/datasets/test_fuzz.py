"""Damage at random places: each file is read, or refused by a `DatasetError`; nothing else."""

import random
import zipfile

import pytest

from skmnist.datasets import DatasetError, load_digit_archive
from tests.datasets.build import EVERY, make_digits, write_folder, write_zip

N_QUICK, N_SLOW = 8, 500  # mutations of each kind in each wrapping; 336 and 21,000 together


def damage(content, rng):
    """Return bytes with one to five of them changed, lost, added, cut off or copied."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        if not content:
            break
        at, n = rng.randrange(len(content)), rng.randrange(1, 9)
        kind = rng.randrange(6)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.choice([0, 0x7F, 0x80, 0xFF, rng.randrange(256)])
        elif kind == 2:
            del content[at:]
        elif kind == 3:
            del content[at : at + n]
        elif kind == 4:
            content[at:at] = rng.randbytes(n)
        else:
            start = rng.randrange(len(content))
            content[at : at + n] = content[start : start + n]
    return bytes(content)


def write_damaged(wrapping, files, folder, rng):
    """Write an archive that is damaged itself, or a sound one or a folder with a damaged file."""
    if wrapping == "archive":
        path = write_zip(folder / "a.zip", files)
        path.write_bytes(damage(path.read_bytes(), rng))
        return path
    name = rng.choice(sorted(files))
    files = {**files, name: damage(files[name], rng)}
    if wrapping == "folder":
        return write_folder(folder / "f", files)
    return write_zip(folder / "a.zip", files, zipfile.ZIP_STORED)


def check(kind, wrapping, folder, n, seed):
    rng = random.Random(seed)
    files = EVERY[kind](make_digits())
    told = []
    for _ in range(n):
        path = write_damaged(wrapping, files, folder, rng)
        try:
            data = load_digit_archive(path, random_state=0)
            assert len(data.X_train) == len(data.y_train) > 0
        except DatasetError as error:
            told.append(str(error))
    assert all(message.startswith(str(path)) for message in told)
    return told


WRAPPINGS = ("archive", "member", "folder")


# an image whose damaged header tells of another size is resized, where it can be decoded
resized = pytest.mark.filterwarnings("ignore:Images resized:UserWarning")


@resized
@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_damage_is_refused_in_words_or_harmless(kind, wrapping, tmp_path):
    assert check(kind, wrapping, tmp_path, N_QUICK, seed=0)


@resized
@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_much_damage_is_refused_in_words_or_harmless(kind, wrapping, tmp_path):
    assert check(kind, wrapping, tmp_path, N_SLOW, seed=1)
