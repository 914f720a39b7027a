"""Searches that are stopped, shared or fail do not lose finished trials."""

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from sklearn.base import clone
from sklearn.metrics import accuracy_score, f1_score, fbeta_score, make_scorer

from skmnist import OptunaSearchCV
from skmnist.model_selection import _study
from tests.model_selection.learners import EPOCHS, Learner, make_rows

# Optuna warns when it takes over the lock of a journal from a killed process
pytestmark = pytest.mark.filterwarnings("ignore:The existing lock file has not been released")

X, Y = make_rows()
ROOT = Path(__file__).parents[2]
SPACE = {"quality": optuna.distributions.FloatDistribution(0.5, 0.9)}


def search(storage, **options):
    options = {"n_trials": 4, "cv": 2, "random_state": 0, "pruner": None, **options}
    estimator = options.pop("estimator", Learner())
    return OptunaSearchCV(
        estimator, options.pop("space", SPACE), storage=storage, study_name="s", **options
    )


@pytest.fixture(params=["study.db", pytest.param("study.journal", marks=pytest.mark.slow)])
def storage(request, tmp_path):
    return tmp_path / request.param


def run(code, *arguments):
    """Run code in a process that has imported this module."""
    code = textwrap.dedent(code)
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from tests.model_selection.test_study import *\n{code}",
            *map(str, arguments),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def trials(storage, name="s"):
    from skmnist.model_selection._storage import open_storage

    return optuna.load_study(study_name=name, storage=open_storage(storage)).get_trials()


def wait_for(condition, what):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


@pytest.mark.slow
def test_the_total_counts_over_all_resumes(storage):
    first = search(storage, n_trials=3).fit(X, Y)
    assert len(EPOCHS) == 3 * 2 * 10 + first.refit_epochs_
    EPOCHS.clear()
    again = search(storage, n_trials=3).fit(X, Y)
    assert len(EPOCHS) == again.refit_epochs_  # nothing was left to do
    more = search(storage, n_trials=5).fit(X, Y)
    assert more.n_trials_ == 5
    assert more.cv_results_["params"][:3] == first.cv_results_["params"]


@pytest.mark.slow
def test_a_resumed_search_is_the_one_that_was_not_stopped(storage):
    whole = search(None, n_trials=12).fit(X, Y)
    for n_trials in (5, 12):
        resumed = search(storage, n_trials=n_trials).fit(X, Y)
    assert resumed.cv_results_["params"] == whole.cv_results_["params"]
    np.testing.assert_array_equal(
        resumed.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"]
    )


@pytest.mark.slow
def test_a_sampler_of_ones_own_does_not_repeat_its_first_trials(storage):
    for n_trials in (3, 6):
        found = search(
            storage, n_trials=n_trials, sampler=optuna.samplers.RandomSampler(seed=1)
        ).fit(X, Y)
    qualities = [params["quality"] for params in found.cv_results_["params"]]
    assert len(set(qualities)) == 6


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"space": {"quality": [0.5, 0.6]}}, "param_distributions"),
        ({"estimator": Learner(epochs=11)}, "estimator"),
        pytest.param({"cv": 3}, "cv", marks=pytest.mark.slow),
        pytest.param({"scoring": "f1"}, "scoring", marks=pytest.mark.slow),
        pytest.param(
            {"scoring": make_scorer(fbeta_score, beta=2)}, "scoring", marks=pytest.mark.slow
        ),
    ],
)
def test_another_search_is_refused_and_not_mixed(storage, change, told):
    search(storage, n_trials=1).fit(X, Y)
    with pytest.raises(ValueError, match=rf"study_name='s'.*another {told}"):
        search(storage, **change).fit(X, Y)
    assert len(trials(storage)) == 1


def test_other_rows_are_refused(storage):
    search(storage, n_trials=1).fit(X, Y)
    with pytest.raises(ValueError, match="another X or y"):
        search(storage).fit(X[:-2], Y[:-2])


