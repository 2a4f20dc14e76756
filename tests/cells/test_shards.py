"""A batch in shards has the losses, weights, states and dropout of the whole batch, with any number of threads."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from harness.cells.dropout import masks, shard
from harness.cells.network import get_model
from harness.cells.shards import LEAST, shards
from harness.trial.update import make_stateful_updates, zero_states
from tests.cells.shapes import assert_close, drawn
from tests.cells.stateless import make_updates

NETWORK = {"rnn_units": (4,), "fc_units": (), "backend": "fused", "seed": 3, "learning_rate": 0.01}
DEEP = NETWORK | {"rnn_units": (5, 4), "fc_units": (3,)}


@given(st.integers(1, 300), st.integers(1, 64))
def test_shards_are_equal_and_as_many_as_threads_and_minimum_size_allow(batch: int, threads: int) -> None:
    def fits(count: int) -> bool:
        return batch % count == 0 and count <= threads and (count == 1 or batch // count >= LEAST)

    assert shards(batch, threads) == max(filter(fits, range(1, threads + 1)))


@cache
def trained(cell: str, threads: int) -> tuple[np.ndarray, list[tuple[str, np.ndarray]]]:
    """The losses of six updates with dropout, and the model's variables after them: weights and dropout seeds.

    The simple RNN has two recurrent layers and a dense one; the GRU has one, and its time steps have weights.
    """
    deep = cell == "simple_rnn"
    model = get_model(cell, input_shape=(6, 3), classes=2, **(DEEP if deep else NETWORK))
    batch = 8 if deep else 12
    x, y = drawn(1, 6, batch, 6, 3), (drawn(2, 6, batch, 6, 2) > 0).astype("float32")
    weight = [] if deep else [np.random.default_rng(4).random((6, batch, 6), np.float32)]
    losses = make_updates(model, threads)(x, y, *weight)
    return losses, [(variable.name, np.asarray(variable)) for variable in model.variables]


@pytest.mark.parametrize("cell", ["simple_rnn", "gru"])
def test_shards_train_as_the_whole_batch_does(cell: str) -> None:
    (whole, left), (losses, values) = (trained(cell, threads) for threads in (1, 3))
    np.testing.assert_allclose(losses, whole, rtol=1e-5)
    assert_close((value for _, value in values), (value for _, value in left), rtol=1e-4, atol=1e-5)


def test_every_update_draws_new_dropout_masks() -> None:
    """Six updates, in shards: the two recurrent layers and the dense one have each drawn six times."""
    _, left = trained("simple_rnn", 3)
    assert [int(value[1]) for name, value in left if name == "seed_generator_state"] == [6] * 3


def test_each_thread_computes_one_shard_of_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = get_model("simple_rnn", input_shape=(6, 3), classes=2, **NETWORK), []
    original = model.compute_loss
    monkeypatch.setattr(model, "compute_loss", lambda **given: seen.append(given["y"].shape[0]) or original(**given))
    updates = make_updates(model, 3)
    for batch in (12, 7, 16, 12):
        updates(drawn(1, 1, batch, 6, 3), np.zeros((1, batch, 6, 2), np.float32))
    assert seen == [4, 7, 8]


def test_each_sequence_continues_with_its_own_state() -> None:
    options: dict[str, Any] = {"symbols": 5, "output": "softmax", "classes": 5, "carry_state": True}
    x = np.random.default_rng(0).integers(5, size=(3, 8, 4), dtype=np.int32)
    gradients_of = []
    for threads in (1, 2):
        model = get_model("lstm", input_shape=(4,), **NETWORK | options)
        updates = make_stateful_updates(model, threads)
        first = tuple(tf.constant(drawn(k, *state.shape)) for k, state in enumerate(zero_states(model, 8)))
        gradients_of.append(updates(first, x, np.roll(x, 1, axis=2)))
    (whole, states), (losses, left) = gradients_of
    np.testing.assert_allclose(losses, whole, rtol=1e-5)
    assert [state.shape for state in left] == [state.shape for state in states]
    assert_close(left, states, rtol=1e-4)


@given(st.integers(1, 4), st.integers(1, 5), st.sampled_from([0, 1]))
def test_a_shard_has_its_share_of_the_masks_of_the_whole_batch(count: int, size: int, batch_axis: int) -> None:
    def draw(batch: int) -> list[np.ndarray]:
        shapes = [(3, batch, 7), (3, batch, 2)] if batch_axis else [(batch, 4, 7), (batch, 2)]
        drawn_masks = masks(shapes, [0.4, 0.2], keras.random.SeedGenerator(5), batch_axis=batch_axis)
        return [np.asarray(mask) for mask in drawn_masks]

    parts = []
    for index in range(count):
        with shard(index, count):
            parts.append(draw(size))
    for whole, *cut in zip(draw(count * size), *parts, strict=True):
        np.testing.assert_array_equal(np.concatenate(cut, axis=batch_axis), whole)
