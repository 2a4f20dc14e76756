"""Training and prediction of models that carry no state, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from harness.trial.update import make_stateful_predict, make_stateful_updates


def make_updates(model: keras.Model, threads: int | None = None) -> Callable[..., np.ndarray]:
    run = make_stateful_updates(model, threads)
    return lambda x, y, weight=None: run((), x, y, weight)[0]


def make_predict(model: keras.Model) -> Callable[[Any], np.ndarray]:
    run = make_stateful_predict(model)
    return lambda x: run((), x)[0]
