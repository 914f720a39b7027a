"""Keep compiled programs on disk, so that other processes need not compile them again.

XLA can write its compiled programs to a directory, but a damaged file there, or a full disk, makes
training fail. Here, XLA writes to tensorflow's in-memory file system instead, and this module
copies the programs from there to the user's cache directory, and back.

The files contain machine code. They are read and written only in a directory that belongs to the
user, is accessible to nobody else, and is not a symbolic link.

A program is found again if the same graph was compiled with the same version of tensorflow and the
same settings on the same processor. tensorflow normally numbers the functions of a process in the
order of their creation, and writes the numbers into their names. Here, the numbers are derived from
the program, so the order in which a process compiles its programs does not matter.
"""

import hashlib
import itertools
import os
import platform
import re
import stat
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from skmnist._files import find_cache, write_whole

VARIABLE = "SKMNIST_PROGRAM_CACHE"  # environment variable: a directory, or "off"
OFF = ("off", "0", "false", "no")
FLAGS = "TF_XLA_FLAGS"  # read by tensorflow once, on import
MEMORY = "ram://skmnist-programs"  # the directory that XLA writes to
MAX_BYTES = 2**26  # on disk, about 100 programs; the least recently used are deleted first
MAX_ENTRY = 2**24  # bytes; larger programs are not kept
NAME = re.compile(rb"xla_compile_cache__[\w-]+\.pb")
SUFFIX = ".program"

_is_active = False  # whether XLA writes to MEMORY
_n_traced: Counter[str] = Counter()  # how often each description has been traced
_lock = threading.Lock()  # so that the names and the new files in MEMORY belong to one program


@contextmanager
def set_flags() -> Iterator[None]:
    """Make XLA write its programs to memory if tensorflow is imported inside the block.

    Nothing changes if the user has set `FLAGS`, tensorflow was imported before, there is a GPU, or
    no directory can be trusted. Nothing changes on Windows either, where the owner of a directory
    cannot be checked.
    """
    global _is_active
    is_possible = hasattr(os, "getuid") and not os.path.exists("/dev/nvidiactl")
    if not is_possible or FLAGS in os.environ or "tensorflow" in sys.modules or _open() is None:
        yield
        return
    os.environ[FLAGS] = (
        f"--tf_xla_persistent_cache_directory={MEMORY} --tf_xla_persistent_cache_read_only=false"
    )
    try:
        yield
        _is_active = True
    finally:
        os.environ.pop(FLAGS, None)  # child processes must not mistake it for a user's setting


def compile_first(trace: Callable[[], Any], inputs: dict[str, Any], description: str) -> Any:
    """Trace and compile a function, using its program from the cache if there is one.

    Return the function after a first call with `inputs`, outside of any GradientTape. `trace` must
    return a new function each time. Equal graphs must have the same `description`, and different
    graphs different ones.
    """
    import tensorflow as tf

    folder = _open() if _is_active else None
    if folder is None:
        compiled = trace()
        with tf.init_scope():
            compiled(**inputs)
        return compiled
    with _lock:
        with _stable_names(description):
            compiled = trace()
        path = folder / (_make_key(compiled) + SUFFIX)
        known = _read(path)
        _clear()  # remove programs that the user has compiled
        try:
            if known is not None:
                with tf.io.gfile.GFile(f"{MEMORY}/{known[0]}", "wb") as file:
                    file.write(known[1])
            with tf.init_scope():
                compiled(**inputs)
        except tf.errors.OpError:
            if known is None:
                raise
            known = None  # this version of tensorflow rejects it, and remembers the failure
            _clear()
            compiled = trace()  # under other names
            with tf.init_scope():
                compiled(**inputs)
        for name in tf.io.gfile.listdir(MEMORY):
            if known is None or name != known[0]:
                with tf.io.gfile.GFile(f"{MEMORY}/{name}", "rb") as file:
                    _write(path, name, file.read())
        _clear()
    return compiled


