"""How fast, against whatever else could stand in the same place, and against the goals.

Usage: ``python benchmarks/speed.py [--only epoch,cold] [--rounds 5] [--out DIR] [--rst] [--quick]``

Measured are, on full MNIST,

- ``epoch``: an epoch after the first, 60,000 images trained and 10,000 evaluated;
- ``cold``: new processes that import, and that load a fitted Pipeline and predict;
- ``predict``: ``predict_proba`` of one row and of 10,000;
- ``fit``: what a fit costs beyond its epochs, the first of a process and further ones;
- ``cv``: a 5-fold cross-validation of the simple network;
- ``options``: an epoch with dropout, l2, weights, validation;
- ``memory``: the peak of memory in a fit, and epochs of up to 600,000 rows;
- ``small``: whole fits on load_digits and iris.

The peers (``_peers.py``) are scikeras, Keras itself, scikit-learn's ``MLPClassifier``, skorch, and
the matrix products alone; ``pip install 'skmnist[benchmark]'`` brings what is needed. Each runs in
a process of its own, with the same network, batches, optimizer, epochs, threads and validation
work. They take turns in an order that changes from round to round. Importing tensorflow and torch
is not timed, except in new processes, where it is the point. A ratio is taken within a round; told
is the median over the rounds, with the least and the greatest. Seconds are of one machine at one
hour, and only a quiet machine gives any.

Everything lands in ``speed.json``, where the sections of an earlier run are kept when others are
measured. From it come ``speed.md``, ``speed.png`` and, with ``--rst``, ``speed.rst`` for the
documentation. ``--only none`` writes these anew and measures nothing.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # what follows is found beside this file

from _sections import QUIET, SECTIONS, Size  # noqa: E402
from _write import HEAD, draw, goal_table, markdown, page, small_sentences  # noqa: E402

from skmnist._files import write_whole  # noqa: E402

PACKAGES = (
    "skmnist",
    "tensorflow",
    "keras",
    "scikeras",
    "scikit-learn",
    "skorch",
    "torch",
    "numpy",
)


def main():
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "speed.json"
    result = json.loads(path.read_text()) if path.exists() else {"sections": {}}
    size = (Size.quick if options.quick else Size)(rounds=options.rounds, threads=options.threads)
    if options.only and not importlib.util.find_spec("skorch"):
        sys.exit("the peers need skorch and torch: pip install 'skmnist[benchmark]'")
    for name in options.only:
        others = busy_cores()
        if others > QUIET:
            print(f"other programs keep {others:.1f} cores busy: these will be no figures")
        started = time.perf_counter()
        records = []
        for record in SECTIONS[name](size):
            records.append(record)
            tell(record)
        result["sections"][name] = {
            "date": date.today().isoformat(),
            "quick": options.quick,
            "rounds": size.rounds,
            "seconds": round(time.perf_counter() - started),
            "machine": machine(options.threads, others),
            "records": records,
        }
        in_order = {name: result["sections"].get(name) for name in SECTIONS}
        result["sections"] = {name: section for name, section in in_order.items() if section}
        write(result, path, options)
        print(f"\n{name}, {result['sections'][name]['seconds']} s")
        print(markdown(HEAD, goal_table(result["sections"], only=[name])))
        if name == "small":
            print("\n".join(small_sentences(result["sections"][name])))
        print(flush=True)
    write(result, path, options)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Every section with 5 rounds takes about an hour on 2 cores.",
    )
    parser.add_argument("--only", type=sections, default=list(SECTIONS), metavar="SECTION,...")
    parser.add_argument("--rounds", type=int, help="5, and with --quick 2")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--quick", action="store_true", help="small parts, to see that it runs")
    parser.add_argument("--rst", action="store_true", help="write speed.rst as well")
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 2 if options.quick else 5
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads must be 1 or more")
    return options


def sections(text, known=SECTIONS):
    names = [] if text == "none" else text.split(",")
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no such section: {', '.join(unknown)}; there are {', '.join(known)}, or none"
        )
    return [name for name in known if name in names]


def tell(record):
    who = " ".join(filter(None, [record["network"], record["peer"]]))
    print(
        f"  round {record['round']}  {record['figure']:26} {who:26} {record['value']:.4g}",
        flush=True,
    )


def write(result, path, options):
    # a whole file or the old one: Ctrl-C keeps the sections that were finished
    write_whole(path, json.dumps(result, indent=1) + "\n")
    path.with_suffix(".md").write_text(page(result, "md"))
    if options.rst:
        path.with_suffix(".rst").write_text(page(result, "rst"))
    draw(result, path.with_suffix(".png"))


def machine(threads, others):
    versions = {name: version(name) for name in PACKAGES}
    return {
        "cores": os.cpu_count(),
        "threads": threads,
        "busy_before": round(others, 2),
        "processor": processor(),
        "python": platform.python_version(),
        "versions": {"python": platform.python_version(), **versions},
    }


def busy_cores(seconds=1.0):
    """Return how many cores are at work while this program is not; 0 where Linux does not tell."""

    def read():
        with open("/proc/stat") as file:
            user, nice, system, _idle, _waiting, *rest = map(int, file.readline().split()[1:9])
        return user + nice + system + sum(rest)

    try:
        before = read()
        time.sleep(seconds)  # the counters tell a rate only between two readings
        return (read() - before) / os.sysconf("SC_CLK_TCK") / seconds
    except OSError:
        return 0.0


def version(name):
    if name == "skmnist":
        import skmnist

        return skmnist.__version__
    return importlib.metadata.version(name)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    wide = " with AVX-512" if "avx512f" in found.get("flags", "").split() else ""
    return found.get("model name", platform.machine()) + wide


if __name__ == "__main__":
    main()
