"""TensorFlow and Keras in the processes of trials: settings of the user do not change results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

KERAS_JSON = {"backend": "jax", "floatx": "float64", "epsilon": 0.5, "image_data_format": "channels_first"}
SETTINGS = """
import json, os
from harness.trial.settings import set_variables, settle
set_variables()
import tensorflow as tf
asked = []
real = tf.config.set_visible_devices
tf.config.set_visible_devices = lambda devices, kind: (asked.append((devices, kind)), real(devices, kind))
device = settle()
import keras
config = keras.config
values = [config.backend(), config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy().name]
print(json.dumps({"keras": values, "device": device, "asked": asked, "cuda": os.environ["CUDA_VISIBLE_DEVICES"]}))
"""
IN_A_NOTEBOOK = """
import harness
try:
    harness.get_model("gru")
except harness.UserError as error:
    print(error)
"""


def python(code: str, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def keras_home(tmp_path: Path) -> Path:
    (tmp_path / "keras.json").write_text(json.dumps(KERAS_JSON), encoding="utf-8")
    return tmp_path


def test_keras_has_its_defaults_with_tensorflow_and_no_gpu_with_any_settings_of_the_user(keras_home: Path) -> None:
    settings = json.loads(
        python(SETTINGS, {"KERAS_BACKEND": "jax", "KERAS_HOME": str(keras_home), "CUDA_VISIBLE_DEVICES": "0"})
    )
    assert settings["keras"] == ["tensorflow", "float32", 1e-7, "channels_last", "float32"]
    assert settings["asked"] == [[[], "GPU"], [[], "TPU"]]
    assert (settings["device"], settings["cuda"]) == ("CPU", "-1")


@pytest.mark.parametrize("by_variable", [True, False])
def test_in_a_notebook_with_another_backend_get_model_reports_what_to_do(keras_home: Path, by_variable: bool) -> None:
    environment = {"KERAS_BACKEND": "jax"} if by_variable else {"KERAS_HOME": str(keras_home)}
    output = python(IN_A_NOTEBOOK, environment)
    assert output.startswith("Keras is set to the backend 'jax', but models of harness need TensorFlow.")
    assert "os.environ['KERAS_BACKEND'] = 'tensorflow'" in output
