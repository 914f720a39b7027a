"""MNIST from the cloud, which is a server on this machine that does not always behave."""

import contextlib
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from skmnist import _progress
from skmnist.cli import main
from skmnist.datasets import DatasetError, _cloud, fetch_mnist
from skmnist.text import use_language
from tests.datasets.build import make_digits, to_npz

DIGITS = make_digits(n_train=40, n_test=20, n_classes=10)
FILE = to_npz(DIGITS)


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        self.server.requests[name] += 1
        self.server.asked.set()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has had enough
            getattr(self, name.replace("-", "_"))()

    def answer(self, status=200, content=FILE, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content)

    def good(self):
        self.answer()

    def without_length(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(FILE)

    def wrong(self):
        self.answer(content=FILE[:-1] + b"x")

    def page(self):
        self.answer(content=b"<html>Please log in to this network</html>")

    def cut(self):
        self.answer(content=FILE[:1000], length=len(FILE))

    def empty(self):
        self.answer(content=b"")

    def silent_close(self):
        self.connection.shutdown(socket.SHUT_RDWR)

    def missing(self):
        self.answer(404, b"gone")

    def broken(self):
        self.answer(500, b"oops")

    def first_broken(self):
        self.broken() if self.server.requests["first-broken"] < 3 else self.good()

    def redirect(self):
        self.answer(302, b"", Location="/good")

    def circle(self):
        self.answer(302, b"", Location="/circle")

    def elsewhere(self):
        self.answer(302, b"", Location="file:///etc/passwd")

    def never(self):
        self.server.stopped.wait(60)

    def stalling(self):
        self.answer(content=FILE[:1000], length=len(FILE))
        self.server.stopped.wait(60)

    def dripping(self):
        self.answer(content=b"", length=len(FILE))
        for at in range(len(FILE)):
            if self.server.stopped.wait(0.05):
                break
            self.wfile.write(FILE[at : at + 1])
            self.wfile.flush()

    def endless(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.stopped.is_set():
            self.wfile.write(bytes(1 << 16))

    def lying(self):
        self.answer(length="many")


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.requests, server.stopped, server.asked = Counter(), threading.Event(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.stopped.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def small_and_impatient(monkeypatch):
    """Expect the small file, wait for no server for long, and meet no proxy."""
    monkeypatch.setattr(_cloud, "SHA256", hashlib.sha256(FILE).hexdigest())
    monkeypatch.setattr(_cloud, "CONTACT_SECONDS", 1.0)
    monkeypatch.setattr(_cloud, "MIN_CONTACT_SECONDS", 1.0)
    monkeypatch.setattr(_cloud, "STALL_SECONDS", 0.7)
    for name in (
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def fetch(server, home, *names, **options):
    options = {"delay": 0, "n_retries": 1} | options
    return fetch_mnist(home, urls=[server.url + name for name in names], **options)


def test_it_is_downloaded_once_and_read_from_the_cache_afterwards(server, tmp_path):
    for _ in range(2):
        data = fetch(server, tmp_path / "home", "good")
        np.testing.assert_array_equal(data.X_train, DIGITS["x_train"])
        np.testing.assert_array_equal(data.y_test, DIGITS["y_test"])
    assert server.requests == {"good": 1}
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["mnist.npz"]


def test_it_is_told_as_mnist_and_parts_can_be_taken(server, tmp_path):
    X_train, _, _, y_test = fetch(
        server, tmp_path, "good", n_train=20, n_test=10, random_state=0, return_X_y=True
    )
    assert X_train.shape == (20, 4, 4)
    assert sorted(y_test.tolist()) == list(range(10))


@pytest.mark.parametrize("name", ["without-length", "redirect"])
def test_servers_that_answer_otherwise(name, server, tmp_path):
    assert fetch(server, tmp_path, name).X_train.shape == (40, 4, 4)


def test_a_damaged_cache_is_replaced(server, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(FILE[:-1])
    fetch(server, tmp_path, "good")
    assert (tmp_path / "mnist.npz").read_bytes() == FILE


def test_a_damaged_cache_without_a_network_is_told(server, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(FILE[:-1])
    with pytest.raises(DatasetError, match=r"mnist\.npz: is damaged\. MNIST could not be"):
        fetch(server, tmp_path, "missing")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wrong", f"sent {len(FILE):,} bytes with SHA-256 [0-9a-f]{{64}}, not [0-9a-f]{{64}}"),
        ("page", "sent 42 bytes with SHA-256"),
        ("empty", "sent 0 bytes with SHA-256"),
        ("cut", "broke off"),
        ("silent-close", "could not be reached|broke off"),
        ("missing", "responded with 404"),
        ("broken", "responded with 500"),
        ("circle", "has a redirect loop"),
        ("elsewhere", "failed: "),
        pytest.param("never", "did not respond within", marks=pytest.mark.slow),
        pytest.param("stalling", "sent no data for", marks=pytest.mark.slow),
        pytest.param("dripping", "sent no data for", marks=pytest.mark.slow),
        ("lying", "failed: "),
    ],
)
def test_a_server_that_misbehaves_is_told_and_leaves_nothing(name, told, server, tmp_path):
    home = tmp_path / "home"
    with pytest.raises(DatasetError, match=f"could not be downloaded: {server.url}{name} ({told})"):
        fetch(server, home, name)
    assert not home.exists()


def test_a_server_that_sends_without_end_is_stopped(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_cloud, "MAX_SIZE", 1 << 20)
    with pytest.raises(DatasetError, match=r"sends more than 1,048,576 bytes"):
        fetch(server, tmp_path / "home", "endless")


def test_the_message_names_the_bundled_copy_and_every_address(server, tmp_path):
    with pytest.raises(DatasetError) as caught:
        fetch(server, tmp_path, "missing", "wrong")
    message = str(caught.value)
    assert f"{server.url}missing responded with 404" in message
    assert f"{server.url}wrong sent" in message
    assert "load_mnist() returns the same images" in message


def test_mirrors_are_tried_in_their_order(server, tmp_path):
    data = fetch(server, tmp_path, "missing", "cut", "good", "wrong")
    assert data.X_train.shape == (40, 4, 4)
    assert server.requests == {"missing": 1, "cut": 1, "good": 1}


def test_a_server_that_fails_for_a_while_is_tried_again(server, tmp_path):
    fetch(server, tmp_path, "first-broken", n_retries=2)
    assert server.requests == {"first-broken": 3}


def test_what_is_gone_is_not_asked_for_again(server, tmp_path):
    with pytest.raises(DatasetError):
        fetch(server, tmp_path, "missing", n_retries=5)
    assert server.requests == {"missing": 1}


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_nobody_there(tmp_path):
    url = f"http://127.0.0.1:{closed_port()}/mnist.npz"
    with pytest.raises(DatasetError, match=r"could not be reached.* load_mnist"):
        fetch_mnist(tmp_path, urls=url, delay=0)


@pytest.mark.slow
def test_a_name_server_that_never_answers_is_not_waited_for(tmp_path, monkeypatch):
    waiting = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: waiting.wait(30))
    try:
        with pytest.raises(DatasetError, match="did not respond within"):
            fetch_mnist(tmp_path, urls="http://nowhere.example/mnist.npz")
    finally:
        waiting.set()


def test_a_proxy_is_honoured(server, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    data = fetch_mnist(tmp_path, urls="http://keras.example/good", delay=0)
    assert data.X_train.shape == (40, 4, 4)


def test_a_proxy_that_is_not_there_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(DatasetError, match="could not be reached through the proxy"):
        fetch_mnist(tmp_path, urls="http://keras.example/good", delay=0)


# --- the cache


def test_the_cache_is_where_the_variable_says(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SKMNIST_DATA", str(tmp_path / "here"))
    fetch(server, None, "good")
    assert (tmp_path / "here" / "mnist.npz").read_bytes() == FILE


def test_the_cache_is_in_the_users_home_otherwise(monkeypatch):
    import pooch

    monkeypatch.delenv("SKMNIST_DATA", raising=False)
    assert _cloud.find_home(None) == pooch.os_cache("skmnist")
    assert _cloud.find_home("~/x") == _cloud.Path.home() / "x"


def test_a_cache_that_cannot_be_made_is_done_without(server, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.warns(UserWarning, match=r"cannot be written .*SKMNIST_DATA"):
        data = fetch(server, blocked / "home", "good")
    assert data.X_train.shape == (40, 4, 4)
    with use_language("de"), pytest.warns(UserWarning, match="wird daher beim nächsten Mal"):
        fetch(server, blocked / "home", "good")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_is_done_without_and_no_part_is_left(server, tmp_path):
    import resource

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.warns(UserWarning, match="cannot be written .File too large"):
            data = fetch(server, tmp_path / "home", "good")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert data.X_train.shape == (40, 4, 4)
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_kill_while_downloading_leaves_nothing(server, tmp_path):
    url = server.url + "dripping"
    code = f"from skmnist.datasets import fetch_mnist; fetch_mnist({str(tmp_path)!r}, urls={url!r})"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        assert server.asked.wait(60)
        process.kill()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_away(server, tmp_path):
    old, new = (tmp_path / f".skmnist-{n:032x}" for n in (1, 2))
    for path in (old, new):
        path.write_bytes(b"part")
    os.utime(old, (time.time() - 7200,) * 2)
    fetch(server, tmp_path, "good")
    assert {path.name for path in tmp_path.iterdir()} == {"mnist.npz", new.name}


def test_several_at_once_do_not_disturb_each_other(server, tmp_path):
    done = []
    threads = [
        threading.Thread(target=lambda: done.append(fetch(server, tmp_path, "good").X_train.shape))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [(40, 4, 4)] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["mnist.npz"]


def test_progress_is_told_with_the_whole(server, tmp_path):
    seen = []
    _cloud.get_file(
        tmp_path, [server.url + "good"], progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (len(FILE), len(FILE))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"urls": []}, "urls is empty"),
        (
            {"urls": "ftp://x/mnist.npz"},
            "urls contains 'ftp://x/mnist.npz'; expected addresses with http",
        ),
        ({"n_retries": -1}, "n_retries=-1 must be an int >= 0"),
        ({"delay": -1}, "delay=-1 must be a number of seconds >= 0"),
    ],
)
def test_parameters_out_of_range(options, told, tmp_path):
    with pytest.raises(ValueError, match=re.escape(told)):
        fetch_mnist(tmp_path, **options)


# --- the command line


@pytest.fixture
def cloud(server, tmp_path, monkeypatch):
    """Let the command line find the server in place of Keras's storage."""
    monkeypatch.setenv("SKMNIST_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(_cloud, "KERAS_URL", server.url + "good")
    # on a busy machine even this takes longer than the wait after which a bar appears
    monkeypatch.setattr(_progress, "BAR_DELAY", float("inf"))
    return server


def test_the_command_line_takes_it_from_the_cloud(cloud, capsys):
    assert main(["data", "cloud"]) == 0
    out, err = capsys.readouterr()
    assert "Digits: MNIST, from the cloud" in out
    assert "40 training and 20 test images" in out
    assert err == ""


def test_the_comparison_takes_it_from_the_cloud(cloud, capsys):
    assert main(["compare", "--data", "cloud", "--epochs", "0"]) == 0
    assert "Training data: (40, 4, 4)" in capsys.readouterr().out


def test_the_command_line_tells_in_one_line_that_there_is_no_network(cloud, monkeypatch, capsys):
    monkeypatch.setattr(_cloud, "KERAS_URL", f"http://127.0.0.1:{closed_port()}/mnist.npz")
    assert main(["data", "cloud"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("Error: data cloud: MNIST could not be downloaded: http://127.0.0.1")
    assert "skmnist compare --data mnist" in line


def test_the_command_line_tells_that_nothing_was_kept(cloud, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKMNIST_DATA", str(tmp_path / "file"))
    assert main(["data", "cloud"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "mnist.npz cannot be written" in line
