"""Repeated predictions of one batch, for trials that time prediction."""

from __future__ import annotations

from harness.cells.gradient import States
from harness.tasks.common.task import Array
from harness.trial.measure import Meter
from harness.trial.update import StatefulPredict, to_tensors


class Predictions:
    """Repeats predictions of one batch. A model that carries its state continues from its previous final states.

    x: floats, (batch, time, features), or ids, (batch, time); states: the initial states of the first prediction.
    """

    def __init__(self, predict: StatefulPredict, x: Array, states: States, meter: Meter) -> None:
        self._predict, self._states, self._meter = predict, states, meter
        self._batch = to_tensors(x)[0]
        self._is_compiled = False

    def repeat(self, count: int) -> float:
        """Predict `count` times; returns seconds per prediction. The very first prediction includes compiling."""
        with self._meter.phase("evaluate" if self._is_compiled else "first_step"):
            before = self._meter.clock()
            for _ in range(count):
                _, self._states = self._predict(self._states, self._batch)
            seconds = self._meter.clock() - before
        self._is_compiled = True
        return seconds / count
