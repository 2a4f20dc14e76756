"""Helpers for tests of cells: random shapes and weights, gradients, and comparisons of several arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from harness.cells import Cell
from harness.cells.layer import Recurrent


class Shape(NamedTuple):
    batch: int
    time: int
    features: int
    units: int


SHAPES = st.builds(Shape, st.integers(1, 5), st.integers(1, 7), st.integers(2, 6), st.integers(1, 6))


def drawn(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def built(cell: str | Cell, features: int, units: int, **options: Any) -> Recurrent:
    """A layer with every weight, biases too, drawn at random."""
    layer = Recurrent(cell, units, **options)
    set_equal_weights(layer, features=features)
    return layer


def weights_of(layer: Recurrent) -> dict[str, np.ndarray]:
    return {weight.name: weight.numpy().astype("float64") for weight in layer.weights}


def set_equal_weights(*layers: keras.Layer, features: int) -> None:
    """Build the layers, and give them the same random weights."""
    for layer in layers:
        layer.build((None, None, features))
    for layer in layers:
        layer.set_weights([0.5 * drawn(100 + k, *weight.shape) for k, weight in enumerate(layers[0].weights)])


def outputs_and_gradients(layer: keras.Layer, inputs: Any, states: Sequence[Any], mask: Any) -> tuple[Any, Any]:
    """Outputs and final states in training; gradients, by inputs, states and weights, of a random sum of them."""
    with tf.GradientTape() as tape:
        tape.watch([inputs, *states])
        results = layer(inputs, initial_state=states, mask=mask, training=True)
        loss = sum(tf.reduce_sum(part * drawn(20 + k, *part.shape)) for k, part in enumerate(results))
    return results, tape.gradient(loss, [inputs, *states, *(weight.value for weight in layer.weights)])


def assert_close(actual: Iterable[Any], expected: Iterable[Any], *, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Compare arrays one by one."""
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)


def assert_equal(actual: Iterable[Any], expected: Iterable[Any]) -> None:
    """Compare arrays one by one, bit for bit."""
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)
