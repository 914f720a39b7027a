"""Which files are read as which part, and what is told of the others."""

import shutil

import pytest

from skmnist.datasets import load_digit_archive
from tests.datasets.build import (
    DIGITS,
    GREY,
    idx_files,
    image_files,
    load,
    one_part,
    same,
    sentences,
    tables,
    to_csv,
    to_image,
    with_image,
    write_folder,
    write_zip,
)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.csv", "test.csv"),
        ("mnist_train.csv", "mnist_test.csv"),
        ("MNISTtrain.csv", "MNISTtest.csv"),
        ("TrainingSet.csv", "TestSet.csv"),
        ("Trainingsdaten.csv", "Testdaten.csv"),
        ("a/b c/Übung/train/1.csv", "a/b c/Übung/test/1.csv"),
        ("test data/train.csv", "test data/test.csv"),
        ("train_test_split/train.csv", "train_test_split/eval.csv"),
        ("emnist-letters-train.csv", "emnist-letters-test.csv"),
        ("x/train.csv", "x/val.csv"),
        ("digits.csv", "digits_test.csv"),
        ("LATEST/training.csv", "LATEST/testing.csv"),
    ],
)
def test_parts_are_found_by_their_names(train, test, tmp_path):
    files = tables(DIGITS)
    data = load(tmp_path, {train: files["mnist_train.csv"], test: files["mnist_test.csv"]})
    assert same(data, DIGITS)


def test_leftovers_are_ignored(tmp_path):
    files = image_files(DIGITS)
    for name in (
        "__MACOSX/Müllers Ziffern/Training/0/._0.png",
        "Müllers Ziffern/.DS_Store",
        "Müllers Ziffern/Training/0/Thumbs.db",
        "Müllers Ziffern/Training/0/._3.png",
        "Müllers Ziffern/Training/desktop.ini",
        "Müllers Ziffern/.ipynb_checkpoints/train-checkpoint.csv",
    ):
        files[name] = b"not an image"
    data = load_digit_archive(write_zip(tmp_path / "a.zip", files))
    assert same(data, DIGITS)
    assert len(data.notes) == 2  # the two folders


def test_validation_part_is_left_out_where_there_is_a_test_part(tmp_path):
    files = tables(DIGITS)
    data = load(tmp_path, {**files, "mnist_val.csv": files["mnist_test.csv"]})
    assert same(data, DIGITS)
    assert any("validation part mnist_val.csv" in note for note in sentences(data))


def test_packed_copies_beside_idx_files_are_the_same_files(tmp_path):
    data = load(tmp_path, idx_files(DIGITS) | idx_files(DIGITS, pack=True))
    assert same(data, DIGITS)


def test_numbered_tables_follow_each_other(tmp_path):
    X, y = DIGITS["x_train"], DIGITS["y_train"]
    files = {
        "train/10.csv": to_csv(X[7:], y[7:]).encode(),
        "train/2.csv": to_csv(X[:7], y[:7]).encode(),
        "test/1.csv": to_csv(DIGITS["x_test"], DIGITS["y_test"]).encode(),
    }
    assert same(load(tmp_path, files), DIGITS)


def test_the_other_formats_that_lie_beside_are_named(tmp_path):
    data = load(tmp_path, tables(DIGITS) | {"0/montage.png": to_image(DIGITS["x_train"][0])})
    assert "Not used: 0/montage.png" in sentences(data)


def test_kaggles_test_table_without_labels_is_left_out_and_told(tmp_path):
    X, y = DIGITS["x_train"], DIGITS["y_train"]
    unlabelled = to_csv(DIGITS["x_test"], DIGITS["y_test"]).splitlines()
    files = {
        "train.csv": to_csv(X, y).encode(),
        "test.csv": "\n".join(line.partition(",")[2] for line in unlabelled).encode(),
        "sample_submission.csv": b"ImageId,Label\n1,0\n2,0\n",
    }
    data = load(tmp_path, files, random_state=0)
    assert len(data.X_train) + len(data.X_test) == 12
    assert (
        "Not used: test.csv has no labels. A trained model can read its images, but they cannot be "
        "used for training or testing."
    ) in sentences(data)
    assert not any(note.startswith("Test file") for note in sentences(data))
    assert "Not used: sample_submission.csv" in sentences(data)


def test_images_with_a_table_of_their_writers_are_images(tmp_path):
    files = with_image(to_image(GREY))
    files |= {f"{part}.csv": b"file,writer\n1.png,anna\n" for part in ("train", "test")}
    data = load(tmp_path, files)
    assert data.X_train.shape == (4, 8, 8)
    assert "Not used: test.csv (files: 2)" in sentences(data)


def test_a_table_with_pictures_beside_it_is_a_table(tmp_path):
    files = {**one_part(), "preview.png": to_image(GREY), "docs/page 1.png": to_image(GREY)}
    assert load(tmp_path, files, random_state=0).X_train.shape == (60, 4, 4)


def test_a_class_may_be_called_train(tmp_path):
    names = ["bus", "car", "train"]
    files = {f"photos/{name}/{at}.png": to_image(GREY) for name in names for at in range(4)}
    assert load(tmp_path, files, random_state=0).target_names.tolist() == names


def test_empty_class_folders_and_stray_images_are_told(tmp_path):
    folder = write_folder(tmp_path / "a", with_image(to_image(GREY)) | {"preview.png": b"x"})
    (folder / "train" / "7").mkdir()
    (folder / "train" / "7" / "Thumbs.db").write_bytes(b"x")
    for path in (folder, shutil.make_archive(folder, "zip", folder)):
        notes = sentences(load_digit_archive(path))
        assert "Folder without images: train/7" in notes
        assert "Not used because they are not in a class folder: preview.png (images: 1)" in notes
