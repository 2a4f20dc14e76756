"""The contract of tasks, tested for every registered task."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from harness.tasks import Dataset, Options, Split, Task, split_scores, tasks
from harness.tasks.common.target import is_reached, lower_is_better

NAMES = sorted(tasks)
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Case:
    """A task with data of its own `small` sizes."""

    task: Task
    options: Options
    data: Dataset

    def make(self, *, seed: int) -> Dataset:
        return self.task.make(*self.task.small, seed, self.options)


@pytest.fixture(scope="module", params=NAMES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    task = tasks[request.param]
    given: Mapping[str, Any] = task.sample(tmp_path_factory.mktemp(task.name)) if task.sample else {}
    options = task.options.model_validate(given)
    return Case(task, options, task.make(*task.small, 0, options))


def test_widths_are_those_of_the_data(case: Case) -> None:
    if case.task.widths is None:
        pytest.skip("the task does not declare widths")
    features = case.data.symbols or case.data.input_shape[-1]
    assert case.task.widths(case.options) == (features, case.data.classes)


def test_a_task_whose_labels_are_later_inputs_says_so(case: Case) -> None:
    """A bidirectional network is refused where it would see the labels."""
    x, y = (np.asarray(part) for part in (case.data.train.x, case.data.train.y))
    if not case.task.every_step or y[:, :-1].shape != x[:, 1:].shape:
        assert not case.task.predicts_inputs
        return
    counted = np.ones(y.shape, bool) if case.data.train.weight is None else np.asarray(case.data.train.weight) > 0
    share = float((y[:, :-1] == x[:, 1:])[counted[:, :-1]].mean())
    assert case.task.predicts_inputs == (share > 0.9), share


def perfect(task: Task, split: Split, classes: int) -> np.ndarray:
    """The outputs of a network that knows every label."""
    if task.output == "softmax":
        return np.where(np.arange(classes) == np.asarray(split.y)[..., None], 50.0, -50.0)
    return np.asarray(split.y, dtype=np.float64)


def scored(task: Task, split: Split, outputs: np.ndarray) -> Mapping[str, float]:
    return split_scores(split, outputs, task.score)


def at_least_as_good(task: Task, scores: Mapping[str, float], others: Mapping[str, float]) -> bool:
    return all(
        scores[name] <= other + 1e-9 if lower_is_better(task, name) else scores[name] >= other - 1e-9
        for name, other in others.items()
    )


def parts(split: Split) -> list[np.ndarray]:
    return [np.asarray(split.x), np.asarray(split.y)] + ([] if split.weight is None else [np.asarray(split.weight)])


def test_a_task_is_registered_under_its_name(case: Case) -> None:
    assert tasks[case.task.name] is case.task
    assert case.task.name in NAMES


def test_the_summary_is_two_sentences(case: Case) -> None:
    assert len(re.findall(r"[.!?](?=\s|$)", case.task.summary)) == 2
    assert case.task.title
    assert case.task.train_size_unit


def test_metrics_are_declared_once_and_loss_is_not_among_them(case: Case) -> None:
    names = [metric.name for metric in case.task.metrics]
    assert names
    assert len(set(names)) == len(names)
    assert "loss" not in names
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
    known = {*names, "loss"}
    for goal in (case.task.solved, case.task.target):
        assert goal is None or goal[0] in known
    assert case.task.loss_unit


def test_a_target_is_declared_and_its_baseline_has_a_score(case: Case) -> None:
    goal = case.task.target or case.task.solved
    assert goal, "time to target needs a target"
    metric, level = goal
    if isinstance(level, str):
        assert metric in case.data.baselines[level]
        assert metric in case.data.validation_baselines[level], "a target is compared on the split it comes from"


def test_a_state_is_carried_only_if_every_step_has_a_label_and_windows_are_consecutive(case: Case) -> None:
    fields = case.task.options.model_fields
    assert not case.task.carries(case.options)
    if "carry_state" not in fields:
        return
    options = case.options.model_copy(update={"carry_state": True})
    assert case.task.carries(options)
    assert case.task.every_step
    for split in (case.data.train, case.data.validation, case.data.test):
        np.testing.assert_array_equal(split.x[1:, 0], split.y[:-1, -1])


@pytest.mark.parametrize("name", SPLITS)
def test_shapes_fit_the_declared_output(case: Case, name: str) -> None:
    task, data, split = case.task, case.data, getattr(case.data, name)
    count = len(split.x)
    assert split.x.shape == (count, *data.input_shape)
    if data.symbols is None:
        assert len(data.input_shape) == 2
        assert np.issubdtype(split.x.dtype, np.floating)
        assert np.isfinite(split.x).all()
    else:
        assert len(data.input_shape) == 1
        assert np.issubdtype(split.x.dtype, np.integer)
        assert split.x.min() >= 0
        assert split.x.max() < data.symbols
    steps = data.input_shape[:1] if task.every_step else ()
    if task.output == "softmax":
        assert split.y.shape == (count, *steps)
        assert np.issubdtype(split.y.dtype, np.integer)
        assert split.y.min() >= 0
        assert split.y.max() < data.classes
    else:
        assert split.y.shape == (count, *steps, data.classes)
        assert np.isfinite(split.y).all()
    if task.output == "sigmoid":
        assert set(np.unique(split.y)) <= {0, 1}
    if split.weight is not None:
        assert split.weight.shape in {(count,), (count, *steps)}
        assert split.weight.min() >= 0
        assert split.weight.max() > 0


def test_examples_returns_the_number_of_training_examples(case: Case) -> None:
    train_size, length = case.task.small
    assert len(case.data.train.x) == case.task.examples(train_size, length, case.options)


def test_every_metric_is_scored_and_perfect_outputs_are_never_beaten(case: Case) -> None:
    task, split = case.task, case.data.test
    best = scored(task, split, perfect(task, split, case.data.classes))
    assert set(best) == {"loss", *(metric.name for metric in task.metrics)}
    assert best["loss"] == pytest.approx(0, abs=1e-5)
    generator = np.random.default_rng(0)
    guess = generator.random(perfect(task, split, case.data.classes).shape)
    guessed = scored(task, split, guess)
    assert all(isinstance(value, float) for value in guessed.values())
    assert at_least_as_good(task, best, guessed)
    assert guessed["loss"] > 0.01
    for known in task.metrics:
        assert (known.bounds is not None) == (known.better == "higher" and known.unit == ""), "shares have bounds"
        low, high = known.bounds or (-np.inf, np.inf)
        every = [
            scores[known.name] for scores in (best, guessed, *case.data.baselines.values()) if known.name in scores
        ]
        assert low <= min(every) <= max(every) <= high
    for baseline in case.data.baselines.values():
        assert at_least_as_good(task, best, baseline)
    if task.solved:
        assert is_reached(task, task.solved, best, {})
        assert not is_reached(task, task.solved, guessed, {})


def test_outputs_that_are_not_finite_are_scored_without_an_error(case: Case) -> None:
    task, split = case.task, case.data.test
    shape = perfect(task, split, case.data.classes).shape
    for value in (np.nan, np.inf, -np.inf):
        assert "loss" in scored(task, split, np.full(shape, value))


def test_baselines_include_chance_and_have_finite_scores(case: Case) -> None:
    names = {"loss", *(metric.name for metric in case.task.metrics)}
    assert "chance" in case.data.baselines
    for scores in case.data.baselines.values():
        assert scores.keys() <= names
        assert scores
        assert np.isfinite(list(scores.values())).all()


def test_the_same_baselines_are_scored_on_the_validation_split(case: Case) -> None:
    on_test, on_validation = case.data.baselines, case.data.validation_baselines
    assert {name: set(of) for name, of in on_validation.items()} == {name: set(of) for name, of in on_test.items()}
    best = scored(case.task, case.data.validation, perfect(case.task, case.data.validation, case.data.classes))
    assert all(at_least_as_good(case.task, best, scores) for scores in on_validation.values())


def test_the_same_seed_makes_the_same_data(case: Case) -> None:
    again = case.make(seed=0)
    assert again.fingerprint == case.data.fingerprint
    assert re.fullmatch("[0-9a-f]{64}", again.fingerprint)
    for name in SPLITS:
        for one, other in zip(parts(getattr(again, name)), parts(getattr(case.data, name)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_another_seed_trains_on_other_data(case: Case) -> None:
    other = case.make(seed=1)
    assert other.fingerprint != case.data.fingerprint
    assert not np.array_equal(other.train.x, case.data.train.x)


def test_no_example_is_in_two_splits(case: Case) -> None:
    train, validation, test = (
        {(*(part[i].tobytes() for part in parts(split)),) for i in range(len(split.x))}
        for split in (case.data.train, case.data.validation, case.data.test)
    )
    assert train.isdisjoint(validation)
    assert train.isdisjoint(test)
    assert validation.isdisjoint(test)


def test_a_test_split_of_another_length_has_the_same_kind_of_examples(case: Case) -> None:
    if case.task.make_test is None:
        pytest.skip("the task has one length")
    length = case.task.small[1] * 2
    longer, again = (case.task.make_test(length, 0, case.options) for _ in range(2))
    np.testing.assert_array_equal(longer.x, again.x)
    assert longer.x.shape[1] > case.data.test.x.shape[1]
    assert longer.x.shape[2:] == case.data.test.x.shape[2:]
    assert longer.x.dtype == case.data.test.x.dtype
    assert longer.y.dtype == case.data.test.y.dtype
    outputs = perfect(case.task, longer, case.data.classes)
    assert scored(case.task, longer, outputs)["loss"] == pytest.approx(0, abs=1e-5)


def test_unknown_options_are_refused(case: Case) -> None:
    with pytest.raises(ValidationError, match="no_such_option"):
        case.task.options.model_validate({**case.options.model_dump(mode="json"), "no_such_option": 1})


def test_options_are_unchanged_after_a_record_round_trip(case: Case) -> None:
    assert case.task.options.model_validate(case.options.model_dump(mode="json")) == case.options


def test_the_identity_is_text_without_paths(case: Case) -> None:
    identity = case.task.identity(case.options)
    assert identity
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in identity.items())
    for _, value in case.options:
        if isinstance(value, Path):
            assert str(value) not in str(identity)


def test_no_task_imports_tensorflow() -> None:
    code = (
        "import sys\nfrom harness.tasks import tasks\n"
        "for name in tasks:\n    tasks[name]\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules} & {'tensorflow', 'keras', 'sklearn', 'scipy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
