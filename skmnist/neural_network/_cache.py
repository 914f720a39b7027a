"""Keep compiled programs on disk, so that other processes need not compile them again.

XLA can write its compiled programs to a directory, but a damaged file there, or a full disk, makes
the training fail. Therefore it writes to tensorflow's file system in memory, and the programs are
moved from there to the user's cache directory, and back, by this module.

The files contain machine code. They are only read from, and written to, a directory that belongs
to the user, is accessible to nobody else, and is not a symbolic link.

A program is found again if the same graph was compiled with the same versions on the same
processor. The names that tensorflow gives to the functions in a graph depend on what the process
has traced before, and XLA compares them, so they are replaced by names that do not.
"""

import hashlib
import os
import platform
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from skmnist._files import find_cache, write_whole

VARIABLE = "SKMNIST_PROGRAM_CACHE"  # environment variable: a directory, or "off"
FLAGS = "TF_XLA_FLAGS"  # read by tensorflow once, on import
MEMORY = "ram://skmnist-programs"  # the directory that XLA writes to
MAX_BYTES = 2**26  # on disk, about 100 programs; those that were not used for longest are deleted
MAX_ENTRY = 2**24  # bytes; larger programs are not kept
NAME = re.compile(rb"xla_compile_cache__[\w-]+\.pb")
SUFFIX = ".program"

_is_active = False  # whether XLA writes to MEMORY
_renamed: dict[str, Any] = {}  # kept, as XLA keeps their programs, and nothing else may have a name
_lock = threading.Lock()  # the new files in MEMORY belong to one program


@contextmanager
def set_flags() -> Iterator[None]:
    """Make XLA write its programs to memory if tensorflow is imported inside the block.

    Nothing changes if the user has set `FLAGS`, has imported tensorflow before, or has a GPU, and
    on Windows, where the owner of a directory cannot be checked.
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
        os.environ.pop(FLAGS, None)  # child processes are not to take it for the user's


def compile_first(compiled: Any, inputs: dict[str, Any]) -> Callable[..., Any]:
    """Call a concrete function, with a program from the cache if it has one; return a function.

    What is returned computes the same, and is called outside of any GradientTape.
    """
    import tensorflow as tf

    folder = _open() if _is_active else None
    if folder is None:
        with tf.init_scope():
            compiled(**inputs)
        return compiled
    with tf.init_scope():
        renamed, digest = _rename(compiled, inputs)
    path = folder / (_make_key(digest) + SUFFIX)
    with _lock, tf.init_scope():
        known = _read(path)
        _clear()  # programs of the user
        if known is not None:
            with tf.io.gfile.GFile(f"{MEMORY}/{known[0]}", "wb") as file:
                file.write(known[1])
        try:
            renamed(**inputs)
        except tf.errors.OpError:
            # this tensorflow does not accept the file, and remembers the name that failed
            path.unlink(missing_ok=True)
            _clear()
            compiled(**inputs)
            _clear()
            return compiled
        for name in tf.io.gfile.listdir(MEMORY):
            if known is None or name != known[0]:
                with tf.io.gfile.GFile(f"{MEMORY}/{name}", "rb") as file:
                    _write(path, name, file.read())
        _clear()
    return renamed


def _rename(compiled: Any, inputs: dict[str, Any]) -> tuple[Callable[..., Any], str]:
    """Return the same function, with names that depend on its graph only, and a hash of this graph.

    Programs with the same graph then also share what XLA has compiled in this process.
    """
    import tensorflow as tf
    from google.protobuf import text_format

    names = list(inputs)

    def call(*tensors: Any) -> Any:
        return compiled(**dict(zip(names, tensors, strict=True)))

    # its graph contains all functions that are compiled, and a call
    caller = tf.function(call, autograph=False).get_concrete_function(*inputs.values())
    graph = caller.graph.as_graph_def()
    functions = sorted(graph.library.function, key=lambda f: _split(f.signature.name)[1])
    for function in functions:
        for node in function.node_def:
            # the type of a custom gradient is a number as well, and not needed after tracing
            node.attr.pop("_gradient_op_type", None)
    text = "".join(f"function {{{text_format.MessageToString(f)}}}" for f in functions)
    places = {f.signature.name: place for place, f in enumerate(functions)}
    pattern = re.compile("|".join(rf"{re.escape(name)}(?!\d)" for name in places))

    def rename(text: str, ending: str = "") -> str:
        return pattern.sub(lambda m: f"{_split(m[0])[0]}{places[m[0]]}{ending}", text)

    # XLA compiles a function for each of the shapes that are passed, which the text does not have
    tensors = (*compiled.inputs, *sorted(compiled.variables, key=lambda v: v.name))
    shapes = [f"{x.dtype} {x.shape}" for x in tensors]
    digest = hashlib.sha256(repr((rename(text), shapes)).encode()).hexdigest()
    if digest not in _renamed:
        ending = f"_{digest[:16]}"  # different functions must have different names
        graph.ClearField("library")
        text_format.Parse(rename(text, ending), graph.library)
        for node in graph.node:
            if "f" in node.attr:
                node.attr["f"].func.name = rename(node.attr["f"].func.name, ending)

        def call_renamed(*tensors: Any) -> Any:
            placeholders = (x.name for x in caller.inputs)
            return tf.graph_util.import_graph_def(
                graph,
                input_map=dict(zip(placeholders, tensors, strict=True)),
                return_elements=[caller.outputs[0].name],
            )[0]

        specs = [tf.TensorSpec(x.shape, x.dtype) for x in caller.inputs]
        # not by tf.function, which does not register the functions that are imported
        _renamed[digest] = tf.compat.v1.wrap_function(call_renamed, specs)
    renamed = _renamed[digest]

    def run(**inputs: Any) -> Any:
        return renamed(*(inputs[name] for name in names), *caller.captured_inputs)

    return run, digest


def _split(name: str) -> tuple[str, int]:
    """Split a function's name and the number at its end, by which the functions are counted."""
    stem, number = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
    return stem, int(number or 0)


