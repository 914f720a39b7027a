"""DigitReader: a classifier that also recognizes digits that it cannot read."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skmnist._estimator import Estimator, refuse_unknown, warn_caller, with_default_settings
from skmnist._validation import Interval, _fit_context, flatten_images
from skmnist.preprocessing import DigitCropper, PixelNormalizer
from skmnist.reading._forms import Form, FormField
from skmnist.reading._guard import BOX, find_side, fit_guard, rate_strangeness
from skmnist.reading._places import find_places
from skmnist.reading._promise import Promise, looks_unlike, tell_writers
from skmnist.reading._risk import Selection, select_threshold
from skmnist.text import get_catalogue

Array = np.ndarray[Any, Any]

OUTCOMES = ("digit", "unsure", "blank", "not_digit")
COLUMNS = (
    "image",
    "field",
    "place",
    "text",
    "outcome",
    "probability",
    "strangeness",
    "alternatives",
    "box",
    "guaranteed",
    "reason",
)
LIKE_DIGITS = 0.975  # share of the calibration digits that pass the guard, so 95% can be accepted
MIN_PARTED = 0.9  # below this, the number of digits in rows of touching digits was often wrong
MIN_TURNED = 3  # places; fewer do not show that a page is upside down
TURNED = 4.0  # how much more likely places must be to be digits when turned, as a logarithm
LEAST_SCORE = 0.01  # lower limit of a score, so that no single place decides
MIN_ALTERNATIVE = 0.01  # minimum probability of an alternative
MAX_ALTERNATIVES = 3
GUARD_SEED = 0
WHITE = 255  # of the pixels that DigitCropper returns
EDGE_STEP = 56  # pixels; DigitCropper treats faint edges of strokes alike in images of such a size


def _can(method: str) -> Any:
    """Return a check for `available_if` that the estimator has a method."""

    def check(self: Any) -> bool:
        return hasattr(getattr(self, "estimator_", self.estimator), method)

    return check


class DigitReader(MetaEstimatorMixin, ClassifierMixin, Estimator):
    """Read digits with a guaranteed error rate, and flag uncertain ones for review.

    A classifier predicts a class for every image. This meta-estimator decides for each image
    whether the prediction may be used. There are four outcomes: "digit", which means accepted;
    "unsure", if the probability is too low or, on a page, another check fails; "blank"; and
    "not_digit", for letters, scribbles, lone marks and the like. Among the accepted digits at most
    `max_error` are wrong, with the given `confidence`, as long as the images are like those of
    `calibrate`: independent draws from the same kind of writers, pens and scanners.

    `fit` trains the classifier and a small network that tells digits from other ink. `calibrate`
    sets the thresholds, on digits that were not used for training. `predict` and `predict_proba`
    are those of the classifier. Reading needs no tensorflow.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Classifier with `predict_proba`. Pass a trained one as
        ``sklearn.frozen.FrozenEstimator(model)``; `fit` then keeps its weights.
    max_error : float, default=0.005
        Maximum share of errors among accepted digits, between 0 and 1.
    confidence : float, default=0.95
        Probability, over the choice of calibration digits, that `max_error` holds.
    alphabet : str, default="0123456789"
        Characters that may be read. Each class must be one of them.
    n_digits : int, default=None
        Number of digits of a code. If set, `max_error` applies to whole codes, and the error rate
        of each digit must be at most ``max_error / n_digits``. None means that `max_error` applies
        to single digits.

    Attributes
    ----------
    estimator_ : classifier
        The trained classifier.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of features, if the classifier has this attribute.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if the classifier has this attribute.
    guard_coefs_, guard_intercepts_ : list of ndarray
        Weights and biases of the network that tells digits from other ink; its last output is for
        other ink, and the others are for the classes. Empty if the classifier's input, after the
        other steps of a Pipeline, does not consist of square images of at least 8 x 8 pixels with
        values in [0, 1]; nothing is then recognized as "not_digit".
    calibration_ : dict of str to ndarray of shape (n_rows,)
        For each calibration row: `probability` of the predicted class, `correct`, `strangeness`
        (from 0 for a digit to 1) and, with groups, `writer`. Set by `calibrate`.
    notes_ : dict
        Notes that are saved with the reader, such as its training data.

    See Also
    --------
    select_threshold : Choose the threshold alone, for any classifier.
    skmnist.persistence.save_model : Save a reader without pickle.

    References
    ----------
    Y. Geifman, R. El-Yaniv: Selective classification for deep neural networks. NeurIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skmnist import PixelNormalizer
    >>> from skmnist.reading import DigitReader
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(PixelNormalizer(16), LogisticRegression(max_iter=1000))
    >>> reader = DigitReader(model, max_error=0.02).fit(X[:800], y[:800])
    >>> reader = reader.calibrate(X[800:], y[800:])
    >>> selection = reader.promise().selection
    >>> selection.guaranteed, selection.n_errors / selection.n_accepted < 0.02
    (True, True)

    With too few digits, nothing is guaranteed:

    >>> reader.calibrate(X[1700:], y[1700:]).promise().selection.guaranteed
    False
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "estimator": "no_validation",  # type: ignore[dict-item]
        "max_error": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "alphabet": [str],
        "n_digits": [Interval(Integral, 1, None, closed="left"), None],
    }

    estimator_: Any
    classes_: Array
    guard_coefs_: list[Array]
    guard_intercepts_: list[Array]
    calibration_: dict[str, Array]
    notes_: dict[str, Any]

    @refuse_unknown
    def __init__(
        self,
        estimator: Any,
        max_error: float = 0.005,
        confidence: float = 0.95,
        alphabet: str = "0123456789",
        n_digits: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.max_error = max_error
        self.confidence = confidence
        self.alphabet = alphabet
        self.n_digits = n_digits

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any) -> Self:
        """Train the classifier, and the network that tells digits from other ink.

        Parameters
        ----------
        X : array-like or list of images
            Training data, as the classifier takes it.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : DigitReader
        """
        self.estimator_ = clone(self.estimator).fit(X, y)
        if isinstance(self.estimator_, FrozenEstimator):
            self.estimator_ = self.estimator_.estimator
        self.classes_ = self.estimator_.classes_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self.guard_coefs_, self.guard_intercepts_ = self._fit_guard(X, y)
        self.notes_ = {}
        self.__dict__.pop("calibration_", None)  # it belongs to the previous weights
        return self

    @with_default_settings
    def predict(self, X: Any) -> Array:
        """Return the most probable class, whether or not it would be accepted.

        Parameters
        ----------
        X : array-like or list of images
            As for `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        check_is_fitted(self, "estimator_")
        labels: Array = self.estimator_.predict(X)
        return labels

    @available_if(_can("predict_proba"))
    @with_default_settings
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like or list of images
            As for `fit`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self, "estimator_")
        proba: Array = self.estimator_.predict_proba(X)
        return proba

    @with_default_settings
    @_fit_context(prefer_skip_nested_validation=False)
    def calibrate(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Set the thresholds with digits that were not used for training.

        Parameters
        ----------
        X : array-like or list of images
            Digits like those to be read, as the classifier takes them.
        y : array-like of shape (n_samples,)
            True labels of `X`.
        groups : array-like of shape (n_samples,), default=None
            The writer of each digit. If given, :meth:`promise` also reports the errors of
            each writer.

        Returns
        -------
        self : DigitReader

        Raises
        ------
        ValueError
            A class is not a character of `alphabet`, or `X`, `y` and `groups` differ in length.
        sklearn.exceptions.NotFittedError
            The reader is not fitted.
        """
        check_is_fitted(self, "estimator_")
        self._check_alphabet()
        rows = self._prepare(X)
        y = column_or_1d(y)
        proba = self._predict_rows(rows)
        check_consistent_length(proba, y, groups)
        calibration = {
            "probability": proba.max(axis=1).astype(np.float64),
            "correct": self.classes_[proba.argmax(axis=1)] == y,
            "strangeness": self._rate(rows),
        }
        if groups is not None:
            calibration["writer"] = np.asarray(groups)
        self.calibration_ = calibration
        return self

    def promise(self) -> Promise:
        """Return the guarantee for the current `max_error`, `confidence` and `n_digits`.

        Returns
        -------
        promise : Promise
            The threshold, whether the guarantee holds, and its limits.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            The reader is not calibrated.
        """
        selection = self._select()
        writers = None
        if "writer" in self.calibration_:
            calibration = pd.DataFrame(self.calibration_)
            like = calibration["strangeness"] <= self._limit_strangeness()
            accepted = like & (calibration["probability"] > selection.threshold)
            writers = tell_writers(calibration, accepted)
        return Promise(selection, self.n_digits, self.max_error, writers)

    def _select(self) -> Selection:
        check_is_fitted(self, "calibration_", msg=_NOT_CALIBRATED)
        self._validate_params()
        like = self.calibration_["strangeness"] <= self._limit_strangeness()
        return select_threshold(
            self.calibration_["probability"][like],
            self.calibration_["correct"][like],
            self.max_error / (self.n_digits or 1),
            self.confidence,
        )

    @with_default_settings
    def read(self, images: Iterable[Any], *, form: Form | None = None) -> pd.DataFrame:
        """Read images of fields, or of whole pages.

        Parameters
        ----------
        images : iterable of ndarray (height, width) or (height, width, 3), uint8
            Pages, for example from :func:`~skmnist.reading.open_pages`, or parts of pages with one
            field or row. Frames, combs and lines are removed.
        form : Form, default=None
            The positions of the fields on the page, and their valid contents. None detects the
            fields; each then has `n_digits` places if that parameter is set.

        Returns
        -------
        places : DataFrame
            One row per place for a digit, in reading order:

            - `image`: number of the image, from 0;
            - `field`: name of the field in the form, or its number on the image, from 0;
            - `place`: number of the place in the field, from 0;
            - `text`: the most probable digit, accepted or not; empty if nothing in the place is as
              large as a digit;
            - `outcome`: "digit" (accepted), "unsure", "blank" or "not_digit";
            - `probability`: probability of the digit; NaN if `text` is empty;
            - `strangeness`: from 0 for a digit to 1; NaN if `text` is empty;
            - `alternatives`: list of up to three other digits with a probability of at least 0.01,
              each as (digit, probability);
            - `box`: left, top, right and bottom in pixels of the image;
            - `guaranteed`: whether the digit is accepted with the guaranteed error rate;
            - `reason`: a sentence that explains the outcome, in the language of
              :func:`~skmnist.text.use_language`.

        Raises
        ------
        ValueError
            An image is not an array of grey levels or RGB.
        FormError
            The form does not fit a page.
        sklearn.exceptions.NotFittedError
            The reader is not calibrated.

        Warns
        -----
        UserWarning
            The images look unlike those of `calibrate`, so nothing is guaranteed.
        """
        frames = [
            self.read_page(image, form=form).assign(image=at) for at, image in enumerate(images)
        ]
        return self._finish(
            pd.concat(frames or [pd.DataFrame(self._judge(np.empty((0, 0))))], ignore_index=True)
        )

    def read_page(self, page: Array, *, form: Form | None = None) -> pd.DataFrame:
        """Read one image like :meth:`read`, without comparing it with the calibration digits.

        Parameters
        ----------
        page : ndarray of shape (height, width) or (height, width, 3), uint8
            Image of a page or field.
        form : Form, default=None
            As for `read`.

        Returns
        -------
        places : DataFrame
            As for :meth:`read`, with `image` 0.

        Raises
        ------
        ValueError, FormError, sklearn.exceptions.NotFittedError
            As for :meth:`read`.
        """
        fields = find_places(page, n_digits=self.n_digits, score=self._score, form=form)
        places = [place for field in fields for place in field]
        ends = np.cumsum([0, *map(len, fields)]).tolist()
        spans = [slice(*ends) for ends in pairwise(ends)]
        rows = self._prepare_crops([place.image for place in places])
        blank = np.array([place.is_blank for place in places], bool)
        columns = self._judge(rows, blank)
        outcome = columns["outcome"]
        inked = ~np.isnan(columns["probability"])
        hidden = ~blank & (outcome == "blank")  # in a pattern, for example
        _leave_to_people(columns, hidden, "not_digit", "not_digit")
        marked = np.array([place.is_marked for place in places], bool)
        _leave_to_people(columns, marked & ~blank & (outcome == "digit"), "beside_mark")
        _leave_to_people(columns, marked & blank, "mark", "not_digit")
        parted = np.array([place.parted < MIN_PARTED for place in places], bool)
        for reason, is_doubtful in (
            ("parted", lambda span: bool(parted[span].any())),
            ("gap", lambda span: _has_gap(outcome[span])),
        ):
            doubtful = _choose(spans, is_doubtful)
            _leave_to_people(columns, doubtful & (outcome == "digit"), reason)
        scores = columns["probability"] * (1 - columns["strangeness"])
        if self._is_turned(rows[inked], scores[inked]):
            _leave_to_people(columns, outcome == "digit", "turned")
        if form is not None:
            known: dict[Any, Any] = {field.name: field for field in form.fields}
            invalid = _choose(
                spans,
                lambda span: _is_invalid(known[places[span.start].field], columns, span),
            )
            _leave_to_people(columns, invalid & (outcome != "blank"), "invalid")
        names = [field[0].field or at for at, field in enumerate(fields) for _ in field]
        numbers = [at for field in fields for at in range(len(field))]
        boxes = pd.Series([place.box for place in places], dtype=object)
        columns |= {"image": 0, "field": names, "place": numbers, "box": boxes}
        return pd.DataFrame(columns, index=range(len(places)), columns=list(COLUMNS))

    @with_default_settings
    def read_digits(self, images: Iterable[Any]) -> pd.DataFrame:
        """Read images of single digits.

        Parameters
        ----------
        images : iterable of array-like or Pillow image
            Images of any size; each shows one place on paper that may contain a digit.

        Returns
        -------
        places : DataFrame
            One row per image, with the columns of :meth:`read`. `field` and `place` are 0, and
            `box` is the whole image.

        Raises
        ------
        ValueError
            There is an invalid image, or the classifier takes input other than square images and
            has no :class:`~skmnist.preprocessing.DigitCropper` before it.
        sklearn.exceptions.NotFittedError
            The reader is not calibrated.

        Warns
        -----
        UserWarning
            The images look unlike those of `calibrate`, so nothing is guaranteed.
        """
        images = list(images)
        frame = pd.DataFrame(self._judge(self._prepare_images(images)))
        boxes = [(0, 0, np.shape(image)[1], np.shape(image)[0]) for image in images]
        frame = frame.assign(
            image=range(len(images)), field=0, place=0, box=pd.Series(boxes, dtype=object)
        )
        return self._finish(frame)

    def check_shift(self, places: pd.DataFrame) -> bool:
        """Return whether places are too unlike the digits of `calibrate` for any guarantee.

        Parameters
        ----------
        places : DataFrame
            Result of :meth:`read`, :meth:`read_page` or :meth:`read_digits`, or several of them
            concatenated.

        Returns
        -------
        is_unlike : bool
            Whether the probabilities are lower, or the places look less like digits, than chance
            explains. False for fewer than 20 places with a probability.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            The reader is not calibrated.
        """
        check_is_fitted(self, "calibration_", msg=_NOT_CALIBRATED)
        return looks_unlike(places[places["probability"].notna()], self.calibration_)

    def _finish(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Withdraw the guarantee if the places are unlike the calibration digits; sort columns."""
        if self.check_shift(frame):
            frame["guaranteed"] = False
            warn_caller(
                "The images look unlike the digits used for calibration, so the error rate of "
                f"{self.max_error:g} is not guaranteed. Calibrate with digits like these."
            )
        return frame.reindex(columns=list(COLUMNS))

    def _judge(self, rows: Array, is_blank: Any = False) -> dict[str, Any]:
        """Return the outcome for each prepared image, and other columns of the places."""
        selection = self._select()
        self._check_alphabet()
        threshold, limit = selection.threshold, self._limit_strangeness()
        proba = self._predict_rows(rows).astype(np.float64) if len(rows) else np.empty((0, 1))
        strangeness = self._rate(rows)
        blank = is_blank | ~rows.any(axis=1)
        top = proba.max(axis=1)
        outcome = np.select(
            [blank, strangeness > limit, ~(top > threshold)],
            ["blank", "not_digit", "unsure"],
            "digit",
        )
        say = get_catalogue()
        reasons = {
            name: say(f"reading.reason.{name}", threshold=threshold, limit=limit)
            for name in OUTCOMES
        }
        labels = np.array([str(label) for label in self.classes_.tolist()], dtype=object)
        ranked = np.argsort(-proba, axis=1, kind="stable")
        return {
            "text": np.where(blank, "", labels[ranked[:, 0]]) if len(rows) else [],
            "outcome": outcome,
            "probability": np.where(blank, np.nan, top),
            "strangeness": np.where(blank, np.nan, strangeness),
            "alternatives": [
                [] if empty else _list_alternatives(labels, p, order)
                for p, order, empty in zip(proba, ranked, blank, strict=True)
            ],
            "guaranteed": (outcome == "digit") & selection.guaranteed,
            "reason": np.array([reasons[name] for name in outcome], dtype=object),
        }

    def _score(self, crops: list[Array]) -> Array:
        """Return the probabilities of crops, reduced for those that look less like digits."""
        return self._score_rows(self._prepare_crops(crops))

    def _score_rows(self, rows: Array) -> Array:
        proba = self._predict_rows(rows).astype(np.float64)
        return proba * (1 - self._rate(rows))[:, np.newaxis]

    def _is_turned(self, rows: Array, upright: Array) -> bool:
        """Return whether prepared images, with these scores, are more likely digits upside down."""
        if len(rows) < MIN_TURNED or not self.guard_coefs_:  # without a guard, rows aren't images
            return False
        loss = -np.log(upright.clip(LEAST_SCORE)).sum()
        if loss <= TURNED:  # even certain digits would not gain more
            return False
        turned = self._score_rows(rows[:, ::-1]).max(axis=1)
        return bool(loss + np.log(turned.clip(LEAST_SCORE)).sum() > TURNED)

    # --- rows as the last step of a Pipeline expects them

    def _prepare(self, X: Any) -> Array:
        """Return the input of the classifier itself, after the first steps of a Pipeline."""
        if isinstance(self.estimator_, Pipeline) and len(self.estimator_) > 1:
            X = self.estimator_[:-1].transform(X)
        return np.asarray(flatten_images(X)[0])

    def _prepare_images(self, images: Sequence[Any]) -> Array:
        """Prepare images of any size; a Pipeline that starts with a DigitCropper does so itself."""
        if not len(images):
            return np.empty((0, 0))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* images have no ink")
            steps = self.estimator_.steps if isinstance(self.estimator_, Pipeline) else []
            if steps and isinstance(steps[0][1], DigitCropper):
                return self._prepare(images)
            side = find_side(getattr(self.estimator_, "n_features_in_", 0))
            if side is None:
                raise ValueError(
                    "The classifier does not take square images of at least 8 x 8 pixels; put a "
                    "DigitCropper before it in a Pipeline."
                )
            cropped = DigitCropper(size=side, box=round(BOX * side)).transform(images)
        normalizers = [step for _, step in steps if isinstance(step, PixelNormalizer)]
        full = float(normalizers[0].max_value) if normalizers else 1.0
        return self._prepare(cropped if full == WHITE else cropped * np.float32(full / WHITE))

    def _prepare_crops(self, crops: Sequence[Array]) -> Array:
        """Prepare images of ink on white paper, as in `Place.image`.

        They are padded to a few shapes with white paper, which does not change the result, because
        DigitCropper is several times faster for images of the same shape.
        """

        def find_class(at: int) -> int:
            return int(max(crops[at].shape)) // EDGE_STEP

        order = sorted(range(len(crops)), key=find_class)
        padded: list[Array] = []
        for _, group in groupby(order, find_class):
            some = [crops[at] for at in group]
            height, width = np.max([crop.shape for crop in some], axis=0)
            stack = np.full((len(some), height, width), WHITE, dtype=np.uint8)
            for target, crop in zip(stack, some, strict=True):
                target[: crop.shape[0], : crop.shape[1]] = crop
            padded += [*stack]
        rows = self._prepare_images(padded)
        return rows[np.argsort(order)] if len(rows) else rows

    def _predict_rows(self, rows: Array) -> Array:
        model = self.estimator_[-1] if isinstance(self.estimator_, Pipeline) else self.estimator_
        proba: Array = model.predict_proba(rows)
        return proba

    def _fit_guard(self, X: Any, y: Any) -> tuple[list[Array], list[Array]]:
        rows = np.empty((0, 0)) if issparse(X) else self._prepare(X)
        is_image = rows.dtype.kind in "biuf" and find_side(rows.shape[-1])
        if not is_image or rows.min() < 0 or rows.max() > 1:
            return [], []
        return fit_guard(rows.astype(np.float32), column_or_1d(y), GUARD_SEED)

    def _rate(self, rows: Array) -> Array:
        if not self.guard_coefs_ or not len(rows):
            return np.zeros(len(rows))
        return rate_strangeness(rows, self.guard_coefs_, self.guard_intercepts_)

    def _limit_strangeness(self) -> float:
        return float(np.quantile(self.calibration_["strangeness"], LIKE_DIGITS))

    def _check_alphabet(self) -> None:
        unknown = [
            label for label in map(str, self.classes_.tolist()) if label not in {*self.alphabet}
        ]
        if unknown:
            raise ValueError(
                f"alphabet={self.alphabet!r} lacks {', '.join(map(repr, unknown))}; each "
                "class of the estimator must be one character of the alphabet."
            )

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        tags.classifier_tags = get_tags(self.estimator).classifier_tags
        return tags


_NOT_CALIBRATED = (
    "This %(name)s is not calibrated; call calibrate(X, y) with digits that were not used for "
    "training."
)


def _list_alternatives(labels: Array, proba: Array, order: Array) -> list[tuple[str, float]]:
    """Return the next most probable labels with their probabilities."""
    others = order[1 : 1 + MAX_ALTERNATIVES]
    return [
        (str(labels[at]), round(float(proba[at]), 4))
        for at in others
        if proba[at] >= MIN_ALTERNATIVE
    ]


def _has_gap(outcomes: Array) -> bool:
    """Return whether there is a blank place between the digits of a field."""
    inked = np.flatnonzero(outcomes != "blank")
    return bool(len(inked)) and len(inked) < inked[-1] - inked[0] + 1


def _choose(spans: list[slice], is_chosen: Callable[[slice], bool]) -> Array:
    """Return a mask of the places of the chosen fields."""
    chosen = np.zeros(spans[-1].stop if spans else 0, dtype=bool)
    for span in filter(is_chosen, spans):
        chosen[span] = True
    return chosen


def _is_invalid(field: FormField, columns: dict[str, Any], span: slice) -> bool:
    """Return whether all digits of a field were accepted, but its content is invalid."""
    outcome, text = columns["outcome"][span], columns["text"][span]
    written = outcome != "blank"
    is_read = written.any() and (outcome[written] == "digit").all()
    return bool(is_read) and not field.accepts("".join(text[written]))


def _leave_to_people(
    columns: dict[str, Any], rows: Array, reason: str, outcome: str = "unsure"
) -> None:
    """Mark some places as unsure, or with another outcome that is not accepted."""
    columns["outcome"][rows] = outcome
    columns["guaranteed"][rows] = False
    columns["reason"][rows] = get_catalogue()(f"reading.reason.{reason}")
