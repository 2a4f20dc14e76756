"""A baseline network that processes each frame independently.

It is the article's network with dense layers of the same sizes instead of the recurrent layers, so there is no
connection between frames. With 256 features and ten classes it has 10,666 parameters; the simple RNN has 12,714.
"""

from __future__ import annotations

import math

import numpy as np

from harness.tasks.common.scoring import binary_cross_entropy, mean
from harness.tasks.common.task import Array, Split

VERSION = "frame_wise 2"
"""Version of the procedure, for the cache."""
_LAYERS = (32, 32, 32)
_BATCH = 256
"""Frames per update."""
_MOST_PASSES = 30
_PATIENCE = 3
"""Training stops after this number of epochs without a better validation loss."""


def fit_and_predict(train: Split, validation: Split, x: Array) -> dict[str, Array]:
    """Outputs from 0 to 1, float32, for the validation split ('validation') and for `x` ('others').

    Inputs are (n, frames, features), standardised; outputs are (n, frames, classes). Frames of weight 0 are ignored.
    Trained with Adam at learning rate 0.001 on all training frames in a fixed random order; uses the weights with the
    lowest validation loss.
    """
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    counts = np.ones(train.x.shape[:2], dtype=bool) if train.weight is None else train.weight > 0
    frames, labels = train.x[counts], train.y[counts].astype(np.int8)
    network = MLPClassifier(_LAYERS, activation="tanh", alpha=0.0, batch_size=min(_BATCH, len(frames)), random_state=0)

    # scikit-learn expects two classes for a single label, and a multi-label matrix for several.
    known = labels if labels.shape[1] > 1 else labels.ravel()

    def outputs(inputs: Array) -> Array:
        probabilities = network.predict_proba(inputs.reshape(-1, inputs.shape[-1]))[:, -labels.shape[1] :]
        return np.asarray(probabilities, dtype=np.float32).reshape(*inputs.shape[:-1], labels.shape[1])

    best, since_best, of_best = math.inf, 0, {}
    # The matrix products are small, so one thread is faster than several. scikit-learn depends on threadpoolctl.
    with threadpool_limits(1):
        for _ in range(_MOST_PASSES):
            network.partial_fit(frames, known, classes=np.arange(max(2, labels.shape[1])))
            predicted = outputs(validation.x)
            loss = mean(binary_cross_entropy(validation.y, predicted), validation.weight)
            since_best += 1
            if loss < best:
                best, since_best, of_best = loss, 0, {"validation": predicted, "others": outputs(x)}
            if since_best == _PATIENCE:
                break
    return of_best
