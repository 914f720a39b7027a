"""The server: where it listens, and what it leaves behind."""

import io
import signal
import socket
import sys

import pytest

from skmnist.app import ServerError, _server, serve
from skmnist.cli import main


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("COLUMNS", "80")


def test_the_command_closes_what_need_not_be_open():
    command = _server.make_command("127.0.0.1", 8000)
    assert command[1:4] == ["-P", "-m", "streamlit"]
    for option in (
        "--server.address=127.0.0.1",
        "--server.port=8000",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--server.enableXsrfProtection=true",
        "--server.enableCORS=true",
        "--server.maxUploadSize=200",
        "--server.corsAllowedOrigins=http://127.0.0.1:8000",
        "--client.allowedOrigins=http://127.0.0.1:8000",
        "--server.allowedHosts=127.0.0.1",
        "--server.allowedHosts=::1",
        "--browser.gatherUsageStats=false",
        "--client.showErrorDetails=none",
    ):
        assert option in command


def test_only_the_loopback_knows_who_may_ask():
    assert not any("allowedHosts" in word for word in _server.make_command("0.0.0.0", 80))


def test_everything_is_written_into_one_folder(monkeypatch):
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", "0.0.0.0")
    environment = _server.make_environment("/folder", "de", 20)
    assert "STREAMLIT_SERVER_ADDRESS" not in environment
    written = ("TMPDIR", "MPLCONFIGDIR", "KERAS_HOME", "SKMNIST_DATA")
    assert {environment[name] for name in written} == {"/folder"}
    assert environment["SKMNIST_APP_LANGUAGE"] == "de"


def test_the_length_of_the_queue_is_an_option(monkeypatch, capsys):
    import inspect

    from skmnist.app import _training

    found = {}
    monkeypatch.setattr("skmnist.app.serve", lambda **how: found.update(how))
    assert main(["app", "--no-browser"]) == 0
    assert found["max_waiting"] == inspect.signature(serve).parameters["max_waiting"].default
    assert found["max_waiting"] == _training.MAX_WAITING
    assert main(["app", "--max-waiting", "0"]) == 0
    environment = _server.make_environment("/folder", None, found["max_waiting"])
    monkeypatch.setenv(_server.WAITING, environment[_server.WAITING])
    assert _training.count_places() == 0
    assert main(["app", "--max-waiting", "-1"]) == 2
    assert "--max-waiting" in capsys.readouterr().err
    with pytest.raises(ValueError, match="max_waiting=-1 must be an int >= 0"):
        serve(max_waiting=-1)


def test_the_colours_are_those_of_the_report():
    from importlib.resources import files

    style = (files("skmnist.report") / "report.css").read_text(encoding="utf-8")
    shared = ("backgroundColor", "secondaryBackgroundColor", "textColor", "linkColor")
    for theme in (_server.LIGHT, _server.DARK):
        assert [theme[name] for name in shared if theme[name] not in style] == []


def test_a_port_that_is_taken_is_told(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"127.0.0.1:{port}"):
            serve(port=port)
        assert main(["app", "--port", str(port), "--no-browser"]) == 1
    assert "cannot run: 127.0.0.1:" in capsys.readouterr().err


def test_a_server_that_ends_at_once_is_told_by_its_last_line(monkeypatch):
    bad = [sys.executable, "-c", "raise SystemExit('no such option\\n\\n')"]
    monkeypatch.setattr(_server, "make_command", lambda host, port: bad)
    with pytest.raises(ServerError, match="no such option"):
        serve(open_browser=False)


BRIEF = """
import http.server, os, sys
os.mkdir("_stcore")
open("_stcore/health", "w").close()
handler = http.server.SimpleHTTPRequestHandler
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), handler).handle_request()
sys.exit(3)
"""


def test_a_server_that_ends_later_is_told_too(monkeypatch, capsys):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which the loopback is not behind

    def make_brief(host, port):
        return [sys.executable, "-c", BRIEF, str(port)]

    monkeypatch.setattr(_server, "make_command", make_brief)
    assert main(["app", "--no-browser"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("The app is running at http://127.0.0.1:")
    assert "cannot run: the server ended unexpectedly (status 3)" in err


def test_ctrl_c_pressed_twice_does_not_keep_it_from_tidying_up():
    before = signal.getsignal(signal.SIGINT)
    tidied = []

    def press_twice():
        with _server._ended_by_signals():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGINT)
                tidied.append(True)

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert tidied == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_without_the_extra_one_line_says_how_to_install_it(monkeypatch, capsys):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["app"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "pip install 'skmnist[app]'" in err


@pytest.mark.parametrize(
    "arguments", [["--port", "65536"], ["--port", "x"], ["--host", "a b"], ["--host", "--x"]]
)
def test_wrong_options_are_told_in_one_line(arguments, capsys):
    assert main(["app", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("language", "word"), [("en", "browser"), ("de", "Zeigt diesen Text")])
def test_help_in_both_languages(language, word, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["app", "--help", "--lang", language]) == 0
    assert word in capsys.readouterr().out


def test_an_ipv6_address_is_told_in_brackets(monkeypatch):
    class Taken:
        def __init__(self, family):
            self.family = family

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def setsockopt(self, *_):
            pass

        def bind(self, address):
            raise OSError(98, "Address already in use")

    monkeypatch.setattr(_server.socket, "socket", Taken)
    with pytest.raises(ServerError, match=r"^\[::1\]:8741: Address already in use$"):
        serve(host="::1", port=8741)
    with pytest.raises(ServerError, match=r"^127\.0\.0\.1:8741: "):
        serve(port=8741)
