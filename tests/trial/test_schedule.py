"""Learning-rate schedules: the rates, and that each update is done at its rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.cells.network import get_model
from harness.tasks import tasks
from harness.trial.schedule import rates
from harness.trial.update import make_stateful_updates
from tests.factories import spec
from tests.trial.training import run

FEW = tasks["recall"].options(validation_size=20, test_size=20).model_dump(mode="json")


def test_a_constant_rate_is_left_to_the_optimizer() -> None:
    assert rates("constant", 0.1, 8, 0, 8) is None


def test_a_cosine_goes_from_the_rate_to_zero() -> None:
    actual = rates("cosine", 0.1, 8, 0, 10)
    assert actual is not None
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual[[0, 2, 4, 6, 8, 9]], [0.1, 0.0853553, 0.05, 0.0146447, 0, 0], atol=1e-7)
    assert (np.diff(actual[:9]) < 0).all()


def test_a_step_is_a_tenth_from_half_and_again_from_three_quarters_on() -> None:
    actual = rates("step", 0.1, 8, 0, 10)
    np.testing.assert_allclose(actual, [0.1] * 4 + [0.01] * 2 + [0.001] * 4, rtol=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", ["cosine", "step"])
def test_the_rates_do_not_depend_on_the_grouping_of_updates(schedule: Any) -> None:
    parts = [rates(schedule, 0.3, 100, first, count) for first, count in ((0, 1), (1, 7), (8, 50), (58, 42))]
    np.testing.assert_array_equal(np.concatenate(parts), rates(schedule, 0.3, 100, 0, 100))  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["article", "keras", "fused"])
def test_each_update_is_done_at_its_rate(backend: str) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((3, 4, 5, 3), dtype="float32")
    y = random.integers(2, size=(3, 4, 5, 2)).astype("float32")
    options: dict[str, Any] = {
        "rnn_units": (5,), "fc_units": (), "input_shape": (5, 3), "classes": 2, "dropout": 0, "recurrent_dropout": 0,
        "backend": backend, "optimizer": "sgd", "seed": 1,
    }  # fmt: skip
    one, other = (get_model("gru", learning_rate=rate, **options) for rate in (0.5, 0.1))
    make_stateful_updates(one)((), x[:1], y[:1])
    updates = make_stateful_updates(other)
    updates((), x, y, rates=np.array([0.5, 0.0, 0.0], "float32"))
    for expected, actual in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-7)
    updates((), x[:1], y[:1], rates=np.array([0.25], "float32"))
    assert float(other.optimizer.learning_rate.numpy()) == 0.25


@pytest.mark.parametrize("backend", ["keras", "fused"])
def test_training_follows_the_schedule(backend: str) -> None:
    common = {"options": FEW, "cell": "simple_rnn", "backend": backend, "updates": 8, "learning_rate": 0.05}
    curves = [run(spec(**common, schedule=schedule))["curve"] for schedule in ("constant", "cosine", "step")]
    constant, cosine, step = ([point["validation_loss"] for point in curve] for curve in curves)
    assert constant[1] == step[1], "the first half is at the full rate: 4 updates of 8"
    assert constant[2] != step[2]
    assert cosine[0] != constant[0]
    assert len({constant[-1], cosine[-1], step[-1]}) == 3
