"""Helpers for tests of the layer: random shapes, a layer, and its weights for the reference loop."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
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
    layer.build((None, None, features))
    for number, weight in enumerate(layer.weights):
        weight.assign(0.5 * drawn(100 + number, *weight.shape))
    return layer


def weights_of(layer: Recurrent) -> dict[str, np.ndarray]:
    return {weight.name: weight.numpy().astype("float64") for weight in layer.weights}
