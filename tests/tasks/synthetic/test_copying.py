"""copying: symbols, a delay, and the repeated symbols."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.synthetic.copying import CopyingOptions, examples, make, score

SMALL = CopyingOptions(validation_size=20, test_size=200)


@settings(max_examples=20, deadline=None)
@given(delay=st.integers(1, 60), copied=st.integers(3, 12), seed=st.integers(0, 2**31))
def test_the_symbols_are_due_after_the_delay(delay: int, copied: int, seed: int) -> None:
    data = make(30, delay, seed, CopyingOptions(copied=copied, validation_size=20, test_size=20))
    for x, y in zip(data.train.x.tolist(), data.train.y.tolist(), strict=True):
        symbols = x[:copied]
        assert x == [*symbols, *[0] * (delay - 1), 9, *[0] * copied]
        assert y == [0] * (copied + delay) + symbols
        assert all(1 <= symbol <= 8 for symbol in symbols)


def test_a_network_without_memory_scores_the_chance_baseline() -> None:
    data = make(10, 30, 0, SMALL)
    outputs = np.full((*data.test.y.shape, 9), -100.0)
    outputs[:, :40, 0] = 100
    outputs[:, 40:, 1:] = 100
    scores = score(data.test.y, outputs)
    assert scores["loss"] == pytest.approx(data.baselines["chance"]["loss"]) == 10 * math.log(8) / 50
    assert scores["recall_accuracy"] == pytest.approx(1 / 8, abs=0.03)


def test_only_the_repeated_symbols_count_for_accuracy() -> None:
    y = np.array([[0, 0, 2, 1]])
    outputs = np.zeros((1, 4, 3))
    outputs[0, :, 2] = 1
    assert score(y, outputs)["recall_accuracy"] == 0.5


def test_too_few_lists_are_refused() -> None:
    with pytest.raises(UserError, match="only 64 different lists of 2 out of 8 symbols"):
        examples(45, 10, CopyingOptions(copied=2, validation_size=10, test_size=10))
