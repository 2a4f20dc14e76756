"""Random examples for the splits, without duplicates within and across splits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.task import Array, Dataset, Options, Split

_AT_A_TIME = 256
"""Rows per draw. It is fixed, so that a larger training set contains the smaller ones of the same seed."""


class Sizes(NamedTuple):
    """Number of examples in each split."""

    train: int
    validation: int
    test: int


class DrawnOptions(Options):
    """Options of tasks with randomly drawn data: the sizes of validation and test splits."""

    validation_size: Annotated[int, Field(ge=1)] = 1000
    """Number of sequences."""
    test_size: Annotated[int, Field(ge=1)] = 2000
    """Number of sequences."""

    def sizes(self, train_size: int) -> Sizes:
        """Number of examples in each split."""
        return Sizes(train_size, self.validation_size, self.test_size)


class Supply(NamedTuple):
    """Number of different rows that exist, and what they are, for messages."""

    rows: int
    what: str


def distinct(
    draw: Callable[[np.random.Generator, int], Array], sizes: Sizes, seed: int, supply: Supply
) -> tuple[Array, Array, Array]:
    """Rows of `draw(generator, n)` for training, validation and test, without duplicates within and across the splits.

    Validation and test rows do not depend on the size of the training set. Raises UserError if the splits need more
    different rows than exist.
    """
    check_enough(sizes, supply)
    seen: set[bytes] = set()
    test = _unseen(draw, sizes.test, np.random.default_rng([seed, 2]), seen)
    validation = _unseen(draw, sizes.validation, np.random.default_rng([seed, 1]), seen)
    train = _unseen(draw, sizes.train, np.random.default_rng([seed, 0]), seen)
    return train, validation, test


def any_length(make: Callable[[int, int, int, Any], Dataset]) -> Callable[[int, int, Any], Split]:
    """A `make_test` for a task: its test split, drawn at the requested length."""
    return lambda sequence_length, seed, options: make(1, sequence_length, seed, options).test


def check_enough(sizes: Sizes, supply: Supply) -> None:
    """Raise UserError if the splits need more different rows than exist."""
    if sum(sizes) > supply.rows:
        raise UserError(
            f"there are only {supply.rows:,} different {supply.what}, but train_size {sizes.train:,} with "
            f"{sizes.validation:,} for validation and {sizes.test:,} for test needs {sum(sizes):,}: increase "
            "sequence_length, or decrease train_size, options.validation_size or options.test_size"
        )


def _unseen(
    draw: Callable[[np.random.Generator, int], Array], count: int, generator: np.random.Generator, seen: set[bytes]
) -> Array:
    kept: list[Array] = []
    while len(kept) < count:
        for row in draw(generator, _AT_A_TIME):
            key = row.tobytes()
            if key not in seen and len(kept) < count:
                seen.add(key)
                kept.append(row)
    return np.stack(kept) if kept else draw(generator, 0)


def at_least(sequence_length: int, shortest: int, why: str) -> None:
    """Raise UserError if the sequences are shorter than `shortest`; `why` is the reason for the minimum."""
    if sequence_length < shortest:
        raise UserError(f"sequence_length {sequence_length} is too short, expected at least {shortest}: {why}")
