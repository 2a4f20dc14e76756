"""adding: two marked values and their sum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.synthetic.adding import AddingOptions, make, score, task

SMALL = AddingOptions(validation_size=20, test_size=3000)


@settings(max_examples=20, deadline=None)
@given(length=st.integers(2, 60), seed=st.integers(0, 2**31))
def test_one_value_of_each_half_is_marked_and_they_are_summed(length: int, seed: int) -> None:
    data = make(40, length, seed, AddingOptions(validation_size=20, test_size=20))
    for x, y in zip(data.train.x, data.train.y, strict=True):
        first, second = np.flatnonzero(x[:, 1])
        assert set(np.unique(x[:, 1])) <= {0, 1}
        assert first < length // 2 <= second
        assert y == pytest.approx(x[first, 0] + x[second, 0])
    assert data.train.x[..., 0].min() >= 0
    assert data.train.x[..., 0].max() < 1


def test_always_answering_one_scores_the_chance_baseline() -> None:
    data = make(1, 20, 0, SMALL)
    chance, scored = data.baselines["chance"], score(data.test.y, np.ones_like(data.test.y))
    assert scored["loss"] == pytest.approx(chance["loss"], rel=0.05)
    assert scored["root_mean_square"] == pytest.approx(chance["root_mean_square"], rel=0.05)
    assert scored["accuracy"] == pytest.approx(chance["accuracy"], abs=0.02)


def test_scores_by_hand() -> None:
    scores = score(np.array([[1.0], [1.0]]), np.array([[1.03], [1.3]]))
    assert scores["loss"] == pytest.approx((0.03**2 + 0.3**2) / 2)
    assert scores["accuracy"] == 0.5


def test_every_step_of_a_half_can_be_marked() -> None:
    marked = task.make_test(7, 0, SMALL).x[..., 1].mean(axis=0)
    np.testing.assert_allclose(marked, [1 / 3] * 3 + [1 / 4] * 4, atol=0.03)


def test_one_step_is_too_short() -> None:
    with pytest.raises(UserError, match="sequence_length 1 is too short, expected at least 2"):
        make(10, 1, 0, SMALL)
