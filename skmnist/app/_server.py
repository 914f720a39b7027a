"""Start the server, end it, and delete its temporary files."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_UPLOAD = 200  # MB; all of MNIST as a ZIP of CSV files has 15
LANGUAGE = "SKMNIST_APP_LANGUAGE"  # environment variable with the value of --lang
VISITOR = "skmnist_visitor"  # cookie that identifies a browser
WAITING = "SKMNIST_APP_WAITING"  # environment variable with the value of --max-waiting
FOLDER = "SKMNIST_APP_FOLDER"  # environment variable with the server's temporary folder
LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 60.0  # importing Streamlit from a slow disk takes a long time
END_SECONDS = 5.0
FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif'
)
# Same colours as in report.css, where tests check the contrast
LIGHT = {
    "primaryColor": "#0a5c8f",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f3f6f9",
    "textColor": "#1b1f24",
    "linkColor": "#0a5c8f",
    "borderColor": "#d5dbe1",
}
DARK = {
    "primaryColor": "#2577b0",  # the background of white text
    "backgroundColor": "#14171c",
    "secondaryBackgroundColor": "#1c2127",
    "textColor": "#e6e8eb",
    "linkColor": "#74c0ee",
    "borderColor": "#3a424c",
}


class ServerError(Exception):
    """The server of the app cannot be started, or has ended unexpectedly.

    Examples
    --------
    >>> from skmnist.app import ServerError, serve
    >>> try:
    ...     serve(host="192.0.2.1")  # an address of another machine
    ... except ServerError as error:
    ...     print("The app does not run.")
    The app does not run.
    """


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    language: str | None = None,
    max_waiting: int = 20,
    open_browser: bool = True,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the app until Ctrl-C is pressed.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        Address to listen on. The default is reachable only from this machine.
    port : int, default=0
        Port to listen on; 0 selects a free one.
    language : {"en", "de"} or None, default=None
        Language of the page; None uses the language of the browser.
    max_waiting : int, default=20
        Number of training runs that may wait for the current one; must be >= 0. Each visitor can
        have one run that is waiting or in progress.
    open_browser : bool, default=True
        Whether to open the page in the user's browser.
    tell : callable, default=print
        Called with the address of the page when the server is ready.

    Raises
    ------
    ValueError
        If `max_waiting` is negative.
    ServerError
        If the server cannot be started or ends unexpectedly. The message gives the reason as far
        as it is known.
    """
    if max_waiting < 0:
        raise ValueError(f"max_waiting={max_waiting!r} must be an int >= 0.")
    host, port = _find_address(host, port)
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="skmnist-app-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                make_command(host, port),
                cwd=folder,  # so that no configuration file in the current folder is read
                env=make_environment(folder, language, max_waiting),
                stdin=subprocess.PIPE,  # closed when this process ends, even if it is killed
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        url = _url(host, port)
        try:
            _wait_until_up(server, url, log)
            tell(url)
            if open_browser:
                webbrowser.open(url)
            status = server.wait()
            raise ServerError(f"the server ended unexpectedly (status {status})")
        except KeyboardInterrupt:
            return
        finally:
            _end(server)


def make_command(host: str, port: int) -> list[str]:
    """Return the command that starts the server.

    Options on the command line take precedence over the user's configuration and environment.
    """
    options: dict[str, object] = {
        "server.address": host,
        "server.port": port,
        "server.baseUrlPath": "",
        "server.sslCertFile": "",
        "server.sslKeyFile": "",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.runOnSave": "false",
        "server.maxUploadSize": MAX_UPLOAD,
        "server.enableXsrfProtection": "true",
        "server.enableCORS": "true",
        "server.corsAllowedOrigins": _url(host, port),
        "client.allowedOrigins": _url(host, port),  # the default is Streamlit's cloud
        "server.enableStaticServing": "false",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": _shown(host),
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "global.developmentMode": "false",
        "runner.magicEnabled": "false",
        "runner.postScriptGC": "false",  # would delay training by tenths of a second
        "theme.font": FONT,
        "theme.baseFontSize": 16,
    }
    for name, colours in (("light", LIGHT), ("dark", DARK)):
        options |= {f"theme.{name}.{key}": colour for key, colour in colours.items()}
    # -P: modules beside the script must not shadow others with the same name
    app = Path(__file__).with_name("_asgi.py")
    words = [sys.executable, "-P", "-m", "streamlit", "run", str(app)]
    words += [f"--{name}={value}" for name, value in options.items()]
    if ipaddress.ip_address(host).is_loopback:
        # reject any other name, to prevent DNS rebinding
        words += [f"--server.allowedHosts={name}" for name in dict.fromkeys((*LOOPBACK, host))]
    return words


def make_environment(folder: str, language: str | None, max_waiting: int) -> dict[str, str]:
    """Return an environment in which everything but compiled programs is written to one folder."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("STREAMLIT_")}
    places = ("TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR", "KERAS_HOME", "SKMNIST_DATA")
    environment |= dict.fromkeys(places, folder)
    environment[FOLDER] = folder
    environment[WAITING] = str(max_waiting)
    if language:
        environment[LANGUAGE] = language
    return environment


def _find_address(host: str, port: int) -> tuple[str, int]:
    """Return the numeric address and the port to listen on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as free:
        if os.name == "posix":  # the port of a server that has just ended is in TIME_WAIT
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            free.bind((host, port))
        except OSError as error:
            where = f"[{host}]" if ":" in host else host
            where = f"{where}:{port}" if port else host
            raise ServerError(f"{where}: {error.strerror}") from error
        address = free.getsockname()
        return str(address[0]), int(address[1])


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP like Ctrl-C, so that the temporary files are deleted."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def interrupt(*_: object) -> None:
        for number in known:  # a second Ctrl-C must not interrupt the cleanup
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [(number, signal.signal(number, interrupt)) for number in known]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _url(host: str, port: int) -> str:
    return f"http://{_shown(host)}:{port}"


def _shown(host: str) -> str:
    """Return the host as it appears in a URL on this machine."""
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # without a proxy
    while time.monotonic() < deadline:
        if server.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
            raise ServerError(next((line.strip() for line in reversed(lines) if line.strip()), url))
        try:
            with directly.open(f"{url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise ServerError(f"{url} does not answer")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Terminate the server, and kill it if it does not end."""
    server.terminate()
    try:
        server.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    finally:
        if server.stdin is not None:
            server.stdin.close()