@pytest.mark.slow
def test_another_range_in_a_function_is_refused(storage):
    search(storage, n_trials=1, space=lambda t: {"quality": t.suggest_float("quality", 0.5, 0.8)})
    spaces = [
        lambda t: {"quality": t.suggest_float("quality", 0.5, 0.8)},
        lambda t: {"quality": t.suggest_float("quality", 0.5, 0.9)},
    ]
    search(storage, n_trials=1, space=spaces[0]).fit(X, Y)
    with pytest.raises(ValueError, match="another param_distributions"):
        search(storage, space=spaces[1]).fit(X, Y)


def test_another_scorer_under_the_same_name_is_refused(storage):
    def scored_by(metric):
        return search(storage, n_trials=1, scoring={"s": make_scorer(metric)}, refit="s")

    scored_by(f1_score).fit(X, Y)
    with pytest.raises(ValueError, match="another scoring"):
        scored_by(accuracy_score).fit(X, Y)


@pytest.mark.slow
def test_a_resume_may_ask_for_training_scores(storage):
    search(storage, n_trials=2).fit(X, Y)
    found = search(storage, n_trials=3, return_train_score=True).fit(X, Y)
    assert np.isnan(found.cv_results_["mean_train_score"]).tolist() == [True, True, False]


@pytest.mark.slow
def test_a_grid_is_gone_through_once_and_then_the_search_ends(storage):
    for _ in range(2):
        sampler = optuna.samplers.GridSampler({"quality": [0.5, 0.6, 0.9]}, seed=0)
        found = search(storage, n_trials=10, sampler=sampler).fit(X, Y)
        tried = sorted(params["quality"] for params in found.cv_results_["params"])
        assert tried == [0.5, 0.6, 0.9]


@pytest.mark.slow
def test_values_without_a_name_are_found_again_by_another_process(tmp_path):
    code = """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    def other(rows):
        return rows + 0
    found = search(
        sys.argv[1],
        estimator=make_pipeline(FunctionTransformer(), Learner()),
        space={"functiontransformer__func": [lambda rows: rows, other, None]},
    ).fit(X, Y)
    print(found.n_trials_)
    """
    for _ in range(2):
        out, err = run(code, tmp_path / "study.db").communicate(timeout=60)
        assert out == "4\n", err


def test_a_study_of_somebody_elses_is_refused(tmp_path):
    path = tmp_path / "study.db"
    study = optuna.create_study(storage=f"sqlite:///{path}", study_name="s")
    study.optimize(lambda trial: trial.suggest_float("quality", 0, 1), n_trials=1)
    with pytest.raises(ValueError, match="not made by OptunaSearchCV"):
        search(path).fit(X, Y)


@pytest.mark.slow
def test_without_a_name_the_same_search_finds_itself_and_another_has_its_own(storage):
    def named(**options):
        return clone(search(storage, **options)).set_params(study_name=None).fit(X, Y)

    one, again, other = named(), named(), named(cv=3)
    assert one.study_.study_name == again.study_.study_name != other.study_.study_name
    assert len(trials(storage, one.study_.study_name)) == 4


@pytest.mark.slow
def test_verbose_and_workers_do_not_make_it_another_search(storage):
    search(storage, n_trials=1).fit(X, Y)
    assert search(storage, n_trials=2, n_jobs=2).fit(X, Y).n_trials_ == 2


@pytest.mark.slow
def test_kill_in_the_middle_loses_no_finished_trial(storage):
    code = """
    search(sys.argv[1], n_trials=6, estimator=Learner(pause=0.05)).fit(X, Y)
    """
    process = run(code, storage)
    wait_for(
        lambda: storage.exists() and count(storage, TrialState.COMPLETE) >= 2, "two finished trials"
    )
    wait_for(lambda: any(map(is_in_work, trials(storage))), "a running trial")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = trials(storage)
    assert [t.state.name for t in before].count("RUNNING") == 1
    stale = next(t for t in before if t.state == TrialState.RUNNING)
    found = search(storage, n_trials=6, estimator=Learner(pause=0.05)).fit(X, Y)
    after = trials(storage)
    assert found.n_trials_ == 6  # without the one that was killed
    assert after[stale.number].state == TrialState.FAIL
    assert [t.params for t in after if t.user_attrs.get("skmnist_retry") == stale.number] == [
        stale.params
    ]
    finished = [t for t in before if t.state == TrialState.COMPLETE]
    assert [after[t.number].value for t in finished] == [t.value for t in finished]


