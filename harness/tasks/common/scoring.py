"""Losses and shares that several tasks score by, from labels and a network's outputs, in double precision."""

from __future__ import annotations

import math
import sys

import numpy as np

from harness.tasks.common.task import Array, Metric, Scores

_SMALLEST_PROBABILITY = 1e-7
"""Where Keras clips probabilities before their logarithm (`keras.config.epsilon()`)."""
_LARGEST_EXPONENT = math.log(sys.float_info.max)

ACCURACY = Metric("accuracy", "Accuracy", "", "higher", bounds=(0.0, 1.0))
"""The metric of tasks in which a class is named for each sequence."""


def classification(y: Array, outputs: Array) -> Scores:
    """Mean cross-entropy in nats and accuracy: y (sequences,), outputs (sequences, classes) of logits."""
    return {"loss": mean(cross_entropy(y, outputs)), ACCURACY.name: mean(hits(y, outputs))}


def cross_entropy(y: Array, logits: Array) -> Array:
    """-log softmax(logits)[y] in nats: y (...) of class numbers, logits (..., classes) -> (...)."""
    from scipy.special import log_softmax

    with np.errstate(invalid="ignore", over="ignore"):
        logs = log_softmax(np.asarray(logits, dtype=np.float64), axis=-1)
    return -np.take_along_axis(logs, np.asarray(y, dtype=np.int64)[..., None], axis=-1)[..., 0]


def hits(y: Array, logits: Array) -> Array:
    """True where the largest logit is the label's: (..., classes) -> (...). Outputs that are not finite hit nothing."""
    finite = np.isfinite(logits).all(axis=-1)
    return np.asarray((np.argmax(logits, axis=-1) == y) & finite)


def binary_cross_entropy(y: Array, probabilities: Array) -> Array:
    """-log of the probability given to each label in nats: y of 0 and 1, elementwise; clipped as Keras does."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return np.asarray(-np.where(np.asarray(y) > 0.5, np.log(p), np.log1p(-p)))


def mean(values: Array, weight: Array | None = None) -> float:
    """The mean; with `weight` (0 or more, of values' shape or its leading axes) the weighted one."""
    if weight is None:
        return float(np.mean(values))
    weight = np.asarray(weight, dtype=np.float64)
    weight = weight.reshape(weight.shape + (1,) * (np.ndim(values) - weight.ndim))
    full = np.broadcast_to(weight, np.shape(values))
    return float(np.sum(np.where(full > 0, values, 0.0) * full) / np.sum(full))


def perplexity(nats: float) -> float:
    """e to the power of the loss in nats; infinite where that is past what a float holds."""
    return math.exp(nats) if nats < _LARGEST_EXPONENT else math.inf


def nearest(known: Array, labels: Array, examples: Array) -> Array:
    """The label of the nearest of the known examples, by Euclidean distance, for each example: (examples, ...)."""
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(n_neighbors=1).fit(known.reshape(len(known), -1), labels)
    return np.asarray(classifier.predict(examples.reshape(len(examples), -1)))
