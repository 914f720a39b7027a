"""Searches that share a PostgreSQL database, on a local server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest
from sklearn.datasets import load_digits

pwd = pytest.importorskip("pwd", reason="needs POSIX users")
psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")

pytestmark = pytest.mark.slow

PASSWORD = "geheim-Wort"
N_TRIALS = 8

# A search that takes its time, for a trial of it to be interrupted; started as
# `python script URL SECONDS_PER_FIT`.
SEARCH = """
import sys, time
from optuna.distributions import FloatDistribution
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier
from skmnist.model_selection import OptunaSearchCV

class SlowTree(DecisionTreeClassifier):
    def fit(self, X, y, sample_weight=None, check_input=True):  # scikit-learn 1.6 asks for both
        time.sleep(float(sys.argv[2]))
        return super().fit(X, y)

X, y = load_digits(return_X_y=True)
search = OptunaSearchCV(
    SlowTree(max_depth=3, random_state=0), {"ccp_alpha": FloatDistribution(0.0, 0.02)},
    n_trials=8, cv=2, pruner=None, storage=sys.argv[1], study_name="shared", random_state=0,
)
search.fit(X[:300], y[:300])
print(len(search.cv_results_["params"]))
"""


def find_binaries():
    """Return the folder with `initdb` and `pg_ctl`; Debian keeps them off the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [Path(path) for path in os.environ.get("PATH", "").split(os.pathsep)]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    pytest.skip("needs PostgreSQL's initdb and pg_ctl (Debian: apt-get install postgresql)")


