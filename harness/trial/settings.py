"""Settings of TensorFlow and Keras in the processes of trials, which override settings of the user."""

from __future__ import annotations

import os

_SET = {"KERAS_BACKEND": "tensorflow", **dict.fromkeys(("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"), "-1")}
_UNSET = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "TF_USE_LEGACY_KERAS")


def set_variables() -> None:
    """Select TensorFlow as Keras's backend and hide GPUs. Call it before Keras and TensorFlow are imported.

    Trials run in parallel, and each TensorFlow process would allocate all memory of a GPU.
    """
    os.environ.update(_SET)
    for name in _UNSET:
        os.environ.pop(name, None)


def set_keras() -> None:
    """Restore Keras's defaults, which keras.json may have changed: float32, epsilon 1e-7, no mixed precision."""
    import keras

    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    keras.config.disable_traceback_filtering()  # filtering also adds the arguments of the call to an error message


def settle() -> str:
    """Apply all settings. Call it before TensorFlow's first operation; returns the kind of device used, 'CPU'."""
    set_variables()
    set_keras()
    import tensorflow as tf

    for kind in ("GPU", "TPU"):
        tf.config.set_visible_devices([], kind)
    return ", ".join(sorted({device.device_type for device in tf.config.get_visible_devices()}))
