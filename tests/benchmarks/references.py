"""Work of a known kind, by whose time a benchmark's own is divided: what slows the machine slows both alike.

Each is a few hundredths of a second of what its kind of benchmark does most.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import cache

import numpy as np

Work = Callable[[], object]


def matrix_product() -> Work:
    """A product of two matrices in float32, on as many cores as NumPy takes."""
    a, b = np.random.default_rng(0).standard_normal((2, 768, 768), dtype=np.float32)

    def work() -> object:
        for _ in range(10):
            product = a @ b
        return product

    return work


def keras_update() -> Work:
    """Updates of a network of dense layers, as Keras does them."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(256, activation="tanh") for _ in range(3)] + [keras.layers.Dense(10)])
    model.compile("adam", "mean_squared_error", jit_compile=False)
    random = np.random.default_rng(0)
    x, y = random.standard_normal((256, 256), np.float32), random.standard_normal((256, 10), np.float32)
    model.train_on_batch(x, y)

    def work() -> object:
        for _ in range(4):
            loss = model.train_on_batch(x, y)
        return loss

    return work


def python_loop() -> Work:
    """Integers, strings and a dictionary."""

    def work() -> object:
        counts: dict[str, int] = {}
        for number in range(60_000):
            key = str(number % 1000)
            counts[key] = counts.get(key, 0) + number
        return counts

    return work


def fsync() -> Work:
    """Small writes, each of which has to reach the disk."""

    def work() -> object:
        with tempfile.NamedTemporaryFile() as file:
            for _ in range(20):
                file.write(b"x" * 4096)
                file.flush()
                os.fsync(file.fileno())
        return None

    return work


REFERENCES: dict[str, Callable[[], Work]] = {
    "matrix product": matrix_product,
    "keras update": keras_update,
    "python loop": python_loop,
    "fsync": fsync,
}


@cache
def reference(name: str) -> Work:
    """The work, made ready and done once."""
    work = REFERENCES[name]()
    work()
    return work


def seconds(work: Work) -> float:
    """What doing it once takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
