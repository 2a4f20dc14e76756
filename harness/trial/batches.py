"""The examples of each update: shuffled, or in streams that continue from one update to the next."""

from __future__ import annotations

import numpy as np

from harness.tasks.common.task import Array


class Shuffled:
    """An endless series of batches of equal size, from one random permutation of the examples after another."""

    def __init__(self, examples: int, batch_size: int, seed: int) -> None:
        self._examples, self._batch_size = examples, batch_size
        self._generator = np.random.default_rng([seed, 1])
        self._waiting: Array = np.empty(0, dtype=np.int64)

    def take(self, most: int) -> tuple[Array, bool]:
        """Indices of the examples of the next `most` updates, (updates, batch), and False: no streams begin."""
        needed = most * self._batch_size
        while len(self._waiting) < needed:
            self._waiting = np.concatenate([self._waiting, self._generator.permutation(self._examples)])
        taken, self._waiting = self._waiting[:needed], self._waiting[needed:]
        return taken.reshape(most, self._batch_size), False


class Streams:
    """Consecutive examples in `batch_size` parallel streams, which restart from the beginning when they end.

    All streams have the same length, so some of the last examples are not used: 4 of 100 with 32 streams of 3.
    """

    def __init__(self, examples: int, batch_size: int) -> None:
        self._length = examples // batch_size
        self._firsts = np.arange(batch_size) * self._length
        self._at = 0

    def take(self, most: int) -> tuple[Array, bool]:
        """Indices of the examples of up to `most` updates, (updates, batch); and whether the streams begin here."""
        begins = self._at == 0
        steps = np.arange(self._at, min(self._at + most, self._length))
        self._at = (self._at + len(steps)) % self._length
        return self._firsts + steps[:, None], begins
