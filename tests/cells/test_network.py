"""The network: the defaults give the article's model, and every backend computes the same function."""

from __future__ import annotations

import re
from unittest.mock import Mock

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.cells import cells
from harness.cells.network import get_model, recurrent_parameters, summary_text
from harness.errors import UserError
from tests.cells.shapes import assert_close
from tests.cells.stateless import make_predict, make_updates

CELLS = ("simple_rnn", "gru", "lstm")
TOTALS = {"simple_rnn": 12_714, "gru": 35_562, "lstm": 46_698}
SMALL = {"rnn_units": (5, 4), "fc_units": (6,), "input_shape": (7, 3), "classes": 2, "seed": 1}
FRAMES = {"every_step": True}, {"every_step": False}


def small_batch(updates: int = 1, *, every_step: bool = True, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.standard_normal((updates, 4, 7, 3), dtype="float32")
    y = random.integers(2, size=(updates, 4, 7, 2) if every_step else (updates, 4, 2)).astype("float32")
    return x, y


def gradients(model: keras.Model, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=False))
    return [g.numpy() for g in tape.gradient(loss, [w.value for w in model.trainable_variables])]


@pytest.mark.parametrize("cell", CELLS)
def test_the_articles_model_has_its_number_of_parameters(cell: str) -> None:
    model = get_model(cell)
    assert model.count_params() == TOTALS[cell]
    formula = cells[cell].parameters(256, 32) + cells[cell].parameters(32, 32)
    assert recurrent_parameters(model) == formula == TOTALS[cell] - (32 * 32 + 32) - (32 * 10 + 10)


def test_the_papers_gru_has_fewer_parameters() -> None:
    assert get_model("gru", reset_after=False).count_params() == 35_370


