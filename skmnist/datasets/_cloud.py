"""MNIST from the cloud: downloaded once, checked each time."""

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

from skmnist._files import write_whole
from skmnist._progress import report_bytes
from skmnist.datasets._members import DatasetError, Progress
from skmnist.datasets._mnist import make_mnist
from skmnist.text import get_catalogue

KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
VARIABLE = "SKMNIST_DATA"
FILE_NAME = "mnist.npz"
MAX_SIZE = 64 << 20  # the file has 11,490,434 bytes
CONTACT_SECONDS = 10.0  # within which a server must have answered, all tries together
MIN_CONTACT_SECONDS = 2.0  # for each address, though those before it took all the time
STALL_SECONDS = 20.0  # within which another kilobyte must have come
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 15.0
HOPELESS = (400, 401, 403, 404, 410, 451)  # answers that a second try does not change


class _RefusedError(Exception):
    """An address that did not give the file; `again` says whether it may yet."""

    def __init__(self, problem: str, *, again: bool = True) -> None:
        super().__init__(problem)
        self.again = again


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
    """Download MNIST as Keras publishes it, once, and load it.

    The file is the Keras project's ``mnist.npz``. It is kept in `data_home`, and its SHA-256 is
    checked at each load; a damaged copy is downloaded again. The arrays are the same as those of
    :func:`~skmnist.datasets.load_mnist`, which needs no network.

    Parameters
    ----------
    data_home : path, default=None
        The folder to keep the file in. None takes the environment variable ``SKMNIST_DATA``, or
        a folder for caches in the user's home.
    urls : sequence of str, default=None
        Addresses (http or https) to try in this order, mirrors for example. None takes the
        storage of Keras. Whatever the address, the file must have the known SHA-256. The
        variables ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` are honoured.
    n_train, n_test : int, default=None
        How many images to take, stratified; see :func:`~skmnist.datasets.load_mnist`.
    random_state : int, RandomState instance or None, default=None
        Which images are taken.
    return_X_y : bool, default=False
        Return ``X_train, X_test, y_train, y_test`` instead of a Bunch.
    n_retries : int, default=3
        How often the addresses are tried again when a download fails.
    delay : float, default=1.0
        Seconds to wait before that.
    progress : bool or callable, default=False
        True shows a progress bar on standard error. A callable is called as
        ``progress(bytes_done, bytes_in_total)`` instead.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        As :func:`~skmnist.datasets.load_mnist` returns it.

    Raises
    ------
    DatasetError
        The file could not be had. The message gives each address's reason, after 10 s where no
        server answers.
    ValueError
        A parameter is out of range.

    Warns
    -----
    UserWarning
        The file could not be kept: the folder is read-only or the disk is full. The data are
        returned all the same.
    """
    with report_bytes(progress, get_catalogue()("cli.downloading")) as tell:
        content = get_file(data_home, urls, n_retries=n_retries, delay=delay, progress=tell)
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
    """Return what is in the file, from the cache or from the cloud."""
    addresses = _check_parameters(urls, n_retries, delay)
    cached = find_home(data_home) / FILE_NAME
    content = _read_cache(cached)
    if content is not None and _is_right(content):
        return content
    damaged = content is not None
    try:
        content = _download(addresses, n_retries=n_retries, delay=delay, progress=progress)
    except DatasetError as error:
        raise DatasetError(f"{cached}: is damaged. {error}" if damaged else str(error)) from error
    try:
        _keep(content, cached)
    except OSError as error:
        warnings.warn(
            f"{cached} cannot be written ({error.strerror}): MNIST will be downloaded again next "
            f"time. Pass another data_home, or set {VARIABLE}.",
            UserWarning,
            stacklevel=3,
        )
    return content


def find_home(data_home: str | PathLike[str] | None) -> Path:
    """Return the folder for downloads; it need not exist."""
    if data_home is None:
        data_home = os.environ.get(VARIABLE) or None
    if data_home is None:
        import pooch

        return Path(pooch.os_cache("skmnist"))
    return Path(os.fsdecode(data_home)).expanduser()


def _check_parameters(urls: Any, n_retries: Any, delay: Any) -> list[str]:
    addresses = [KERAS_URL] if urls is None else [urls] if isinstance(urls, str) else list(urls)
    if not addresses:
        raise ValueError("urls is empty; pass one address or more, or None for that of Keras.")
    for url in addresses:
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise ValueError(f"urls has {url!r}, expected addresses with http:// or https://.")
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
        return None  # a file that is absent or unreadable is downloaded


