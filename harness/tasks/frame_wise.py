"""A network that sees single frames: the yardstick for one that is supposed to use more than one.

One hidden layer of fixed random ReLU units, whose output weights are fitted by least squares (an extreme learning
machine; Huang, Zhu and Siew 2006): it needs no training loop, and does better than logistic regression on the frames.
"""

from __future__ import annotations

import numpy as np

from harness.tasks.task import Array

_UNITS = 512
_MOST_FRAMES = 20_000
_PENALTY = 1e-3


def fit_and_predict(x: Array, y: Array, others: Array) -> Array:
    """Outputs from 0 to 1 (n, frames, classes) for `others` (n, frames, features), learned from x and y of like shapes.

    Features are expected to be standardised. Of more than 20,000 training frames as many are used, evenly spaced.
    """
    frames, labels = x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1])
    step = -(-len(frames) // _MOST_FRAMES)
    hidden = _hidden(frames[::step])
    squares = hidden.T @ hidden / len(hidden) + _PENALTY * np.eye(hidden.shape[1])
    weights = np.linalg.solve(squares, hidden.T @ labels[::step] / len(hidden))
    outputs = _hidden(others.reshape(-1, others.shape[-1])) @ weights
    return np.asarray(np.clip(outputs, 0, 1).reshape(*others.shape[:-1], labels.shape[1]))


def _hidden(frames: Array) -> Array:
    """(n, features) -> (n, units + 1): the random units, and a constant."""
    generator = np.random.default_rng(0)
    weights = generator.standard_normal((frames.shape[1], _UNITS), dtype=np.float32) / np.sqrt(frames.shape[1])
    biases = generator.standard_normal(_UNITS, dtype=np.float32)
    hidden = np.maximum(0, frames @ weights.astype(np.float32) + biases)
    return np.concatenate([hidden, np.ones((len(frames), 1), dtype=np.float32)], axis=1)
