"""A trial that reuses a compiled program has the same results as one that compiles it, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from harness.cells import cells
from harness.cells.gradient import call_with_states
from harness.spec.trial import TrialSpec
from harness.tasks import tasks
from tests.benchmarks.memory import alive
from tests.factories import spec
from tests.trial.training import run

BACKENDS = [(cell, backend) for cell in sorted(cells) for backend in cells[cell].backends]
FEW = tasks["recall"].options(validation_size=20, test_size=20).model_dump(mode="json")


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    left_out = ("phases", "seconds_per_update", "memory", "program")
    points = {name: [point | {"seconds": 0} for point in found[name]] for name in ("curve", "near_target")}
    return {name: value for name, value in found.items() if name not in left_out} | points


def check_that_the_second_equals_itself_alone(first: TrialSpec, second: TrialSpec) -> None:
    assert first.program() == second.program()
    run(first, reuse=True)
    reused, alone = run(second, reuse=True), run(second, reuse=False)
    assert (reused["program"], alone["program"]) == ("reused", "compiled")
    assert without_times(reused) == without_times(alone)


@pytest.mark.parametrize(("cell", "backend"), BACKENDS)
def test_every_cell_and_backend_with_dropout_and_early_stopping(cell: str, backend: str) -> None:
    common = {
        "options": FEW, "cell": cell, "backend": backend, "dropout": 0.3, "recurrent_dropout": 0.3, "patience": 2,
        "updates": 60, "evaluate_every": 2, "gradient_reach": cell == "simple_rnn",
    }  # fmt: skip
    first = spec(**common, seed=5, train_size=40, learning_rate=0.01, purpose="tuning")
    second = spec(**common, seed=6, train_size=60, learning_rate=0.3, forget_bias=2.0, initialiser="glorot_uniform")
    check_that_the_second_equals_itself_alone(first, second)


@pytest.mark.parametrize("schedule", ["cosine", "step"])
@pytest.mark.parametrize("backend", ["keras", "fused"])
def test_learning_rates_that_follow_another_number_of_planned_updates(backend: str, schedule: str) -> None:
    common = {
        "options": FEW, "cell": "simple_rnn", "backend": backend, "schedule": schedule, "units": 6, "patience": 2,
        "evaluate_every": 2,
    }  # fmt: skip
    first = spec(**common, seed=5, updates=12, learning_rate=0.1)
    check_that_the_second_equals_itself_alone(first, spec(**common, seed=6, updates=31, learning_rate=0.01))


@pytest.mark.parametrize("name", sorted(tasks))
def test_every_task(name: str, tmp_path: Path) -> None:
    task = tasks[name]
    given = task.sample(tmp_path) if task.sample else {}
    options = task.options(**given)
    train_size, length = task.small
    common = {
        "task": name, "options": options.model_dump(mode="json"), "cell": "simple_rnn", "train_size": train_size,
        "sequence_length": length, "batch_size": min(4, task.examples(train_size, length, options)),
    }  # fmt: skip
    check_that_the_second_equals_itself_alone(spec(**common, seed=1), spec(**common, seed=2))


def test_states_carried_from_window_to_window() -> None:
    task = tasks["language"]
    options = task.options(carry_state=True, validation_size=200, test_size=200).model_dump(mode="json")
    common = {"task": "language", "options": options, "cell": "simple_rnn", "backend": "fused"}
    common |= {"train_size": 800, "sequence_length": 20}
    check_that_the_second_equals_itself_alone(spec(**common, seed=1), spec(**common, seed=2))


def test_a_reused_program_has_no_first_step_and_no_memory_figure() -> None:
    for seed in (8, 9):
        measured = run(spec(options=FEW, seed=seed, cell="simple_rnn", backend="fused", units=5), reuse=True)
    assert measured["memory"] is None
    assert "first_step" not in measured["phases"]
    assert measured["seconds_per_update"] > 0


@pytest.fixture(scope="module", params=["keras", "fused"])
def backend(request: pytest.FixtureRequest) -> str:
    """Of module scope, so that tests of one backend run one after another and reuse its compiled program."""
    backend: str = request.param
    return backend


def test_a_reused_program_traces_nothing(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = tasks["recall"].options(validation_size=150, test_size=140).model_dump(mode="json")
    common = {"options": options, "cell": "simple_rnn", "backend": backend, "gradient_reach": True, "units": 6}
    common |= {"evaluate_lengths": (3, 9)}
    traced = []

    def traces(model: Any, *given: Any, **options: Any) -> Any:
        traced.append(model)
        return call_with_states(model, *given, **options)

    for module in ("harness.cells.gradient", "harness.trial.update", "harness.trial.reach"):
        monkeypatch.setattr(f"{module}.call_with_states", traces)
    run(spec(**common, seed=1), reuse=True)
    assert len(traced) >= 1 + 3 + 1, "the step, the prediction at three lengths, and the gradient reach"
    traced.clear()
    run(spec(**common, seed=2, train_size=90, learning_rate=0.1, train_scores=True), reuse=True)
    run(spec(**common, seed=3, purpose="tuning"), reuse=True)
    assert traced == []


def spec_with_gradient_reach_and_dropout(backend: str, seed: int) -> TrialSpec:
    common = {"options": FEW, "cell": "simple_rnn", "gradient_reach": True, "dropout": 0.1, "units": 7}
    return spec(**common, backend=backend, seed=seed)


def test_a_trial_leaves_no_model_graph_or_variable_in_the_process(backend: str) -> None:
    counts = []
    for trials in ((1, 2), (3,), (4, 5, 6, 7)):
        for seed in trials:
            run(spec_with_gradient_reach_and_dropout(backend, seed), reuse=True)
        counts.append(alive())
    assert counts[0] == counts[1] == counts[2]
    assert counts[0]["models"] >= 1


def test_tensorflow_keeps_nothing_for_new_names_of_variables(backend: str) -> None:
    names = []

    def note(next_creator: Any, **given: Any) -> Any:
        names.append(given["name"])
        return next_creator(**given)

    with tf.variable_creator_scope(note):
        for seed in (1, 2):
            run(spec_with_gradient_reach_and_dropout(backend, seed), reuse=True)
    assert len(names) > 10
    assert len(set(names)) == 1, "each further name takes 35 KiB for as long as the process lives"


def test_another_shape_compiles_again() -> None:
    specs = [spec(options=FEW, cell="simple_rnn", sequence_length=length) for length in (7, 7, 8, 7)]
    assert [run(one, reuse=True)["program"] for one in specs] == ["compiled", "reused", "compiled", "compiled"]
