"""Digits that the server holds; uploads are as hostile as any file."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

from skmnist.app import _store
from skmnist.app._settings import Settings
from skmnist.datasets import DatasetError
from skmnist.text import get_catalogue
from tests.app.pages import address, click, html_of, run, told


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch, server):
    monkeypatch.setattr(_store, "_loaded", {})


def to_npz(digits):
    content = io.BytesIO()
    names = {"x_train": "X_train", "y_train": "y_train", "x_test": "X_test", "y_test": "y_test"}
    np.savez(content, **{name: digits[key] for name, key in names.items()})
    return content.getvalue()


def keep(name, content, **settings):
    return Settings(data=_store.keep_upload(name, content), **settings)


def test_an_upload_is_read_by_the_loader_and_told_by_its_name(small):
    data = _store.load(keep("C:\\temp\\Meine Ziffern.npz", to_npz(small)))
    np.testing.assert_array_equal(data.digits.X_train, small.X_train)
    assert data.name == "Meine Ziffern.npz"
    assert (data.n_all, data.n_classes, data.digits.max_value) == (300, 10, 255)
    assert "skmnist-" not in " ".join(map(str, data.digits.notes))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/cron.d/x", "..\\..\\x.npz", "", ".", "..", "a\0b", "x" * 999]
)
def test_whatever_a_file_is_called_it_stays_in_its_folder(name, small, tmp_path):
    _store.load(keep(name, to_npz(small)))
    (folder,) = tmp_path.iterdir()
    (file,) = folder.iterdir()
    assert file.is_file()
    assert len(file.name) <= _store.MAX_NAME


def test_a_part_and_swapped_light_and_dark(small):
    settings = keep("a.npz", to_npz(small), invert=True, train_size=50, seed=3)
    data = _store.load(settings)
    assert (len(data.digits.y_train), data.n_all) == (50, 300)
    assert int(data.digits.X_test[0].max()) == 255
    np.testing.assert_array_equal(data.digits.X_test, 255 - small.X_test)


def test_too_small_a_part_is_two_images_of_each_class():
    assert len(_store.load(Settings(train_size=1)).digits.y_train) == 20


def test_what_was_read_is_read_once(small):
    settings = keep("a.npz", to_npz(small))
    assert _store.load(settings) is _store.load(Settings(data=settings.data, epochs=3))


@pytest.mark.parametrize("data", ["upload", "upload-0123456789abcdef"])
def test_a_file_that_is_not_here_is_missing_and_nothing_worse(data):
    with pytest.raises(_store.MissingUploadError):
        _store.load(Settings(data=data))


def test_the_oldest_uploads_go_first(small, tmp_path, monkeypatch):
    monkeypatch.setattr(_store, "MAX_UPLOADS", 2)
    kept = []
    for at in range(3):
        kept.append(_store.keep_upload(f"{at}.csv", f"{at}".encode()))
        os.utime(tmp_path / kept[-1], (at, at))
    assert {path.name for path in tmp_path.iterdir()} == set(kept[1:])


def test_after_a_write_that_failed_the_same_file_can_be_uploaded_again(
    open_page, small, monkeypatch
):
    write, full = Path.write_bytes, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill(path, content):
        write(path, content[: len(content) // 2])
        raise full

    page = open_page(data="upload", step="data")
    page.file_uploader(key="file").set_value(("Ziffern.npz", to_npz(small), "application/zip"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        run(page)
    assert told(page) == [
        "Choose a file to continue.",
        "The file could not be stored on this machine: No space left on device. Please choose it "
        "again.",
    ]
    page.file_uploader(key="file").set_value([])
    run(page)
    page.file_uploader(key="file").set_value(("Ziffern.npz", to_npz(small), "application/zip"))
    assert "300 training and 100 test images" in html_of(run(page))
    assert told(page) == []


def test_what_many_addresses_ask_for_is_not_remembered_for_ever():
    for n in range(3):
        _store.load(Settings(train_size=20))
        with pytest.raises(_store.MissingUploadError):
            _store.load(Settings(data=f"upload-{n:016x}"))
    assert _store._reading == {}


@pytest.mark.parametrize("step", ["data", "normalisation", "networks"])
def test_pixels_beyond_what_a_network_computes_with_are_told(open_page, small, step):
    huge = {**small, "X_train": small.X_train * 1e300, "X_test": small.X_test * 1e300}
    page = open_page(**keep("a.npz", to_npz(huge)).to_query(), step=step)
    (text,) = told(page)
    assert text.startswith("These digits cannot be used. a.npz\\: x\\_train.npy has values from")
    assert "the maximum of float32" in text


def bomb():
    content, y = io.BytesIO(), np.arange(100_000) % 10
    X = np.zeros((len(y), 28, 28), np.uint8)
    np.savez_compressed(content, x_train=X, y_train=y, x_test=X[:10], y_test=y[:10])
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", b"PK\3\4cut", "a.zip: is truncated"),
        ("a.csv", b"label,pixel0\n7,300\n", "a.csv, line 2, column 2"),
        ("a.csv", b"<!DOCTYPE html><html>", "a.csv: is a web page"),
        ("a.npz", b"\x80\x04pickle", "a.npz: is a pickle"),
        ("a.npz", bomb, "unpack to more than 100 times"),
        ("empty.csv", b"", "empty.csv: is empty"),
    ],
    ids=range(6),
)
def test_a_bad_file_is_told_on_the_page_in_the_loader_s_words(open_page, name, content, message):
    settings = keep(name, content() if callable(content) else content)
    with pytest.raises(DatasetError) as raised:
        _store.load(settings)
    assert message in str(raised.value)
    page = open_page(**settings.to_query(), step="data")
    (text,) = told(page)
    assert text.startswith("These digits cannot be used. ")
    assert "Traceback" not in text
    assert "/upload-" not in text
    again = _store._loaded[_store._key(settings)]
    click(page, "again")
    assert _store._loaded[_store._key(settings)] is not again  # it was tried again


def test_an_upload_on_the_page(open_page, small):
    page = open_page(step="data")
    page.radio(key="source").set_value("upload")
    run(page)
    assert any("Up to 200 MB; unpacked up to 100 times" in c.value for c in page.caption)
    assert told(page) == ["Choose a file to continue."]
    page.file_uploader(key="file").set_value(("Ziffern.npz", to_npz(small), "application/zip"))
    assert "Data" in run(page).title[0].value
    html = html_of(page)
    assert "Ziffern.npz" in html
    assert "300 training and 100 test images" in html


def test_a_bad_file_is_told_in_the_language_of_the_page(open_page):
    settings = keep("a.csv", b"label,pixel0\n7,300\n")
    (text,) = told(open_page(**settings.to_query(), step="data", lang="de"))
    assert "a.csv, Zeile 2, Spalte 2" in text
    assert "'300' ist kein Pixel; erwartet wird eine ganze Zahl von 0 bis 255" in text
    assert "/upload-" not in text


def test_a_file_of_any_name_may_be_tried_and_is_refused_in_words(open_page):
    page = open_page(data="upload", step="data")
    page.file_uploader(key="file").set_value(("Ziffern.7z", b"7z\xbc\xaf\x27\x1c", "x/y"))
    assert told(run(page)) == [
        "These digits cannot be used. Ziffern.7z\\: is a 7z archive; unpack it and pass the folder"
    ]


def test_a_file_that_the_server_lost_is_asked_for_again(open_page):
    page = open_page(data="upload-0123456789abcdef", step="data")
    assert told(page) == ["The server no longer has the file. Please choose it again."]
    page = open_page(data="upload-0123456789abcdef", step="networks")
    assert told(page) == ["There are no digits yet. Choose some in the first step."]


def test_without_a_network_the_cloud_is_told_in_a_sentence(open_page, monkeypatch):
    def unreachable(*_, **__):
        raise DatasetError("not_downloaded", reasons=["no server answers"])

    monkeypatch.setattr(_store, "load_dataset", unreachable)
    (text,) = told(open_page(data="cloud", step="data"))
    assert "no server answers" in text


def test_a_bar_shows_how_far_the_cloud_is(open_page, monkeypatch):
    from streamlit.delta_generator import DeltaGenerator

    from skmnist.app import _view

    def break_off(*_, progress):
        progress(3, 10)
        progress(12, 10)
        raise DatasetError("not_downloaded", reasons=["no more came"])

    shares = []
    monkeypatch.setattr(_store, "load_dataset", break_off)
    monkeypatch.setattr(_view, "BAR_SECONDS", 0)
    monkeypatch.setattr(DeltaGenerator, "progress", lambda self, share: shares.append(share))
    assert "no more came" in told(open_page(data="cloud", step="data"))[0]
    assert shares == [0.3, 1.0]


def test_markup_in_a_class_stays_text(open_page, small, monkeypatch):
    names = np.array([f"<b>{n}</b> :red[x]" for n in range(10)])
    hostile = {**small, "y_train": names[small.y_train], "y_test": names[small.y_test]}
    page = open_page(**keep("<i>.npz", to_npz(hostile)).to_query(), step="data")
    html = html_of(page)
    assert "<b>" not in html
    assert "<i>" not in html


@pytest.mark.slow
def test_the_column_of_the_labels_can_be_named_on_the_page(open_page):
    rows = "\n".join(f"{at % 2},9,8,7,{at % 3}" for at in range(60))
    page = open_page(**keep("a.csv", rows.encode()).to_query(), step="data")
    assert "label='last'" in told(page)[0].replace("\\", "")
    page.text_input(key="label").set_value("last")
    assert "in 3 classes" in html_of(run(page))
    assert address(page)["label"] == "last"
    page.text_input(key="label").set_value("nothing")
    (text,) = told(run(page))
    assert text.startswith("These digits cannot be used. a.csv")
    page.radio(key="source").set_value("mnist")
    assert "label" not in address(run(page))


def test_the_limits_on_the_page_are_those_of_the_loader():
    from skmnist.datasets._images import MAX_PIXELS
    from skmnist.datasets._members import MAX_RATIO

    say = get_catalogue("de")
    assert f"{MAX_RATIO}-Fachen" in say("app.data.limits", megabytes=1)
    assert f"{MAX_PIXELS // 10**6} Megapixel" in say("app.data.limits", megabytes=1)
    assert f"{MAX_PIXELS // 10**6} Megapixel" in say("app.draw.limits", megabytes=1)
