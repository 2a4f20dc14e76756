"""The settings of TensorFlow and Keras in the program's processes, with any settings of the user."""

from __future__ import annotations

import os

_SET = {"KERAS_BACKEND": "tensorflow", **dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"), "-1")}
_UNSET = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "TF_USE_LEGACY_KERAS")


def set_variables() -> None:
    """Before Keras and TensorFlow are imported: Keras uses TensorFlow, and TensorFlow finds no GPU.

    Several processes run side by side, and each TensorFlow process would take all memory of a GPU.
    """
    os.environ.update(_SET)
    for name in _UNSET:
        os.environ.pop(name, None)


def set_keras() -> None:
    """Keras's defaults, which a user's keras.json may have changed: float32, the usual epsilon, no mixed precision."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    keras.config.disable_traceback_filtering()  # which also wraps the message of an error in the arguments of the call


def settle() -> str:
    """All of it, before TensorFlow's first operation; returns the kind of device that is used, 'CPU'."""
    set_variables()
    set_keras()
    import tensorflow as tf

    for kind in ("GPU", "TPU"):
        tf.config.set_visible_devices([], kind)
    return ", ".join(sorted({device.device_type for device in tf.config.get_visible_devices()}))
