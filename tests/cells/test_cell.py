"""Declarations of cells, and the formula of their parameters, compared with Keras."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cells import BACKENDS, Backward, Cell, cells
from harness.cells.bundled_facts import counts
from harness.cells.network import get_model
from harness.cells.network import recurrent_parameters as parameters_of_layers
from harness.errors import UserError
from harness.plan.matching import matched_units, recurrent_parameters
from harness.trial.gate_bias import set_gate_bias
from tests.cells.example import min_gru

SIZES = st.integers(1, 300)
NO_PRODUCTS = Backward(lambda *_: (), lambda *_: ((), ()))


def some_step(x, states, recur):
    return states, ()


@settings(max_examples=40, deadline=None)
@given(features=SIZES, units=SIZES, use_bias=st.booleans(), reset_after=st.booleans())
@pytest.mark.parametrize("name", ["simple_rnn", "gru", "lstm"])
def test_the_formula_counts_what_keras_makes(name, features, units, use_bias, reset_after) -> None:
    cell = cells[name]
    options = {"reset_after": reset_after} if name == "gru" else {}
    layer = getattr(keras.layers, cell.keras_layer)(units, use_bias=use_bias, **options)
    layer.build((None, None, features))
    shapes = cell.shapes(features, units, use_bias=use_bias, reset_after=reset_after)
    assert list(shapes.items()) == [(weight.name, tuple(weight.shape)) for weight in layer.weights]
    assert cell.parameters(features, units, use_bias=use_bias, reset_after=reset_after) == layer.count_params()


def declared(**fields) -> Cell:
    return Cell(
        **{"name": "x", "title": "X", "summary": "", "gates": ("a", "b"), "multiplicative_gates": (), "step": some_step}
        | fields
    )


@pytest.mark.parametrize(
    ("fields", "shapes"),
    [
        ({"recurrent_weights": "none"}, {"kernel": (8, 22), "bias": (22,)}),
        ({"recurrent_weights": "diagonal"}, {"kernel": (8, 22), "recurrent_diagonal": (22,), "bias": (22,)}),
        (
            {"recurrent_weights": {"a": "diagonal"}, "recurrent_bias": True},
            {"kernel": (8, 22), "recurrent_kernel": (11, 11), "recurrent_diagonal": (11,), "bias": (2, 22)},
        ),
        (
            {"input_weights": {"b": "none"}, "recurrent_weights": {"a": "none"}, "recurrent_bias": True},
            {"kernel": (8, 11), "recurrent_kernel": (11, 11), "bias": (11,), "recurrent_bias": (11,)},
        ),
    ],
)
def test_a_cell_has_the_weights_that_it_declares(fields: dict, shapes: dict) -> None:
    cell = declared(**fields)
    assert cell.shapes(8, 11) == shapes
    assert cell.parameters(8, 11) == sum(map(math.prod, shapes.values()))


def test_a_minimal_gru_is_counted_and_matched_by_what_is_trained() -> None:
    assert min_gru.parameters(8, 11) == 198
    assert recurrent_parameters(min_gru, 8, 11, layers=2) == 198 + 2 * 11 * (11 + 1)
    units = matched_units(min_gru, cells["gru"], units=11, features=8, layers=1)
    assert abs(min_gru.parameters(8, units) - cells["gru"].parameters(8, 11)) <= 9
    model = get_model(min_gru, backend="fused", input_shape=(4, 8), rnn_units=(11,), fc_units=(), classes=2)
    assert parameters_of_layers(model) == 198
    assert model.count_params() == 198 + 11 * 2 + 2
    assert counts(min_gru).operations(8, 11) == 2 * 2 * 8 * 11 + (1 + 4) * 11


def test_a_gates_bias_is_set_where_there_are_no_recurrent_weights() -> None:
    model = get_model(min_gru, backend="fused", input_shape=(4, 8), rnn_units=(3,), fc_units=(), classes=2)
    set_gate_bias(model, min_gru, 2.0, 4, 0)
    np.testing.assert_array_equal(model.layers[1].bias, [2] * 3 + [0] * 3)


def test_the_bundled_cells_have_every_backend() -> None:
    for name in ("simple_rnn", "gru", "lstm"):
        assert cells[name].backends == tuple(BACKENDS)
        assert cells[name].name == name


def test_a_cell_has_the_backends_that_it_can_have() -> None:
    assert declared().backends == ("fused",)
    assert declared(step=None, keras_layer="SimpleRNN").backends == ("article", "keras")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"gates": ()}, r"cell 'x': 'gates' is \(\)"),
        ({"states": ()}, r"cell 'x': 'states' is \(\)"),
        ({"step": None}, "cell 'x': it has neither 'step' nor 'keras_layer'"),
        ({"ones": ("forget",)}, r"'ones' names \['forget'\]"),
        ({"gates": ("a", "a")}, r"'gates' is \('a', 'a'\)"),
        ({"recurrent_weights": "half"}, "'recurrent_weights' contains 'half', expected one of: full"),
        ({"recurrent_weights": {"c": "none"}}, r"'recurrent_weights' names \['c'\]"),
        ({"input_weights": "diagonal"}, "'input_weights' contains 'diagonal'"),
        ({"input_weights": "none"}, "no gate reads the input"),
        ({"input_weights": {"b": "none"}, "recurrent_weights": "none"}, "gate 'b' has no input weights"),
        ({"recurrent_weights": "none", "keras_layer": "GRU"}, "as in the Keras layer 'GRU'"),
        ({"recurrent_weights": {"b": "none"}, "backward": NO_PRODUCTS}, "'backward' needs 'products'"),
        ({"input_weights": {"b": "none"}, "ones": ("b",)}, r"'ones' names \['b'\]"),
    ],
)
def test_an_invalid_cell_is_refused(fields: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        declared(**fields)


@pytest.mark.parametrize(("features", "units", "words"), [(0, 3, "'features' is 0"), (3, -1, "'units' is -1")])
def test_invalid_sizes_are_named(features: int, units: int, words: str) -> None:
    with pytest.raises(UserError, match=f"cell 'gru': {words}"):
        cells["gru"].parameters(features, units)
