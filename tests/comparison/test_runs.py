import json
import os
import re
import signal
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist import SimpleNNClassifier
from skmnist.comparison import _runs, compare_models
from skmnist.comparison._runs import shorten_training
from skmnist.diagnosis._estimator import get_core
from skmnist.neural_network import EpochEvent
from skmnist.text import use_language
from tests.comparison.fakes import CutShort, Fails, FakeNetwork, Lucky, make_mlp

pytestmark = pytest.mark.usefixtures("few_rounds")


@pytest.mark.slow
def test_fit_times_are_positive(comparison):
    assert (comparison.table["fit_time"] > 0).all()


@pytest.mark.slow
def test_fit_time_leaves_out_compilation(digits):
    table = compare_models({"slow": FakeNetwork(seconds=0.2)}, *digits).table
    assert table.loc["slow", "fit_time"] < 0.2


def test_every_model_is_trained_from_every_start(known):
    comparison = compare_models(
        {"a": Lucky(0.1), "b": Lucky(0.2)}, *known, n_repeats=3, random_state=0
    )
    starts = comparison.starts
    assert starts.groupby("model").size().to_dict() == {"a": 3, "b": 3}
    means = starts.groupby("model")["test_accuracy"].mean()
    assert comparison.table["test_accuracy"].to_dict() == pytest.approx(means.to_dict())
    assert starts["test_accuracy"].nunique() > 2


class Stops(Lucky):
    """Stops early as our networks do, 15 epochs after the best one."""

    epoch_events = True
    total: ClassVar[list] = []

    def __init__(self, errors=0, random_state=None, epochs=100, patience=15, callbacks=None):
        super().__init__(errors, random_state)
        self.epochs = epochs
        self.patience = patience
        self.callbacks = callbacks
        self.batch_size = 128

    def fit(self, X, y):
        self.kept_epoch_ = min(self.epochs, 40)
        self.n_iter_ = min(self.epochs, self.kept_epoch_ + (self.patience or 100))
        self.loss_curve_ = [1.0] * self.n_iter_
        self.n_train_ = 54_000
        self.total.append(self.n_iter_)
        return super().fit(X, y)


@pytest.fixture
def total(monkeypatch):
    monkeypatch.setattr(Stops, "total", [])
    return Stops.total


def test_short_starts_cost_less_than_the_first_and_tell_their_epochs(known, total):
    models = {"net": Stops(0.1), "other": Lucky(0.2)}
    given = {"n_repeats": 3, "random_state": 0}
    comparison = compare_models(models, *known, **given, short_repeats=True)
    assert total == [55, 17, 17]  # 1.6 times the epochs of one start
    starts = comparison.starts
    assert starts["n_epochs"].dropna().tolist() == [55, 17, 17]
    assert starts["short"].tolist() == [False, False, False, True, True, False]
    notes = {c.code: c.sentence() for c in comparison.recommendation.cautions}
    assert "(net: 17/55)" in notes["short_starts"]
    json.dumps(comparison.to_dict(), allow_nan=False)
    total.clear()
    comparison = compare_models(models, *known, **given)
    assert total == [55, 55, 55]
    assert not comparison.starts["short"].any()
    assert "short_starts" not in [c.code for c in comparison.recommendation.cautions]


def test_training_time_is_that_of_starts_in_full(known, total):
    comparison = compare_models({"net": Stops()}, *known, n_repeats=3, short_repeats=True)
    first = comparison.starts["fit_time"][0]
    assert comparison.table.loc["net", "fit_time"] == first


class StopsWorse(Stops):
    def fit(self, X, y):
        super().fit(X, y)
        self.errors = 0.1 if self.n_iter_ == 55 else 0.4
        return self


def test_short_starts_that_get_less_far_are_told_with_a_way_out(known, total):
    models = {"net": StopsWorse(), "other": Lucky(0.2)}
    found = compare_models(models, *known, n_repeats=3, short_repeats=True, random_state=0)
    (caution,) = [c for c in found.recommendation.cautions if c.code == "short_starts_differ"]
    assert caution.severity == "warning"
    assert caution.figures["model"] == "net"
    assert "compare_models(..., n_repeats=3)" in caution.sentence("de")


def trained(n_iter, kept, n_train):
    return SimpleNamespace(n_iter_=n_iter, kept_epoch_=kept, n_train_=n_train)


