"""The ASGI application that the server process runs: the page, and checks of each request.

Streamlit looks for the name `app` in this file; see :class:`streamlit.App`.
"""

import base64
import hashlib
import os
import re
import secrets
import shutil
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse

from skmnist.app._server import FOLDER, VISITOR

MAX_FILES = 65_536  # open files, if the system allows as many


class Guard:
    """Reject requests for other hosts or from other sites, and add security headers and a cookie.

    The cookie identifies a browser, so that its user sees their own training runs again after a
    reload. It is a random number, and is deleted when the browser is closed.

    Streamlit checks the host only for WebSockets, accepts some foreign origins and sends no
    ``Content-Security-Policy``.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.hosts = frozenset(st.get_option("server.allowedHosts"))  # empty allows any
        self.headers = {
            "Content-Security-Policy": make_policy(),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Respond to a request."""
        is_allowed = scope["type"] not in ("http", "websocket") or self._is_allowed(
            Headers(scope=scope)
        )
        is_new = is_allowed and scope.get("path") == "/" and not has_cookie(scope)

        async def send_with_headers(message: Any) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                headers.update(self.headers)
                if is_new:
                    headers.append("Set-Cookie", make_cookie())
            await send(message)

        app = self.app
        if not is_allowed:
            app = PlainTextResponse("Host or origin not allowed", status_code=403)
        await app(scope, receive, send_with_headers)

    def _is_allowed(self, headers: Headers) -> bool:
        """Check ``Host`` against the allowed hosts, and ``Origin`` against ``Host``."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1:
            return False
        (host,) = hosts
        try:
            name = urlsplit(f"//{host}").hostname
            foreign = any(urlsplit(origin).netloc != host for origin in origins)
        except ValueError:
            return False
        return not foreign and (not self.hosts or name in self.hosts)


def has_cookie(scope: Any) -> bool:
    """Return whether the browser already sends the cookie."""
    return any(f"{VISITOR}=" in header for header in Headers(scope=scope).getlist("cookie"))


def make_cookie() -> str:
    """Return a cookie with a new number that nobody can guess."""
    return f"{VISITOR}={secrets.token_urlsafe(16)}; Path=/; HttpOnly; SameSite=Strict"


def make_policy() -> str:
    """Return a ``Content-Security-Policy`` that allows nothing from other servers."""
    page = Path(st.__file__).with_name("static") / "index.html"
    inline = re.findall(r"<script>(.*?)</script>", page.read_text(encoding="utf-8"), re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()) for script in inline)
    hashes = " ".join(f"'sha256-{digest.decode()}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'none'",
            # Streamlit imports the JavaScript of components from blobs
            f"script-src 'self' blob: {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self'",
            # Streamlit's camera fetches its picture from a data: address
            "connect-src 'self' data:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


@asynccontextmanager
async def prepare_process(app: Any) -> AsyncIterator[None]:
    """Raise the limit on open files, and end this process when its parent ends."""
    _raise_file_limit()
    folder = os.environ.get(FOLDER)
    if folder:
        threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    yield


def _raise_file_limit() -> None:
    """Raise the limit on open files; each Streamlit session uses three until it expires."""
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limit
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end_with_parent(folder: str) -> None:
    """Wait until the parent has ended, then delete its folder and end this process.

    A parent that is killed can neither delete its folder nor end this process.
    """
    sys.stdin.buffer.read()  # a pipe that is never written to, and is closed with the parent
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


app = st.App(
    Path(__file__).with_name("_page.py"),
    middleware=[Middleware(Guard)],
    lifespan=prepare_process,
)
