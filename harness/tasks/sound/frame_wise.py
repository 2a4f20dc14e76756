"""A network that sees single frames: the baseline for one that is supposed to use more than one.

The article's network with dense layers in the place of the recurrent ones: as many layers of as many units, and no
connection from a frame to the next. With 256 features and ten classes it has 10,666 parameters, where the simple RNN
has 12,714.
"""

from __future__ import annotations

import math

import numpy as np

from harness.tasks.common.scoring import binary_cross_entropy, mean
from harness.tasks.common.task import Array, Split

VERSION = "frame_wise 2"
"""Of the procedure, for the cache."""
_LAYERS = (32, 32, 32)
_BATCH = 256
"""Frames an update."""
_MOST_PASSES = 30
_PATIENCE = 3
"""Passes over the training frames without a better validation loss, after which training stops."""


def fit_and_predict(train: Split, validation: Split, x: Array) -> dict[str, Array]:
    """Outputs from 0 to 1, float32, for the validation split ('validation') and for `x` ('others').

    Frames of weight 0 count in neither training nor validation.

    Inputs are (n, frames, features), standardised, and outputs (n, frames, classes). Trained with Adam at 0.001 on all
    frames of the training split in random order, always the same; the weights with the lowest validation loss count.
    """
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    counts = np.ones(train.x.shape[:2], dtype=bool) if train.weight is None else train.weight > 0
    frames, labels = train.x[counts], train.y[counts].astype(np.int8)
    network = MLPClassifier(_LAYERS, activation="tanh", alpha=0.0, batch_size=min(_BATCH, len(frames)), random_state=0)

    # To scikit-learn one label is a choice of two classes; several are labels, each of which may be there or not.
    known = labels if labels.shape[1] > 1 else labels.ravel()

    def outputs(inputs: Array) -> Array:
        probabilities = network.predict_proba(inputs.reshape(-1, inputs.shape[-1]))[:, -labels.shape[1] :]
        return np.asarray(probabilities, dtype=np.float32).reshape(*inputs.shape[:-1], labels.shape[1])

    best, since_best, of_best = math.inf, 0, {}
    # Of scikit-learn's own dependencies; more threads than one are slower, the products being small.
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