def _is_right(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SHA256


def _keep(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)


# --- the network


def _download(
    urls: Sequence[str],
    *,
    n_retries: int,
    delay: float,
    progress: Progress,
) -> bytes:
    """Try all addresses, and all that may yet answer again, until one gives the file."""
    problems: dict[str, str] = {}
    remaining = list(dict.fromkeys(urls))
    started = time.monotonic()
    answered = False
    for attempt in range(n_retries + 1):
        if not remaining or (attempt > 1 and not answered):
            break  # nobody is there, and waiting longer helps nobody
        if attempt:
            time.sleep(delay * attempt)
        for url in list(remaining):
            left = CONTACT_SECONDS - (time.monotonic() - started)
            if attempt and not answered and left <= 0:
                break
            transfer = _Transfer(url, progress)
            try:
                content = transfer.run(contact_seconds=max(left, MIN_CONTACT_SECONDS))
                if _is_right(content):
                    return content
                found = hashlib.sha256(content).hexdigest()
                problems[url] = f"gave {len(content):,} bytes with SHA-256 {found}, not {SHA256}"
            except _RefusedError as error:
                problems[url] = str(error)
                if not error.again:
                    remaining.remove(url)
            answered = answered or transfer.answered
    told = "; ".join(f"{url} {problem}" for url, problem in problems.items())
    raise DatasetError(
        f"MNIST could not be downloaded: {told}. load_mnist() has the same images inside the "
        "package and needs no network (skmnist compare --data mnist)."
    )


class _Transfer:
    """One download by pooch, in a thread of its own.

    A name server or a proxy that never answers cannot be told to stop, but it need not be waited
    for. It is pooch's progress bar as well, which is how it knows that bytes are coming.
    """

    def __init__(self, url: str, progress: Progress) -> None:
        self.url = url
        self.total = 0
        self.answered = False
        self._progress = progress
        self._done = 0
        self._last = time.monotonic()
        self._given_up = False
        self._buffer = BytesIO()
        self._error: Exception | None = None
        self._responses: list[Any] = []

    def run(self, *, contact_seconds: float) -> bytes:
        """Return what the address gives."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.05)
                patience = STALL_SECONDS if self.answered else contact_seconds
                if thread.is_alive() and time.monotonic() - self._last > patience:
                    raise _RefusedError(
                        f"sent nothing for {patience:.0f} s"
                        if self.answered
                        else f"did not answer within {patience:.0f} s"
                    )
        finally:
            self._given_up = True
        if self._error is not None:
            raise self._explain(self._error) from self._error
        return self._buffer.getvalue()

    def _work(self) -> None:
        import pooch

        fetch = pooch.HTTPDownloader(
            progressbar=self,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            headers={"Accept-Encoding": "identity"},
            hooks={"response": self._note_answer},
        )
        try:
            fetch(self.url, self._buffer, None)
        except Exception as error:  # told in the caller's thread
            self._error = error
        finally:
            for response in self._responses:  # pooch leaves them open
                response.close()

    def _note_answer(self, response: Any, **kwargs: Any) -> None:
        self._responses.append(response)
        self.answered = True
        self._last = time.monotonic()

    def update(self, n_bytes: int) -> None:
        """Be told by pooch that bytes have come."""
        if self._given_up:
            raise _RefusedError("was given up")
        self._last = time.monotonic()
        self._done += n_bytes
        if self._done > MAX_SIZE:
            raise _RefusedError(f"sends more than {MAX_SIZE:,} bytes", again=False)
        self._progress(self._done, max(self.total, self._done))

    def reset(self) -> None:
        """Be told by pooch that the bar begins anew, to be filled."""
        self._done = 0

    def close(self) -> None:
        """Be told by pooch that all has come."""

    def _explain(self, error: Exception) -> _RefusedError:
        import requests

        if isinstance(error, _RefusedError):
            return error
        if isinstance(error, requests.HTTPError) and error.response is not None:
            status = error.response.status_code
            reason = error.response.reason
            return _RefusedError(f"answered {status} {reason}", again=status not in HOPELESS)
        if isinstance(error, requests.exceptions.ProxyError):
            return _RefusedError("could not be reached through the proxy")
        if isinstance(error, requests.exceptions.SSLError):
            return _RefusedError("has no valid certificate", again=False)
        if isinstance(error, requests.Timeout):
            return _RefusedError("did not answer in time")
        if isinstance(error, requests.TooManyRedirects):
            return _RefusedError("redirects in a circle", again=False)
        if isinstance(error, ValueError):  # an address or a header that is nonsense
            return _RefusedError(f"failed: {error}", again=False)
        if isinstance(error, OSError):  # as all exceptions of requests are
            return _RefusedError("broke off" if self.answered else "could not be reached")
        return _RefusedError(f"failed: {error}")
