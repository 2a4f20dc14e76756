"""Predictions of one batch, again and again: what a trial does that times prediction."""

from __future__ import annotations

from harness.cells.gradient import States
from harness.tasks.common.task import Array
from harness.trial.measure import Meter
from harness.trial.update import StatefulPredict, to_tensors


class Predictions:
    """Predicts a batch again and again; a model that carries its state goes on from the state that it was left with.

    x: (batch, time, features) of floats or (batch, time) of ids; states: those that the first prediction begins with.
    """

    def __init__(self, predict: StatefulPredict, x: Array, states: States, meter: Meter) -> None:
        self._predict, self._states, self._meter = predict, states, meter
        self._batch = to_tensors(x)[0]
        self._is_compiled = False

    def repeat(self, count: int) -> float:
        """Predict this number of times; seconds per prediction. The first one of all compiles."""
        with self._meter.phase("evaluate" if self._is_compiled else "first_step"):
            before = self._meter.clock()
            for _ in range(count):
                _, self._states = self._predict(self._states, self._batch)
            seconds = self._meter.clock() - before
        self._is_compiled = True
        return seconds / count