@contextmanager
def _stable_names(description: str) -> Iterator[None]:
    """Derive from `description` the numbers of functions that this thread creates in the block.

    No number is used twice in a process, because tensorflow keeps each function under the number
    with which it was registered. tensorflow has no public interface for this. If a version of
    tensorflow numbers functions differently, its numbers are kept, and programs are found again
    only if a process compiles them in the same order.
    """
    try:
        from tensorflow.python.framework import ops

        count = ops.uid
    except (ImportError, AttributeError):
        yield
        return
    # far above the numbers that tensorflow reaches by counting
    digest = hashlib.sha256(f"{_n_traced[description]} {description}".encode()).digest()
    _n_traced[description] += 1
    numbers = itertools.count(2**40 + int.from_bytes(digest[:6], "big") * 2**14)
    thread = threading.get_ident()
    ops.uid = lambda: next(numbers) if threading.get_ident() == thread else count()
    try:
        yield
    finally:
        ops.uid = count


def _clear() -> None:
    import tensorflow as tf

    tf.io.gfile.makedirs(MEMORY)
    for name in tf.io.gfile.listdir(MEMORY):
        tf.io.gfile.remove(f"{MEMORY}/{name}")


def _make_key(compiled: Any) -> str:
    """Return a hash of the graph and everything else that the program may depend on."""
    import tensorflow as tf

    graph = compiled.graph.as_graph_def().SerializeToString(deterministic=True)
    threads = tf.config.threading.get_intra_op_parallelism_threads() or _count_cores()
    settings = (
        tf.version.VERSION,
        tf.version.GIT_VERSION,
        sys.platform,
        _describe_processor(),
        threads,
        os.environ.get("XLA_FLAGS", ""),
    )
    return hashlib.sha256(repr(settings).encode() + graph).hexdigest()


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _describe_processor() -> str:
    """Return a description of the processor, because programs use all of its instruction sets."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        # "flags" on x86; "Features" and the other names on ARM
        names = ("flags", "model name", "Features", "CPU implementer", "CPU part")
        return "\n".join(sorted({line for line in lines if line.startswith(names)}))
    return f"{platform.machine()} {platform.processor()} {platform.version()}"


# --- the directory


def _open() -> Path | None:
    """Return the directory, created if necessary, or None if there is none that can be trusted."""
    setting = os.environ.get(VARIABLE, "")
    if setting.lower() in OFF:
        return None
    with suppress(OSError, RuntimeError):  # the latter if the home directory is not known
        folder = Path(setting).expanduser() if setting else find_cache() / "programs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        is_private = found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
        if stat.S_ISDIR(found.st_mode) and is_private:
            return folder
    return None


def _read(path: Path) -> tuple[str, bytes] | None:
    """Return the name and program in a file; None if it is missing, damaged or not the user's."""
    with suppress(OSError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()
            content = file.read(MAX_ENTRY) if is_ours else b""
        checksum, entry = content[:32], content[32:]
        name, _, program = entry.partition(b"\n")
        if hashlib.sha256(entry).digest() == checksum and NAME.fullmatch(name):
            with suppress(OSError):  # a read-only directory
                os.utime(path)
            return name.decode(), program
    return None


def _write(path: Path, name: str, program: bytes) -> None:
    entry = name.encode() + b"\n" + program
    if len(entry) + 32 > MAX_ENTRY or not NAME.fullmatch(name.encode()):
        return
    with suppress(OSError):  # full or read-only disk; the next process has to compile again
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.unlink()  # a symlink would be followed, and a pipe would block
        write_whole(path, hashlib.sha256(entry).digest() + entry)
        _delete_old(path.parent)


def _delete_old(folder: Path) -> None:
    """Delete the least recently used programs until at most `MAX_BYTES` remain."""
    found = sorted(_list_files(folder), reverse=True)
    total = 0
    for _, size, path in found:
        total += size
        if total > MAX_BYTES:
            path.unlink(missing_ok=True)


def _list_files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(FileNotFoundError):  # deleted by another process
            found = path.lstat()
            yield found.st_mtime, found.st_size, path