@pytest.mark.parametrize("cell", CELLS)
def test_the_default_model_is_the_articles_model(cell: str) -> None:
    model = get_model(cell)
    recurrent = {"simple_rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}[cell]
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", recurrent, recurrent, "TimeDistributed", "Dropout", "TimeDistributed", "Activation"]
    for layer in model.layers[1:3]:
        config = layer.get_config()
        assert (config["activation"], config["units"], config["return_sequences"]) == ("tanh", 32, True)
        assert (config["dropout"], config["recurrent_dropout"]) == (0.5, 0.5)
    assert model.layers[4].rate == 0.5
    assert model.layers[-1].name == "strong_out"
    assert model.layers[-1].activation is keras.activations.sigmoid
    assert model.input_shape == (None, 256, 256)
    assert model.output_shape == (None, 256, 10)
    assert model.loss == "binary_crossentropy"
    assert type(model.optimizer) is keras.optimizers.Adam
    assert float(model.optimizer.learning_rate.numpy()) == pytest.approx(1e-3)
    assert model._compile_config.config["metrics"] == ["accuracy"]


@pytest.mark.parametrize("options", FRAMES, ids=("every_step", "last_step"))
@pytest.mark.parametrize("cell", CELLS)
def test_article_and_keras_agree_from_the_same_weights(cell: str, options: dict) -> None:
    article = get_model(cell, backend="article", **SMALL, **options)
    other = get_model(cell, backend="keras", **SMALL | {"seed": 2}, **options)
    x, y = (array[0] for array in small_batch(every_step=options["every_step"]))
    assert not np.allclose(article(x), other(x))
    other.set_weights(article.get_weights())
    np.testing.assert_allclose(other(x), article(x), rtol=1e-5, atol=1e-6)
    assert_close(gradients(other, x, y), gradients(article, x, y))


@pytest.mark.parametrize("backend", ["article", "keras"])
def test_a_seed_fixes_weights_and_dropout_to_the_bit(backend: str) -> None:
    options = {"rnn_units": (4,), "fc_units": (3,)}

    def losses(seed: int) -> np.ndarray:
        return make_updates(get_model("gru", backend=backend, **SMALL | options | {"seed": seed}))(*small_batch(3))

    np.testing.assert_array_equal(losses(1), losses(1))
    one, other = (get_model("gru", backend=backend, **SMALL | {"seed": seed}).get_weights() for seed in (1, 2))
    assert not np.array_equal(one[0], other[0])


def test_the_seed_gives_every_layer_different_weights() -> None:
    one, two = get_model("gru", backend="keras", **SMALL | {"rnn_units": (3, 3)}).layers[1:3]
    for actual, expected in zip(one.get_weights()[:2], two.get_weights()[:2], strict=True):
        assert not np.array_equal(actual, expected)


def test_updates_train_and_do_not_trace_again_for_another_number_of_updates() -> None:
    model = get_model("simple_rnn", backend="keras", dropout=0, recurrent_dropout=0, learning_rate=0.05, **SMALL)
    x, y = small_batch()
    updates = make_updates(model)
    traces = []
    original = model.compute_loss
    model.compute_loss = lambda **arguments: traces.append(1) or original(**arguments)
    losses = np.concatenate([updates(np.repeat(x, n, 0), np.repeat(y, n, 0)) for n in (1, 5, 30)])
    assert losses.shape == (36,)
    assert losses[-1] < 0.8 * losses[0]
    assert len(traces) == 1
    assert model.optimizer.iterations.numpy() == 36


def test_updates_are_those_of_fit() -> None:
    options = SMALL | {"dropout": 0, "recurrent_dropout": 0, "clip_norm": 0.05}
    actual, expected = (get_model("lstm", backend="keras", **options) for _ in range(2))
    x, y = small_batch(5)
    make_updates(actual)(x, y)
    expected.fit(x.reshape(-1, 7, 3), y.reshape(-1, 7, 2), batch_size=4, shuffle=False, verbose=0)
    assert_close(actual.get_weights(), expected.get_weights())


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_weight_decay_shrinks_the_weights_but_no_bias_where_the_gradient_is_zero(optimizer: str) -> None:
    model = get_model("gru", backend="keras", optimizer=optimizer, learning_rate=0.1, weight_decay=0.5, **SMALL)
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    model.optimizer.apply([tf.zeros(weight.shape) for weight in model.trainable_variables], model.trainable_variables)
    kept = {weight.name: weight.numpy() for weight in model.trainable_variables}
    assert {"bias", "kernel", "recurrent_kernel"} <= kept.keys()
    for name, values in kept.items():
        np.testing.assert_allclose(values, 1.0 if name == "bias" else 1 - 0.1 * 0.5, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(("cell", "backend"), [(cell, one) for cell in CELLS for one in cells[cell].backends])
def test_weight_decay_is_added_to_an_update_on_every_backend(cell: str, backend: str) -> None:
    options = SMALL | {"backend": backend, "learning_rate": 0.1, "clip_norm": 0.05, "seed": 4}
    with_decay, without = get_model(cell, weight_decay=0.5, **options), get_model(cell, **options)
    before = [weight.numpy() for weight in without.trainable_variables]
    for model in (with_decay, without):
        make_updates(model)(*small_batch())
    for start, one, other in zip(before, with_decay.trainable_variables, without.trainable_variables, strict=True):
        taken = 0.0 if "bias" in one.name else 0.1 * 0.5 * start
        np.testing.assert_allclose(one.numpy(), other.numpy() - taken, rtol=1e-5, atol=1e-6, err_msg=one.name)


def test_symbols_are_encoded_inside_the_model_and_labels_are_integers() -> None:
    options = {"rnn_units": (5,), "fc_units": (), "classes": 8, "backend": "keras", "seed": 3, "output": "softmax"}
    model = get_model("gru", input_shape=(None,), symbols=8, **options)
    ids = np.random.default_rng(0).integers(8, size=(1, 4, 6))
    assert model.input_shape == (None, None)
    logits = make_predict(model)(ids[0])
    assert logits.shape == (4, 6, 8)
    plain = get_model("gru", input_shape=(6, 8), **options)
    plain.set_weights(model.get_weights())
    np.testing.assert_allclose(plain(np.eye(8, dtype="float32")[ids[0]]), logits, rtol=1e-5, atol=1e-6)
    loss = make_updates(model)(ids, ids)[0]
    assert abs(loss - np.log(8)) < 0.5


def test_a_linear_output_is_trained_by_squared_error() -> None:
    options = {"output": "linear", "every_step": False, "classes": 1, "dropout": 0, "recurrent_dropout": 0}
    model = get_model("gru", **SMALL | options, backend="keras")
    x, _ = small_batch()
    target = np.full((1, 4, 1), 3.0, "float32")
    outputs = make_predict(model)(x[0])
    assert make_updates(model)(x, target)[0] == pytest.approx(np.mean((outputs - target[0]) ** 2), rel=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_a_model_is_saved_and_loaded(tmp_path) -> None:
    model = get_model("gru", backend="keras", input_shape=(5,), symbols=4, classes=4, output="softmax", seed=1)
    ids = np.array([[0, 1, 2, 3, 0]])
    make_updates(model)(ids[None], ids[None])
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(ids), model(ids))


def test_the_summary_is_plain_text_and_always_the_same() -> None:
    first = summary_text("gru")
    assert "Total params: 35,562" in first
    assert re.search(r"time_distributed\s.*1,056", first)
    assert "\x1b" not in first
    assert max(map(len, first.splitlines())) <= 80
    assert summary_text("gru") == first


def test_sizes_may_be_numbers_of_numpy() -> None:
    sizes = {"rnn_units": np.array([3]), "fc_units": [np.int64(2)], "classes": np.int32(2), "seed": np.int64(1)}
    for backend in ("article", "keras", "fused"):
        assert get_model("gru", backend=backend, input_shape=(np.int64(4), 3), **sizes).output_shape == (None, 4, 2)


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")])
def test_a_lack_of_memory_is_named(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.cells.network.get_model", Mock(side_effect=error))
    with pytest.raises(UserError, match="this network needs more memory than is available"):
        summary_text("gru")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "lsmt"}, "Did you mean 'lstm'"),
        ({"backend": "fusde"}, "Did you mean 'fused'"),
        ({"rnn_units": ()}, "'rnn_units' is empty"),
        ({"rnn_units": (32, 0)}, "'rnn_units' contains 0, expected integers from 1 to 1,000,000"),
        ({"rnn_units": (10**12,)}, "'rnn_units' contains 1000000000000"),
        ({"fc_units": (-3,)}, "'fc_units' contains -3"),
        ({"classes": 0}, "'classes' contains 0"),
        ({"dropout": 1.0}, "'dropout' is 1.0"),
        ({"recurrent_dropout": -0.1}, "'recurrent_dropout' is -0.1"),
        ({"input_shape": (256,)}, r"'input_shape' is \(256,\), expected \(time, features\)"),
        ({"input_shape": (256, 4), "symbols": 4}, r"expected \(time,\), with 'symbols'"),
        ({"input_shape": (None, 4)}, "'article' needs the number of time steps"),
        ({"input_shape": (4, None)}, "expected a number of features"),
        ({"output": "sigmod"}, "Did you mean 'sigmoid'"),
        ({"optimizer": "adm"}, "Did you mean 'adam'"),
        ({"cell": 3}, "unknown cell 3"),
        ({"backend": 3}, "unknown backend 3"),
        ({"rnn_units": 32}, "'rnn_units' is 32, expected integers of at least 1"),
        ({"rnn_units": "32"}, "'rnn_units' is '32'"),
        ({"classes": True}, "'classes' contains True"),
        ({"dropout": "0.5"}, "'dropout' is '0.5'"),
        ({"dropout": float("nan")}, "'dropout' is nan"),
        ({"input_shape": 256}, "'input_shape' is 256"),
        ({"input_shape": (256, 0)}, "'input_shape' contains 0"),
        ({"input_shape": (256, 2.5)}, "'input_shape' contains 2.5"),
        ({"learning_rate": 0}, "'learning_rate' is 0, expected a number above 0"),
        ({"learning_rate": float("inf")}, "'learning_rate' is inf"),
        ({"clip_norm": -1}, "'clip_norm' is -1"),
        ({"weight_decay": -1}, "'weight_decay' is -1, expected a number of at least 0"),
        ({"weight_decay": float("nan")}, "'weight_decay' is nan"),
        ({"every_step": "no"}, "'every_step' is 'no', expected True or False"),
        ({"carry_state": 1}, "'carry_state' is 1"),
        ({"seed": -1}, "'seed' is -1"),
        ({"seed": 1.5}, "'seed' is 1.5"),
        ({"recurrent_initializer": None}, "unknown initialiser None"),
    ],
)
def test_an_invalid_value_is_named(options: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        get_model(**{"cell": "gru"} | options)
