import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmnist.diagnosis import Robustness, RobustnessDisplay, measure_robustness
from skmnist.diagnosis._corruptions import CORRUPTIONS
from skmnist.diagnosis._figures import wilson_interval
from tests.drawn import check_axes, find_texts


class BlockReader(ClassifierMixin, BaseEstimator):
    """Say "ink" for an image that has ink in rows 4 to 9, where a dot of one pixel starts at 6."""

    def __init__(self, sure=None):
        self.sure = sure
        self.classes_ = np.array(["ink", "none"])
        if sure is not None:
            self.predict_proba = self._predict_proba

    def fit(self, X, y):
        return self

    def predict(self, X):
        self.seen_ = X
        images = np.asarray(X).reshape(len(X), 13, 13)
        return np.where((images[:, 4:9] > 0).any(axis=(1, 2)), "ink", "none")

    def _predict_proba(self, X):
        return np.tile([self.sure, 1 - self.sure], (len(X), 1))


def make_dots(n=80):
    """Return images with one white pixel in the middle, 2 rows from the ends of rows 4 to 8."""
    images = np.zeros((n, 13, 13), dtype=np.uint8)
    images[:, 6, 6] = 255
    return images, np.full(n, "ink")


def test_accuracy_under_shifts_is_as_known():
    """A dot shifted by 3 leaves rows 4 to 8 upwards and downwards, by 2 or diagonally it stays."""
    found = measure_robustness(BlockReader(), *make_dots(), corruptions={"shift": [2, 3, 6]})
    frame = found.frame
    assert frame["strength"].tolist() == [0, 2, 3, 6]
    assert frame["accuracy"].tolist() == [1, 1, 0.75, 0.25]  # 45 degrees: 4.24 rows off at 6
    assert frame["loss"].tolist() == [0, 0, 25, 75]
    assert frame["n"].tolist() == [80] * 4
    assert frame["confidence"].isna().all()
    assert tuple(frame.loc[2, ["low", "high"]]) == pytest.approx(wilson_interval(0.75, 80))
    assert found.accuracy == 1


def test_every_change_has_a_row_for_each_strength():
    frame = measure_robustness(BlockReader(), *make_dots()).frame
    pairs = list(zip(frame["corruption"], frame["strength"], frame["unit"], strict=True))
    expected = [(name, by, c.unit) for name, c in CORRUPTIONS.items() for by in c.strengths]
    assert pairs == [("none", 0, ""), *expected]
    assert frame.columns.tolist() == [
        *("corruption", "strength", "unit", "n", "accuracy"),
        *("low", "high", "loss", "confidence"),
    ]


def test_confidence_is_the_mean_of_the_highest_probability():
    found = measure_robustness(BlockReader(0.2), *make_dots(), corruptions=["noise"])
    assert found.frame["confidence"].tolist() == pytest.approx([0.8] * 4)


def test_names_alone_and_one_strength():
    found = measure_robustness(BlockReader(), *make_dots(), corruptions="zoom").frame
    assert found["strength"].tolist() == [0, *CORRUPTIONS["zoom"].strengths]
    found = measure_robustness(BlockReader(), *make_dots(), corruptions={"blur": 2}).frame
    assert found["strength"].tolist() == [0, 2]


@pytest.mark.slow
def test_a_corruption_measures_the_same_alone_as_among_others():
    X, y = load_digits(return_X_y=True)
    model = BlockOfDigits().fit(X, y)
    alone, among = (
        measure_robustness(model, X, y, corruptions=which, random_state=0).frame
        for which in (["noise"], None)
    )
    rows = among[among["corruption"] == "noise"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.iloc[1:].reset_index(drop=True), rows)


