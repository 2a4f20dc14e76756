"""counting: a^n b^n and a^n b^n c^n, and what it means to accept one."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.common.task import Split
from harness.tasks.synthetic.counting import CountingOptions, examples, make, make_test, score

END, A, B = 0, 1, 2


def logits(answers: np.ndarray, classes: int = 3) -> np.ndarray:
    return 10.0 * (np.arange(classes) == answers[..., None])


def ns(split: Split) -> list[int]:
    return [int((row == A).sum()) for row in split.x]


@settings(max_examples=20, deadline=None)
@given(length=st.integers(90, 200), letters=st.sampled_from([2, 3]), seed=st.integers(0, 2**31))
def test_strings_are_in_the_language_and_ranges_do_not_mix(length: int, letters: Literal[2, 3], seed: int) -> None:
    data = make(60, length, seed, CountingOptions(letters=letters))
    largest = length // letters
    trained = largest // 4
    assert set(ns(data.train)) <= {n for n in range(1, trained + 1) if n % 5}
    assert ns(data.validation) == list(range(5, trained + 1, 5))
    assert ns(data.test) == list(range(trained + 1, largest + 1))
    for split in (data.train, data.validation, data.test):
        for n, x, y in zip(ns(split), split.x.tolist(), split.y.tolist(), strict=True):
            string = [letter for letter in range(1, letters + 1) for _ in range(n)] + [END] * (length + 1)
            assert x == string[:length]
            assert y == string[1 : length + 1]


def test_while_the_first_letter_lasts_either_letter_may_follow() -> None:
    split = make_test(6, 0, CountingOptions())
    guesses_b = np.where(split.y == A, B, split.y)
    assert score(split.y, logits(guesses_b))["longest"] == 3
    guesses_end = np.where(split.y == A, END, split.y)
    assert score(split.y, logits(guesses_end))["accepted"] == pytest.approx(1 / 3), "only ab has no a to predict"


@pytest.mark.parametrize("wrong_for", [1, 2, 3])
def test_the_longest_n_ends_before_the_first_string_that_is_not_accepted(wrong_for: int) -> None:
    split = make_test(8, 0, CountingOptions())
    answers = split.y.copy()
    answers[wrong_for - 1, 2 * wrong_for - 1] = B  # no end after the last b
    shuffled = [2, 0, 3, 1]
    scores = score(split.y[shuffled], logits(answers)[shuffled])
    assert scores["longest"] == wrong_for - 1
    assert scores["accepted"] == 0.75


def test_the_first_b_may_be_missed_but_not_the_second() -> None:
    split = make_test(6, 0, CountingOptions())
    first, second = split.y.copy(), split.y.copy()
    first[2, 2] = A
    second[2, 3] = A
    assert score(split.y, logits(first))["accepted"] == 1
    assert score(split.y, logits(second))["accepted"] == pytest.approx(2 / 3)


def test_a_bigram_predictor_beats_chance_and_accepts_nothing() -> None:
    data = make(200, 80, 0, CountingOptions())
    assert data.baselines["bigram"]["loss"] < data.baselines["chance"]["loss"]
    followed_by = {END: END, A: A, B: B}
    answers = np.vectorize(followed_by.get)(data.test.x)
    assert score(data.test.y, logits(answers))["accepted"] == 0


def test_a_range_too_small_to_hold_anything_out_is_refused() -> None:
    with pytest.raises(UserError, match=r"n up to 19, and up to 4 for training .* use sequence_length 48"):
        examples(10, 39, CountingOptions())
    assert examples(10, 40, CountingOptions()) == 10
