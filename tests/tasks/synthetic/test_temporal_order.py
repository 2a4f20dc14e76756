"""temporal_order: X and Y among distractors, and their order."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.synthetic.temporal_order import TemporalOrderOptions, make

X, Y, START, END = 4, 5, 6, 7


def options(relevant: Literal[2, 3] = 2) -> TemporalOrderOptions:
    return TemporalOrderOptions(relevant=relevant, validation_size=20, test_size=20)


@settings(max_examples=20, deadline=None)
@given(length=st.integers(20, 200), relevant=st.sampled_from([2, 3]), seed=st.integers(0, 2**31))
def test_labels_read_the_relevant_symbols_in_order(length: int, relevant: Literal[2, 3], seed: int) -> None:
    data = make(50, length, seed, options(relevant))
    assert data.classes == 2**relevant
    for x, y in zip(data.train.x.tolist(), data.train.y.tolist(), strict=True):
        seen = [symbol for symbol in x if symbol in (X, Y)]
        assert len(seen) == relevant
        assert y == int("".join("01"[symbol - X] for symbol in seen), 2)
        assert (x[0], x[-1]) == (START, END)
        assert set(x[1:-1]) <= {0, 1, 2, 3, X, Y}


def test_at_a_hundred_steps_relevant_symbols_have_the_positions_of_the_paper() -> None:
    x = make(2000, 100, 0, options(3)).train.x
    places = np.array([np.flatnonzero((row == X) | (row == Y)) for row in x])
    assert places.min(axis=0).tolist() == [10, 33, 66]
    assert places.max(axis=0).tolist() == [20, 43, 76]


def test_all_orders_come_equally_often() -> None:
    counts = np.bincount(make(4000, 40, 0, options()).train.y, minlength=4)
    assert np.all(np.abs(counts / 1000 - 1) < 0.15)


def test_short_sequences_are_refused() -> None:
    with pytest.raises(UserError, match="sequence_length 19 is too short, expected at least 20"):
        make(10, 19, 0, options())
