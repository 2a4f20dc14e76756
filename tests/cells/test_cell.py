"""What cells declare, and the closed formula of their parameters, held against Keras."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cells import KERNELS, Cell, cells
from harness.errors import UserError

SIZES = st.integers(1, 300)


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


def test_an_extra_input_feeds_its_own_blocks() -> None:
    cell = Cell("x", "X", "", ("a", "b"), ("a", "b"), step=some_step, extra_blocks=1, extra_features=3)
    assert cell.shapes(10, 4) == {"kernel": (7, 4), "extra_kernel": (3, 4), "recurrent_kernel": (4, 8), "bias": (8,)}
    assert cell.parameters(10, 4) == 7 * 4 + 3 * 4 + 4 * 8 + 8


def test_the_bundled_cells_have_every_kernel() -> None:
    for name in ("simple_rnn", "gru", "lstm"):
        assert cells[name].kernels == tuple(KERNELS)
        assert cells[name].name == name


def test_a_cell_has_the_kernels_that_it_can_have() -> None:
    assert Cell("x", "X", "", (), ("a",), step=some_step).kernels == ("fused",)
    assert Cell("x", "X", "", (), ("a",), keras_layer="SimpleRNN").kernels == ("document", "keras")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"blocks": (), "step": some_step}, "cell 'x': 'blocks' is empty"),
        ({"states": (), "step": some_step}, "cell 'x': 'states' is empty"),
        ({}, "cell 'x' has neither a 'step' nor a 'keras_layer'"),
        ({"ones": ("forget",), "step": some_step}, r"'ones' names \['forget'\]"),
        ({"extra_blocks": 1, "step": some_step}, "'extra_blocks'"),
        ({"extra_blocks": 2, "extra_features": 1, "step": some_step}, "'extra_blocks'"),
    ],
)
def test_a_cell_that_cannot_be_is_refused(fields: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Cell(**{"name": "x", "title": "X", "summary": "", "gates": (), "blocks": ("a",)} | fields)


@pytest.mark.parametrize(("features", "units", "words"), [(0, 3, "'features' is 0"), (3, -1, "'units' is -1")])
def test_sizes_that_cannot_be_are_named(features: int, units: int, words: str) -> None:
    with pytest.raises(UserError, match=f"cell 'gru': {words}"):
        cells["gru"].parameters(features, units)


def test_only_the_extra_input_is_too_little() -> None:
    cell = Cell("x", "X", "", (), ("a", "b"), step=some_step, extra_blocks=1, extra_features=3)
    with pytest.raises(UserError, match="at least 4"):
        cell.parameters(3, 2)
