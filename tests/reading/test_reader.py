"""What a reader accepts, leaves to people, and promises."""

import copy

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmnist import DigitCropper, PixelNormalizer, load_mnist
from skmnist.reading import DigitReader, Form, Place, _reader, load_reader
from skmnist.text import use_language
from tests.reading.fields import as_scan, cut_out


@parametrize_with_checks([DigitReader(LogisticRegression())])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def scans(digits):
    """Return the last digits, of several sizes."""
    images = digits[0][1500:]
    return [np.pad(image, at % 3, constant_values=255) for at, image in enumerate(images)]


def test_predictions_are_those_of_the_classifier(reader, digits):
    X, y = digits
    assert (reader.predict_proba(X) == reader.estimator_.predict_proba(X)).all()
    assert reader.score(X[1500:], y[1500:]) > 0.9
    assert reader.classes_.tolist() == list(range(10))
    with pytest.raises(AttributeError, match="predict_proba"):
        DigitReader(Perceptron()).predict_proba(X)


def test_ink_in_which_no_digit_can_be_seen_is_not_blank(reader, monkeypatch):
    pattern = np.full((60, 60), 200, dtype=np.uint8)  # covers the place, as the print of a cheque
    place = Place((0, 0, 60, 60), pattern, 1.0, False, 0)
    monkeypatch.setattr(_reader, "find_places", lambda *_, **__: [[place]])
    assert reader.read_page(pattern)["outcome"].tolist() == ["not_digit"]


@pytest.mark.slow
def test_it_is_a_classifier_for_cross_validation(digits):
    model = make_pipeline(PixelNormalizer(), LogisticRegression(max_iter=200))
    assert cross_val_score(DigitReader(model), digits[0][:300], digits[1][:300], cv=2).mean() > 0.8


@pytest.mark.slow
def test_images_are_prepared_for_a_classifier_without_a_cropper(digits, scans):
    images = DigitCropper(size=8, box=6).fit_transform(digits[0]).reshape(-1, 8, 8) * (16 / 255)
    model = make_pipeline(PixelNormalizer(16), LogisticRegression(max_iter=100))
    reader = DigitReader(model, max_error=0.05).fit(images[:300], digits[1][:300])
    reader.calibrate(images[800:1500], digits[1][800:1500])
    places = reader.read_digits(scans)
    assert places["text"].tolist() == reader.predict(images[1500:]).astype(str).tolist()


def test_accepted_digits_are_right_and_the_others_have_reasons(reader, digits, scans):
    places = reader.read_digits(scans)
    assert len(places) == len(scans)
    accepted = places["outcome"] == "digit"
    assert accepted.mean() > 0.8
    truth = digits[1][1500:].astype(str)
    assert (places["text"] != truth)[accepted].mean() <= 0.02 < (places["text"] != truth).mean()
    assert places["guaranteed"].equals(accepted)
    unsure = places[places["outcome"] == "unsure"].iloc[0]
    threshold = reader.promise().selection.threshold
    assert unsure["probability"] <= threshold < places["probability"][accepted].min()
    required = f"more than {threshold:.2%} is required for each."
    assert unsure["reason"] == f"The network is not sure enough of a digit: {required}"
    assert unsure["alternatives"][0][1] <= unsure["probability"]
    assert places["box"][0] == (0, 0, 14, 14)


def test_blank_paper_has_no_text(reader, scans):
    shaded = np.tile(np.linspace(150, 240, 30), (30, 1)).astype(np.uint8)
    places = reader.read_digits([np.full((20, 20), 255, np.uint8), shaded])
    assert places["outcome"].tolist() == ["blank", "blank"]
    assert places["text"].tolist() == ["", ""]
    assert places["probability"].isna().all()
    assert places["alternatives"].tolist() == [[], []]


