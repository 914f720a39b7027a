"""`skmnist compare`, as its user sees it."""

import itertools
import json
import re
import signal

import numpy as np
import pytest

from skmnist.cli import main
from skmnist.cli._data import read_all, read_elsewhere
from skmnist.comparison import _compare as compare_module
from skmnist.text import get_catalogue, get_languages, use_language
from tests.terminal import interrupt, needs_a_terminal, needs_signals, show_on_a_terminal

QUICK = ["compare", "--train-size", "300", "--epochs", "2", "--starts", "1"]


def interrupt_now(*_):
    raise KeyboardInterrupt


def test_the_main_job_ends_in_a_recommendation(capsys):
    assert main(QUICK) == 0
    out, err = capsys.readouterr()
    for part in (
        "Training data: (300, 28, 28)",
        "Test data:     (10000, 28, 28)",
        "NN: trained in ",
        "epochs: 2; the weights of",
        "Analysis: DNN",
        "Weakest classes by F1",
        "Most frequent confusions",
        "DNN: confusion matrix",
        "101,770",
        "567,434",
        "Recommendation: ",
        "Choose ",
        "slightly optimistic",
    ):
        assert part in out
    assert out.count("Precision: how often") == 1
    words = " ".join(out.replace("│", " ").split())
    assert words.count("Changed images: shifted by 2 pixels ") == 2
    assert "other people's digits (14 Swiss writers)" in words
    assert "95% interval by writer" in words
    assert "accuracy elsewhere" in words
    assert err.splitlines()[0].startswith("Loading TensorFlow")
    assert [line.split(" |")[0] for line in err.splitlines()[1:]] == [
        "NN 1/2",
        "NN 2/2",
        "DNN 1/2",
        "DNN 2/2",
    ]
    assert max(map(len, (out + err).splitlines())) <= 80


@pytest.mark.slow
def test_german_is_german_with_german_numbers(small, capsys):
    assert main(["compare", "--data", str(small), "--epochs", "2", "--lang", "de"]) == 0
    out, err = capsys.readouterr()
    for part in ("Trainingsdaten: (300, 28, 28)", "Empfehlung: ", "101.770", "Häufigste", "Veränd"):
        assert part in out
    assert "Rest ~" in err
    for english in ("training", "Recommendation", "accuracy"):
        assert english not in out.replace("Training:", "")
    assert max(map(len, (out + err).splitlines())) <= 80


@pytest.mark.slow
def test_own_data_and_json(small, tmp_path, capsys):
    out = tmp_path / "out.json"
    options = ["--data", str(small), "--epochs", "1", "--json", str(out), "--seed", "3"]
    options += ["--allowed-error", "0.05"]
    assert main(["compare", *options]) == 0
    assert str(small) in capsys.readouterr().out.replace("\n", "")
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["schema"] == "skmnist.compare/1"
    assert document["settings"]["random_state"] == 3
    assert [model["name"] for model in document["models"]] == ["NN", "DNN"]
    assert document["models"][0]["errors"]["n_test"] == 100
    assert document["models"][0]["work_left"][0]["allowed_error"] == 0.05
    assert document["recommendation"]["model"] in {"NN", "DNN"}
    assert set(document["recommendation"]["reason"]) == set(get_languages())
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


@pytest.mark.slow
def test_of_an_interrupted_run_what_was_finished_is_written_and_nothing_claimed(
    small, tmp_path, do_at
):
    do_at("end", "DNN", interrupt_now)
    out = tmp_path / "out.json"
    assert main(["compare", "--data", str(small), "--epochs", "0", "--json", str(out)]) == 130
    document = json.loads(out.read_text(encoding="utf-8"))
    assert [model["name"] for model in document["models"]] == ["NN", "DNN"]
    assert (document["tests"], document["recommendation"]) == ([], None)


