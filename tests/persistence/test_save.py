"""Models are loaded as they were saved; unsupported ones raise."""

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skmnist import DeepNNClassifier, PixelNormalizer, SimpleNNClassifier, load_model, save_model
from skmnist.persistence import ModelFileError
from skmnist.persistence._document import _learned


@pytest.mark.slow
def test_a_file_predicts_the_same_bits_in_another_process_without_tensorflow(
    pipeline, digits, file
):
    np.save(file.with_name("X.npy"), digits[0])
    script = (
        "import sys, numpy as np, skmnist\n"
        "model = skmnist.load_model('model.skmnist')\n"
        "np.save('proba.npy', model.predict_proba(np.load('X.npy')))\n"
        "assert not {'tensorflow', 'keras', 'scikeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=file.parent, check=True, timeout=300)
    np.testing.assert_array_equal(
        np.load(file.with_name("proba.npy")), pipeline.predict_proba(digits[0])
    )


def test_everything_learned_and_every_parameter_comes_back(pipeline, file):
    loaded = load_model(file)
    assert list(loaded.named_steps) == list(pipeline.named_steps)
    for name, step in pipeline.named_steps.items():
        assert type(loaded[name]) is type(step)
        assert loaded[name].get_params() == step.get_params()
        before, after = _learned(step), _learned(loaded[name])
        assert before.keys() == after.keys()
        for key, value in before.items():
            np.testing.assert_equal(after[key], value, err_msg=key)
            assert type(after[key]) is type(value), key


@pytest.mark.parametrize(
    "label",
    [
        lambda y: y * 7 - 20,
        lambda y: np.array(list("abcdefghij"))[y],
        lambda y: np.array([f"Größe <{n}> 'x' \0 名" for n in range(10)], dtype=object)[y],
        lambda y: y > 4,
        lambda y: y.astype(np.uint8),
        lambda y: y.astype(float),
        pytest.param(
            lambda y: np.array([str(n) * 20_000 for n in range(10)])[y], marks=pytest.mark.slow
        ),
    ],
    ids=["gaps", "letters", "objects", "booleans", "uint8", "floats", "long"],
)
def test_labels_of_every_kind_come_back(digits, tmp_path, label):
    X, y = digits
    model = SimpleNNClassifier(4, epochs=0, random_state=0).fit(X / 16, label(y))
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.classes_, model.classes_)
    assert loaded.classes_.dtype == model.classes_.dtype
    assert (loaded.predict(X) == model.predict(X)).all()


@pytest.mark.slow
def test_odd_parameters_and_an_untrained_network_come_back(digits, tmp_path):
    model = DeepNNClassifier(
        [np.int64(5), 4],
        epochs=0,
        class_weight={3: 0.5, np.int64(4): np.float32(2)},
        learning_rate=np.float64(0.1),
        random_state=np.int32(3),
    ).fit(*digits)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.class_weight == {3: 0.5, 4: 2.0}
    assert (loaded.hidden_layer_sizes, loaded.random_state) == ([5, 4], 3)
    assert loaded.history_ == {}
    assert loaded.partial_fit(*digits).n_iter_ == 1


@pytest.mark.slow
def test_frames_and_steps_left_out_come_back(digits, tmp_path):
    X = pd.DataFrame(digits[0], columns=[f"pixel <{n}>" for n in range(64)])
    model = Pipeline(
        [
            ("nothing", "passthrough"),
            ("inner", Pipeline([("normalize", PixelNormalizer(16)), ("none", None)])),
            ("nn", SimpleNNClassifier(16, epochs=1, random_state=0)),
        ]
    ).set_output(transform="pandas")
    model.fit(X, digits[1])
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded["nn"].feature_names_in_, X.columns)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_endian_labels_and_pixels_and_an_empty_list_of_callbacks_come_back(
    digits, tmp_path, order
):
    X, y = digits[0].astype(f"{order}f8"), digits[1].astype(f"{order}i4")
    model = Pipeline(
        [("pixels", PixelNormalizer(16)), ("nn", SimpleNNClassifier(16, epochs=1, callbacks=[]))]
    ).fit(X, y)
    model["nn"].note_ = "an attribute of my own"
    save_model(model, tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").predict(X), model.predict(X))


def test_a_step_may_have_any_name(digits, tmp_path):
    model = Pipeline([("\\ü\ud800 .0", SimpleNNClassifier(16, epochs=1))]).fit(*digits)
    save_model(model, tmp_path / "model")
    assert load_model(tmp_path / "model").steps[0][0] == "\\ü\ud800 .0"


def test_a_private_file_stays_private_and_a_link_stays_a_link(pipeline, file):
    file.chmod(0o600)
    link = file.with_name("link")
    link.symlink_to(file.name)
    save_model(pipeline, link)
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o600
    loop = file.with_name("loop")
    loop.symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        save_model(pipeline, loop)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelFileError, match="pipe: not a regular file but a pipe"):
        load_model(tmp_path / "pipe")


