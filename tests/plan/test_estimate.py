"""How long a trial will take, before anything was measured: right within a factor of three."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from harness.plan.estimate import guessed_seconds
from harness.tasks import tasks
from tests.factories import spec
from tests.fuzz.target import limited

WORDS = {"task": "words", "sequence_length": 64, "batch_size": 32, "units": 32}


@pytest.mark.parametrize(
    ("trial", "seconds_per_update"),
    [
        ({**WORDS, "cell": "gru", "backend": "fused", "options": {"vocabulary": 5000}}, 0.184),
        ({**WORDS, "cell": "lstm", "backend": "fused", "options": {"vocabulary": 2000}}, 0.121),
    ],
    ids=lambda value: str(value.get("options")) if isinstance(value, dict) else "",
)
def test_the_guess_knows_vocabulary_and_classes(trial: dict[str, Any], seconds_per_update: float) -> None:
    """Processor time of an update, measured on one core of an AMD EPYC on 2026-11-28."""
    measured = 2000 * seconds_per_update
    guess = guessed_seconds(spec(**trial, updates=2000, evaluate_every=200))
    assert measured / 3 < guess < 3 * measured


@pytest.mark.parametrize("name", sorted(tasks))
def test_the_time_of_every_task_can_be_guessed(name: str, tmp_path: Path) -> None:
    task = tasks[name]
    options = dict(task.sample(tmp_path)) if task.sample else {}
    assert 0 < guessed_seconds(spec(task=name, options=options)) < math.inf


def test_a_larger_vocabulary_takes_longer() -> None:
    guesses = [
        guessed_seconds(spec(**WORDS, backend="fused", options={"vocabulary": size}, updates=1000))
        for size in (10, 100, 1000, 5000)
    ]
    assert guesses == sorted(guesses)
    assert guesses[-1] > 10 * guesses[0]


def test_the_last_step_alone_costs_less_than_every_step() -> None:
    every, last = (spec(task=task, options={"symbols": 200}, updates=10_000) for task in ("copying", "recall"))
    assert guessed_seconds(every) > guessed_seconds(last)


@pytest.mark.parametrize("options", [{"vocabulary": "many"}, {"text": "/no/such/file"}, {"of": "another version"}])
def test_a_trial_whose_options_or_files_are_gone_is_guessed_all_the_same(options: dict[str, Any]) -> None:
    assert guessed_seconds(spec(task="words", options=options)) > 0


def test_the_largest_counts_have_an_estimate_at_once() -> None:
    with limited(20):
        assert guessed_seconds(spec(layers=10**12, units=10**12, updates=10**12, train_size=10**12)) < 1e75


def test_each_layer_after_the_first_takes_as_long_as_the_second() -> None:
    one, two, four = (guessed_seconds(spec(layers=layers)) for layers in (1, 2, 4))
    assert four - two == pytest.approx(2 * (two - one))
