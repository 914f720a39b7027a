"""Who is answered, under which headers; and that a server never outlives who started it."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import streamlit as st

import skmnist
from skmnist.app import _asgi

LOOPBACK = ["127.0.0.1", "localhost", "::1"]


async def answer(scope, receive, send):
    """Stand in for Streamlit."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


def ask(*headers, kind="http", hosts=LOOPBACK):
    """Return status and headers of the answer to a request with these headers."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": f"{kind}.connect"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(st, "get_option", lambda name: hosts)
        guard = _asgi.Guard(answer)
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(guard({"type": kind, "headers": encoded}, receive, send))
    return sent[0]["status"], {key.decode(): value.decode() for key, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "LOCALHOST:1"])
def test_names_of_this_computer_are_answered(host):
    assert ask(("host", host))[0] == 200
    assert ask(("host", host), ("origin", f"http://{host}"))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "evil.example")],
        [("host", "127.0.0.1.evil.example:8000")],
        [("host", "[::1")],
        [("host", "")],
        [],
        [("host", "localhost"), ("host", "evil.example")],
        [("host", "localhost"), ("origin", "http://evil.example")],
        [("host", "localhost"), ("origin", "https://share.streamlit.io")],
        [("host", "localhost:8000"), ("origin", "http://localhost:9000")],
        [("host", "localhost"), ("origin", "null")],
        [("host", "localhost"), ("origin", "http://[")],
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_other_hosts_and_sites_are_refused(headers, kind):
    assert ask(*headers, kind=kind)[0] == 403


def test_who_opens_the_app_to_the_network_is_asked_by_any_name_but_from_no_other_site():
    assert ask(("host", "classroom.example"), hosts=[])[0] == 200
    assert ask(("host", "classroom.example"), ("origin", "http://evil.example"), hosts=[])[0] == 403


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_keeps_the_page_out_of_frames_and_foreign_code_out_of_the_page(host):
    headers = ask(("host", host))[1]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert "http" not in headers["content-security-policy"]


def test_a_browser_gets_a_cookie_once_that_no_script_can_read():
    def ask_for(path, *headers):
        sent = []

        async def send(message):
            sent.append(message)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(st, "get_option", lambda name: LOOPBACK)
            guard = _asgi.Guard(answer)
        headers = [(b"host", b"localhost"), *headers]
        asyncio.run(guard({"type": "http", "path": path, "headers": headers}, None, send))
        return dict(sent[0]["headers"]).get(b"set-cookie", b"").decode()

    first, second = ask_for("/"), ask_for("/")
    assert first.startswith("skmnist_visitor=")
    assert first != second
    assert first.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert ask_for("/", (b"cookie", f"a=b; {first.split(';')[0]}".encode())) == ""
    assert ask_for("/static/x.js") == ""
    assert ask_for("/", (b"origin", b"http://evil.example")) == ""


def test_many_files_may_be_open():
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[0] // 2, limits[1]))
    try:
        _asgi._raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(limits[1], _asgi.MAX_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


# --- the real server

# What a user may have set for other programs of Streamlit.
UNSAFE = """
[server]
address = "0.0.0.0"
port = 1
baseUrlPath = "elsewhere"
enableCORS = false
enableXsrfProtection = false
corsAllowedOrigins = ["http://evil.example"]
headless = false
sslCertFile = "nowhere.pem"
sslKeyFile = "nowhere.pem"
enableStaticServing = true
maxUploadSize = 100000
[client]
allowedOrigins = ["http://evil.example"]
showErrorDetails = "full"
[browser]
gatherUsageStats = true
"""
STREAM = "/_stcore/stream"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Started:
    """The app as its user starts it."""

    def __init__(self, folder, host, **variables):
        self.folder = folder
        environment = os.environ | {"TMPDIR": str(folder), "LC_ALL": "C"} | variables
        environment["PYTHONPATH"] = str(Path(skmnist.__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "skmnist", "app", "--no-browser", "--host", host],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )
        line = self.process.stdout.readline()
        self.url = next(word for word in line.split() if word.startswith("http:"))
        self.netloc = self.url.removeprefix("http://")
        ip, _, port = self.netloc.rpartition(":")
        self.address = ip.strip("[]"), int(port)

    def ask(self, host, path="/", **headers):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            connection.request("GET", path, headers={"Host": host, **headers})
            answer = connection.getresponse()
            page = "" if answer.status == 101 else answer.read().decode()
            return answer.status, dict(answer.getheaders()), page
        finally:
            connection.close()

    def is_gone(self):
        """Say whether nothing of it is left: no server, no folder."""
        with socket.socket(socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET) as probe:
            reached = probe.connect_ex(self.address) == 0
        return not reached and list(self.folder.glob("skmnist-*")) == []

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(60)
        self.process.stdout.close()
        deadline = time.monotonic() + 60
        while not self.is_gone() and time.monotonic() < deadline:
            time.sleep(0.1)
        return self.is_gone()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(
    ("host", "ending"),
    [
        ("127.0.0.1", "SIGKILL"),
        pytest.param(
            "::1", "SIGTERM", marks=pytest.mark.skipif(not has_ipv6(), reason="needs IPv6")
        ),
        ("localhost", "SIGHUP"),
    ],
)
def test_the_served_page_is_this_computers_alone_and_ends_with_its_command(tmp_path, host, ending):
    home = tmp_path / "home" / ".streamlit"
    home.mkdir(parents=True)
    (home / "config.toml").write_text(UNSAFE)
    folder = tmp_path / "folder"
    folder.mkdir()
    app = Started(folder, host, HOME=str(home.parent), STREAMLIT_SERVER_ENABLE_CORS="false")
    try:
        status, headers, page = app.ask(app.netloc)
        assert (status, headers["x-frame-options"]) == (200, "DENY")
        assert "<title>Streamlit</title>" in page
        assert app.ask("evil.example")[0] == 403
        assert "streamlit.app" not in app.ask(app.netloc, "/_stcore/host-config")[2]
        assert app.ask(app.netloc, STREAM, Origin=app.url, **UPGRADE)[0] == 101
        assert app.ask(app.netloc, STREAM, Origin="http://evil.example", **UPGRADE)[0] == 403
    finally:
        assert app.end(getattr(signal, ending))
