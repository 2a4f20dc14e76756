"""The functions that cell equations use: NumPy's for NumPy arrays, TensorFlow's for everything else.

The same equations therefore run in a plain Python loop in float64, for checks, and in a compiled graph, for training.
TensorFlow is imported when a function first receives a tensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
"""A NumPy array or a TensorFlow tensor."""


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), elementwise; computed with tanh, which does not overflow and needs no division."""
    return 0.5 * tanh(0.5 * x) + 0.5


def tanh(x: Array) -> Array:
    """The hyperbolic tangent, elementwise."""
    if isinstance(x, np.ndarray):
        return np.tanh(x)
    import tensorflow

    return tensorflow.tanh(x)
