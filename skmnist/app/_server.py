"""Start the server of the page, and end it with all that it has written."""

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
LANGUAGE = "SKMNIST_APP_LANGUAGE"  # the variable by which the page is told --lang
FOLDER = "SKMNIST_APP_FOLDER"  # the variable by which the server is told what to delete
LOOPBACK = ("127.0.0.1", "localhost", "::1")
START_SECONDS = 60.0  # a slow disk takes its time to read all that Streamlit imports
END_SECONDS = 5.0
FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif'
)
# The colours of the report, of which report.css has the contrasts tested.
LIGHT = {
    "primaryColor": "#0a5c8f",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f3f6f9",
    "textColor": "#1b1f24",
    "linkColor": "#0a5c8f",
    "borderColor": "#d5dbe1",
}
DARK = {
    "primaryColor": "#2577b0",  # of what has white text on it, or is no text
    "backgroundColor": "#14171c",
    "secondaryBackgroundColor": "#1c2127",
    "textColor": "#e6e8eb",
    "linkColor": "#74c0ee",
    "borderColor": "#3a424c",
}


class ServerError(Exception):
    """The server of the app cannot be started, or has ended by itself.

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
    open_browser: bool = True,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl-C.

    Parameters
    ----------
    host : str, default="127.0.0.1"
        The address to listen on; the loopback is seen by this machine alone.
    port : int, default=0
        0 takes a free one.
    language : {"en", "de"} or None, default=None
        Of the page; None takes that of the reader's browser.
    open_browser : bool, default=True
        Show the page in the user's browser as soon as it is served.
    tell : callable, default=print
        Is given the page's address when it can be opened.

    Raises
    ------
    ServerError
        It did not start, and the message is the server's own last line; or it ended by itself.
    """
    host, port = _find_address(host, port)
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="skmnist-app-") as folder:
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                make_command(host, port),
                cwd=folder,  # no file of the folder that one happens to be in is read
                env=make_environment(folder, language),
                stdin=subprocess.PIPE,  # closes when this process ends, however it does
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
            raise ServerError(f"its server ended by itself (status {status})")
        except KeyboardInterrupt:
            return
        finally:
            _end(server)


def make_command(host: str, port: int) -> list[str]:
    """Write out the command that serves the page.

    Options stand in the command itself, where no file and no variable of the user changes them.
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
        "client.allowedOrigins": _url(host, port),  # Streamlit's own cloud by default
        "server.enableStaticServing": "false",
        "server.showEmailPrompt": "false",
        "browser.gatherUsageStats": "false",
        "browser.serverAddress": _shown(host),
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "global.developmentMode": "false",
        "runner.magicEnabled": "false",
        "runner.postScriptGC": "false",  # tenths of a second, taken from a training
        "theme.font": FONT,
        "theme.baseFontSize": 16,
    }
    for name, colours in (("light", LIGHT), ("dark", DARK)):
        options |= {f"theme.{name}.{key}": colour for key, colour in colours.items()}
    # -P: no module from the folder that the script is in stands in for one of the same name
    app = Path(__file__).with_name("_asgi.py")
    words = [sys.executable, "-P", "-m", "streamlit", "run", str(app)]
    words += [f"--{name}={value}" for name, value in options.items()]
    if ipaddress.ip_address(host).is_loopback:
        # another name that leads here is a trick of a foreign page (DNS rebinding)
        words += [f"--server.allowedHosts={name}" for name in dict.fromkeys((*LOOPBACK, host))]
    return words


def make_environment(folder: str, language: str | None) -> dict[str, str]:
    """Send all that is written into one folder, that of the server."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("STREAMLIT_")}
    places = ("TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR", "KERAS_HOME", "SKMNIST_DATA")
    environment |= dict.fromkeys(places, folder)
    environment[FOLDER] = folder
    if language:
        environment[LANGUAGE] = language
    return environment


def _find_address(host: str, port: int) -> tuple[str, int]:
    """Return the numeric address and the port to listen on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as free:
        if os.name == "posix":  # a server that has just ended leaves its port behind for a while
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
    """Let other ways to end a program do what Ctrl-C does, so that nothing is left behind."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # the last when a terminal is closed; not on Windows
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def interrupt(*_: object) -> None:
        for number in known:  # who presses it again must not keep us from tidying up
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
    """Return how a browser on this machine calls the server."""
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    directly = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # past any proxy
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
    """Ask the server to end, and then make it."""
    server.terminate()
    try:
        server.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    finally:
        if server.stdin is not None:
            server.stdin.close()
