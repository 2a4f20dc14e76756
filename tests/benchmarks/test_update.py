"""Training updates and first steps of every cell and backend, at the article's shapes and at small ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.cells.network import get_model
from harness.runner.backends import Shape, operations
from harness.trial.update import to_tensors
from tests.benchmarks.conftest import Measure
from tests.cells.stateless import make_updates

CELLS = ("simple_rnn", "gru", "lstm")
SHAPES = {"article": Shape(), "short": Shape(batch=64, time=32, features=16, units=32)}
DROPOUT = {"article": 0.5, "short": 0.0}
UPDATES = {
    ("article", "fused"): 2, ("article", "keras"): 1, ("article", "article"): 1,
    ("short", "fused"): 20, ("short", "keras"): 5, ("short", "article"): 5,
}  # fmt: skip
"""By shape and backend: so many that a round takes some hundredths of a second."""
BESIDE = {"fused": "matrix product", "keras": "keras update", "article": "keras update"}
"""Backend `fused` is compiled whole and spends its time in products; the others are run as Keras runs."""
CASES = [
    pytest.param(name, backend, shape, id=f"{name}-{backend}-{shape}")
    for shape in SHAPES
    for backend in ("fused", "keras", "article")
    for name in CELLS
]


def _data(shape: Shape, updates: int) -> list[Any]:
    """x and y of this number of updates, as tensors."""
    random = np.random.default_rng(0)
    x = random.standard_normal((updates, shape.batch, shape.time, shape.features), dtype=np.float32)
    y = (random.random((updates, shape.batch, shape.time, shape.CLASSES)) > 0.9).astype(np.float32)
    return to_tensors(x, y)


def _updates(name: str, backend: str, shape: Shape, dropout: float) -> Any:
    return make_updates(
        get_model(
            name,
            backend=backend,
            rnn_units=[shape.units] * shape.LAYERS,
            fc_units=(shape.HIDDEN,),
            classes=shape.CLASSES,
            input_shape=(shape.time, shape.features),
            dropout=dropout,
            recurrent_dropout=dropout,
            seed=0,
        )
    )


@pytest.mark.parametrize(("cell", "backend", "shape"), CASES)
def test_update(
    benchmark: Any, measure: Measure, request: pytest.FixtureRequest, cell: str, backend: str, shape: str
) -> None:
    if request.config.getoption("--gate") and (backend == "article" or (backend, shape) == ("keras", "article")):
        pytest.skip("Keras's own code, which takes long to trace; `make bench` measures it")
    if benchmark.disabled and (cell, backend, shape) != ("gru", "fused", "short"):
        pytest.skip("measured with --benchmark-enable; one short case stands for it as a test")
    sizes, count = SHAPES[shape], UPDATES[shape, backend]
    benchmark.group = f"update, {shape}"
    x, y = _data(sizes, count)
    updates = _updates(cell, backend, sizes, DROPOUT[shape])
    losses = measure(lambda: updates(x, y), beside=BESIDE[backend], rounds=9)
    benchmark.extra_info |= {"updates": count, "operations": operations(cell, sizes)}
    assert losses.shape == (count,)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("cell", CELLS)
def test_first_step(benchmark: Any, measure: Measure, cell: str) -> None:
    """Building the network, tracing and compiling it, and one update."""
    if benchmark.disabled:
        pytest.skip("measured with --benchmark-enable; every update has a first step")
    benchmark.group = "first step"
    x, y = _data(SHAPES["short"], 1)

    def first_step() -> Any:
        updates: Callable[..., Any] = _updates(cell, "fused", SHAPES["short"], 0.0)
        return updates(x, y)

    assert measure(first_step, beside="python loop", rounds=2).shape == (1,)