@pytest.mark.slow
def test_ctrl_c_while_the_networks_are_put_side_by_side_loses_neither(
    small, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(compare_module, "measure_costs", interrupt_now)
    out = tmp_path / "out.json"
    assert main(["compare", "--data", str(small), "--epochs", "0", "--json", str(out)]) == 130
    document = json.loads(out.read_text(encoding="utf-8"))
    assert [model["name"] for model in document["models"]] == ["NN", "DNN"]
    assert document["recommendation"] is None
    assert "Everything finished by then is shown above" in capsys.readouterr().err


@pytest.mark.slow
def test_a_network_that_is_stopped_is_kept_and_marked(small, tmp_path, monkeypatch, capsys):
    from skmnist import compare_models
    from skmnist.cli import _compare

    def compare(*arguments, callbacks, **options):
        def act(event):
            if event.stage == "epoch" and event.model == "DNN" and event.epoch.epoch == 2:
                signal.raise_signal(signal.SIGINT)
            return callbacks(event)

        return compare_models(*arguments, callbacks=act, **options)

    monkeypatch.setattr(_compare, "compare_models", compare)
    out, save = tmp_path / "out.json", tmp_path / "a.skmnist"
    options = ["--epochs", "100", "--patience", "2", "--json", str(out), "--save", str(save)]
    assert main(["compare", "--data", str(small), *options]) == 130
    shown, err = (" ".join(text.split()) for text in capsys.readouterr())
    assert "stopped by you after 2 of 100 epochs" in shown
    assert f"Not saved: {save}." in err
    assert not save.exists()
    document = json.loads(out.read_text(encoding="utf-8"))
    reasons = [model["stop_reason"] for model in document["models"]]
    assert reasons[0] in {"patience", "epochs"}
    assert reasons[1] == "interrupted"
    assert document["models"][1]["diagnosis"] is not None
    assert document["recommendation"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "(the best on the training images, as there are none for validation)"),
        (["--recipe", "fast"], "(the last ones)"),
    ],
)
def test_why_the_weights_were_kept(tmp_path, capsys, options, reason):
    X = np.random.default_rng(0).integers(0, 256, (20, 5, 5))
    y = np.repeat(np.arange(10), 2)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=255 - X, y_test=y)
    options = ["--starts", "1", "--epochs", "2", *options]
    assert main(["compare", "--data", str(tmp_path / "a.npz"), *options]) == 0
    assert reason in " ".join(capsys.readouterr().out.split())


@pytest.fixture
def interrupt_at_start(do_at):
    """Return a function that presses Ctrl-C when the NN begins a further start."""

    def interrupt_at(start):
        begun = itertools.count()
        do_at("begin", "NN", lambda: next(begun) == start and interrupt_now())

    return interrupt_at