@pytest.mark.slow
def test_halves_put_together_wrongly_are_not_digits(reader, scans):
    like = (reader.read_digits(scans)["outcome"] == "digit").mean()
    exchanged = [np.roll(image, len(image) // 2, axis=0) for image in scans]
    with pytest.warns(UserWarning, match=r"images look unlike .* error rate of 0.02 is not"):
        places = reader.read_digits(exchanged)
    outcomes = places["outcome"].value_counts(normalize=True)
    assert outcomes["not_digit"] > 0.5
    assert outcomes.get("digit", 0) < 0.2 < 0.8 < like
    assert not places["guaranteed"].any()


def test_reasons_are_in_the_language_of_the_program(reader):
    with use_language("de"):
        places = reader.read_digits([np.full((20, 20), 255, np.uint8)])
    assert places["reason"][0] == "Hier steht nichts, höchstens Flecken oder Linien."


def test_the_promise_is_kept_in_words(reader):
    promise = reader.promise()
    assert promise.selection.guaranteed
    first, writers, few = promise.sentences()
    assert first.startswith(
        "At most 2.00% of the accepted digits are wrong, with a confidence of 95%"
    )
    assert "3 in total" in writers
    assert few.startswith("3 writers are too few")
    assert promise.writers["n_rows"].tolist() == [234, 233, 233]
    assert promise.writers["n_errors"].sum() == promise.selection.n_errors
    assert promise.writers["n_accepted"].sum() == promise.selection.n_accepted
    assert "Schreiber" in promise.sentences("de")[2]


def test_no_share_of_errors_is_told_without_a_guarantee(reader):
    strict = copy.deepcopy(reader).set_params(max_error=1e-4)
    promise = strict.promise()
    assert not promise.selection.guaranteed  # the threshold is above all errors
    assert promise.writers["n_errors"].sum() == 0
    assert len(promise.sentences()) == 1


def test_max_error_can_be_changed_after_the_calibration(reader, digits):
    strict = DigitReader(FrozenEstimator(reader.estimator_), max_error=0.02, n_digits=5)
    vars(strict).update({key: value for key, value in vars(reader).items() if key.endswith("_")})
    selection = strict.promise().selection  # 0.4% for each digit
    assert selection.max_error == pytest.approx(0.004)
    assert not selection.guaranteed
    assert strict.promise().sentences()[0] == (
        "No error rate is guaranteed: 682 digits are too few for calibration. At least 748 "
        "accepted without an error are needed."
    )
    strict.max_error = 0
    with pytest.raises(ValueError, match="max_error"):
        strict.promise()


def test_a_trained_classifier_is_kept(reader, digits):
    model = reader.estimator_
    frozen = DigitReader(FrozenEstimator(model)).fit(digits[0][:200], digits[1][:200])
    assert frozen.estimator_ is model


def test_it_must_be_calibrated_before_it_reads(digits):
    X, y = make_blobs(centers=3, random_state=0)
    reader = DigitReader(LogisticRegression())
    with pytest.raises(NotFittedError):
        reader.calibrate(X, y)
    reader.fit(X, y)
    for use in (reader.promise, lambda: reader.read_digits([])):
        with pytest.raises(
            NotFittedError, match=r"call calibrate\(X, y\) with digits that were not"
        ):
            use()
    with pytest.raises(ValueError, match="does not take square images of at least 8 x 8"):
        reader.calibrate(X, y).read_digits([np.zeros((30, 30), np.uint8)])
    reader.fit(X, y)
    assert not hasattr(reader, "calibration_")


def test_classes_must_be_characters_of_the_alphabet():
    X, y = make_blobs(centers=3, random_state=0)
    reader = DigitReader(LogisticRegression(), alphabet="01").fit(X, y)
    with pytest.raises(ValueError, match=r"alphabet='01' lacks '2'"):
        reader.calibrate(X, y)


def test_no_images_give_an_empty_table(reader):
    assert reader.read_digits([]).columns.tolist() == [*reader.read_digits([np.zeros((9, 9))])]


def test_a_field_that_may_be_divided_in_another_way_is_left_to_people(reader, scans, monkeypatch):
    def find(sure):
        places = [
            Place((0, 0, 14, 14), scan, 0.2, is_blank=False, row=0, field=None, parted=sure)
            for scan in scans[:40]
        ]
        monkeypatch.setattr(_reader, "find_places", lambda *_, **__: [places[:20], places[20:]])
        return reader.read_page(scans[0])

    assert (find(0.95)["outcome"] == "digit").mean() > 0.7
    doubtful = find(0.5)
    assert not (doubtful["outcome"] == "digit").any()
    assert not doubtful["guaranteed"].any()
    assert "uncertain which ink belongs to the digits" in doubtful["reason"].iloc[0]


def find_sure(reader, scans):
    """Return the scans that are accepted, at most 20, of which nothing is said as a whole."""
    scans = scans[:20]
    accepted = [reader.read_digits([scan])["outcome"].item() == "digit" for scan in scans]
    return [scan for scan, is_accepted in zip(scans, accepted, strict=True) if is_accepted]


def lay_places(scans, pattern, name=None):
    """Return places: a digit for each d, blank ones for each b."""
    return [
        Place((20 * at, 0, 20 * at + 14, 14), scan, 0.2, is_blank=kind == "b", row=0, field=name)
        for at, (kind, scan) in enumerate(zip(pattern, scans, strict=False))
    ]


@pytest.mark.parametrize(
    ("pattern", "is_read"), [("ddd", True), ("bddd", True), ("dddbb", True), ("dbdd", False)]
)
def test_a_blank_place_between_digits_leaves_the_field_unsure(
    reader, scans, monkeypatch, pattern, is_read
):
    sure = find_sure(reader, scans)
    monkeypatch.setattr(_reader, "find_places", lambda *_, **__: [lay_places(sure, pattern)])
    places = reader.read_page(scans[0])
    written = places[places["outcome"] != "blank"]
    assert len(written) == 3
    assert (written["outcome"] == ("digit" if is_read else "unsure")).all()
    if not is_read:
        assert set(written["reason"]) == {"A place between the digits of this field is blank."}


@pytest.mark.parametrize(
    ("pattern", "outcome"), [("dddd", "digit"), ("bdddd", "digit"), ("dddb", "unsure")]
)
def test_the_number_of_digits_on_a_form_counts_without_blank_places(
    reader, scans, monkeypatch, pattern, outcome
):
    sure = find_sure(reader, scans)
    form = Form.from_dict({"fields": [{"name": "a", "box": [0, 0, 1, 1], "digits": 4}]})
    monkeypatch.setattr(_reader, "find_places", lambda *_, **__: [lay_places(sure, pattern, "a")])
    places = reader.read_page(scans[0], form=form)
    assert set(places["outcome"]) - {"blank"} == {outcome}


@pytest.mark.parametrize("n_digits", [5, pytest.param(12, marks=pytest.mark.slow)])
def test_a_page_that_is_upside_down_is_left_to_people(n_digits):
    reader, mnist = load_reader(), load_mnist()
    rows = np.flatnonzero(np.isin(mnist.y_test, [2, 3, 4, 7]))[:n_digits]
    page = 255 - np.hstack([np.pad(image, 6) for image in mnist.X_test[rows]])
    upright = reader.read_page(page)
    assert "".join(upright["text"]) == "".join(map(str, mnist.y_test[rows]))
    assert (upright["outcome"] == "digit").mean() >= 0.8
    turned = reader.read_page(page[::-1, ::-1])
    assert not turned["outcome"].isin(["digit"]).any()
    assert not turned["guaranteed"].any()
    assert "The page seems to be upside down." in " ".join(turned["reason"])


def test_places_are_prepared_together_as_they_are_alone(reader, scans):
    crops = [np.pad(scan, at % 70, constant_values=255) for at, scan in enumerate(scans[:90])]
    together = reader._prepare_crops(crops)
    assert len({crop.shape for crop in crops}) > 50
    assert (together == np.concatenate([reader._prepare_crops([crop]) for crop in crops])).all()


@pytest.mark.slow
def test_zeros_that_share_a_wall_are_read_or_left_to_people():
    reader, mnist = load_reader(), load_mnist()
    zeros = [cut_out(as_scan(image)) for image in mnist.X_test[mnist.y_test == 0][:90]]
    texts = []
    for three in zip(*[iter(zeros)] * 3, strict=True):
        height, x = max(len(zero) for zero in three), 10
        page = np.zeros((height + 20, sum(zero.shape[1] for zero in three) + 20), np.float32)
        for zero in three:
            top = (len(page) - len(zero)) // 2
            window = page[top : top + len(zero), x : x + zero.shape[1]]
            np.maximum(window, zero[..., 0], out=window)
            x += zero.shape[1] - 9
        places = reader.read_page((255 - 255 * page).astype(np.uint8))
        texts.append("".join(places["text"]))
        assert texts[-1] == "000" or not (places["outcome"] == "digit").all()
    assert texts.count("000") >= 6