def is_in_work(trial):
    return trial.state == TrialState.RUNNING and trial.params and "skmnist_seen" in trial.user_attrs


def count(storage, state):
    try:
        return sum(trial.state == state for trial in trials(storage))
    except Exception:  # it is being created
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.4])
def test_kill_before_the_study_exists(storage, moment):
    process = run("print('ready', flush=True); search(sys.argv[1]).fit(X, Y)", storage)
    process.stdout.readline()
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert search(storage).fit(X, Y).n_trials_ == 4


@pytest.mark.slow
def test_two_processes_share_the_trials_and_see_the_same_result(storage):
    code = """
    found = search(sys.argv[1], n_trials=8, estimator=Learner(pause=0.01)).fit(X, Y)
    print(json.dumps([found.n_trials_, found.best_params_, len(EPOCHS) // 20]))
    """
    processes = [run(code, storage) for _ in range(2)]
    told = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        told.append(json.loads(out))
    assert [n for n, _, _ in told] == [8, 8]
    assert told[0][1] == told[1][1]
    assert sum(done for _, _, done in told) == 8
    qualities = [t.params["quality"] for t in trials(storage) if t.state == TrialState.COMPLETE]
    assert len(set(qualities)) == len(qualities) == 8


@pytest.mark.slow
@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_an_orderly_end_of_the_process_leaves_no_running_trial(storage, ending):
    def end(study, trial):
        raise ending

    with pytest.raises(ending):
        search(storage, study_callbacks=[end], n_jobs=2).fit(X, Y)
    states = [trial.state for trial in trials(storage)]
    assert TrialState.RUNNING not in states
    assert TrialState.COMPLETE in states
    assert search(storage).fit(X, Y).n_trials_ == 4


@pytest.mark.slow
def test_a_trial_of_another_machine_is_lost_when_it_gives_no_sign_of_life(storage):
    search(storage, n_trials=1).fit(X, Y)
    from skmnist.model_selection._storage import open_storage

    study = optuna.load_study(study_name="s", storage=open_storage(storage))
    for ago in (10, 1000):
        trial = study.ask(SPACE)
        trial.set_user_attr("skmnist_owner", {"host": "elsewhere", "pid": 1, "started": "1"})
        seen = datetime.now(UTC) - timedelta(seconds=ago)
        trial.set_user_attr("skmnist_seen", seen.isoformat())
    found = search(storage, n_trials=4, timeout=3).fit(X, Y)
    states = [trial.state.name for trial in trials(storage)]
    assert states[1:3] == ["RUNNING", "FAIL"]  # the live one counts
    assert found.n_trials_ == 3


@pytest.mark.slow
def test_a_trial_whose_process_ended_before_it_was_signed_is_soon_lost(storage, monkeypatch):
    search(storage, n_trials=1).fit(X, Y)
    optuna.load_study(study_name="s", storage=_study.open_storage(storage)).ask()
    assert search(storage, n_trials=3, timeout=3).fit(X, Y).n_trials_ == 2  # it may still be alive
    monkeypatch.setattr(_study, "NAMELESS", 0.0)
    assert search(storage, n_trials=3).fit(X, Y).n_trials_ == 3
    assert [trial.state.name for trial in trials(storage)][1] == "FAIL"


@pytest.mark.slow
def test_a_trial_that_is_taken_for_lost_while_it_is_signed_is_left_to_others(storage, monkeypatch):
    ask = optuna.Study.ask

    def stand_still(study, *args):
        trial = ask(study, *args)
        if trial.number == 1:
            study.tell(trial.number, state=TrialState.FAIL)
        return trial

    monkeypatch.setattr(optuna.Study, "ask", stand_still)
    found = search(storage, n_trials=3).fit(X, Y)
    assert found.cv_results_["trial_number"].tolist() == [0, 2, 3]


