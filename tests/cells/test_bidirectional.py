"""Bidirectional networks: every recurrent layer has a second one beside it that reads the sequence from its end."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest

from harness.cells import cells
from harness.cells.network import get_model, recurrent_parameters
from harness.errors import UserError
from harness.plan.matching import matched_units
from harness.plan.matching import recurrent_parameters as planned_parameters
from harness.tasks import tasks
from harness.trial.gate_bias import set_gate_bias
from tests.cells.shapes import assert_close
from tests.cells.stateless import make_predict, make_updates
from tests.factories import spec
from tests.trial.training import run

CELLS = ("simple_rnn", "gru", "lstm")
SMALL: dict[str, Any] = {
    "rnn_units": (5, 4), "fc_units": (), "input_shape": (7, 3), "classes": 2, "seed": 1, "dropout": 0.0,
    "recurrent_dropout": 0.0, "bidirectional": True,
}  # fmt: skip
X = np.random.default_rng(0).standard_normal((6, 7, 3), dtype="float32")


def as_keras_does(cell: str, model: keras.Model, *, every_step: bool) -> keras.Model:
    """The same network made of `keras.layers.Bidirectional`, with the weights of the model."""
    layer = getattr(keras.layers, cells[cell].keras_layer or "")
    inputs = keras.Input((7, 3))
    first = keras.layers.Bidirectional(layer(5, return_sequences=True))(inputs)
    second = keras.layers.Bidirectional(layer(4, return_sequences=every_step))(first)
    expected = keras.Model(inputs, keras.layers.Dense(2, activation="sigmoid")(second))
    recurrent = [layer for layer in model.layers if hasattr(layer, "cell")]
    dense = [layer for layer in model.layers if layer.weights and layer not in recurrent]
    in_order = sorted(recurrent, key=lambda layer: (-layer.units, layer.go_backwards)) + dense
    expected.set_weights([weight for layer in in_order for weight in layer.get_weights()])
    return expected


@pytest.mark.parametrize("every_step", [True, False])
@pytest.mark.parametrize("backend", ["article", "keras", "fused"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_network_is_the_one_with_keras_s_bidirectional_layers(cell: str, backend: str, every_step: bool) -> None:
    model = get_model(cell, backend=backend, every_step=every_step, **SMALL)
    expected = as_keras_does(cell, model, every_step=every_step)(X)
    np.testing.assert_allclose(model(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(make_predict(model)(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_every_backend_learns_the_same(cell: str) -> None:
    y = np.random.default_rng(1).integers(2, size=(3, 6, 7, 2)).astype("float32")
    x = np.stack([X, 2 * X, X - 1])
    models = [get_model(cell, backend=backend, **SMALL) for backend in ("article", "keras", "fused")]
    losses = [make_updates(model)(x, y) for model in models]
    for model, loss in zip(models[1:], losses[1:], strict=True):
        np.testing.assert_allclose(loss, losses[0], rtol=1e-5)
        assert_close(model.get_weights(), models[0].get_weights())
    assert models[-1].trains_in_shards


def test_both_directions_have_weights_of_their_own() -> None:
    layers = get_model("gru", **SMALL | {"rnn_units": (5,)}).layers
    forward, backward = (layer for layer in layers if hasattr(layer, "cell"))
    for one, other in zip(forward.get_weights()[:2], backward.get_weights()[:2], strict=True):
        assert not np.array_equal(one, other)


def test_a_later_input_changes_an_earlier_output() -> None:
    later = X.copy()
    later[:, -1] += 1
    for bidirectional in (False, True):
        model = get_model("gru", backend="fused", **SMALL | {"bidirectional": bidirectional})
        changed = np.abs(model(later).numpy() - model(X).numpy()).max(axis=(0, 2)) > 0
        assert changed[:-1].all() if bidirectional else not changed[:-1].any()


@pytest.mark.parametrize(("cell", "layers"), [*itertools.product(CELLS, (1, 2, 3))])
def test_the_planned_parameters_are_those_of_the_network(cell: str, layers: int) -> None:
    model = get_model(cell, **SMALL | {"rnn_units": (5,) * layers})
    assert recurrent_parameters(model) == planned_parameters(cells[cell], 3, 5, layers, bidirectional=True)


def test_units_are_matched_with_both_directions() -> None:
    units = matched_units(cells["gru"], cells["lstm"], 32, 8, 2, bidirectional=True)
    wanted = planned_parameters(cells["lstm"], 8, 32, 2, bidirectional=True)
    near = [abs(planned_parameters(cells["gru"], 8, size, 2, bidirectional=True) - wanted) for size in range(20, 60)]
    assert near[units - 20] == min(near)


def test_the_forget_bias_is_set_in_both_directions() -> None:
    model = get_model("lstm", backend="fused", **SMALL)
    set_gate_bias(model, cells["lstm"], 3.0, longest=7, seed=0)
    biases = [weight.numpy() for layer in model.layers for weight in layer.weights if weight.name == "bias"][:4]
    assert [bias.reshape(4, -1)[1].tolist() for bias in biases] == [[3.0] * 5, [3.0] * 5, [3.0] * 4, [3.0] * 4]


def test_a_state_that_is_carried_on_is_refused() -> None:
    with pytest.raises(UserError, match="'carry_state' hands states on to later steps"):
        get_model("gru", carry_state=True, **SMALL)


@pytest.mark.parametrize("backend", ["keras", "fused"])
def test_a_trial_trains_and_is_tested_at_another_length(backend: str) -> None:
    options = tasks["recall"].options(validation_size=40, test_size=40).model_dump(mode="json")
    trial = spec(
        options=options, train_size=60, backend=backend, bidirectional=True, evaluate_lengths=(9,), gradient_reach=True
    )
    measured = run(trial)
    assert measured["recurrent_parameters"] == planned_parameters(cells["gru"], 8, 4, 1, bidirectional=True)
    assert measured["test_at"].keys() == {9}
    assert len(measured["gradient_reach"]["trained"]) == 5
    assert run(trial)["test"] == measured["test"]
    assert trial.id() != trial.model_copy(update={"bidirectional": False}).id()