@pytest.mark.slow
def test_three_starts_are_the_default_and_the_verdict_is_about_them(small, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert main(["compare", "--data", str(small), "--epochs", "2", "--json", str(out)]) == 0
    shown, err = capsys.readouterr()
    shown = " ".join(shown.split())
    assert "Training again with other seeds: 3 starts of each network" in shown
    assert "trained from 3 different random starts" in shown
    assert "as trained here" not in shown
    assert "one start only" not in shown
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["settings"]["starts"] == 3
    starts = document["starts"]
    assert [(s["model"], s["start"]) for s in starts[:4]] == [
        ("NN", 0),
        ("DNN", 0),
        ("DNN", 1),
        ("NN", 1),
    ]
    written = ", ".join(f"{100 * s['test_accuracy']:.2f}" for s in starts if s["model"] == "NN")
    line = "NN, test accuracy of each start (the table has the mean, --save keeps the first)"
    assert f"{line}: {written}%." in shown
    assert "NN, start 3 1/" in err


@pytest.mark.slow
def test_one_start_is_about_these_networks(small, capsys):
    assert main(["compare", "--data", str(small), "--epochs", "2", "--starts", "1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "so the result applies only to these trained models" in shown
    assert "of each start" not in shown


@pytest.mark.slow
def test_the_same_seed_gives_the_same_starts(small, tmp_path):
    found = []
    for seed in (5, 5, 6):
        out = tmp_path / "out.json"
        options = ["--epochs", "1", "--seed", str(seed), "--json", str(out), "--force"]
        assert main(["compare", "--data", str(small), *options, "--starts", "2"]) == 0
        starts = json.loads(out.read_text(encoding="utf-8"))["starts"]
        found.append([start["test_accuracy"] for start in starts])
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(("start", "n_used"), [(1, 1), pytest.param(2, 2, marks=pytest.mark.slow)])
def test_ctrl_c_between_starts_keeps_those_that_are_complete(
    small, tmp_path, capsys, interrupt_at_start, start, n_used
):
    interrupt_at_start(start)
    out = tmp_path / "out.json"
    assert main(["compare", "--data", str(small), "--epochs", "1", "--json", str(out)]) == 130
    shown, err = capsys.readouterr()
    assert "The result is based on the starts that were finished by then." in err
    assert f"it includes only {n_used} of 3 starts" in " ".join(shown.split())
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["recommendation"]["evidence"]["n_runs"] == n_used
    assert (document["starts"] is None) == (n_used == 1)


def test_no_epochs_mean_no_training_and_no_tensorflow(small, capsys):
    assert main(["compare", "--data", str(small), "--epochs", "0"]) == 0
    out, err = capsys.readouterr()
    assert "NN: not trained (0 epochs)." in out
    assert "only guesses" in " ".join(out.split())
    assert "No recommendation" in out
    assert err == ""


def test_class_names_are_text_and_never_markup(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 4, 4), dtype=np.uint8)
    y = np.array(["[/red]", "[bold]x", "{y}", "\x1b[2Ja", "b\nc"] * 12)
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("[/red]", "[bold]x", "{y}", "\\x1b[2Ja"))
    assert "\x1b" not in out
    assert "60 of the 60 test images (100.0%) also occur among the training" in " ".join(
        out.split()
    )


@pytest.mark.slow
def test_an_exploding_network_is_told_in_one_line(small, capsys):
    options = ["--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", "3"]
    assert main(["compare", "--data", str(small), *options]) == 1
    assert "not finite in epoch 1" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.slow
@needs_a_terminal
def test_on_a_terminal_a_spinner_and_bars_turn(small):
    shown = show_on_a_terminal("-m", "skmnist", "compare", "--data", small, "--epochs", "2")
    assert "Loading TensorFlow" in shown
    assert "DNN 2/2 ━━━" in shown
    assert "oneDNN" not in shown


@pytest.mark.slow
@needs_signals
def test_ctrl_c_shows_what_was_finished(small):
    """Interrupt in the second network: the first one's evaluation is on the screen."""
    options = ["--data", small, "--epochs", "100000", "--patience", "5"]
    status, out, err = interrupt("compare", *options, after="DNN 3/")
    assert status == 130
    assert "NN: test accuracy" in out
    assert re.search(r"stopped by you after \d+ of 100000 epochs", " ".join(out.split()))
    assert "Recommendation" not in out
    assert err.splitlines()[-1] == "Interrupted. Everything finished by then is shown above."
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("highest", "max_value"),
    [
        (16, 16),
        pytest.param(200, 255, marks=pytest.mark.slow),
        (4095, 65535),
        pytest.param(70000, 70000, marks=pytest.mark.slow),
    ],
)
def test_the_value_of_full_ink_is_told(tmp_path, capsys, highest, max_value):
    X = np.random.default_rng(0).integers(0, highest, (40, 4, 4), endpoint=True)
    X.flat[0] = highest
    y = np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    assert f"The pixels are divided by {max_value}," in capsys.readouterr().out


def test_scaled_pixels_are_left_as_they_are(tmp_path, capsys):
    X, y = np.random.default_rng(0).random((40, 4, 4)), np.arange(40) % 2
    np.savez(tmp_path / "a.npz", x_train=X, y_train=y, x_test=X, y_test=y)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    assert "The pixels are already between 0 and 1." in capsys.readouterr().out


def test_the_comparison_takes_letters_in_images_of_any_size(photos, capsys):
    assert main(["compare", "--data", str(photos), "--epochs", "0", "--lang", "de"]) == 0
    out = capsys.readouterr().out
    assert "Trainingsdaten: (24, 28, 28)" in out
    assert "Datenordner: " in out
    assert re.search(r"Ä +\d", out)