@pytest.mark.parametrize(
    ("first", "epochs"),
    [
        (trained(46, 31, 6_000), 46),  # up to 5,000 updates, as many as the first
        (trained(46, 31, 18_000), 36),
        (trained(55, 40, 54_000), 17),  # beyond, at most 30% of the epochs of the first
        (trained(100, 90, 54_000), 30),
        (trained(55, 15, 54_000), 15),  # and not more than those that it found best
        (trained(4, 0, 54_000), 4),  # no epoch is the kept one: a callback has set the weights
        (trained(0, 0, 54_000), 100),  # untrained
    ],
)
def test_epochs_of_a_short_start(first, epochs):
    for network in (SimpleNNClassifier(), make_pipeline(MinMaxScaler(), SimpleNNClassifier())):
        assert shorten_training(network, first) is (epochs < first.n_iter_)
        assert get_core(network).epochs == epochs
        assert get_core(network).patience == 15


@pytest.mark.parametrize("model", [SimpleNNClassifier(patience=None), LogisticRegression()])
def test_models_without_early_stopping_are_not_shortened(model):
    before = model.get_params()
    assert not shorten_training(model, trained(46, 31, 6_000))
    assert model.get_params() == before


def test_order_of_the_models_alternates(known):
    comparison = compare_models({"a": Lucky(), "b": Lucky()}, *known, n_repeats=3)
    assert comparison.starts["model"].tolist() == ["a", "b", "b", "a", "a", "b"]


def test_first_start_keeps_the_seeds_that_were_set_and_others_replace_them(known):
    models = {"a": Lucky(0.3, random_state=7)}
    comparison = compare_models(models, *known, n_repeats=3, random_state=0)
    assert comparison.results["a"].estimator.random_state == 7
    assert len(set(comparison.starts["test_accuracy"])) > 1


class Seeded(Lucky):
    """Notes the seed of each fit."""

    seeds: ClassVar[list] = []

    def fit(self, X, y):
        self.seeds.append(self.random_state)
        return super().fit(X, y)


@pytest.fixture
def seeds(monkeypatch):
    monkeypatch.setattr(Seeded, "seeds", [])
    return Seeded.seeds


def test_copies_of_one_recipe_get_seeds_of_their_own_in_all_starts_and_folds(known, seeds):
    models = {"a": Seeded(0.3), "b": Seeded(0.3)}
    comparison = compare_models(models, *known, n_repeats=3, cv=2, random_state=0)
    assert len(seeds) == len(set(seeds)) == 2 * (3 + 2)
    a, b = (result.predictions for result in comparison.results.values())
    assert (a != b).any()


def test_seeds_that_were_set_are_kept_in_the_first_start_and_the_folds_alone(known, seeds):
    models = {"a": Seeded(0.3, random_state=7), "b": Seeded(0.3, random_state=7)}
    compare_models(models, *known, n_repeats=3, cv=2, random_state=0)
    assert seeds.count(7) == 2 * (1 + 2)
    assert len(set(seeds) - {7}) == 2 * 2


def test_copies_within_one_model_get_seeds_of_their_own(known, seeds):
    both = VotingClassifier([("first", Seeded(0.3)), ("second", Seeded(0.3))])
    compare_models({"a": both}, *known, n_repeats=2, random_state=0)
    assert len(set(seeds)) == 2 * 2


def test_seeds_of_a_model_do_not_depend_on_the_others(known, seeds):
    compare_models({"a": Seeded(), "b": Seeded()}, *known, n_repeats=2, random_state=0)
    first = set(seeds)
    seeds.clear()
    compare_models(
        {"c": Seeded(), "b": Seeded(), "a": Seeded()}, *known, n_repeats=2, random_state=0
    )
    assert first < set(seeds)
    seeds.clear()
    compare_models({"a": Seeded(), "b": Seeded()}, *known, n_repeats=2, random_state=1)
    assert not first & set(seeds)


@pytest.mark.slow
def test_further_starts_of_two_equal_networks_are_different_networks(digits):
    models = {"A": SimpleNNClassifier(epochs=2), "B": SimpleNNClassifier(epochs=2)}
    comparison = compare_models(models, *digits, n_repeats=3, cv=2, random_state=0)
    first = [result.estimator.coefs_[0] for result in comparison.results.values()]
    assert not np.array_equal(*first)
    by_model = dict(list(comparison.starts.groupby("model")["test_accuracy"]))
    assert by_model["A"].tolist() != by_model["B"].tolist()


