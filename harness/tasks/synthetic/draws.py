"""Random examples shared out between the splits so that no two are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.task import Array, Dataset, Options, Split

_AT_A_TIME = 256
"""Rows are drawn by this many whatever is needed, so that a larger training set contains the smaller of its seed."""


class Sizes(NamedTuple):
    """Examples a split."""

    train: int
    validation: int
    test: int


class DrawnOptions(Options):
    """How many examples measure, for tasks whose data are drawn at random."""

    validation_size: Annotated[int, Field(ge=1)] = 1000
    """Sequences."""
    test_size: Annotated[int, Field(ge=1)] = 2000
    """Sequences."""

    def sizes(self, train_size: int) -> Sizes:
        """Examples a split."""
        return Sizes(train_size, self.validation_size, self.test_size)


class Supply(NamedTuple):
    """How many different rows there are, and of what."""

    rows: int
    what: str


class Rows(NamedTuple):
    """The drawn rows a split, each (examples, ...)."""

    train: Array
    validation: Array
    test: Array


def distinct(draw: Callable[[np.random.Generator, int], Array], sizes: Sizes, seed: int, supply: Supply) -> Rows:
    """Rows of `draw(generator, n)` without repetition, within and across the splits.

    Validation and test rows depend on the seed alone, not on the size of the training set. Raises
    UserError where the splits need more different rows than there are.
    """
    check_enough(sizes, supply)
    seen: set[bytes] = set()
    test = _unseen(draw, sizes.test, np.random.default_rng([seed, 2]), seen)
    validation = _unseen(draw, sizes.validation, np.random.default_rng([seed, 1]), seen)
    train = _unseen(draw, sizes.train, np.random.default_rng([seed, 0]), seen)
    return Rows(train, validation, test)


def any_length(make: Callable[[int, int, int, Any], Dataset]) -> Callable[[int, int, Any], Split]:
    """A task's `make_test`: its test split, drawn at the length asked for."""
    return lambda sequence_length, seed, options: make(1, sequence_length, seed, options).test


def check_enough(sizes: Sizes, supply: Supply) -> None:
    """Raises UserError where the splits need more different rows than there are."""
    if sum(sizes) > supply.rows:
        raise UserError(
            f"there are only {supply.rows:,} different {supply.what}, and train_size {sizes.train:,} with "
            f"{sizes.validation:,} for validation and {sizes.test:,} for test needs {sum(sizes):,}: make "
            "sequence_length larger, or train_size, options.validation_size or options.test_size smaller"
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
    return np.stack(kept)


def at_least(sequence_length: int, shortest: int, why: str) -> None:
    """Raises UserError where the sequences are too short for the task to make sense."""
    if sequence_length < shortest:
        raise UserError(f"sequence_length {sequence_length} is too short, expected at least {shortest}: {why}")
