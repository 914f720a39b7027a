"""Files that are unpacked where the user asks, all of them or none."""

import os
import sys
from contextlib import contextmanager

import pytest

from skmnist.datasets import DatasetError, load_digit_archive
from tests.datasets.build import (
    DIGITS,
    make_digits,
    nobody,
    same,
    sentences,
    tables,
    tables_in_folders,
    to_npz,
    write_zip,
)


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_read_is_unpacked_where_asked_and_announced_there(tmp_path):
    files = tables_in_folders(DIGITS)
    path = write_zip(tmp_path / "a.zip", files | {"README.txt": b"hello", "__MACOSX/x": b""})
    out = tmp_path / "neu" / "hier"
    data = load_digit_archive(path, out)
    assert files_below(out) == files
    assert sentences(data)[0] == f"Training folder: {out}/dataset/lokaler Datensatz/train"
    assert same(load_digit_archive(out), DIGITS)


def test_an_npz_in_an_archive_is_unpacked_as_it_is(tmp_path):
    files = {"deep/mnist.npz": to_npz(DIGITS)}
    load_digit_archive(write_zip(tmp_path / "a.zip", files), tmp_path / "out")
    assert files_below(tmp_path / "out") == files


def test_unpacking_twice_is_fine_and_another_file_stays(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    out = tmp_path / "out"
    load_digit_archive(path, out)
    load_digit_archive(path, out)
    (out / "mnist_test.csv").write_text("precious")
    with pytest.raises(
        DatasetError, match=r"mnist_test\.csv: already exists with different content"
    ):
        load_digit_archive(path, out)
    assert (out / "mnist_test.csv").read_text() == "precious"
    assert len(list(out.iterdir())) == 2


def test_nothing_is_unpacked_of_a_file_that_is_refused_late(tmp_path):
    files = tables(DIGITS | {"y_test": DIGITS["y_test"] + 50})
    out = tmp_path / "out"
    with pytest.raises(DatasetError):
        load_digit_archive(write_zip(tmp_path / "a.zip", files), out)
    assert not out.exists()


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_links_in_the_target_do_not_lead_outside(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables_in_folders(DIGITS))
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "dataset").symlink_to(elsewhere)
    with pytest.raises(DatasetError, match="a link in extract_dir leads outside it"):
        load_digit_archive(path, out)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["train/con.csv", "train/a:b.csv", "train/a\nb.csv", "train/x."])
def test_names_that_mean_something_to_a_system_are_not_unpacked(name, tmp_path):
    files = tables_in_folders(DIGITS)
    first, second = files.values()
    name = name if name.endswith(".csv") else name.replace("x.", "x. /1.csv")
    path = write_zip(tmp_path / "a.zip", {name: first, "test/1.csv": second})
    assert same(load_digit_archive(path), DIGITS)
    with pytest.raises(DatasetError, match="is not a valid file name on every system"):
        load_digit_archive(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@contextmanager
def full_disk(n_bytes):
    """Let no file grow beyond so many bytes, as a full disk does."""
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_under_the_target_is_told_and_leaves_nothing(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(make_digits(n_train=200, side=8)))
    out = tmp_path / "out"
    with (
        full_disk(5000),
        pytest.raises(DatasetError, match=r"cannot be written to .File too large"),
    ):
        load_digit_archive(path, out)
    assert not out.exists()


def test_a_target_that_is_a_file_is_told(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    with pytest.raises(DatasetError, match=r"extract_dir=.*a\.zip': cannot be written to"):
        load_digit_archive(path, path)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_a_read_only_target_is_told(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    out = tmp_path / "out"
    out.mkdir()
    path.chmod(0o644)
    out.chmod(0o555)
    tmp_path.chmod(0o755)
    # pytest's, which nobody else may enter
    own = [parent for parent in tmp_path.parents if parent.stat().st_mode & 0o777 == 0o700]
    for parent in own:
        parent.chmod(0o755)
    with nobody(), pytest.raises(DatasetError, match=r"cannot be written to .Permission denied"):
        load_digit_archive(path, out)
    for parent in own:
        parent.chmod(0o700)
    assert list(out.iterdir()) == []