def test_the_comparison_takes_classes_that_are_in_one_part_only(tmp_path, capsys):
    rng = np.random.default_rng(0)
    arrays = {"x_train": rng.integers(0, 256, (60, 5, 7)), "y_train": np.arange(60) % 3}
    arrays |= {"x_test": rng.integers(0, 256, (20, 5, 7)), "y_test": np.arange(20) % 4 + 1}
    np.savez(tmp_path / "a.npz", **arrays)
    assert main(["compare", "--data", str(tmp_path / "a.npz"), "--epochs", "0"]) == 0
    assert "DNN: test accuracy" in capsys.readouterr().out


@pytest.mark.slow
def test_elsewhere_none(small, tmp_path, capsys):
    out = tmp_path / "out.json"
    options = ["--data", str(small), "--elsewhere", "none", "--json", str(out)]
    assert main(["compare", "--epochs", "0", *options]) == 0
    models = json.loads(out.read_text(encoding="utf-8"))["models"]
    assert [model["elsewhere"] for model in models] == [[], []]
    assert "writers" not in capsys.readouterr().out


def test_elsewhere_a_file_has_all_its_images_and_the_scale_of_the_data(small, tmp_path):
    arrays = dict(np.load(small))
    scaled = {name: a / np.float32(255) if a.ndim == 3 else a for name, a in arrays.items()}
    other = tmp_path / "scaled.npz"
    np.savez(other, **scaled)
    with use_language("en"):
        digits, _ = read_all(get_catalogue("en"), str(small), 0, {})
        found = read_elsewhere(get_catalogue("en"), str(other), digits, 0)
    X, y = found[str(other)]
    np.testing.assert_allclose(X, np.vstack([arrays["x_train"], arrays["x_test"]]), rtol=1e-6)
    np.testing.assert_array_equal(y, np.concatenate([arrays["y_train"], arrays["y_test"]]))


@pytest.mark.parametrize("kind", ["size", "classes"])
def test_elsewhere_must_fit(small, tmp_path, capsys, kind):
    arrays = dict(np.load(small))
    if kind == "size":
        arrays |= {name: a[:, :20, :20] for name, a in arrays.items() if a.ndim == 3}
    else:
        arrays["y_test"] = arrays["y_test"] + 5
    other = tmp_path / "other.npz"
    np.savez(other, **arrays)
    assert main(["compare", "--data", str(small), "--elsewhere", str(other)]) == 2
    error = capsys.readouterr().err
    told = {
        "size": "has images of 20 x 20 pixels, but those given with --data have 28 x 28",
        "classes": (
            "has classes that the digits given with --data do not have: 10, 11, 12, 13, 14; those "
            "have"
        ),
    }
    assert error.startswith(f"Error: --elsewhere {other}: {told[kind]}")
    assert error.count("\n") == 1


def test_elsewhere_must_exist(capsys):
    assert main(["compare", "--elsewhere", "swis"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: --elsewhere swis: ")
    assert "(expected: swiss, none, mnist, cloud, or a file" in error
    assert "did you mean swiss" in error


def test_elsewhere_is_not_overwritten(small, capsys):
    assert main(["compare", "--elsewhere", str(small), "--json", str(small), "--force"]) == 2
    assert "also the file given with --elsewhere" in capsys.readouterr().err


@pytest.mark.slow
def test_swiss_digits_are_made_like_the_training_images(small):
    from sklearn.utils import Bunch

    from skmnist import load_swiss_digits
    from skmnist._networks import find_swiss_digits

    swiss = load_swiss_digits().images
    X, y = np.load(small)["x_train"], np.load(small)["y_train"]
    scaled, dark = X / np.float32(255), 255 - X
    for images, max_value, same in (
        (X, 255, swiss),
        (scaled, 1, swiss / 255),
        (dark, 255, 255 - swiss),
    ):
        found = find_swiss_digits(Bunch(X_train=images, y_train=y, max_value=max_value))
        np.testing.assert_allclose(found["swiss_digits"][0], same, rtol=1e-6)
    other = y % 9
    assert find_swiss_digits(Bunch(X_train=X, y_train=other, max_value=255)) == {}
    assert find_swiss_digits(Bunch(X_train=X[:, 1:], y_train=y, max_value=255)) == {}
