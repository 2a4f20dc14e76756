"""Estimate the time of a trial: number of operations times a rough speed, corrected by the times of stored trials."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from pydantic import ValidationError

from harness.cells import cells
from harness.errors import UserError
from harness.spec.factors import Lane
from harness.spec.trial import TrialSpec, options_of, options_text
from harness.tasks import tasks

_START_SECONDS = 1.0
_FIRST_STEP_SECONDS = {"article": 12.0, "keras": 3.0, "fused": 2.5}
_STEP_SECONDS = {"article": 4e-4, "keras": 2e-4, "fused": 2e-5}
"""One time step of one layer, forward and backward, at batch 32 and 32 units on one core."""
_RECURRENT_OPERATIONS_PER_SECOND = 2e10
"""Speed of the recurrent products, one time step after another."""
_OPERATIONS_PER_SECOND = 4e10
"""Speed of the products for all time steps at once: input products and dense layers."""
_LOSS_SECONDS = 4e-9
"""Time of one output, such as a logit, in an update."""
_EVALUATION_SECONDS = 4e-8
"""Time of one output in an evaluation: forward pass and metrics."""
_WIDTHS = (32, 10)
"""Features of a time step, and classes, of a task that does not state them."""


class Load(NamedTuple):
    """The factors that determine the time of a trial. Trials of equal load have equal estimates."""

    task: str
    lane: Lane
    backend: str
    cell: str
    guess: float
    """`guessed_seconds` of its spec."""


def guessed_seconds(spec: TrialSpec) -> float:
    """Order of magnitude of the wall time of one trial on one core, in seconds, without any measurement."""
    task = tasks[spec.task]
    features, classes, measured = _sizes(spec.task, options_text(spec.options))
    cell = cells[spec.cell]
    seeing, matrices = len(cell.gates_with("input_weights")), cell.weight_shapes("recurrent_weights").count("full")
    steps = spec.sequence_length * spec.batch_size
    update = 1e-3
    directions = 1 + spec.bidirectional
    width = directions * spec.units
    lowest = directions, 4 * features  # the data need no gradient
    others = directions * (spec.layers - 1), 6 * width
    for layers, inputs in (lowest, others):
        update += layers * spec.sequence_length * _STEP_SECONDS.get(spec.backend, 2e-4)
        update += layers * steps * matrices * 6 * spec.units**2 / _RECURRENT_OPERATIONS_PER_SECOND
        update += layers * steps * seeing * spec.units * inputs / _OPERATIONS_PER_SECOND
    outputs = steps if task.every_step else spec.batch_size
    for below, above in pairwise((width, *spec.dense_units, classes)):
        update += outputs * 6 * below * above / _OPERATIONS_PER_SECOND
    update += outputs * classes * _LOSS_SECONDS
    evaluations = 0.0 if spec.lane == "speed" else spec.updates / spec.evaluate_every + 3
    training = 1.2 * spec.updates * update + evaluations * measured * classes * _EVALUATION_SECONDS
    return _START_SECONDS + _FIRST_STEP_SECONDS.get(spec.backend, 3.0) + training


@cache
def _sizes(name: str, options: str) -> tuple[int, int, int]:
    """Features of a time step, classes, and examples (or tokens) of the validation split.

    Usual sizes if the options or files of a plan, written by another version, no longer exist.
    """
    task = tasks[name]
    try:
        given = options_of(name, options)
        features, classes = task.widths(given) if task.widths else _WIDTHS
    except (UserError, ValidationError):
        return *_WIDTHS, 0
    return features, classes, getattr(given, "validation_size", None) or 0


def load_of(spec: TrialSpec) -> Load:
    """The load of a trial."""
    return Load(spec.task, spec.lane, spec.backend, spec.cell, guessed_seconds(spec))


class Estimator:
    """Guesses, corrected by the ratio of measured to guessed seconds of the most similar measured trials.

    These are trials of the same load; if there are none, of the same task, lane, backend and cell; then of the same
    backend and cell; then all trials.
    """

    def __init__(self) -> None:
        self._measured: dict[tuple[object, ...], float] = defaultdict(float)
        self._guessed: dict[tuple[object, ...], float] = defaultdict(float)

    def learn(self, load: Load, seconds: float, trials: int = 1) -> None:
        """Learn from measured trials; `seconds` is their total time."""
        for key in _likeness(load):
            self._measured[key] += seconds
            self._guessed[key] += trials * load.guess

    def at_least(self, load: Load, seconds: float) -> None:
        """Learn from a trial that was stopped after this number of seconds: it would have taken longer."""
        if seconds > self.seconds(load):
            self.learn(load, seconds)

    def seconds(self, load: Load) -> float:
        """Expected wall time of a trial, in seconds."""
        for key in _likeness(load):
            if key in self._measured:
                return load.guess * self._measured[key] / self._guessed[key]
        return load.guess


def _likeness(load: Load) -> Iterable[tuple[object, ...]]:
    """The groups of trials to learn from: from the most similar ones to all."""
    return load, load[:-1], (load.backend, load.cell), ()


def seconds_in_all(loads: Iterable[tuple[Load, int]], estimator: Estimator, hosts: Sequence[int]) -> float:
    """Expected wall time, in seconds, of a number of trials of each load.

    hosts: number of accuracy trials that each host runs at the same time; in the speed lane each runs one.
    """
    shared = alone = 0.0
    for load, trials in loads:
        seconds = trials * estimator.seconds(load)
        if load.lane == "speed":
            alone += seconds
        else:
            shared += seconds
    return shared / sum(hosts) + alone / len(hosts)
