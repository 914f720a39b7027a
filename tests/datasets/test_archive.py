"""A ZIP, a folder or a file as its members: what is in it, and what cannot be read."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from skmnist.datasets import DatasetError, _archive, _bunch, _layout, _members, load_digit_archive
from tests.datasets.build import (
    DIGITS,
    image_files,
    nobody,
    same,
    tables,
    tables_in_folders,
    write_folder,
    write_zip,
)


def test_bytes_before_an_archive_do_not_matter(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    path.write_bytes(b"#!/bin/sh\nexit\n" + path.read_bytes())
    assert same(load_digit_archive(path), DIGITS)


def test_umlauts_in_class_folders_have_one_spelling(tmp_path):
    files = image_files(
        DIGITS | {"y_train": np.array(["ä", "ö", "ü"] * 4), "y_test": np.array(["ä", "ö", "ü"] * 2)}
    )
    mixed = {
        unicodedata.normalize("NFD", name) if "Test" in name else name: content
        for name, content in files.items()
    }
    data = load_digit_archive(write_zip(tmp_path / "a.zip", mixed))
    assert data.target_names.tolist() == ["ä", "ö", "ü"]


def test_umlauts_that_macos_did_not_declare_are_read(tmp_path):
    path = write_zip(
        tmp_path / "a.zip",
        image_files(DIGITS | {"y_train": ["ä", "ö", "ü"] * 4, "y_test": ["ä"] * 6}),
    )
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.find(signature)
        while place >= 0:
            content[place + at + 1] &= ~0x08  # the flag that says UTF-8
            place = content.find(signature, place + 4)
    path.write_bytes(content)
    assert load_digit_archive(path).target_names.tolist() == ["ä", "ö", "ü"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_an_unreadable_file_is_told(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    path.chmod(0)
    with nobody(), pytest.raises(DatasetError, match=r"a\.zip: cannot be read .Permission denied"):
        load_digit_archive(path)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX permissions")
def test_an_unreadable_folder_is_told(tmp_path):
    folder = write_folder(tmp_path / "a", tables_in_folders(DIGITS))
    (folder / "dataset").chmod(0)
    with nobody(), pytest.raises(DatasetError, match=r"cannot be read .Permission denied"):
        load_digit_archive(folder)
    (folder / "dataset").chmod(0o700)


def test_links_to_folders_are_followed_and_lead_in_no_circle(tmp_path):
    real = write_folder(tmp_path / "real", tables(DIGITS))
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "mnist").symlink_to(real, target_is_directory=True)
    (real / "back").symlink_to(folder, target_is_directory=True)
    assert same(load_digit_archive(folder), DIGITS)


def test_a_loader_leaves_no_file_open(tmp_path):
    path = write_zip(tmp_path / "a.zip", tables(DIGITS))
    load_digit_archive(path)
    with pytest.raises(DatasetError):
        load_digit_archive(write_zip(tmp_path / "b.zip", {"train.csv": b"x"}))
    opened = [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors()]
    assert not [name for name in opened if name.startswith(str(tmp_path))]


def _descriptors():
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("needs /proc")
    return [path.name for path in folder.iterdir() if path.is_symlink()]


def test_too_many_classes_are_refused_before_an_image_is_opened(tmp_path, monkeypatch):
    files = {f"{label}/{n}.png": b"" for label in range(3) for n in range(2)}
    monkeypatch.setattr(_bunch, "MAX_CLASSES", 2)
    monkeypatch.setattr(_members.Member, "open", None)
    with pytest.raises(DatasetError, match="has 3 different labels, more than the maximum of 2"):
        load_digit_archive(write_zip(tmp_path / "a.zip", files))


def test_names_are_prepared_for_messages_only_where_one_is_shown(tmp_path, monkeypatch):
    files = {f"{n}.txt": b"" for n in range(100)}
    shortened = []
    for module in (_archive, _layout):
        monkeypatch.setattr(module, "shorten", lambda text: shortened.append(text) or text)
    with pytest.raises(DatasetError, match="and 95 more"):
        load_digit_archive(write_zip(tmp_path / "a.zip", files))
    assert len(shortened) == 5