@pytest.mark.slow
def test_a_living_trial_that_was_taken_for_lost_does_not_end_the_search(storage, caplog):
    class Jumping(Learner):
        def fit(self, X, y):
            for trial in trials(storage):
                if trial.number == 1 and trial.state == TrialState.RUNNING:
                    other = optuna.load_study(study_name="s", storage=_study.open_storage(storage))
                    other.tell(1, state=TrialState.FAIL)
            return super().fit(X, y)

    found = search(storage, estimator=Jumping()).fit(X, Y)
    assert "reclaimed by another process" in caplog.text
    assert found.n_trials_ == 4


@pytest.mark.slow
def test_signs_of_life_are_given(storage, monkeypatch):
    monkeypatch.setattr(_study, "HEARTBEAT", 0.01)
    seen = []

    class Watched(Learner):
        def fit(self, X, y):
            for trial in trials(storage):
                if trial.state == TrialState.RUNNING:  # none in the refit
                    seen.append(trial.user_attrs["skmnist_seen"])
            time.sleep(1.1 if len(seen) == 1 else 0)
            return super().fit(X, y)

    search(storage, estimator=Watched(), n_trials=1).fit(X, Y)
    assert seen[0] < seen[1]
    assert not [t for t in threading.enumerate() if "beat" in t.name]


def test_a_torn_journal_is_mended(tmp_path):
    path = tmp_path / "study.journal"
    search(path, n_trials=2).fit(X, Y)
    with path.open("ab") as file:
        file.write(b'{"op_code": 4, "worker')
    with pytest.warns(UserWarning, match="an incomplete record"):
        assert search(path, n_trials=3).fit(X, Y).n_trials_ == 3
    assert search(path, n_trials=4).fit(X, Y).n_trials_ == 4


