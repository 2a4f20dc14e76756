"""Backend `fused` in Keras's own `fit`: computed in shards, with the results of the whole batch."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.cells.network import get_model
from harness.cells.sharded_model import ShardedModel, is_compiled, is_mean_over_sequences
from harness.cells.shards import LEAST, _fitting, shards
from tests.cells.shapes import assert_close, assert_equal, drawn
from tests.cells.stateless import make_updates

NETWORK = {"rnn_units": (4,), "fc_units": (), "input_shape": (6, 3), "classes": 2, "seed": 3, "learning_rate": 0.01}
THREADS = 3


@pytest.fixture(autouse=True)
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow has three threads, as on a machine with three cores."""
    monkeypatch.setattr(tf.config.threading, "get_inter_op_parallelism_threads", lambda: THREADS)


def fused(cell: str = "simple_rnn", **options: Any) -> keras.Model:
    return get_model(cell, backend="fused", **NETWORK | options)


def by_keras(model: keras.Model, **options: Any) -> keras.Model:
    """A Keras model of the same layers, compiled with the same arguments; it uses the whole batch."""
    plain = keras.Model(model.input, model.output)
    configured = keras.saving.deserialize_keras_object(model.get_compile_config())
    plain.compile(**configured | {"run_eagerly": True, "jit_compile": False} | options)
    return plain


def data(count: int = 24, *, every_step: bool = True) -> tuple[np.ndarray, np.ndarray]:
    return drawn(1, count, 6, 3), (drawn(2, count, *([6] if every_step else []), 2) > 0).astype("float32")


def sizes_seen(model: keras.Model, monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """A list to which the sizes of traced batches, or shards, are appended."""
    seen: list[int | None] = []
    original = model.compute_loss

    def compute_loss(x: Any = None, y: Any = None, *others: Any, **options: Any) -> Any:
        seen.append(y.shape[0])
        return original(x, y, *others, **options)

    monkeypatch.setattr(model, "compute_loss", compute_loss)
    return seen


def check_equal(one: keras.Model, other: keras.Model) -> None:
    assert_close(one.get_weights(), other.get_weights(), rtol=1e-4)


def check_fits_alike(ours: keras.Model, other: keras.Model, *given: Any, **options: Any) -> None:
    """Check that both models have the same losses, metrics and weights, up to rounding."""
    histories = [model.fit(*given, verbose=0, shuffle=False, **options).history for model in (ours, other)]
    assert histories[0].keys() == histories[1].keys()
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    check_equal(ours, other)


def test_gradients_losses_and_metrics_are_those_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """One update of gradient descent with learning rate 1 subtracts the gradient; dropout is on."""
    options = {"optimizer": "sgd", "learning_rate": 1.0}
    ours, other = fused(**options), by_keras(fused(**options))
    before, seen = ours.get_weights(), sizes_seen(ours, monkeypatch)
    results = [model.train_on_batch(*data(12), return_dict=True) for model in (ours, other)]
    assert results[0] == pytest.approx(results[1], rel=1e-6)
    for start, value, expected in zip(before, ours.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(value - start, expected - start, atol=1e-6)
    assert 4 in seen
    assert 12 not in seen


def test_fit_trains_as_the_loop_of_trials_does() -> None:
    ours, loop = (fused("lstm", clip_norm=0.05) for _ in range(2))
    x, y = data(36)
    ours.fit(x, y, batch_size=12, shuffle=False, verbose=0)
    make_updates(loop)(x.reshape(3, 12, 6, 3), y.reshape(3, 12, 6, 2))
    check_equal(ours, loop)
    for one, other in zip(ours.variables, loop.variables, strict=True):
        if one.name == "seed_generator_state":
            np.testing.assert_array_equal(one, other)


def test_a_smaller_last_batch_weights_validation_and_several_steps_at_once() -> None:
    """Batches of 12, 12 and 7 sequences, whose size is not known when the step is traced."""
    ours, other = fused("gru"), by_keras(fused("gru"))
    ours.compile("adam", "mse", metrics=["mae"], weighted_metrics=["mse"], steps_per_execution=2)
    other.compile("adam", "mse", metrics=["mae"], weighted_metrics=["mse"], run_eagerly=True)
    lists = {"sample_weight": drawn(4, 31, 6) ** 2, "validation_data": data(7), "batch_size": 12, "epochs": 2}
    check_fits_alike(ours, other, *data(31), **lists)


def test_a_dataset_with_weights_of_time_steps() -> None:
    batches = tf.data.Dataset.from_tensor_slices((*data(30), drawn(4, 30, 6) > 0)).batch(12)
    check_fits_alike(fused(), by_keras(fused()), batches, epochs=2)


def test_weights_of_classes_and_a_layer_that_is_not_trained() -> None:
    options = {"every_step": False, "output": "softmax", "fc_units": (3,)}
    models = fused(**options), by_keras(fused(**options))
    for model in models:
        model.layers[1].trainable = False
    before = models[0].layers[1].get_weights()
    x, y = drawn(1, 24, 6, 3), np.arange(24) % 2
    check_fits_alike(*models, x, y, batch_size=12, class_weight={0: 0.2, 1: 3.0})
    assert_equal(models[0].layers[1].get_weights(), before)


def test_weights_that_keras_refuses_are_refused() -> None:
    """A weight for each of 18 sequences; a shard has six of them, and its sequences six time steps."""
    with pytest.raises(ValueError, match="Dimensions must be equal, but are 6 and 18"):
        fused().train_on_batch(*data(18), sample_weight=np.ones(18))


def root_of_mean(y: Any, outputs: Any) -> Any:
    return keras.ops.sqrt(keras.ops.mean((y - outputs) ** 2))


def test_a_loss_that_is_no_mean_is_computed_on_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = (fused(dropout=0) for _ in range(2))
    ours.compile("adam", root_of_mean)
    other.compile("adam", root_of_mean, run_eagerly=True)
    seen = sizes_seen(ours, monkeypatch)
    check_fits_alike(ours, other, *data(), batch_size=12)
    assert set(seen) - {None} == {12}


@pytest.mark.parametrize(
    "loss",
    [
        "binary_crossentropy", "mae", "MeanSquaredError", keras.losses.binary_crossentropy,
        keras.losses.Huber(reduction="mean"), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ],
)  # fmt: skip
def test_a_mean_over_the_sequences_is_computed_in_shards(loss: Any) -> None:
    model = fused()
    model.compile("rmsprop", loss, loss_weights=0.5, metrics=["mse", keras.metrics.AUC()])
    assert model.jit_compile is True
    assert model.trains_in_shards


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.MeanSquaredError(reduction="sum"), keras.losses.MeanSquaredError(reduction=None),
        keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"), "dice", "hinge", root_of_mean,
        keras.losses.SparseCategoricalCrossentropy(ignore_class=0), keras.losses.CategoricalCrossentropy(axis=0),
        "crossentropy", "no loss", None, ["mse", "mse"], {"strong_out": "mse"},
    ],
)  # fmt: skip
def test_a_loss_that_may_mix_sequences_is_not_taken_for_a_mean(loss: Any) -> None:
    assert not is_mean_over_sequences(loss)