def find_user():
    """Return an ordinary user's name where we are root, whom the server refuses, else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    pytest.skip("PostgreSQL refuses root, and there is no other user here")


def make_command(user, *command):
    """Return the command that runs as that user."""
    if user is None:
        return command
    if shutil.which("runuser"):
        return ("runuser", "-u", user, "--", *command)
    if not shutil.which("setpriv"):
        pytest.skip("PostgreSQL refuses root, and neither runuser nor setpriv is here")
    entry = pwd.getpwnam(user)
    ids = (f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    return ("setpriv", *ids, *command)


def find_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder():
    """Make a temporary folder that another user can reach: no other test run closes the way."""
    with tempfile.TemporaryDirectory(prefix="skmnist-") as path:
        yield Path(path)


class Server(str):
    """The address of a server that can be stopped and started again."""

    def __new__(cls, address, start, stop):
        self = super().__new__(cls, address)
        self.start, self.stop = start, stop
        return self


@pytest.fixture(scope="module")
def server(folder):
    """Run a server in a temporary folder; return its address."""
    binaries, user = find_binaries(), find_user()
    (folder / "password").write_text(PASSWORD + "\n")
    (folder / "log").touch()
    if user is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    cluster, port = folder / "data", find_free_port()

    def run(program, *arguments):
        with (folder / "output").open("a+") as output:
            done = subprocess.run(
                make_command(user, str(binaries / program), *map(str, arguments)),
                stdin=subprocess.DEVNULL,
                stdout=output,  # no pipe: the server would keep it open
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "LC_ALL": "C"},
                timeout=120,
            )
        if done.returncode:
            log = (folder / "log").read_text() if (folder / "log").exists() else ""
            pytest.fail(f"{program}: {(folder / 'output').read_text()}\n{log}")

    run(
        "initdb",
        *("-D", cluster, "-U", "tuner", "-A", "scram-sha-256", "--no-sync"),
        f"--pwfile={folder / 'password'}",
        "--encoding=UTF8",
    )
    # sockets beside the data: the usual folder belongs to somebody else
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"

    def start():
        run("pg_ctl", "start", "-w", "-t", 60, "-D", cluster, "-l", folder / "log", "-o", options)

    def stop():
        run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", cluster)

    start()
    try:
        yield Server(f"127.0.0.1:{port}", start, stop)
    finally:
        stop()


@pytest.fixture
def url(server):
    """Make a database of its own for the test; return its URL."""
    name = f"search_{uuid.uuid4().hex}"
    address = f"{server}/postgres"
    with psycopg.connect(f"postgresql://tuner:{PASSWORD}@{address}", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"postgresql+psycopg://tuner:{PASSWORD}@{server}/{name}"


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "search.py"
    path.write_text(SEARCH)
    return path


def start(script, url, seconds):
    return subprocess.Popen(
        [sys.executable, str(script), url, str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return int(out.split()[-1])


def read_trials(url):
    import optuna

    from skmnist.model_selection._storage import close_storage, open_storage

    storage = open_storage(url)
    try:
        return optuna.load_study(study_name="shared", storage=storage).get_trials(deepcopy=False)
    finally:
        close_storage(storage)


def wait_for_trials(url, n_finished, *, running):
    """Wait until so many trials are finished, and another one runs where `running`.

    Not by Optuna, which would make the tables at the same time as the search.
    """
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                rows = connection.execute("SELECT state::text FROM trials").fetchall()
        except psycopg.errors.UndefinedTable:
            rows = []
        states = [state for (state,) in rows]
        if states.count("COMPLETE") >= n_finished and ("RUNNING" in states or not running):
            return
        time.sleep(0.05)
    pytest.fail(f"no {n_finished} trials after two minutes")


def check_shared_out(url):
    """Check that all trials were done, each once."""
    finished = [trial for trial in read_trials(url) if trial.state.name == "COMPLETE"]
    assert len(finished) == N_TRIALS
    assert len({trial.number for trial in finished}) == N_TRIALS
    assert len({tuple(trial.params.items()) for trial in finished}) == N_TRIALS


def test_a_search_of_a_network_keeps_its_trials_in_postgresql(url):
    from skmnist import SimpleNNClassifier
    from skmnist.model_selection import OptunaSearchCV

    X, y = load_digits(return_X_y=True)
    X, y = X[:300] / 16, y[:300]

    def search(n_trials):
        network = SimpleNNClassifier(16, epochs=2, random_state=0)
        space = {"dropout": [0.0, 0.2], "learning_rate": [0.001, 0.003, 0.01]}
        return OptunaSearchCV(
            network, space, n_trials=n_trials, cv=2, storage=url, random_state=0
        ).fit(X, y)

    first = search(2)
    assert len(first.cv_results_["params"]) == 2
    second = search(4)  # two of these are done already
    assert second.cv_results_["trial_number"].tolist() == [0, 1, 2, 3]
    assert second.best_score_ >= first.best_score_


def test_two_processes_share_the_trials_and_do_none_twice(url, script):
    processes = [start(script, url, 0.3) for _ in range(2)]
    assert [finish(process) for process in processes] == [N_TRIALS, N_TRIALS]
    check_shared_out(url)
    assert len(read_trials(url)) == N_TRIALS


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_when_one_of_two_processes_is_killed_the_other_does_the_rest(url, script):
    victim = start(script, url, 0.5)
    wait_for_trials(url, 1, running=True)
    survivor = start(script, url, 0.3)
    wait_for_trials(url, 2, running=True)
    victim.kill()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    finish(survivor)
    check_shared_out(url)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_after_kill_9_the_next_call_goes_on(url, script):
    victim = start(script, url, 1.0)
    wait_for_trials(url, 2, running=True)
    victim.kill()
    victim.communicate()
    before = {t.number: t.value for t in read_trials(url) if t.state.name == "COMPLETE"}
    finish(start(script, url, 0.0))
    check_shared_out(url)
    after = {trial.number: trial.value for trial in read_trials(url)}
    assert before.items() <= after.items()  # what was finished is as it was
    states = [trial.state.name for trial in read_trials(url)]
    assert set(states) <= {"COMPLETE", "FAIL"}  # and nothing runs on as a ghost


def test_a_server_that_stops_is_reported_and_the_same_process_resumes(url, server):
    from sklearn.tree import DecisionTreeClassifier

    from skmnist.model_selection import OptunaSearchCV

    def stop_at_two(study, trial):
        if trial.number == 2:
            server.stop()

    def search(*callbacks):
        tree = DecisionTreeClassifier(max_depth=3, random_state=0)
        return OptunaSearchCV(
            *(tree, {"ccp_alpha": [0.0, 0.01, 0.02]}),
            **{"n_trials": 5, "cv": 2, "pruner": None, "storage": url, "random_state": 0},
            study_callbacks=callbacks,
        )

    X, y = load_digits(return_X_y=True)
    with pytest.raises(RuntimeError, match="Finished trials are kept: fit again") as caught:
        search(stop_at_two).fit(X[:300], y[:300])
    server.start()
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"storage='{url.replace(PASSWORD, '***')}' cannot be ")
    assert PASSWORD not in "".join(_told_by(caught.value))
    found = search().fit(X[:300], y[:300])
    assert found.cv_results_["trial_number"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("wrong", ["password", "port"])
def test_errors_in_the_address_are_reported_without_the_password(url, server, wrong):
    from sklearn.tree import DecisionTreeClassifier

    from skmnist.model_selection import OptunaSearchCV

    if wrong == "password":
        bad = url.replace(PASSWORD, "falsches-Wort")
    else:
        bad = url.replace(server, f"127.0.0.1:{find_free_port()}")
    X, y = load_digits(return_X_y=True)
    search = OptunaSearchCV(
        DecisionTreeClassifier(), {"max_depth": [2, 3]}, n_trials=2, cv=2, storage=bad
    )
    with pytest.raises((OSError, RuntimeError, ValueError), match="storage=") as caught:
        search.fit(X, y)
    told = "".join(_told_by(caught.value))
    assert "falsches-Wort" not in told
    assert PASSWORD not in told


def _told_by(error):
    """Yield what a traceback would show of an error and of those behind it."""
    while error is not None:
        yield str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