def test_a_relative_path_means_the_same_place_afterwards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = search("study.journal", n_trials=1).fit(X, Y)
    monkeypatch.chdir("/")
    assert len(found.study_.trials) == 1
    assert not list(tmp_path.glob("*.lock"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes")
@pytest.mark.parametrize("name", ["study.db", "study.journal"])
def test_a_full_disk_ends_the_search_and_the_study_can_be_read(tmp_path, name):
    storage = tmp_path / name
    search(storage, n_trials=2).fit(X, Y)
    code = """
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = os.path.getsize(sys.argv[1]) + 8000
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        search(sys.argv[1], n_trials=500).fit(X, Y)
    except RuntimeError as error:
        print(error)
    """
    out, err = run(code, storage).communicate(timeout=120)
    assert "cannot be written" in out, err
    finished = count(storage, TrialState.COMPLETE)
    if name == "study.db":
        assert finished >= 2
        assert search(storage, n_trials=finished + 1).fit(X, Y).n_trials_ == finished + 1
    else:
        with (
            pytest.warns(UserWarning, match="an incomplete record")
            if is_torn(storage)
            else nothing()
        ):
            assert search(storage, n_trials=20).fit(X, Y).n_trials_ == 20


def is_torn(path):
    return not path.read_bytes().endswith(b"\n")


def nothing():
    import contextlib

    return contextlib.nullcontext()


class Unreachable:
    """A database or disk that fails from a given access on."""

    def __init__(self):
        self.left = float("inf")
        self.n_accesses = 0

    def access(self, *_, **__):
        self.n_accesses += 1
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def unreachable(monkeypatch):
    """Count each SQLite statement and each access to a journal."""
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy import Engine, event, exc

    found = Unreachable()

    def execute(connection, cursor, statement, *_):
        try:
            found.access()
        except OSError as error:
            raise exc.OperationalError(statement, {}, error) from error

    def spy(method):
        def spied(*args):
            found.access()
            return method(*args)

        return spied

    for name in ("read_logs", "append_logs"):
        monkeypatch.setattr(JournalFileBackend, name, spy(getattr(JournalFileBackend, name)))
    event.listen(Engine, "before_cursor_execute", execute)
    yield found
    event.remove(Engine, "before_cursor_execute", execute)


@pytest.mark.slow
def test_a_storage_that_fails_at_any_access_is_reported_and_resumed(
    tmp_path, storage, unreachable, monkeypatch
):
    monkeypatch.setattr(_study, "NAMELESS", 0.0)
    accesses = []
    note = [lambda study, trial: accesses.append(unreachable.n_accesses)]
    search(storage, n_trials=3, study_callbacks=note).fit(X, Y)
    for at in range(0, accesses[-1], 17):  # a prime, for all kinds of accesses
        path = tmp_path / f"{at}{storage.suffix}"
        unreachable.left = at
        with pytest.raises(RuntimeError) as caught:
            search(path, n_trials=3).fit(X, Y)
        unreachable.left = float("inf")
        told = str(caught.value)
        assert told.startswith(f"storage='{path}' cannot be "), at
        assert "No space left on device" in told
        assert "\n" not in told
        before = trials_so_far(path)
        found = search(path, n_trials=3).fit(X, Y)
        assert found.n_trials_ == 3
        after = {t.number: t.value for t in trials(path) if t.state == TrialState.COMPLETE}
        assert before.items() <= after.items()


def trials_so_far(path):
    try:
        return {t.number: t.value for t in trials(path) if t.state == TrialState.COMPLETE}
    except KeyError:  # it failed before there was a study
        return {}


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path):
    path.write_bytes(b"something else\n" * 1000)


def append_nonsense(path):
    with path.open("ab") as file:
        file.write(b'{"op_code": 4, nonsense\n{"op_code": 99}\n')


def lock(path):
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("study.db", truncate, "malformed. The file is damaged: restore a copy"),
        ("study.db", overwrite, "not a database. The file is damaged"),
        pytest.param(  # Optuna tries again several times
            *("study.db", Path.unlink, "deleted, moved or write-protected"), marks=pytest.mark.slow
        ),
        ("study.db", lock, "locked. Another process keeps it locked: end that process"),
        ("study.journal", truncate, "truncated or replaced"),
        ("study.journal", append_nonsense, "The file is damaged: restore a copy"),
        ("study.journal", Path.unlink, "deleted, moved or write-protected"),
    ],
)
def test_a_file_that_is_damaged_during_a_search_is_reported(
    tmp_path, monkeypatch, name, damage, told
):
    from skmnist.model_selection import _storage

    monkeypatch.setattr(_storage, "BUSY_SECONDS", 0.01)
    path, held = tmp_path / name, []
    broken = [lambda study, trial: held.append(damage(path))]
    with pytest.raises(RuntimeError, match=told) as caught:
        search(path, study_callbacks=broken).fit(X, Y)
    if damage is lock:
        held[0].close()
        assert search(path).fit(X, Y).n_trials_ == 4
    assert str(caught.value).startswith(f"storage='{path}' cannot be ")


def test_a_locked_file_is_waited_for_once(tmp_path, monkeypatch):
    from skmnist.model_selection import _storage

    path = tmp_path / "study.db"
    search(path, n_trials=1).fit(X, Y)
    connect, waits = sqlite3.connect, []

    def connect_impatiently(*args, timeout, **options):
        waits.append(timeout)
        return connect(*args, timeout=0.01, **options)

    held = lock(path)
    monkeypatch.setattr(sqlite3, "connect", connect_impatiently)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", connect_impatiently)
    with pytest.raises(
        RuntimeError, match=r"cannot be opened: database is locked\. Another process"
    ):
        search(path).fit(X, Y)
    held.close()
    assert waits == [_storage.BUSY_SECONDS]


@pytest.mark.slow
def test_a_record_torn_by_another_process_meanwhile_is_cut_off(tmp_path):
    path = tmp_path / "study.journal"

    def tear(study, trial):
        if trial.number == 1:
            with path.open("ab") as file:
                file.write(b'{"op_code": 4, "worker')

    with pytest.warns(UserWarning, match="an incomplete record"):
        assert search(path, study_callbacks=[tear]).fit(X, Y).n_trials_ == 4
    assert search(path, n_trials=5).fit(X, Y).n_trials_ == 5
