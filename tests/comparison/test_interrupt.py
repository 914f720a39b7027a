"""Ctrl-C in a comparison: what was finished counts, and nothing else."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skmnist import SimpleNNClassifier
from skmnist.comparison import compare_models
from skmnist.comparison._runs import Run, _in_order
from tests.comparison.fakes import CutShort, Fails, Interrupted, Lucky
from tests.terminal import needs_signals

pytestmark = pytest.mark.usefixtures("few_rounds")


@pytest.fixture(autouse=True)
def no_fits(monkeypatch):
    monkeypatch.setattr(CutShort, "fits", [])


def codes(comparison):
    found = [caution.code for caution in comparison.recommendation.cautions]
    return [code for code in found if code != "one_start"]  # told of every single start


@pytest.mark.parametrize(
    "model",
    [
        CutShort(),
        Interrupted(),
        make_pipeline(MinMaxScaler(), CutShort()),
        VotingClassifier([("a", Lucky()), ("b", CutShort())]),
        CalibratedClassifierCV(CutShort(), cv=2),
        GridSearchCV(CutShort(at_fit=3), {"errors": [0]}, cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_that_was_cut_short_is_left_out_and_no_further_one_is_trained(known, model):
    models = {"worse": Lucky(0.5), "good": Lucky(0.1), "cut": model, "later": Fails()}
    match = "Unfinished and therefore left out: cut, later"
    with pytest.warns(UserWarning, match=match) as warned:
        comparison = compare_models(models, *known, random_state=0)
    assert list(comparison.results) == comparison.table.index.tolist() == ["worse", "good"]
    assert {Path(each.filename).name for each in warned} == {"test_interrupt.py"}
    assert comparison.recommendation.model == "good"
    assert "interrupted_models" in codes(comparison)
    assert "cut, later" in comparison.to_markdown("de")
    json.dumps(comparison.to_dict(), allow_nan=False)


@pytest.mark.parametrize("model", [CutShort(), Interrupted()])
def test_nothing_is_returned_where_no_model_was_finished(known, model):
    with pytest.raises(KeyboardInterrupt):
        compare_models({"cut": model, "later": Fails()}, *known)


def test_one_finished_model_is_no_comparison_but_is_kept(known):
    with pytest.warns(UserWarning, match="left out: cut"):
        comparison = compare_models({"done": Lucky(), "cut": CutShort()}, *known)
    assert comparison.recommendation.rule == "only_one"
    assert codes(comparison) == ["interrupted_models"]


@pytest.mark.parametrize(("at_fit", "n_used"), [(2, 1), (3, 2), (4, 3)])
def test_starts_that_not_every_model_finished_are_left_out(known, at_fit, n_used):
    models = {"a": Lucky(0.1), "b": CutShort(0.2, at_fit=at_fit)}
    with pytest.warns(UserWarning, match=f"only {n_used} of 4 starts"):
        comparison = compare_models(models, *known, n_repeats=4, random_state=0)
    assert codes(comparison) == ["interrupted_starts", "ranked_two"]
    if n_used == 1:
        assert comparison.starts is None
        assert comparison.recommendation.evidence.method == "mcnemar"
    else:
        assert comparison.starts.groupby("model").size().to_dict() == {"a": n_used, "b": n_used}
        assert comparison.recommendation.evidence.n_runs == n_used


@pytest.mark.parametrize(("at_fit", "n_used"), [(3, 0), (4, 2), (5, 3)])
def test_folds_that_not_every_model_finished_are_left_out(known, at_fit, n_used):
    models = {"a": Lucky(0.1), "b": CutShort(0.2, at_fit=at_fit)}
    with pytest.warns(UserWarning, match=f"only {n_used} of 4 folds"):
        comparison = compare_models(models, *known, cv=4, random_state=0)
    assert codes(comparison) == ["interrupted_folds", "ranked_two"]
    assert (0 if comparison.fold_scores is None else len(comparison.fold_scores)) == n_used


def test_what_ended_out_of_order_before_the_interrupt_counts():
    def ending():
        yield Run("b", 0, -1, None, np.empty(0), 0.0)
        raise KeyboardInterrupt

    tasks = [(name, None, 0, -1) for name in ("a", "b")]
    told = []
    with pytest.raises(KeyboardInterrupt):
        told.extend(run.name for run in _in_order(ending(), tasks))
    assert told == ["b"]


@pytest.mark.slow
def test_an_interrupt_in_a_worker_ends_the_others(known):
    with pytest.raises(KeyboardInterrupt):
        compare_models({"a": CutShort(), "b": CutShort()}, *known, n_jobs=2)


def test_ctrl_c_while_the_trained_models_are_evaluated_ends_at_once(known):
    class Slow(Lucky):
        def predict_proba(self, X):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_models({"slow": Slow()}, *known)


@pytest.mark.slow
@needs_signals
def test_ctrl_c_with_two_workers(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "tests.killed", "interrupt", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell's background jobs, as CI may run us, ignore Ctrl-C
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.1)
        time.sleep(2)  # what is quick has been told to the parent
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "['quick']", "")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Training was interrupted")
def test_ctrl_c_in_a_network(digits, request):
    # a shell's background jobs ignore Ctrl-C
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, handler))

    def press_ctrl_c(event):
        if event.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    models = {
        "done": SimpleNNClassifier(epochs=3),
        "cut": SimpleNNClassifier(epochs=100, callbacks=[press_ctrl_c]),
        "later": Fails(),
    }
    with pytest.warns(UserWarning, match="left out: cut, later"):
        comparison = compare_models(models, *digits, random_state=0)
    assert comparison.recommendation.model == "done"