class BlockOfDigits(ClassifierMixin, BaseEstimator):
    """The digit whose mean image is nearest."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.stack([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        distances = (X[:, None] - self.means_) ** 2
        return self.classes_[distances.sum(axis=2).argmin(axis=1)]


def test_the_sample_has_all_classes_in_proportion():
    seen = []

    class Watch(BlockReader):
        def predict(self, X):
            seen.append(X)
            return super().predict(X)

    images, _ = make_dots(1000)
    y = np.repeat(["ink", "none"], [900, 100])
    frame = measure_robustness(
        Watch(), images, y, corruptions={"shift": [1]}, max_samples=100, random_state=0
    ).frame
    assert frame["n"].tolist() == [100, 100]
    assert frame["accuracy"][0] == 0.9  # all are ink: the share of the class
    assert len(seen[0]) == 2 * 100


def test_blocks_add_up(monkeypatch):
    X, y = load_digits(return_X_y=True)
    model = BlockOfDigits().fit(X, y)
    wanted = {"shift": [1], "zoom": [0.8]}
    whole = measure_robustness(model, X, y, corruptions=wanted, random_state=0).frame
    monkeypatch.setattr("skmnist.diagnosis._robustness.PIXELS_AT_ONCE", 3 * 64 * 100)
    parts = measure_robustness(model, X, y, corruptions=wanted, random_state=0).frame
    assert parts["n"].tolist() == whole["n"].tolist()
    assert parts["accuracy"][[0, 2]].tolist() == whole["accuracy"][[0, 2]].tolist()
    assert parts["accuracy"][1] == pytest.approx(whole["accuracy"][1], abs=0.03)


@pytest.mark.parametrize("layout", ["images", "rows", "frame", "list", "sparse"])
def test_the_estimator_gets_the_layout_it_was_fitted_on(layout):
    from scipy.sparse import csr_array

    images, y = make_dots()
    rows = images.reshape(len(images), -1)
    names = [f"pixel{at}" for at in range(169)]
    X = {
        "images": images,
        "rows": rows,
        "frame": pd.DataFrame(rows, columns=names),
        "list": list(images),
        "sparse": csr_array(rows),
    }[layout]
    model = BlockReader()
    found = measure_robustness(model, X, y, corruptions={"shift": [3]}, random_state=0)
    assert found.frame["accuracy"].tolist() == [1, 0.75]
    assert np.ndim(model.seen_) == (3 if layout in {"images", "list"} else 2)
    if layout == "frame":
        assert list(model.seen_.columns) == names
    assert np.asarray(model.seen_).dtype == np.uint8


def test_a_pipeline_is_measured_as_a_whole():
    images, y = make_dots()
    model = make_pipeline(FunctionTransformer(lambda X: X / 255.0), BlockReader())
    model.fit(images, y)
    found = measure_robustness(model, images, y, corruptions={"shift": [3]})
    assert found.frame["accuracy"].tolist() == [1, 0.75]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"X": np.ones((80, 785))}, "785 columns, which is not a square number; pass image_shape="),
        ({"image_shape": (28, 28)}, None),
        ({"X": np.ones((80, 169))}, "constant: all pixels are 1"),
        ({"X": np.full((80, 169), np.nan)}, "NaN or infinite"),
        ({"X": np.eye(80, 169) - 1}, "must not be negative"),
        ({"y": ["ink"] * 79}, "inconsistent numbers of samples"),
        ({"max_samples": 0}, "max_samples=0 must be an int >= 1, or None for all"),
        ({"max_samples": 2.5}, "max_samples=2.5 must be"),
        (
            {"corruptions": ["shifts"]},
            "^corruptions has 'shifts', which is unknown; did you mean 'shift'",
        ),
        ({"corruptions": {}}, r"corruptions=\{\} is empty; pass None for all"),
        ({"corruptions": {"shift": []}}, "is empty; pass None for all"),
        (
            {"corruptions": {"shift": [1, -1]}},
            "^corruptions has 'shift' of strength -1, which must",
        ),
    ],
)
def test_what_cannot_be_measured(change, match):
    X, y = make_dots()
    arguments = {"X": X, "y": y, **change}
    if match is None:  # images of three dimensions have their shape
        measure_robustness(BlockReader(), **arguments)
        return
    with pytest.raises(ValueError, match=match):
        measure_robustness(BlockReader(), **arguments)


def test_rows_that_are_not_square_need_their_shape():
    images, y = make_dots()
    X = images[:, 2:11].reshape(len(images), -1)

    class Wide(BlockReader):
        def predict(self, X):
            return super().predict(np.pad(X.reshape(-1, 9, 13), ((0, 0), (2, 2), (0, 0))))

    with pytest.raises(ValueError, match="117 columns"):
        measure_robustness(Wide(), X, y)
    found = measure_robustness(Wide(), X, y, image_shape=(9, 13), corruptions={"shift": [3]})
    assert found.frame["accuracy"].tolist() == [1, 0.75]


# --- sentences


def make_result(*rows):
    """Return a result from (corruption, strength, accuracy, confidence), the first unchanged."""
    frame = pd.DataFrame(rows, columns=["corruption", "strength", "accuracy", "confidence"])
    frame["n"], frame["unit"] = 500, ""
    frame["low"], frame["high"] = frame["accuracy"] - 0.01, frame["accuracy"] + 0.01
    frame["loss"] = 100 * (frame["accuracy"][0] - frame["accuracy"])
    return Robustness(frame)


@pytest.fixture
def typical():
    return make_result(
        ("none", 0, 0.98, 0.98),
        ("shift", 1, 0.95, 0.96),
        ("shift", 2, 0.86, 0.93),
        ("rotation", 15, 0.97, 0.97),
        ("thinning", 1, 0.94, 0.9),
        ("noise", 0.3, 0.6, 0.8),
    )


def test_the_line_has_what_happens_most(typical):
    assert typical.headline() == (
        "Changed images: shifted by 2 pixels 86.0%, rotated by 15 degrees 97.0%, thinner by "
        "1 pixel 94.0% correct; unchanged 98.0% (of 500)."
    )
    assert typical.headline("de").startswith("Veränderte Bilder: um 2 Pixel verschoben 86,0\xa0%, ")


def test_other_changes_are_in_the_line_with_their_worst_strength():
    found = make_result(("none", 0, 0.9, 0.9), ("blur", 2, 0.8, 0.9), ("blur", 3, 0.7, 0.9))
    assert "blurred by 3 pixels 70.0% correct" in found.headline()
    assert "by 2" not in found.headline()


def test_the_worst_change_and_the_confidence_there(typical):
    assert typical.sentences()[1:] == [
        "It does worst on images that are overlaid with 30% noise: 60.0% correct instead of 98.0%.",
        "On these images it is still 80.0% sure on average, but right in only 60.0% of cases.",
    ]
    careful = make_result(("none", 0, 0.9, 0.9), ("noise", 0.3, 0.6, 0.62))
    unknown = make_result(("none", 0, 0.9, np.nan), ("noise", 0.3, 0.6, np.nan))
    assert [len(each.sentences()) for each in (careful, unknown)] == [2, 2]
    assert typical.summary("de") == " ".join(typical.sentences("de"))


def test_a_model_that_holds_is_told_so():
    found = make_result(("none", 0, 0.99, 0.99), ("shift", 2, 0.985, 0.99), ("blur", 1, 0.995, 1))
    assert found.sentences()[1:] == [
        "None of the 2 changes lowers the accuracy by as much as one percentage point."
    ]


def test_all_values_as_json(typical):
    figures = json.loads(json.dumps(typical.to_dict(), allow_nan=False))
    assert (figures["n"], figures["accuracy"], len(figures["changes"])) == (500, 0.98, 5)
    assert figures["changes"][1]["loss"] == pytest.approx(12)
    unknown = make_result(("none", 0, 0.9, np.nan), ("noise", 0.3, 0.6, np.nan))
    assert (
        json.loads(json.dumps(unknown.to_dict(), allow_nan=False))["changes"][0]["confidence"]
        is None
    )


def test_a_notebook_shows_the_sentences(typical):
    assert "shifted by 2 pixels" in typical._repr_html_()


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_change_has_words(language):
    rows = [(name, by, 0.5, 0.5) for name, c in CORRUPTIONS.items() for by in c.strengths]
    for row in rows:
        text = make_result(("none", 0, 0.9, 0.9), row).headline(language)
        assert "{" not in text


# --- Display


def test_a_row_for_each_change_and_a_line_for_the_unchanged(typical):
    display = RobustnessDisplay.from_results({"NN": typical})
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["shift 1 px", "2 px", "rotation 15°", "thinner 1 px", "noise 30%"]
    (markers,) = display.lines_
    assert markers.get_xdata().tolist() == [0.95, 0.86, 0.97, 0.94, 0.6]
    assert "NN" in find_texts(display)
    display.plot(language="de")
    assert "verschoben 1 px" in find_texts(display)
    plt.close("all")


def test_models_side_by_side(typical):
    display = RobustnessDisplay.from_results({"$NN$": typical, "DNN": typical})
    assert len(display.lines_) == 2
    assert {"$NN$", "DNN"} <= find_texts(display)
    assert display.frame["model"].unique().tolist() == ["$NN$", "DNN"]
    plt.close("all")


def test_models_with_other_changes_are_refused(typical):
    other = make_result(("none", 0, 0.9, 0.9), ("blur", 2, 0.8, 0.9))
    with pytest.raises(ValueError, match=r"results=\['a', 'b'\] must be .* the same corruptions"):
        RobustnessDisplay.from_results({"a": typical, "b": other})
    with pytest.raises(ValueError, match=r"results=\[\] must be one or more"):
        RobustnessDisplay.from_results({})


def test_display_measures():
    display = RobustnessDisplay.from_estimator(
        BlockReader(), *make_dots(), corruptions={"shift": [3]}, random_state=0
    )
    assert display.frame["accuracy"].tolist() == [1, 0.75]
    assert "BlockReader" in find_texts(display)
    plt.close("all")


def test_axes_given_are_drawn_on(typical):
    check_axes(lambda ax: RobustnessDisplay.from_results({"NN": typical}, ax=ax))
