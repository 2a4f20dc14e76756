"""Which examples each update sees: shuffled, or in streams that go on where the update before left off."""

from __future__ import annotations

import numpy as np

from harness.tasks.common.task import Array


class Shuffled:
    """Equally large batches for ever: one random order of the examples after the other."""

    def __init__(self, examples: int, batch_size: int, seed: int) -> None:
        self._examples, self._batch_size = examples, batch_size
        self._generator = np.random.default_rng([seed, 1])
        self._waiting: Array = np.empty(0, dtype=np.int64)

    def take(self, most: int) -> tuple[Array, bool]:
        """The examples of the next `most` updates, (updates, batch); and False: no update goes on from another."""
        needed = most * self._batch_size
        while len(self._waiting) < needed:
            self._waiting = np.concatenate([self._waiting, self._generator.permutation(self._examples)])
        taken, self._waiting = self._waiting[:needed], self._waiting[needed:]
        return taken.reshape(most, self._batch_size), False


class Streams:
    """Consecutive examples in `batch_size` streams side by side; when they have been read, from the beginning again.

    What does not fill a stream is left out: with 100 examples and 32 streams of 3, the last 4.
    """

    def __init__(self, examples: int, batch_size: int) -> None:
        self._length = examples // batch_size
        self._firsts = np.arange(batch_size) * self._length
        self._at = 0

    def take(self, most: int) -> tuple[Array, bool]:
        """The examples of at most `most` updates, (updates, batch); and whether these are the streams' first."""
        begins = self._at == 0
        steps = np.arange(self._at, min(self._at + most, self._length))
        self._at = (self._at + len(steps)) % self._length
        return self._firsts + steps[:, None], begins
