"""Compare ways in which several fits share the cores.

Usage: ``python benchmarks/sharing.py [--rounds 3]``

- ``processes``, as with ``n_jobs``, and ``threads`` of one process, each with one core, against one
  fit after the other with all cores: 8 fits of 10 epochs on 20,000 images of MNIST, after another
  fit has compiled the program.
- ``batched``: the updates of 8 networks with one hidden layer as batched matrix products in one
  program, against the same updates of one network after the other. 100 updates of 128 rows each.

Prints the speedup: the median of the rounds, and the extremes. Times are only meaningful if no
other programs are running.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

WAYS = ("sequence", "processes", "threads")
N_FITS, N_ROWS = 8, 20_000
WIDTHS = (32, 128, 512)
N_UPDATES, BATCH = 100, 128


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=[*WAYS, "batched"], help=argparse.SUPPRESS)
    parser.add_argument("--network", default="simple", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way == "batched":
        for width in WIDTHS:
            compare_batched(width, options.rounds)
    elif options.way:
        print(time_fits(options.way, options.network))
    else:
        for network in ("simple", "deep"):
            compare_ways(network, options.rounds)
        subprocess.run([sys.executable, __file__, "--way", "batched"], check=True)


def compare_ways(network, rounds):
    seconds = {way: [] for way in WAYS}
    for round in range(rounds):
        for way in WAYS if round % 2 else reversed(WAYS):
            threads = str(os.cpu_count() if way == "sequence" else 1)
            environment = os.environ | {"TF_NUM_INTRAOP_THREADS": threads}
            if way == "processes":
                del environment["TF_NUM_INTRAOP_THREADS"]  # joblib divides the cores
            command = [sys.executable, __file__, "--way", way, "--network", network]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            seconds[way].append(float(done.stdout))
    for way in WAYS[1:]:
        tell(f"{network}: {way}", seconds["sequence"], seconds[way])


def tell(what, slow, fast):
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    print(f"{what}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})", flush=True)


def time_fits(way, network):
    """Return the seconds of all fits, after the programs were compiled."""
    from joblib import Parallel, delayed

    from skmnist import PixelNormalizer, load_mnist

    data = load_mnist(n_train=N_ROWS, n_test=10, random_state=0)
    rows = PixelNormalizer().fit_transform(data.X_train), data.y_train
    if way == "processes":
        with Parallel(n_jobs=2) as parallel:
            # enough fits to reach both processes
            parallel(delayed(fit)(network, seed, *rows) for seed in range(4))
            started = time.perf_counter()
            parallel(delayed(fit)(network, seed, *rows) for seed in range(N_FITS))
            return time.perf_counter() - started
    fit(network, 0, *rows)
    started = time.perf_counter()
    with ThreadPoolExecutor(2 if way == "threads" else 1) as pool:
        list(pool.map(lambda seed: fit(network, seed, *rows), range(N_FITS)))
    return time.perf_counter() - started


def fit(network, seed, X, y):
    from skmnist import DeepNNClassifier, SimpleNNClassifier

    kind = {"simple": SimpleNNClassifier, "deep": DeepNNClassifier}[network]
    kind(epochs=10, patience=None, random_state=seed).fit(X, y)


def compare_batched(width, rounds):
    import tensorflow as tf

    X = tf.random.uniform((N_UPDATES * BATCH, 784))
    y = tf.random.uniform((len(X),), 0, 10, tf.int32)

    def make(*networks):  # the number of networks, or nothing for a single one without that axis
        shapes = [(784, width), (1, width), (width, 10), (1, 10)]
        return [tf.random.normal((*networks, *shape), stddev=0.05) for shape in shapes]

    def update(at, *weights):
        rows = tf.slice(X, [at * BATCH, 0], [BATCH, 784])
        labels = tf.slice(y, [at * BATCH], [BATCH])
        with tf.GradientTape() as tape:
            tape.watch(weights)
            hidden = tf.nn.relu(tf.matmul(rows, weights[0]) + weights[1])
            logits = tf.matmul(hidden, weights[2]) + weights[3]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.broadcast_to(labels, tf.shape(logits)[:-1]), logits
            )
            loss = tf.reduce_sum(losses) / BATCH
        gradients = tape.gradient(loss, weights)
        return at + 1, *(w - 0.1 * g for w, g in zip(weights, gradients, strict=True))

    @tf.function(jit_compile=True)
    def train(*weights):
        return tf.while_loop(lambda at, *_: at < N_UPDATES, update, (0, *weights))[1:]

    def clock(weights, times):
        started = time.perf_counter()
        for _ in range(times):
            trained = train(*weights)
        trained[0].numpy()
        return time.perf_counter() - started

    ways = ((make(), N_FITS), (make(N_FITS), 1))
    for way in ways:
        clock(*way)  # compiles
    seconds = [[clock(*way) for way in ways] for _ in range(5 * rounds)]
    tell(f"batched, {width} hidden units", *zip(*seconds, strict=True))


if __name__ == "__main__":
    main()