def test_folds_are_of_the_training_rows_alone(known):
    X, y = known
    models = {"a": Lucky(0.1), "b": Lucky(0.4)}
    comparison = compare_models(
        models, X[:200], y[:200], X_test=X[200:], y_test=y[200:], cv=4, random_state=0
    )
    assert comparison.fold_scores.shape == (4, 2)
    (test,) = comparison.folds
    assert test.n_runs == 4
    assert test.difference == pytest.approx(
        (comparison.fold_scores["a"] - comparison.fold_scores["b"]).mean()
    )
    assert comparison.results["a"].estimator.n_rows_ == 200
    assert "Retraining on 4 different parts" in comparison.recommendation.reason()


@pytest.mark.slow
def test_processes_give_the_same_as_one(known, monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)  # a fit after Dask's sets it
    models = {"a": Lucky(0.1), "b": Lucky(0.3)}
    given = {"cv": 2, "n_repeats": 2, "random_state": 0}
    one, two = (compare_models(models, *known, n_jobs=n, **given) for n in (None, 2))
    assert one.starts["test_accuracy"].tolist() == two.starts["test_accuracy"].tolist()
    pd.testing.assert_frame_equal(one.fold_scores, two.fold_scores)
    assert one.results["a"].estimator.process_ == os.getpid()
    assert two.results["a"].estimator.process_ != os.getpid()
    assert one.results["a"].estimator.tensorflow_threads_ is None
    assert int(two.results["a"].estimator.tensorflow_threads_) >= 1


class Killed(Lucky):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_worker_that_is_killed_is_told_with_a_way_out(known):
    with pytest.raises(RuntimeError, match=r"worker .* was killed .*'doomed'.*smaller n_jobs"):
        compare_models({"doomed": Killed(), "b": Lucky()}, *known, n_jobs=2)


def test_only_what_was_training_is_named_where_a_worker_is_killed(known, monkeypatch):
    def iterate(function, tasks, *, n_jobs):
        first, _, _ = next(tasks), next(tasks), next(tasks)
        yield function(*first)
        raise TerminatedWorkerError

    monkeypatch.setattr(_runs, "iterate_tasks", iterate)
    models = {name: Lucky() for name in "abcd"}
    with pytest.raises(RuntimeError, match="killed while training 'b' or 'c', probably"):
        compare_models(models, *known)


def test_estimators_passed_are_not_fitted(digits):
    models = {"linear": LogisticRegression(), "pipe": make_pipeline(MinMaxScaler(), make_mlp())}
    compare_models(models, *digits, random_state=0)
    assert not hasattr(models["linear"], "coef_")
    assert not hasattr(models["pipe"][-1], "coefs_")


def test_estimators_passed_keep_their_parameters(digits):
    pipe = make_pipeline(make_mlp())
    compare_models({"pipe": pipe}, *digits, random_state=0)
    assert pipe[-1].random_state is None


def fit_mlp(digits, random_state, model=None):
    model = make_pipeline(make_mlp()) if model is None else model
    comparison = compare_models({"network": model}, *digits, random_state=random_state)
    return comparison.results["network"].estimator[-1].coefs_[0]


def test_random_state_repeats(digits):
    np.testing.assert_array_equal(fit_mlp(digits, 0), fit_mlp(digits, 0))


def test_other_random_state_differs(digits):
    assert not np.array_equal(fit_mlp(digits, 0), fit_mlp(digits, 1))


def test_random_state_of_an_estimator_is_kept(digits):
    model = make_mlp(random_state=7)
    comparison = compare_models({"network": model}, *digits, random_state=0)
    assert comparison.results["network"].estimator.random_state == 7


class Breaks(Lucky):
    """Fails in `fit`, or else in `predict`."""

    def fit(self, X, y):
        if self.errors:
            raise OverflowError("too large")
        return super().fit(X, y)

    def predict(self, X):
        raise OverflowError("too large")


@pytest.mark.parametrize("errors", [0, 1])
def test_an_exception_names_its_model(known, errors):
    with pytest.raises(OverflowError, match=r"^too large") as caught:
        compare_models({"good": Lucky(), "bad": Breaks(errors)}, *known)
    assert caught.value.__notes__ == ["while training estimators['bad']"]


@pytest.mark.slow
def test_an_exception_in_a_worker_names_its_model(known):
    with pytest.raises(OverflowError, match=r"^too large") as caught:
        compare_models({"good": Lucky(), "bad": Breaks(1)}, *known, n_jobs=2)
    assert "while training estimators['bad']" in caught.value.__notes__


# --- progress


def watch(known, models, **options):
    events = []
    compare_models(models, *known, callbacks=events.append, random_state=0, **options)
    return events


