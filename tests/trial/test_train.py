"""One trial in this process: training, evaluation and reported measurements."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from harness.cells import cells
from harness.cells.network import get_model
from harness.errors import UserError
from harness.spec.trial import TrialSpec
from harness.store.record import Measured
from harness.tasks import Dataset, Split, Task, tasks
from harness.trial.gate_bias import set_gate_bias
from harness.trial.measure import Meter
from harness.trial.near_target import pauses
from harness.trial.reach import make_gradient_reach
from harness.trial.train import Diverged, train
from harness.trial.update import make_stateful_predict, make_stateful_updates
from tests.cells.stateless import make_updates
from tests.factories import record, spec
from tests.trial.training import run

RECALL = tasks["recall"]
OPTIONS = RECALL.options(validation_size=40, test_size=40).model_dump(mode="json")


def small(**changes: Any) -> TrialSpec:
    return spec(**{"options": OPTIONS, "train_size": 60, "updates": 12, "evaluate_every": 4, **changes})


def test_the_weights_with_the_lowest_validation_loss_are_tested() -> None:
    measured = run(small(learning_rate=0.3, updates=30, evaluate_every=3))
    losses = [point["validation_loss"] for point in measured["curve"]]
    assert min(losses) < losses[-1], "the rate is too high on purpose"
    assert measured["validation"]["loss"] == min(losses)


def batches_predicted(monkeypatch: pytest.MonkeyPatch, of: TrialSpec) -> int:
    """The number of batches that a trial evaluates."""
    calls = 0

    def make(model: Any) -> Any:
        predict = make_stateful_predict(model)

        def counted(states: Any, x: Any) -> Any:
            nonlocal calls
            calls += 1
            return predict(states, x)

        return counted

    monkeypatch.setattr("harness.trial.programs.make_stateful_predict", make)
    run(of)
    return calls


def test_no_split_is_scored_more_often_than_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    of = small(updates=12, evaluate_every=4)
    assert batches_predicted(monkeypatch, of) == 3 + 1, "validation three times, the test split once"
    assert batches_predicted(monkeypatch, of.model_copy(update={"purpose": "tuning"})) == 3
    asked = of.model_copy(update={"train_scores": True, "evaluate_lengths": (3,)})
    assert batches_predicted(monkeypatch, asked) == 3 + 1 + 1 + 1, "the training split and another length too"


def test_a_task_that_chooses_thresholds_predicts_the_validation_split_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sounds = tasks["sound_events"].options(validation_size=2, test_size=2).model_dump(mode="json")
    of = small(task="sound_events", options=sounds, train_size=2, sequence_length=16, batch_size=2, updates=1)
    assert batches_predicted(monkeypatch, of) == 1 + 1 + 1


def test_the_training_split_is_scored_where_the_spec_asks_for_it_and_nothing_else_changes() -> None:
    without, measured = run(small(dropout=0.2)), run(small(dropout=0.2, train_scores=True))
    assert without["train"] == {}
    assert set(measured["train"]) == {"loss", "accuracy"}
    for key in ("validation", "test", "updates"):
        assert measured[key] == without[key], key


def test_training_stops_when_validation_no_longer_gets_better() -> None:
    measured = run(small(learning_rate=0.3, updates=300, evaluate_every=3, patience=2))
    losses = [point["validation_loss"] for point in measured["curve"]]
    assert measured["updates"] == 3 * len(losses) < 300
    assert losses.index(min(losses)) == len(losses) - 3


def test_timed_updates_receive_tensors_and_copy_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def make(model: Any) -> Any:
        update = make_stateful_updates(model)
        return lambda states, *batches: (given.extend(batches), update(states, *batches))[1]

    monkeypatch.setattr("harness.trial.programs.make_stateful_updates", make)
    run(small())
    x, y, weight = given[:3]
    assert tf.is_tensor(x)
    assert tf.is_tensor(y)
    assert weight is None
    assert all(each is None or tf.is_tensor(each) for each in given)


def test_the_record_has_the_facts_of_the_data() -> None:
    measured = run(small())
    facts = {"examples": {"train": 60, "validation": 40, "test": 40}, "classes": 8, "symbols": 8, "padded": {}}
    assert measured["data_facts"] == {"source": "", "unknown": None, "left_out": {}, **facts}
    assert record(small(), data_facts=measured["data_facts"]).data_facts


def test_labels_out_of_the_task_s_range_are_no_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> Dataset:
        data = RECALL.make(*given)
        return dataclasses.replace(data, classes=3)

    monkeypatch.setattr("tests.trial.test_train.BROKEN", dataclasses.replace(RECALL, make=broken), raising=False)
    with pytest.raises(UserError, match="task recall: the train split has the label 7, expected 0 to 2"):
        run(small(task="tests.trial.test_train:BROKEN"))


def test_other_lengths_are_tested_if_requested() -> None:
    measured = run(small(evaluate_lengths=(3, 9), backend="fused"))
    assert set(measured["test_at"]) == {3, 9}
    assert all({"loss", "accuracy"} <= set(scores) for scores in measured["test_at"].values())
    assert measured["test_at"][3] != measured["test_at"][9]


def test_detections_for_one_example_are_recorded_if_the_task_shows_it() -> None:
    sounds = tasks["sound_events"].options(validation_size=2, test_size=2).model_dump(mode="json")
    measured = run(
        small(task="sound_events", options=sounds, train_size=2, sequence_length=16, batch_size=2, updates=2)
    )
    record(example=measured["example"])
    assert len(measured["example"]["heard"]) == len(measured["example"]["labels"]) == 10
    assert {len(row) for row in (*measured["example"]["heard"], *measured["example"]["there"])} == {16}
    assert run(small())["example"] is None


@pytest.mark.parametrize("backend", ["keras", "fused"])
def test_gradient_reach_is_largest_for_the_nearest_inputs(backend: str) -> None:
    measured = run(small(gradient_reach=True, sequence_length=30, backend=backend, cell="simple_rnn"))
    for when in ("untrained", "trained"):
        distances, norms = zip(*measured["gradient_reach"][when], strict=True)
        assert distances[0] == 0
        assert distances[-1] == 29
        assert all(norm >= 0 for norm in norms)
    untrained = dict(measured["gradient_reach"]["untrained"])
    assert untrained[0] > untrained[29] > 0


def test_both_backends_have_the_same_gradient_reach() -> None:
    reaches = [
        run(small(gradient_reach=True, backend=backend))["gradient_reach"]["untrained"]
        for backend in ("keras", "fused")
    ]
    np.testing.assert_allclose(reaches[0], reaches[1], rtol=1e-4)


def test_a_loss_that_is_not_finite_is_divergence_and_earlier_measurements_are_kept() -> None:
    reports: list[Measured] = []
    with pytest.raises(Diverged, match="loss is"):
        train(small(learning_rate=1e38, clip_norm=None, updates=50), Meter(), reports.append)
    measured = reports[-1]
    assert measured.updates >= 1
    assert measured.parameters


def test_weights_leave_labels_out_of_the_loss() -> None:
    model = get_model("gru", rnn_units=(3,), fc_units=(), dropout=0, recurrent_dropout=0, input_shape=(4, 2), classes=5,
                      backend="keras", output="softmax", seed=1)  # fmt: skip
    generator = np.random.default_rng(0)
    x = generator.standard_normal((1, 6, 4, 2)).astype("float32")
    y = generator.integers(0, 5, (1, 6, 4))
    weight = generator.integers(0, 2, (1, 6, 4)).astype("float32")
    logits = np.asarray(model(x[0]), dtype="float64")
    each = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, y[0][..., None], -1)[..., 0]
    expected = (each * weight[0]).sum() / weight.sum()
    (loss,) = make_updates(model)(x, y, weight)
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("backend", ["keras", "fused"])
@pytest.mark.parametrize(("cell", "gate"), [("lstm", "forget"), ("gru", "update")])
def test_the_bias_of_the_gate_that_keeps_the_state_is_set(cell: str, gate: str, backend: str) -> None:
    def biases(bias: Any) -> dict[str, np.ndarray]:
        model = get_model(cell, rnn_units=(6,), fc_units=(), input_shape=(40, 2), backend=backend, seed=0)
        set_gate_bias(model, cells[cell], bias, longest=40, seed=3)
        (variable,) = [
            w
            for layer in model.layers
            for w in layer.weights
            if w.name == "bias" and layer.weights[1].name == "recurrent_kernel"
        ]
        rows = variable.numpy().reshape(-1, len(cells[cell].gates), 6)
        assert not rows[1:].any(), "the recurrent product's own bias stays zero"
        return dict(zip(cells[cell].gates, rows[0], strict=True))

    assert (biases(2.5)[gate] == 2.5).all()
    chrono = biases("chrono")
    assert (chrono[gate] > 0).all()
    assert (chrono[gate] <= np.log(39)).all()
    assert len(set(chrono[gate])) == 6
    if cell == "lstm":
        np.testing.assert_array_equal(chrono["input"], -chrono["forget"])


def test_a_tuning_trial_has_separate_validation_data_and_does_not_use_the_test_split(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scored: list[int] = []

    def score(y: np.ndarray, outputs: np.ndarray) -> Any:
        scored.append(len(y))
        return RECALL.score(y, outputs)

    monkeypatch.setattr("tests.trial.test_train.SCORED", dataclasses.replace(RECALL, score=score), raising=False)
    measured = run(small(task="tests.trial.test_train:SCORED", purpose="tuning"))
    assert measured["test"] == {}
    assert measured["validation"]["loss"] == pytest.approx(min(point["validation_loss"] for point in measured["curve"]))
    assert set(scored) == {12}, "a fifth of the 60"


@pytest.mark.parametrize("labelled", [0, 3, 5])
def test_gradient_reach_leaves_out_sequences_that_have_ended(labelled: int) -> None:
    model = get_model("gru", rnn_units=(3,), fc_units=(), dropout=0, recurrent_dropout=0, input_shape=(4, 2), classes=2,
                      backend="keras", seed=1)  # fmt: skip
    generator = np.random.default_rng(0)
    x, y = (
        generator.standard_normal((5, 4, 2)).astype("float32"),
        generator.integers(2, size=(5, 4, 2)).astype("float32"),
    )
    weight = np.ones((5, 4), dtype=np.float32)
    weight[labelled:, -1] = 0
    reach = make_gradient_reach(model, every_step=True)(Split(x, y, weight))
    expected = make_gradient_reach(model, every_step=True)(Split(x[:labelled], y[:labelled])) if labelled else []
    np.testing.assert_allclose(reach, expected, rtol=1e-5)


def test_a_task_that_chooses_thresholds_chooses_them_on_validation_data_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def calibrate(y: np.ndarray, outputs: np.ndarray) -> Any:
        seen.append(len(y))
        return lambda y, outputs: {**RECALL.score(y, outputs), "calibrated": 1.0}

    def make(*arguments: Any) -> Dataset:
        dataset = RECALL.make(*arguments)
        return dataclasses.replace(dataset, validation=Split(dataset.validation.x[:17], dataset.validation.y[:17]))

    chosen: Task = dataclasses.replace(RECALL, calibrate=calibrate, make=make)
    monkeypatch.setattr("tests.trial.test_train.CHOSEN", chosen, raising=False)
    measured = run(small(task="tests.trial.test_train:CHOSEN"))
    assert seen == [17]
    assert measured["test"]["calibrated"] == 1.0


NEAR: Task = dataclasses.replace(RECALL, target=("loss", 10.0))
FAR: Task = dataclasses.replace(RECALL, target=("loss", 0.0))


@pytest.mark.parametrize(("task", "updates"), [("NEAR", 4), ("FAR", 12)])
def test_a_check_trains_until_its_target_or_all_updates_are_done_and_tests_nothing(task: str, updates: int) -> None:
    measured = run(small(task=f"tests.trial.test_train:{task}", lane="speed", purpose="check"))
    assert measured["updates"] == measured["curve"][-1]["update"] == updates
    assert len(measured["rounds"]) == updates // 4
    assert [point["update"] for point in measured["near_target"]] == ([1] if task == "NEAR" else [])
    assert measured["test"] == measured["validation"] == {}


@pytest.mark.parametrize(("task", "updates"), [("NEAR", 4), ("FAR", 12)])
def test_training_that_stops_at_its_target_is_tested_there(task: str, updates: int) -> None:
    of = small(task=f"tests.trial.test_train:{task}")
    measured, longer = run(of.model_copy(update={"stop_at_target": True})), run(of)
    assert measured["updates"] == updates
    assert longer["updates"] == 12
    curve = [point["validation"] for point in longer["curve"]][: updates // 4]
    assert [point["validation"] for point in measured["curve"]] == curve, "until then nothing differs"
    assert measured["validation"] in curve
    assert measured["test"]


def test_near_a_target_evaluations_are_closer_and_nothing_else_changes() -> None:
    of = small(updates=60, evaluate_every=30, learning_rate=0.01, dropout=0.2, patience=3)
    without = run(of)
    between = run(of.model_copy(update={"evaluate_every": 3, "patience": None}))["curve"]
    losses = {point["update"]: point["validation_loss"] for point in between}
    level = losses[30]
    measured = run(of.model_copy(update={"targets": (level,)}))
    for key in ("validation", "test", "updates"):
        assert measured[key] == without[key], key
    exact = ("update", "train_loss", "validation_loss", "validation")
    assert [[point[key] for key in exact] for point in measured["curve"]] == [
        [point[key] for key in exact] for point in without["curve"]
    ]
    assert without["near_target"] == ()
    near = measured["near_target"]
    assert [point["update"] for point in near] == [1, 2, 3, 5, 7, 10, 14, 21][: len(near)]
    assert near
    assert all(point["validation"]["loss"] > level for point in near[:-1])
    assert near[-1]["validation"]["loss"] <= level or len(near) == 8
    for point in near:
        if point["update"] in losses:
            assert point["validation"]["loss"] == losses[point["update"]], "of the whole split, at that update"
    assert [point["seconds"] for point in near] == sorted(point["seconds"] for point in near)


def test_pauses_between_evaluations_are_geometrically_spaced() -> None:
    assert pauses(0, 30) == [1, 2, 3, 5, 7, 10, 14, 21]
    assert pauses(0, 5) == [1, 2, 3, 4]
    assert pauses(20, 21) == []
    assert pauses(100, 200) == [107, 115, 123, 132, 141, 152, 162, 174, 187]
    assert pauses(0, 30, most=1) == [1]
    assert pauses(0, 30, most=0) == []


def test_a_check_is_refused_if_the_validation_data_cannot_show_when_the_target_is_reached() -> None:
    few = RECALL.options(validation_size=13, test_size=40).model_dump(mode="json")
    with pytest.raises(UserError, match="the validation split has 13 labels, too few to measure whether accuracy has"):
        run(small(options=few, lane="speed", purpose="check"))
    with pytest.raises(UserError, match="'validation_baselines' has no loss of 'best'"):
        run(small(task="tests.trial.test_train:UNSCORED", lane="speed", purpose="check"))


UNSCORED: Task = dataclasses.replace(RECALL, target=("loss", "best"))
