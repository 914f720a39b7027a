"""Tests of the cache of compiled programs."""

import errno
import hashlib
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from skmnist.neural_network import _cache
from skmnist.neural_network._cache import FLAGS, SUFFIX, VARIABLE

NAME = "xla_compile_cache__1__2__XLA_CPU_JIT.pb"
PROGRAM = b"\x00program" * 1000
# the owner of a directory, which the cache checks, is not known on Windows
pytestmark = pytest.mark.skipif(not hasattr(os, "getuid"), reason="there is no cache on Windows")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "a" / "cache"))
    return _cache._open()


def test_directory_is_private(folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    assert _cache._open() == folder


def test_default_is_a_directory_of_the_user(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert tmp_path in _cache._open().parents


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o702])
def test_directory_that_others_can_read_is_not_used(folder, mode):
    folder.chmod(mode)
    assert _cache._open() is None


def test_directory_of_another_user_is_not_used(folder, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    assert _cache._open() is None


def test_link_is_not_followed(folder, monkeypatch):
    link = folder.parent / "link"
    link.symlink_to(folder)
    monkeypatch.setenv(VARIABLE, str(link))
    assert _cache._open() is None


@pytest.mark.parametrize("place", ["off", "OFF", "0", "/proc/nowhere/cache", "~nobody-here/x"])
def test_switched_off_or_read_only(monkeypatch, place):
    monkeypatch.setenv(VARIABLE, place)
    assert _cache._open() is None


def test_program_is_read_as_written(folder):
    path = folder / f"key{SUFFIX}"
    assert _cache._read(path) is None
    _cache._write(path, NAME, PROGRAM)
    assert _cache._read(path) == (NAME, PROGRAM)


def test_damaged_program_is_ignored(folder):
    path = folder / f"key{SUFFIX}"
    _cache._write(path, NAME, PROGRAM)
    content = path.read_bytes()
    for damaged in (b"", content[:10], content[:-1], content[:100] + b"\x07" + content[101:]):
        path.write_bytes(damaged)
        assert _cache._read(path) is None


def test_name_cannot_lead_elsewhere(folder):
    path = folder / f"key{SUFFIX}"
    _cache._write(path, "../evil", PROGRAM)
    assert not path.exists()
    entry = b"../evil\n" + PROGRAM
    path.write_bytes(hashlib.sha256(entry).digest() + entry)
    assert _cache._read(path) is None


def test_linked_program_is_not_read(folder, tmp_path):
    _cache._write(folder / f"key{SUFFIX}", NAME, PROGRAM)
    (folder / f"link{SUFFIX}").symlink_to(folder / f"key{SUFFIX}")
    assert _cache._read(folder / f"link{SUFFIX}") is None


def test_links_and_pipes_are_replaced(folder, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    link, pipe = folder / f"link{SUFFIX}", folder / f"pipe{SUFFIX}"
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path in (link, pipe):
        _cache._write(path, NAME, PROGRAM)
        assert _cache._read(path) == (NAME, PROGRAM)
    assert target.read_bytes() == b"mine"


def test_program_is_read_from_a_read_only_directory(folder, monkeypatch):
    _cache._write(folder / f"key{SUFFIX}", NAME, PROGRAM)

    def fail(*args):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "utime", fail)
    assert _cache._read(folder / f"key{SUFFIX}") == (NAME, PROGRAM)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_full_or_read_only_disk_is_no_error(folder, monkeypatch, code):
    def fail(*args):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(_cache, "write_whole", fail)
    _cache._write(folder / f"key{SUFFIX}", NAME, PROGRAM)
    assert list(folder.iterdir()) == []


def test_size_is_bounded_by_deleting_what_was_not_used(folder, monkeypatch):
    monkeypatch.setattr(_cache, "MAX_BYTES", 3.5 * len(PROGRAM))
    paths = [folder / f"{i}{SUFFIX}" for i in range(5)]
    for i, path in enumerate(paths[:3]):
        _cache._write(path, NAME, PROGRAM)
        os.utime(path, (i, i))
    assert _cache._read(paths[0]) is not None  # used
    _cache._write(paths[3], NAME, PROGRAM)
    assert sorted(folder.iterdir()) == [paths[0], paths[2], paths[3]]


def test_many_writers_and_readers_at_once(folder):
    path = folder / f"key{SUFFIX}"

    def use(i):
        _cache._write(path, NAME, PROGRAM + bytes([i % 10]) * 100_000)
        return _cache._read(path)

    with ThreadPoolExecutor(10) as pool:
        for name, program in pool.map(use, range(50)):
            assert name == NAME
            assert program in {PROGRAM + bytes([i]) * 100_000 for i in range(10)}
    assert [p.name for p in folder.iterdir()] == [path.name]


def test_flags_are_set_for_the_import_only(folder, monkeypatch):
    monkeypatch.delenv(FLAGS, raising=False)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(_cache, "_is_active", False)
    with _cache.set_flags():
        assert _cache.MEMORY in os.environ[FLAGS]
    assert FLAGS not in os.environ
    assert _cache._is_active


def test_flags_of_the_user_stand(folder, monkeypatch):
    monkeypatch.setenv(FLAGS, "--tf_xla_cpu_global_jit")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(_cache, "_is_active", False)
    with _cache.set_flags():
        assert os.environ[FLAGS] == "--tf_xla_cpu_global_jit"
    assert os.environ[FLAGS] == "--tf_xla_cpu_global_jit"
    assert not _cache._is_active


TRAIN = """
import hashlib, os, sys
import numpy as np
from skmnist import SimpleNNClassifier

X = np.random.default_rng(0).random((40, 16), dtype=np.float32)
for units in os.environ.get("UNITS", "4").split():
    if units == "forget":
        from skmnist.neural_network import _engine
        _engine._idle.clear()
        continue
    network = SimpleNNClassifier(int(units), epochs=2, batch_size=8, random_state=0)
    network.fit(X, np.arange(40) % 2)
import tensorflow as tf
from skmnist.neural_network import _cache
left = tf.io.gfile.listdir(_cache.MEMORY) if tf.io.gfile.exists(_cache.MEMORY) else []
bits = hashlib.sha256(network.predict_proba(X).tobytes()).hexdigest()
print(bits, len(left), _cache.FLAGS in os.environ)
"""


def start(cache, **settings):
    environment = os.environ | {VARIABLE: str(cache)} | settings
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    )


