"""Download MNIST once, and verify it each time it is loaded.

pooch transfers the file. Mirrors and time limits are handled here, because pooch uses only one
address, and its timeouts cover neither name resolution nor slow transfers.
"""

import hashlib
import os
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

from skmnist._files import find_cache, write_whole
from skmnist._progress import report_bytes
from skmnist.datasets._bundled import make_mnist
from skmnist.datasets._members import DatasetError, Progress
from skmnist.text import Phrase, get_catalogue

KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
VARIABLE = "SKMNIST_DATA"
FILE_NAME = "mnist.npz"
MAX_SIZE = 64 << 20  # the file has 11,490,434 bytes
CONTACT_SECONDS = 10.0  # maximum time to get a response, over all attempts
MIN_CONTACT_SECONDS = 2.0  # for each address, even after that
STALL_SECONDS = 20.0  # maximum time between two chunks of data
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 15.0
PERMANENT = (400, 401, 403, 404, 410, 451)  # status codes that are not retried


class _DownloadError(Exception):
    """Raised if an address fails; `retry` is False if another attempt is pointless."""

    def __init__(self, problem: str, *, retry: bool = True, **values: Any) -> None:
        super().__init__(problem)
        self.problem = Phrase(f"data.error.download.{problem}", values)
        self.retry = retry


def fetch_mnist(
    data_home: str | PathLike[str] | None = None,
    *,
    urls: Sequence[str] | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    random_state: Any = None,
    return_X_y: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
    progress: bool | Callable[[int, int], Any] = False,
) -> Any:
    """Download MNIST from the Keras project, or load the cached file.

    The file ``mnist.npz`` is cached in `data_home`, and its SHA-256 is verified each time it is
    loaded; a damaged copy is downloaded again. The arrays are the same as those of
    :func:`~skmnist.datasets.load_mnist`, which needs no internet connection.

    Parameters
    ----------
    data_home : path, default=None
        Folder for the file. None uses the value of the environment variable ``SKMNIST_DATA`` if it
        is set, otherwise the user's cache folder.
    urls : sequence of str, default=None
        Addresses (http or https) to try in the given order, for example mirrors. None uses the
        address of the Keras project. The file must have the same SHA-256 at every address. The
        variables ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` are respected.
    n_train, n_test : int, default=None
        Number of images, drawn at random and stratified by digit; see
        :func:`~skmnist.datasets.load_mnist`.
    random_state : int, RandomState instance or None, default=None
        Controls which images are sampled.
    return_X_y : bool, default=False
        Return ``X_train, X_test, y_train, y_test`` instead of a Bunch.
    n_retries : int, default=3
        Number of times to retry after a failed download.
    delay : float, default=1.0
        Seconds to wait before the first retry; later waits are longer.
    progress : bool or callable, default=False
        True shows a progress bar on standard error. A callable is called as
        ``progress(bytes_done, bytes_in_total)`` instead.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        See :func:`~skmnist.datasets.load_mnist`.

    Raises
    ------
    DatasetError
        If the download fails. If no server responds, this takes about 10 s, or longer if there are
        many addresses. The message contains the reason for each address.
    ValueError
        If a parameter is invalid.

    Warns
    -----
    UserWarning
        If the file cannot be cached, for example because the folder is read-only or the disk is
        full. The data are returned anyway.
    """
    with report_bytes(progress, get_catalogue()("cli.downloading")) as callback:
        content = get_file(data_home, urls, n_retries=n_retries, delay=delay, progress=callback)
    return make_mnist(
        content,
        n_train=n_train,
        n_test=n_test,
        random_state=random_state,
        return_X_y=return_X_y,
    )


def get_file(
    data_home: str | PathLike[str] | None,
    urls: Sequence[str] | None,
    *,
    n_retries: int = 3,
    delay: float = 1.0,
    progress: Progress,
) -> bytes:
    """Return the content of the file, from the cache or downloaded."""
    addresses = _check_parameters(urls, n_retries, delay)
    cached = find_home(data_home) / FILE_NAME
    content = _read_cache(cached)
    if content is not None and _is_valid(content):
        return content
    damaged = content is not None
    try:
        content = _download(addresses, n_retries=n_retries, delay=delay, progress=progress)
    except DatasetError as error:
        if not damaged:
            raise
        raise DatasetError("cache_damaged", where=str(cached), error=error) from error
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_whole(cached, content)
    except OSError as error:
        say = get_catalogue()
        warnings.warn(
            say("data.not_cached", file=cached, reason=error.strerror, variable=VARIABLE),
            UserWarning,
            stacklevel=3,
        )
    return content


def find_home(data_home: str | PathLike[str] | None) -> Path:
    """Return the folder for downloads, which may not exist yet."""
    if data_home is None:
        data_home = os.environ.get(VARIABLE) or None
    if data_home is None:
        return find_cache()
    return Path(os.fsdecode(data_home)).expanduser()


