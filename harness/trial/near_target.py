"""When a network reached its targets, more finely than by the evaluations: weights kept in between, scored if need be.

Training pauses a few times between two evaluations, and the weights are copied. Only where an evaluation finds a target
reached that the one before had not, the copies are scored on the whole validation split, from the earliest on, until
one is at the target. That costs some copies of weights and, once a target, at most as many evaluations; training, early
stopping and the weights that are tested are the same as without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.store.record import NearTarget
from harness.tasks.common.target import Target, is_reached
from harness.tasks.common.task import Scores, Task

PAUSES = 9
"""Between two evaluations at most."""
_ROOM = 16 * 2**20
"""Bytes of weights kept at most: a network whose weights do not fit is seen at its evaluations alone."""


def pauses(done: int, due: int, most: int = PAUSES) -> list[int]:
    """At most `most` numbers of updates between `done` and `due`, at about equal ratios; all where there are few."""
    if due - done - 1 <= most:
        return list(range(done + 1, due))
    places = np.geomspace(1, due, most + 1)[:-1] if done == 0 else np.geomspace(done, due, most + 2)[1:-1]
    return sorted({int(place) for place in places.round()} - {done, due})


class NearTargets:
    """The targets not yet reached, and the weights since the last evaluation."""

    def __init__(self, task: Task, targets: Sequence[Target], baselines: Mapping[str, Scores], model: Any) -> None:
        """baselines: their scores on the validation split."""
        self._task, self._baselines, self._model = task, baselines, model
        self._open = list(targets)
        self._kept: list[tuple[int, float, list[Any]]] = []
        size = sum(weights.nbytes for weights in model.get_weights())
        self._most = min(PAUSES, _ROOM // max(1, size))

    def pauses(self, done: int, due: int) -> list[int]:
        """Where to keep the weights on the way to the next evaluation: nowhere once all targets were reached."""
        self._kept = []
        return pauses(done, due, self._most) if self._open and self._most else []

    def keep(self, update: int, seconds: float) -> None:
        """Copy the weights as they are after this many updates and seconds of training."""
        self._kept.append((update, seconds, self._model.get_weights()))

    def score_kept(self, scores: Scores, score: Callable[[], Scores]) -> list[NearTarget]:
        """The scores of the kept weights, up to those at the target, for each target that an evaluation has reached.

        scores: of the evaluation. The model is afterwards what it was.
        """
        reached = [one for one in self._open if is_reached(self._task, one, scores, self._baselines)]
        self._open = [one for one in self._open if one not in reached]
        points: list[NearTarget] = []
        if not reached or not self._kept:
            return points
        # With the seeds of dropout: Keras's own layers draw from them in evaluations too.
        before = [(variable, variable.numpy()) for variable in self._model.variables]
        for update, seconds, weights in self._kept:
            self._model.set_weights(weights)
            here = score()
            points.append(
                NearTarget(update=update, seconds=seconds, validation={name: float(here[name]) for name in here})
            )
            reached = [one for one in reached if not is_reached(self._task, one, here, self._baselines)]
            if not reached:
                break
        for variable, value in before:
            variable.assign(value)
        return points
