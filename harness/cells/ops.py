"""The few operations that the equations are written with: NumPy's for NumPy arrays, TensorFlow's for everything else.

So the same lines run in float64 in a plain Python loop, where they are checked, and in a compiled graph, where they
train. TensorFlow is imported when the first of its tensors is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = Any
"""A NumPy array or a TensorFlow tensor."""


def _tensorflow() -> Any:
    import tensorflow

    return tensorflow


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), elementwise; by way of tanh, which does not overflow."""
    if isinstance(x, np.ndarray):
        return 0.5 * np.tanh(0.5 * x) + 0.5
    return _tensorflow().sigmoid(x)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent, elementwise."""
    return np.tanh(x) if isinstance(x, np.ndarray) else _tensorflow().tanh(x)


def split(x: Array, parts: int) -> Sequence[Array]:
    """`parts` equal pieces of the last axis, in order."""
    if isinstance(x, np.ndarray):
        return np.split(x, parts, axis=-1)
    pieces: Sequence[Array] = _tensorflow().split(x, parts, axis=-1)
    return pieces


def concat(pieces: Sequence[Array]) -> Array:
    """The pieces side by side on the last axis: the inverse of `split`."""
    if isinstance(pieces[0], np.ndarray):
        return np.concatenate(pieces, axis=-1)
    return _tensorflow().concat(pieces, axis=-1)