def _check_parameters(urls: Any, n_retries: Any, delay: Any) -> list[str]:
    addresses = [KERAS_URL] if urls is None else [urls] if isinstance(urls, str) else list(urls)
    if not addresses:
        raise ValueError("urls is empty; pass at least one address, or None for the default.")
    for url in addresses:
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ValueError(f"urls contains {url!r}; expected addresses with http:// or https://.")
    if not isinstance(n_retries, int) or n_retries < 0:
        raise ValueError(f"n_retries={n_retries!r} must be an int >= 0; 0 tries once.")
    if not delay >= 0:
        raise ValueError(f"delay={delay!r} must be a number of seconds >= 0.")
    return addresses


def _read_cache(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_SIZE)
    except OSError:
        return None  # download it


def _is_valid(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256


# --- the network


def _download(
    urls: Sequence[str],
    *,
    n_retries: int,
    delay: float,
    progress: Progress,
) -> bytes:
    """Try the addresses in turn, and retry those with temporary errors."""
    problems: dict[str, Phrase] = {}
    remaining = list(dict.fromkeys(urls))
    started = time.monotonic()
    answered = False
    for attempt in range(n_retries + 1):
        if not remaining or (attempt > 1 and not answered):
            break  # no address is left, or no server is reachable
        if attempt:
            time.sleep(delay * attempt)
        for url in list(remaining):
            left = CONTACT_SECONDS - (time.monotonic() - started)
            if attempt and not answered and left <= 0:
                break
            transfer = _Transfer(url, progress)
            try:
                content = transfer.run(contact_seconds=max(left, MIN_CONTACT_SECONDS))
                if _is_valid(content):
                    return content
                found = hashlib.sha256(content).hexdigest()
                values = {"n_bytes": len(content), "found": found, "expected": SHA256}
                problems[url] = Phrase("data.error.download.other_file", values)
            except _DownloadError as error:
                problems[url] = error.problem
                if not error.retry:
                    remaining.remove(url)
            answered = answered or transfer.answered
    reasons = [
        Phrase("data.error.download.reason", {"url": url, "problem": problem})
        for url, problem in problems.items()
    ]
    raise DatasetError("not_downloaded", reasons=reasons)


class _Transfer:
    """One download by pooch, in a thread that can be abandoned.

    A request to an unresponsive name server or proxy cannot be cancelled. The object is also
    pooch's progress bar, to detect stalled transfers.
    """

    def __init__(self, url: str, progress: Progress) -> None:
        self.url = url
        self.total = 0
        self.answered = False
        self._progress = progress
        self._done = 0
        self._last = time.monotonic()
        self._abandoned = False
        self._buffer = BytesIO()
        self._error: Exception | None = None
        self._responses: list[Any] = []

    def run(self, *, contact_seconds: float) -> bytes:
        """Download the address and return its content."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.05)
                patience = STALL_SECONDS if self.answered else contact_seconds
                if thread.is_alive() and time.monotonic() - self._last > patience:
                    problem = "stalled" if self.answered else "silent"
                    raise _DownloadError(problem, seconds=patience)
        finally:
            self._abandoned = True
        if self._error is not None:
            raise self._explain(self._error) from self._error
        return self._buffer.getvalue()

    def _work(self) -> None:
        import pooch

        fetch = pooch.HTTPDownloader(
            progressbar=self,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            headers={"Accept-Encoding": "identity"},
            hooks={"response": self._on_response},
        )
        try:
            fetch(self.url, self._buffer, None)
        except Exception as error:  # raised again in the caller's thread
            self._error = error
        finally:
            for response in self._responses:  # pooch leaves them open
                response.close()

    def _on_response(self, response: Any, **kwargs: Any) -> None:
        self._responses.append(response)
        self.answered = True
        self._last = time.monotonic()

    def update(self, n_bytes: int) -> None:
        """Count received bytes; called by pooch."""
        if self._abandoned:
            raise _DownloadError("abandoned")
        self._last = time.monotonic()
        self._done += n_bytes
        if self._done > MAX_SIZE:
            raise _DownloadError("endless", limit=MAX_SIZE, retry=False)
        self._progress(self._done, max(self.total, self._done))

    def reset(self) -> None:
        """Restart the count; called by pooch."""
        self._done = 0

    def close(self) -> None:
        """Do nothing; called by pooch at the end."""

    def _explain(self, error: Exception) -> _DownloadError:
        import requests

        if isinstance(error, _DownloadError):
            return error
        if isinstance(error, requests.HTTPError) and error.response is not None:
            status = error.response.status_code
            reason = error.response.reason
            retry = status not in PERMANENT
            return _DownloadError("refused", status=status, reason=str(reason), retry=retry)
        if isinstance(error, requests.exceptions.ProxyError):
            return _DownloadError("proxy")
        if isinstance(error, requests.exceptions.SSLError):
            return _DownloadError("certificate", retry=False)
        if isinstance(error, requests.Timeout):
            return _DownloadError("timeout")
        if isinstance(error, requests.TooManyRedirects):
            return _DownloadError("redirects", retry=False)
        if isinstance(error, ValueError):  # an invalid address or header
            return _DownloadError("failed", reason=str(error), retry=False)
        if isinstance(error, OSError):  # the base class of all exceptions of requests
            return _DownloadError("broke_off" if self.answered else "unreachable")
        return _DownloadError("failed", reason=str(error))
