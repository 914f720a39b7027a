"""Files that are broken or made to do harm: each is refused in words, and does none.

The files themselves are made in ``hostile.py``.
"""

import os
import re
import tracemalloc

import pytest

from skmnist.datasets import DatasetError, load_digit_archive
from tests.datasets.hostile import CASES

# memory is measured for these only, because that makes reading slower
BOMBS = {
    name for name in CASES if re.search("bomb|64 gib|says it is|never ends|5000|too many", name)
}
# take seconds
LARGE = {
    name
    for name in CASES
    if re.search(
        "thousand|bomb (of short rows|named|in gzip|in a plain)|text bomb|too many|million names",
        name,
    )
}
MAX_PEAK = 150 << 20  # bytes; the bombs say that they hold 256 MiB to 1 TiB


def everything_below(folder):
    return {path: (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def test_the_corpus_is_large():
    assert len(CASES) >= 60


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in CASES]
)
def test_it_is_refused_with_file_and_place_in_little_memory_and_nothing_is_written(name, tmp_path):
    make, told = CASES[name]
    folder = tmp_path / "given"
    folder.mkdir()
    path = make(folder)
    extract_dir = None if os.path.isdir(path) else tmp_path / "unpacked"
    before = everything_below(tmp_path)
    if name in BOMBS:
        tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match=told) as caught:
            load_digit_archive(path, extract_dir)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_PEAK
    if len(str(path)) < 300:
        assert str(caught.value).startswith(str(path).replace("\0", r"\x00"))
    assert everything_below(tmp_path) == before