def with_regularizer(of: str) -> keras.Model:
    model = fused()
    if of == "weights":
        model.layers[-2].kernel.regularizer = keras.regularizers.L2(0.1)
    else:
        model.layers[-2].activity_regularizer = keras.regularizers.L2(0.1)
    return model


def with_batch_normalization() -> keras.Model:
    model = fused()
    normalized = ShardedModel(model.input, keras.layers.BatchNormalization()(model.output))
    normalized.compile("adam", "mse")
    return normalized


def compiled_again(**options: Any) -> keras.Model:
    model = fused()
    model.compile("adam", "mse", **options)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: with_regularizer("weights"), lambda: with_regularizer("outputs"),
        with_batch_normalization, lambda: fused(carry_state=True), lambda: compiled_again(jit_compile=False),
        lambda: compiled_again(run_eagerly=True),
    ],
    ids=["regularizer of weights", "regularizer of outputs", "batch normalization", "states", "no XLA", "eager"],
)  # fmt: skip
def test_models_whose_gradient_is_no_mean_over_shards_are_trained_by_keras(make: Any) -> None:
    assert not make().trains_in_shards


def test_run_eagerly_is_keras_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    model = compiled_again(run_eagerly=True)
    seen = sizes_seen(model, monkeypatch)
    model.fit(*data(), batch_size=12, verbose=0)
    assert seen[-2:] == [12, 12]


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_loaded_model_continues_training_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fused(dropout=0, recurrent_dropout=0)
    model.fit(*data(), batch_size=12, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert is_compiled(loaded)
    assert loaded.jit_compile is True
    seen = sizes_seen(loaded, monkeypatch)
    check_fits_alike(loaded, model, *data(), batch_size=12)
    assert 4 in seen


def test_a_copied_model_trains_in_shards() -> None:
    copied = keras.models.clone_model(fused())
    copied.compile("adam", "mse")
    assert copied.trains_in_shards


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_batches_of_unknown_size_are_split_into_the_largest_power_of_two_that_fits(threads: int) -> None:
    counts = [1 << power for power in range(threads.bit_length())]
    for size in (1, 3, 4, 7, 8, 12, 15, 16, 31, 32, 33, 40, 64, 96, 100, 128):
        count = counts[int(_fitting(tf.constant(size), counts)) - 1]
        assert size % count == 0
        assert count == 1 or (count <= threads and size // count >= LEAST)
        assert 2 * count > threads or size % (2 * count) or size < 2 * count * LEAST
        assert count <= shards(size, threads)


@pytest.mark.parametrize("backend", ["article", "keras", "fused"])
def test_whether_a_backend_is_compiled_does_not_depend_on_the_machine(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with a GPU, Keras's default for `jit_compile` is true."""
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: [SimpleNamespace(device_type="GPU")])
    model = get_model("simple_rnn", backend=backend, **NETWORK)
    assert model.jit_compile is is_compiled(model) is (backend == "fused")


def test_a_gpu_computes_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fused()
    assert model.trains_in_shards
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [SimpleNamespace(device_type=kind)])
    assert not model.trains_in_shards
    assert model.jit_compile is True


@pytest.mark.parametrize(("backend", "sizes"), [("keras", [12]), ("fused", [4])])
def test_the_backend_decides_whether_the_loop_of_trials_splits_batches(
    backend: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = get_model("simple_rnn", backend=backend, **NETWORK)
    model.jit_compile = backend == "keras"
    seen = sizes_seen(model, monkeypatch)
    x, y = data(24)
    make_updates(model)(x.reshape(2, 12, 6, 3), y.reshape(2, 12, 6, 2))
    assert seen == sizes
