"""The fused layer used as a Keras layer: dtype policies, integers, masks, wrappers, saved models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.cells import cells
from harness.cells.dropout import Dropout
from harness.cells.layer import Recurrent
from harness.cells.network import get_model
from harness.errors import UserError
from tests.cells.shapes import assert_close, assert_equal, drawn, set_equal_weights

pytestmark = pytest.mark.filterwarnings(  # Keras, as it saves
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
NAMES = ("simple_rnn", "gru", "lstm")
POLICIES = ("float64", "mixed_float16", "mixed_bfloat16", "float16")


def theirs(name: str, *arguments, **options) -> keras.Layer:
    return getattr(keras.layers, cells[name].keras_layer)(*arguments, **options)


@pytest.mark.parametrize("policy", POLICIES)
def test_dropout_works_under_every_policy(policy: str) -> None:
    layer = Recurrent("gru", 4, dropout=0.3, recurrent_dropout=0.3, dtype=policy)
    dropout = Dropout(0.5, dtype=policy)

    def run(inputs: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = dropout(layer(inputs, training=True), training=True)
            loss = tf.reduce_sum(outputs)
        return outputs, tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    inputs = tf.constant(drawn(1, 2, 5, 3))
    for function in (run, tf.function(run, jit_compile=True)):
        outputs, gradients = function(inputs)
        assert outputs.dtype.name == layer.compute_dtype
        assert [gradient.dtype.name for gradient in gradients] == [layer.variable_dtype] * 3
        assert np.isfinite(np.concatenate([np.ravel(gradient) for gradient in gradients])).all()


def test_a_network_is_trained_by_fit_in_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = get_model("lstm", backend="fused", input_shape=(5, 3), rnn_units=(4,), fc_units=(3,), classes=2)
    finally:
        keras.config.set_dtype_policy("float32")
    history = model.fit(drawn(1, 4, 5, 3), np.zeros((4, 5, 2)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("dtype", ["int32", "bool", "uint8", "float64"])
def test_inputs_of_another_type_are_numbers_as_for_keras(dtype: str) -> None:
    inputs = (drawn(1, 2, 5, 3) > 0).astype(dtype)
    layer, other = Recurrent("gru", 4), theirs("gru", 4)
    set_equal_weights(layer, other, features=3)
    states = [np.ones((2, 4), dtype)]
    outputs = layer(inputs, initial_state=states)
    assert outputs.dtype == "float32"
    np.testing.assert_allclose(outputs, other(inputs.astype("float32"), initial_state=states), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", [*NAMES, "tests.cells.example:min_gru"])
def test_values_in_masked_steps_affect_no_output_and_no_gradient(name: str, value: float) -> None:
    layer = Recurrent(name, 4, return_sequences=True, return_state=True, seed=1)
    mask = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]], bool)
    inputs = drawn(1, 2, 5, 3)
    results = []
    for padding in (0.0, value):
        filled = tf.constant(np.where(mask[:, :, None], inputs, np.float32(padding)))
        with tf.GradientTape() as tape:
            tape.watch(filled)
            outputs = layer(filled, mask=mask)
            loss = tf.add_n([tf.reduce_sum(part**2) for part in outputs])
        results.append(
            [*outputs, *tape.gradient(loss, [filled, *(weight.value for weight in layer.trainable_weights)])]
        )
    assert_equal(*results)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_bidirectional_equals_keras(name: str, sequences: bool, masked: bool) -> None:
    options = {"return_sequences": sequences, "return_state": True}
    ours = keras.layers.Bidirectional(Recurrent(name, 4, **options))
    other = keras.layers.Bidirectional(theirs(name, 4, **options))
    set_equal_weights(ours, other, features=3)
    inputs, mask = drawn(1, 2, 5, 3), np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]], bool) if masked else None
    assert_close(ours(inputs, mask=mask), other(inputs, mask=mask))
    again = keras.layers.Bidirectional.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    outputs, *_ = again(keras.Input((None, 3)))
    assert outputs.shape[-1] == 8


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_go_backwards_and_zero_output_for_mask_equal_keras(sequences: bool, zero: bool) -> None:
    options = {"go_backwards": True, "zero_output_for_mask": zero, "return_sequences": sequences}
    ours, other = Recurrent("lstm", 4, **options), theirs("lstm", 4, **options)
    set_equal_weights(ours, other, features=3)
    inputs, mask = drawn(1, 2, 5, 3), np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]], bool)
    np.testing.assert_allclose(ours(inputs, mask=mask), other(inputs, mask=mask), rtol=1e-5, atol=1e-6)


def test_it_works_in_a_sequential_model_and_in_time_distributed() -> None:
    model = keras.Sequential([keras.layers.TimeDistributed(Recurrent("gru", 4)), Recurrent("lstm", 3)])
    assert model(drawn(1, 2, 6, 5, 3)).shape == (2, 3)
    assert keras.models.clone_model(model)(drawn(1, 2, 6, 5, 3)).shape == (2, 3)
    assert Recurrent("gru", 4)(np.zeros((0, 5, 3), "float32")).shape == (0, 4)


def test_dropout_of_whole_features_is_refused() -> None:
    with pytest.raises(UserError, match="'noise_shape' is"):
        Dropout(0.5, noise_shape=(None, 1, 3))


SCRIPTS = {
    "harness first": "import harness, sys; assert not {'keras', 'tensorflow', 'numpy'} & {*sys.modules}; import keras",
    "Keras first": "import keras, harness",
    "a name of Keras": "import importlib.util, harness; importlib.util.find_spec('keras'); import keras.saving",
}


@pytest.mark.parametrize("order", SCRIPTS)
def test_a_saved_model_loads_after_import_harness(order: str, tmp_path: Path) -> None:
    options = {"input_shape": (5,), "symbols": 4, "rnn_units": (3,), "fc_units": (2,), "classes": 4}
    model = get_model("gru", backend="fused", output="softmax", seed=1, **options)
    model.save(tmp_path / "model.keras")
    script = f"""{SCRIPTS[order]}
import numpy as np
model = keras.saving.load_model({str(tmp_path / "model.keras")!r})
np.save({str(tmp_path / "outputs.npy")!r}, model(np.array([[0, 1, 2, 3, 0]])))
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "outputs.npy"), model(np.array([[0, 1, 2, 3, 0]])))


def test_loaded_weights_and_an_exported_model_give_the_same_outputs(tmp_path: Path) -> None:
    options = {"backend": "fused", "input_shape": (5, 3), "rnn_units": (3,), "fc_units": (), "classes": 2}
    model, inputs = get_model("lstm", **options), drawn(1, 2, 5, 3)
    model.save_weights(tmp_path / "model.weights.h5")
    other = get_model("lstm", **options)
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(inputs), model(inputs))
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(tmp_path / "exported")  # it owns the variables
    np.testing.assert_allclose(exported.serve(inputs), model(inputs), rtol=1e-5, atol=1e-6)
