"""Compare matrix products in bfloat16 and float32, compiled with XLA as those of an epoch are.

Usage: ``python benchmarks/bfloat16.py``

Prints the median time of a product in microseconds, for the products of the forward pass with
batches of 128 images. Only processors with instructions for bfloat16 (AVX512_BF16, AMX) can gain.
"""

import time
from statistics import median

N_REPEATS, N_PRODUCTS = 20, 50
SHAPES = ((128, 784, 128), (128, 784, 512), (128, 512, 256))


def main():
    for rows, n_inputs, n_units in SHAPES:
        times = {name: measure(rows, n_inputs, n_units, name) for name in ("float32", "bfloat16")}
        figures = ", ".join(f"{name} {1e6 * t:.0f} µs" for name, t in times.items())
        ratio = times["float32"] / times["bfloat16"]
        print(f"({rows}, {n_inputs}) @ ({n_inputs}, {n_units}): {figures}, speedup {ratio:.2f}")


def measure(rows, n_inputs, n_units, dtype):
    import tensorflow as tf

    lefts = tf.cast(tf.random.normal((N_PRODUCTS, rows, n_inputs)), dtype)
    right = tf.cast(tf.random.normal((n_inputs, n_units)), dtype)

    @tf.function(jit_compile=True)
    def multiply():
        total = tf.zeros((rows, n_units), dtype)
        for at in tf.range(N_PRODUCTS):
            total += lefts[at] @ right
        return total

    multiply()
    times = []
    for _ in range(N_REPEATS):
        started = time.perf_counter()
        multiply().numpy()
        times.append(time.perf_counter() - started)
    return median(times) / N_PRODUCTS


if __name__ == "__main__":
    main()
