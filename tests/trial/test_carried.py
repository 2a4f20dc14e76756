"""States carried from window to window: one long sequence, read in pieces, by every cell and backend."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from harness.cells import cells
from harness.cells.network import get_model
from harness.spec.trial import TrialSpec
from harness.tasks import Split
from harness.tasks.text.language import LanguageOptions, task
from harness.trial.reach import make_gradient_reach
from harness.trial.update import make_stateful_predict, make_stateful_updates, zero_states
from tests.cells.shapes import assert_close
from tests.factories import spec
from tests.trial.training import run

BACKENDS = ("article", "keras", "fused")
NETWORK = {"rnn_units": (4, 3), "fc_units": (), "classes": 5, "symbols": 5, "output": "softmax", "seed": 2}


def windows(count: int, length: int = 3, batch: int = 2) -> np.ndarray:
    """(windows, batch, length) of ids."""
    return np.random.default_rng(0).integers(5, size=(count, batch, length), dtype=np.int32)


def carrying(cell: str, backend: str, **options: Any) -> Any:
    plain = {"dropout": 0, "recurrent_dropout": 0}
    return get_model(cell, backend=backend, input_shape=(3,), carry_state=True, **{**NETWORK, **plain, **options})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("cell", sorted(cells))
def test_windows_with_their_state_carried_are_one_long_sequence(cell: str, backend: str) -> None:
    x = windows(4)
    model, long = carrying(cell, backend), get_model(cell, backend=backend, input_shape=(12,), **NETWORK)
    long.set_weights(model.get_weights())
    predict, states, predicted = make_stateful_predict(model), zero_states(model, 2), []
    assert len(states) == 2 * len(cells[cell].states)
    for window in x:
        outputs, states = predict(states, window)
        predicted.append(outputs)
    whole = long(np.concatenate(x, axis=1), training=False)
    np.testing.assert_allclose(np.concatenate(predicted, axis=1), whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cell", sorted(cells))
def test_an_update_continues_from_the_carried_state_without_a_gradient_into_the_previous_window(cell: str) -> None:
    x = windows(6)
    y = np.roll(x, 1, axis=2)
    by_hand = carrying(cell, "keras", optimizer="sgd", learning_rate=0.5)
    expected, states = [], zero_states(by_hand, 2)
    for window, labels in zip(x, y, strict=True):
        with tf.GradientTape() as tape:
            outputs, *after = by_hand([tf.constant(window), *map(tf.constant, states)], training=True)
            loss = by_hand.compute_loss(y=labels, y_pred=outputs)
        weights = by_hand.trainable_variables
        for weight, gradient in zip(weights, tape.gradient(loss, [w.value for w in weights]), strict=True):
            weight.assign_sub(0.5 * gradient)
        expected.append(float(loss))
        states = after
    for backend in BACKENDS:
        model = carrying(cell, backend, optimizer="sgd", learning_rate=0.5)
        updates = make_stateful_updates(model)
        first, left = updates(zero_states(model, 2), x[:4], y[:4])
        last, left = updates(left, x[4:], y[4:])
        np.testing.assert_allclose([*first, *last], expected, rtol=1e-4)
        assert_close(left, states, rtol=1e-3, atol=1e-5)


def seven(folder: Path, **changes: Any) -> TrialSpec:
    """Text in which every seventh character is another one, read in windows of four."""
    path = folder / "seven.txt"
    path.write_text("aaaaaab" * 600)
    options = LanguageOptions(text=(path,), carry_state=changes.pop("carry_state"))
    fields: dict[str, Any] = {
        "task": "language", "options": options.model_dump(mode="json"), "backend": "fused", "cell": "simple_rnn",
        "units": 12, "train_size": 2800, "sequence_length": 4, "batch_size": 10, "updates": 400, "evaluate_every": 50,
        "learning_rate": 0.02,
    }  # fmt: skip
    return spec(**{**fields, **changes})


def best_without_memory(folder: Path) -> float:
    """The loss of predicting each character by its frequency after the earlier characters of its window."""
    test = task.make(2800, 4, 0, LanguageOptions(text=(folder / "seven.txt",))).test
    after: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    seen = [(tuple(x[: at + 1]), int(y[at])) for x, y in zip(test.x, test.y, strict=True) for at in range(4)]
    for prefix, label in seen:
        after[prefix][label] += 1
    return float(np.mean([-np.log(after[prefix][label] / after[prefix].total()) for prefix, label in seen]))


def test_only_a_network_that_carries_its_state_learns_from_earlier_windows(tmp_path: Path) -> None:
    carried, apart = (run(seven(tmp_path, carry_state=carry)) for carry in (True, False))
    bound = best_without_memory(tmp_path)
    assert apart["test"]["loss"] > 0.95 * bound
    assert carried["test"]["loss"] < 0.5 * bound
    assert carried["validation"]["loss"] < 0.5 * bound


def test_a_trial_that_carries_its_state_is_the_same_every_time(tmp_path: Path) -> None:
    small = {"updates": 13, "evaluate_every": 5, "train_size": 280, "backend": "keras", "cell": "lstm", "dropout": 0.2}
    one, again = (run(seven(tmp_path, carry_state=True, **small)) for _ in range(2))
    for measured in (one, again):
        measured["curve"] = [point | {"seconds": 0} for point in measured["curve"]]
    assert (one["curve"], one["test"]) == (again["curve"], again["test"])


def test_closer_evaluations_near_a_target_do_not_change_the_carried_states(tmp_path: Path) -> None:
    small = {"updates": 13, "evaluate_every": 13, "train_size": 280, "learning_rate": 0.1}
    without = run(seven(tmp_path, carry_state=True, **small))
    measured = run(seven(tmp_path, carry_state=True, targets=(without["curve"][-1]["validation_loss"] + 0.3,), **small))
    assert measured["near_target"]
    assert measured["test"] == without["test"]
    assert measured["curve"][-1]["train_loss"] == without["curve"][-1]["train_loss"]


def test_carrying_the_state_does_not_change_the_gradient_reach() -> None:
    model, plain = carrying("gru", "keras"), get_model("gru", backend="keras", input_shape=(3,), **NETWORK)
    plain.set_weights(model.get_weights())
    x = windows(1, batch=5)[0]
    split = Split(x, np.roll(x, 1, axis=1))
    reaches = [make_gradient_reach(network, every_step=True)(split) for network in (model, plain)]
    np.testing.assert_allclose(reaches[0], reaches[1], rtol=1e-5)


def test_a_speed_trial_carries_its_state_too(tmp_path: Path) -> None:
    measured = run(seven(tmp_path, carry_state=True, lane="speed", updates=14, train_size=280))
    assert len(measured["rounds"]) == 7
