"""Losses and metrics shared by several tasks, computed from labels and outputs in double precision."""

from __future__ import annotations

import numpy as np

from harness.tasks.common.task import Array, Metric, Scores

_SMALLEST_PROBABILITY = 1e-7
"""Keras clips probabilities to at least this before taking the logarithm (`keras.config.epsilon()`)."""

ACCURACY = Metric("accuracy", "Accuracy", "", "higher", bounds=(0.0, 1.0))
"""The metric of tasks that classify whole sequences."""


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
    """Whether the largest logit is the label's: (..., classes) -> (...). Outputs that are not finite count as wrong."""
    finite = np.isfinite(logits).all(axis=-1)
    return np.asarray((np.argmax(logits, axis=-1) == y) & finite)


def binary_cross_entropy(y: Array, probabilities: Array) -> Array:
    """-log of the probability assigned to each label, in nats, elementwise: y of 0 and 1; clipped as in Keras."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY)
    return np.asarray(-np.where(np.asarray(y) > 0.5, np.log(p), np.log1p(-p)))


def mean(values: Array, weight: Array | None = None) -> float:
    """The mean, weighted if `weight` is given (at least 0, with the shape of values or of its leading axes)."""
    if weight is None:
        return float(np.mean(values))
    weight = np.asarray(weight, dtype=np.float64)
    weight = weight.reshape(weight.shape + (1,) * (np.ndim(values) - weight.ndim))
    full = np.broadcast_to(weight, np.shape(values))
    return float(np.sum(np.where(full > 0, values, 0.0) * full) / np.sum(full))


def nearest(known: Array, labels: Array, examples: Array) -> Array:
    """For each example, (examples, ...), the label of the nearest known example by Euclidean distance."""
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(n_neighbors=1).fit(known.reshape(len(known), -1), labels)
    return np.asarray(classifier.predict(examples.reshape(len(examples), -1)))