@pytest.mark.slow
def test_a_file_takes_little_more_than_the_weights(digits, tmp_path):
    model = SimpleNNClassifier(1000, epochs=1).fit(digits[0].astype(np.float32), digits[1])
    save_model(model, tmp_path / "model")
    assert (tmp_path / "model").stat().st_size < 4 * model.n_parameters_ + 10_000


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda X, y: StandardScaler().fit(X), r"model is a StandardScaler.*skops.io.dump"),
        (
            lambda X, y: Pipeline(
                [("scale", StandardScaler()), ("nn", SimpleNNClassifier(epochs=0))]
            ).fit(X, y),
            r"model.scale is a StandardScaler, but save_model.*DeepNNClassifier.*skops",
        ),
        (
            lambda X, y: SimpleNNClassifier(epochs=0, callbacks=print).fit(X, y),
            r"model.callbacks is <built-in function print>.*set_params\(callbacks=None",
        ),
        (
            lambda X, y: SimpleNNClassifier(epochs=0, random_state=np.random.RandomState()).fit(
                X, y
            ),
            r"model.random_state is RandomState.*set_params\(callbacks=None, random_state=0\)",
        ),
        (
            lambda X, y: type("Mine", (SimpleNNClassifier,), {})(epochs=0).fit(X, y),
            "model is a Mine",
        ),
        pytest.param(
            lambda X, y: SimpleNNClassifier(270_000, epochs=0).fit(X.astype("f4"), y),
            r"model.coefs_.0 has 69,120,000 bytes.*joblib.dump",
            marks=pytest.mark.slow,
        ),
        (
            lambda X, y: SimpleNNClassifier(epochs=0).fit(X, y).set_params(learning_rate=-1),
            r"cannot be saved: loading it would fail.*'learning_rate' parameter.*joblib.dump",
        ),
        (
            lambda X, y: SimpleNNClassifier(epochs=0).fit(X, y.astype("M8[D]")),
            r"model.classes_ has the dtype datetime64\[D\].*joblib.dump",
        ),
        (
            lambda X, y: SimpleNNClassifier(2, epochs=0).fit(
                pd.DataFrame(X[:30], columns=[str(n) * 70_000 for n in range(10, 74)]), y[:30]
            ),
            "bytes of parameters, labels and names",
        ),
    ],
    ids=[
        "alone",
        "step",
        "callback",
        "generator",
        "subclass",
        "large",
        "parameter",
        "dates",
        "names",
    ],
)
def test_unsupported_models_raise_and_the_old_file_stays(digits, tmp_path, make, match):
    (tmp_path / "model").write_text("old")
    with pytest.raises(ModelFileError, match=match):
        save_model(make(*digits), tmp_path / "model")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_an_unfitted_model_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(Pipeline([("nn", SimpleNNClassifier())]), tmp_path / "model")


def test_a_missing_folder_raises(pipeline, tmp_path):
    with pytest.raises(FileNotFoundError) as told:
        save_model(pipeline, tmp_path / "missing" / "model")
    assert told.value.filename == str((tmp_path / "missing" / "model").resolve())


@pytest.mark.slow
def test_a_kill_while_saving_leaves_the_old_file(tmp_path):
    script = (
        "import sys, numpy as np, os, skmnist, skmnist._files as files\n"
        "model = skmnist.SimpleNNClassifier(epochs=0).fit(np.eye(4), [0, 1, 2, 3])\n"
        "skmnist.save_model(model, 'model')\n"
        "model.set_params(epochs=1)\n"
        "files.os.fsync = lambda descriptor: (print('writing', flush=True), sys.stdin.read())\n"
        "skmnist.save_model(model, 'model')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script.replace("[0, 1, 2, 3]", "[0, 0, 1, 1]")],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdin.close()
    process.stdout.close()
    assert load_model(tmp_path / "model").epochs == 0


def test_leftovers_of_killed_processes_are_deleted_by_the_next_save(pipeline, file):
    old, fresh = (file.with_name(f".skmnist-{digit * 32}") for digit in "0f")
    others = [file.with_name(name) for name in (".skmnist-notes", "skmnist-0", ".skmnist-")]
    folder = file.with_name(f".skmnist-{'a' * 32}")
    folder.mkdir()
    for path in (old, fresh, *others):
        path.write_bytes(b"half a model")
    for path in (old, folder, *others):
        os.utime(path, (0, 0))
    save_model(pipeline, file)
    assert set(file.parent.iterdir()) == {file, fresh, folder, *others}