def train(cache, **settings):
    out, err = start(cache, **settings).communicate()
    assert err == ""
    bits, n_left, is_set = out.split()
    assert (n_left, is_set) == ("0", str(FLAGS in settings))
    return bits


@pytest.mark.slow
def test_programs_outlive_the_process(tmp_path):
    cache = tmp_path / "cache"
    bits = train("off")
    assert train(cache) == bits
    (file,) = cache.iterdir()
    written = file.stat()
    os.utime(file, (0, 0))
    assert train(cache) == bits
    (file,) = cache.iterdir()
    assert file.stat().st_ino == written.st_ino  # not written again
    assert file.stat().st_mtime > 0  # but read
    # another tensorflow may not accept what has the right checksum
    for part in (b"garbage", _cache._read(file)[1][: written.st_size // 2]):
        _cache._write(file, _cache._read(file)[0], part)
        assert train(cache) == bits
    assert train(cache, TF_XLA_FLAGS="--tf_xla_clustering_debug=false") == bits


@pytest.mark.slow
def test_programs_are_found_in_whatever_order_they_are_needed(tmp_path):
    alone = train("off", UNITS="4")
    train(tmp_path / "cache", UNITS="4 5 6")
    files = {file: file.stat().st_ino for file in (tmp_path / "cache").iterdir()}
    assert len(files) == 3
    assert train(tmp_path / "cache", UNITS="6 5 4") == alone
    assert {file: file.stat().st_ino for file in (tmp_path / "cache").iterdir()} == files
    # the same network is built and compiled again where it was forgotten meanwhile
    assert train(tmp_path / "cache", UNITS="4 forget 4") == alone


def test_numbers_follow_from_the_description_in_this_thread_alone(monkeypatch):
    from tensorflow.python.framework import ops

    def count(description):
        with _cache._stable_names(description), ThreadPoolExecutor(1) as other:
            return ops.uid(), other.submit(ops.uid).result()

    monkeypatch.setattr(_cache, "_n_traced", Counter())
    (one, elsewhere), (other, _), (twice, later) = map(count, ("one", "other", "one"))
    assert len({one, other, twice}) == 3  # tensorflow takes no name twice
    assert min(one, other, twice) > 2**40 > later > elsewhere
    assert later < ops.uid() < 2**40
    monkeypatch.setattr(_cache, "_n_traced", Counter())  # as in another process
    assert [count("one")[0], count("one")[0]] == [one, twice]


def test_a_tensorflow_that_counts_in_another_way_is_left_alone(monkeypatch):
    from tensorflow.python.framework import ops

    monkeypatch.delattr(ops, "uid")
    with _cache._stable_names("a program"):
        assert not hasattr(ops, "uid")


@pytest.mark.slow
def test_several_processes_start_at_once(tmp_path):
    cache = tmp_path / "cache"
    results = [process.communicate() for process in [start(cache) for _ in range(4)]]
    assert len(set(results)) == 1
    assert results[0][1] == ""
    assert len(list(cache.iterdir())) == 1
