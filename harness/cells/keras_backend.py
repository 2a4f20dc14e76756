"""Keras with TensorFlow as its backend, for models in a user's process.

Importing this module raises UserError if Keras is set to another backend. The processes of trials set the backend
themselves (harness/trial/settings.py).
"""

from __future__ import annotations

import os
import sys

from harness.errors import UserError

__all__ = ["keras"]


def _refuse(backend: str) -> UserError:
    return UserError(
        f"Keras is set to the backend {backend!r}, but models of harness need TensorFlow. Restart Python and set"
        " os.environ['KERAS_BACKEND'] = 'tensorflow' before you import Keras"
    )


if "keras" not in sys.modules and os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise _refuse(os.environ["KERAS_BACKEND"])
try:
    import keras
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] not in ("jax", "torch", "openvino"):
        raise
    raise _refuse(error.name) from error
if keras.backend.backend() != "tensorflow":
    raise _refuse(keras.backend.backend())
