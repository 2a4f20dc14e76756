"""The order of the training examples: shuffled and equally frequent, or in streams."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.trial.batches import Shuffled, Streams


@given(examples=st.integers(1, 40), batch=st.integers(1, 50), calls=st.lists(st.integers(1, 7), min_size=1, max_size=8))
def test_shuffled_examples_are_used_equally_often_in_any_grouping_of_updates(
    examples: int, batch: int, calls: list[int]
) -> None:
    grouped, single = Shuffled(examples, batch, seed=3), Shuffled(examples, batch, seed=3)
    taken = np.concatenate([grouped.take(most)[0] for most in calls])
    assert taken.shape == (sum(calls), batch)
    np.testing.assert_array_equal(taken, np.concatenate([single.take(1)[0] for _ in range(sum(calls))]))
    whole = taken.ravel()[: taken.size // examples * examples]
    assert not whole.size or set(np.bincount(whole, minlength=examples)) == {whole.size // examples}


@given(length=st.integers(1, 9), batch=st.integers(1, 6), rest=st.integers(0, 5), most=st.integers(1, 12))
def test_streams_continue_where_the_previous_update_ended(length: int, batch: int, rest: int, most: int) -> None:
    streams = Streams(length * batch + min(rest, batch - 1), batch)
    begun, last = 0, None
    for _ in range(30):
        chosen, begins = streams.take(most)
        assert chosen.shape[1] == batch
        assert 1 <= len(chosen) <= most
        if begins:
            begun += 1
            np.testing.assert_array_equal(chosen[0], np.arange(batch) * length)
        else:
            np.testing.assert_array_equal(chosen[0], last + 1)
        assert (np.diff(chosen, axis=0) == 1).all()
        last = chosen[-1]
    assert begun >= 30 // length


def test_one_pass_reads_every_example_once() -> None:
    streams = Streams(12, 3)
    first, begins = streams.take(3)
    second, goes_on = streams.take(3)
    assert (begins, goes_on, len(second)) == (True, False, 1)
    assert sorted(np.concatenate([first, second]).ravel()) == list(range(12))
    assert streams.take(1)[1], "a pass ends with its call, so that no state is carried from the end to the beginning"
