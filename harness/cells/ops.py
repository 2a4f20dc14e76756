"""The few functions that the equations are written with: NumPy's for NumPy arrays, TensorFlow's for everything else.

So the same lines run in float64 in a plain Python loop, where they are checked, and in a compiled graph, where they
train. TensorFlow is imported when the first of its tensors is met.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
"""A NumPy array or a TensorFlow tensor."""


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), elementwise; by way of tanh, which does not overflow and takes no division."""
    return 0.5 * tanh(0.5 * x) + 0.5


def tanh(x: Array) -> Array:
    """The hyperbolic tangent, elementwise."""
    if isinstance(x, np.ndarray):
        return np.tanh(x)
    import tensorflow

    return tensorflow.tanh(x)
