"""recall: distinct random sequences, labelled with their first symbol."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.synthetic.recall import RecallOptions, examples, make, task

SMALL = RecallOptions(validation_size=30, test_size=50)


def as_set(x: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in x}


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 400), length=st.integers(3, 40), seed=st.integers(0, 2**31), symbols=st.integers(8, 20))
def test_no_sequence_occurs_twice_in_or_across_the_splits(size: int, length: int, seed: int, symbols: int) -> None:
    data = make(size, length, seed, RecallOptions(symbols=symbols, validation_size=30, test_size=50))
    splits = (data.train, data.validation, data.test)
    assert [len(split.x) for split in splits] == [size, 30, 50]
    assert len(set().union(*(as_set(split.x) for split in splits))) == size + 80
    for split in splits:
        assert split.x.shape[1:] == (length,)
        assert split.x.dtype == np.int32
        assert split.x.min() >= 0
        assert split.x.max() < symbols
        np.testing.assert_array_equal(split.y, [row[0] for row in split.x])


def test_another_seed_has_other_sequences_in_every_split() -> None:
    first, other = make(100, 9, 3, SMALL), make(100, 9, 4, SMALL)
    for name in ("train", "validation", "test"):
        assert not as_set(getattr(first, name).x) & as_set(getattr(other, name).x)


def test_training_sets_are_nested_and_have_the_same_test_split() -> None:
    few, many = make(100, 9, 3, SMALL), make(700, 9, 3, SMALL)
    np.testing.assert_array_equal(few.train.x, many.train.x[:100])
    np.testing.assert_array_equal(few.test.x, many.test.x)
    np.testing.assert_array_equal(few.validation.x, many.validation.x)


def test_symbols_are_drawn_evenly() -> None:
    counts = np.bincount(make(2000, 20, 0, SMALL).train.x.ravel(), minlength=8)
    assert np.all(np.abs(counts / 5000 - 1) < 0.1)


def test_all_existing_sequences_can_be_used_and_one_more_is_refused() -> None:
    data = make(8**3 - 80, 3, 0, SMALL)
    assert len(as_set(np.concatenate([data.train.x, data.validation.x, data.test.x]))) == 8**3
    with pytest.raises(UserError, match=r"only 512 different sequences of 3 .* needs 513: increase sequence_length"):
        make(8**3 - 79, 3, 0, SMALL)
    with pytest.raises(UserError, match="only 8 different"):
        examples(1, 1, RecallOptions())


def test_a_guess_without_knowledge_scores_the_chance_baseline() -> None:
    data = make(50, 9, 0, SMALL)
    chance = data.baselines["chance"]
    assert task.score(data.test.y, np.zeros((50, 8)))["loss"] == pytest.approx(chance["loss"])
    assert chance["accuracy"] == 1 / 8


def test_options_that_change_the_data_change_its_identity() -> None:
    assert task.identity(RecallOptions()) == task.identity(RecallOptions(symbols=8))
    assert task.identity(RecallOptions()) != task.identity(RecallOptions(symbols=9))