def _clear() -> None:
    import tensorflow as tf

    tf.io.gfile.makedirs(MEMORY)
    for name in tf.io.gfile.listdir(MEMORY):
        tf.io.gfile.remove(f"{MEMORY}/{name}")


def _make_key(graph: str) -> str:
    """Return a hash of a graph's hash and all else that the program may depend on."""
    import tensorflow as tf

    threads = tf.config.threading.get_intra_op_parallelism_threads() or _count_cores()
    settings = (
        tf.version.VERSION,
        tf.version.GIT_VERSION,
        sys.platform,
        _describe_processor(),
        threads,
        os.environ.get("XLA_FLAGS", ""),
    )
    return hashlib.sha256((repr(settings) + graph).encode()).hexdigest()


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _describe_processor() -> str:
    """Return the instruction sets, as the programs use all that the processor has."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        # "flags" on x86, "Features" and the following on ARM
        names = ("flags", "model name", "Features", "CPU implementer", "CPU part")
        return "\n".join(sorted({line for line in lines if line.startswith(names)}))
    return f"{platform.machine()} {platform.processor()} {platform.version()}"


# --- the directory


def _open() -> Path | None:
    """Return the directory, created if necessary, or None if there is none that can be trusted."""
    setting = os.environ.get(VARIABLE, "")
    if setting == "off":
        return None
    folder = Path(setting).expanduser() if setting else find_cache() / "programs"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        is_private = found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
        if stat.S_ISDIR(found.st_mode) and is_private:
            return folder
    return None


def _read(path: Path) -> tuple[str, bytes] | None:
    """Return the name and the program in a file; None if there is none, or it is damaged."""
    with suppress(OSError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(path, flags), "rb") as file:
            found = os.fstat(file.fileno())
            is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()
            content = file.read(MAX_ENTRY) if is_ours else b""
        checksum, entry = content[:32], content[32:]
        name, _, program = entry.partition(b"\n")
        if hashlib.sha256(entry).digest() == checksum and NAME.fullmatch(name):
            os.utime(path)
            return name.decode(), program
    return None


def _write(path: Path, name: str, program: bytes) -> None:
    entry = name.encode() + b"\n" + program
    if len(entry) + 32 > MAX_ENTRY or not NAME.fullmatch(name.encode()):
        return
    with suppress(OSError):  # no space, read-only; the next process has to compile
        write_whole(path, hashlib.sha256(entry).digest() + entry)
        _delete_old(path.parent)


def _delete_old(folder: Path) -> None:
    """Delete the programs that were not used for longest, until `MAX_BYTES` remain."""
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