def test_callbacks_hear_of_every_training_and_get_the_results(known):
    models = {"a": Lucky(0.1), "b": Lucky(0.2)}
    events = watch(known, models, n_repeats=2, cv=2)
    assert [(e.stage, e.model, e.start, e.fold) for e in events[:6]] == [
        ("begin", "a", 0, None),
        ("end", "a", 0, None),
        ("begin", "b", 0, None),
        ("end", "b", 0, None),
        ("begin", "b", 1, None),
        ("end", "b", 1, None),
    ]
    ends = [event for event in events if event.stage == "end"]
    assert [event.n_done for event in ends] == list(range(1, 9))
    assert {event.n_trainings for event in events} == {8}
    assert [e.fold for e in ends] == [None] * 4 + [0, 0, 1, 1]
    assert [e.result and e.result.name for e in ends] == ["a", "b"] + [None] * 6


@pytest.mark.slow
def test_callbacks_hear_of_trainings_in_other_processes(known):
    models = {"a": Lucky(0.1), "b": Lucky(0.2)}
    events = watch(known, models, n_jobs=2)
    assert sorted((e.stage, e.model) for e in events) == [
        ("begin", "a"),
        ("begin", "b"),
        ("end", "a"),
        ("end", "b"),
    ]


class Epochs(Lucky):
    """Trains in epochs as our networks do, and stops where a callback says so."""

    epoch_events = True

    def __init__(self, errors=0, random_state=None, callbacks=None):
        super().__init__(errors, random_state)
        self.callbacks = callbacks

    def fit(self, X, y):
        for epoch in range(1, 5):
            logs = {"loss": 1 / epoch, "accuracy": 0.5}
            event = EpochEvent(epoch, 4, logs, best_epoch=1, seconds=0.0, eta=4.0 - epoch)
            answers = [callback(event) for callback in self.callbacks or ()]
            if True in answers:
                break
        self.n_iter_ = epoch
        return super().fit(X, y)


@pytest.mark.parametrize("pipe", [False, True])
def test_callbacks_hear_of_the_epochs_of_a_network_and_can_stop_it(known, pipe):
    own, epochs = [], []
    network = Epochs(callbacks=[own.append])

    def stop(event):
        if event.epoch is not None:
            epochs.append((event.model, event.start, event.epoch.epoch))
        return event.epoch is not None and event.epoch.epoch == 2 - event.start

    models = {"net": make_pipeline(MinMaxScaler(), network) if pipe else network}
    comparison = compare_models(models, *known, callbacks=stop, n_repeats=2, random_state=0)
    assert epochs == [("net", 0, 1), ("net", 0, 2), ("net", 1, 1)]
    fitted = get_core(comparison.results["net"].estimator)
    assert fitted.n_iter_ == 2
    assert len(fitted.callbacks) == 1  # its own; ours is no part of the model


def test_an_interrupted_network_is_handed_to_the_callbacks_and_left_out(known, monkeypatch):
    monkeypatch.setattr(CutShort, "fits", [])
    models, results = {"done": Lucky(), "cut": CutShort(at_fit=1)}, []
    with pytest.warns(UserWarning, match="left out: cut"):
        comparison = compare_models(models, *known, callbacks=lambda e: results.append(e.result))
    assert list(comparison.results) == ["done"]
    assert [result.name for result in results if result] == ["done", "cut"]


@pytest.mark.parametrize("callbacks", [3, [print, "x"], Lucky])
def test_callbacks_must_be_functions(known, callbacks):
    with pytest.raises(TypeError, match=r"callbacks=.* must be a function that takes one"):
        compare_models({"a": Fails()}, *known, callbacks=callbacks)


def test_verbose_shows_epochs_and_trainings_on_standard_error(known, capsys):
    models = {"net": Epochs(callbacks=None), "other": Lucky()}
    with use_language("de"):
        compare_models(models, *known, n_repeats=2, verbose=1, random_state=0)
    out, err = capsys.readouterr()
    assert out == ""
    losses = ("1,0000", "0,5000", "0,3333", "0,2500")
    epochs = [
        f"{n}/4 | acc=0,5000 | loss={loss} | Rest ~ {4 - n}s" for n, loss in enumerate(losses, 1)
    ]
    assert [re.sub(r"\d+,\ds", "?s", line) for line in err.splitlines()] == [
        *(f"net {epoch}" for epoch in epochs),
        "2/4 | other | in ?s trainiert",
        "3/4 | other, Start 2 | in ?s trainiert",
        *(f"net, Start 2 {epoch}" for epoch in epochs),
    ]


def test_nothing_is_shown_unless_asked(known, capsys):
    compare_models({"net": Epochs(), "other": Lucky()}, *known)
    assert capsys.readouterr() == ("", "")
