"""The time at which a network reaches its targets, resolved more finely than by the regular evaluations.

Training pauses a few times between two evaluations and copies the weights. When an evaluation is the first to find a
target reached, the copies are scored on the whole validation split, the earliest first, until one is at the target.
This costs copies of weights and, once per target, at most one evaluation per copy. It does not change training, early
stopping or the tested weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from harness.store.record import NearTarget
from harness.tasks.common.task import Scores
from harness.trial.prepare import Prepared, plain

PAUSES = 9
"""Maximum number of pauses between two evaluations."""
_ROOM = 16 * 2**20
"""Maximum bytes of weight copies. Larger networks are scored only at the regular evaluations."""


def pauses(done: int, due: int, most: int = PAUSES) -> list[int]:
    """At most `most` update counts between `done` and `due`, geometrically spaced; all of them if there are few."""
    if due - done - 1 <= most:
        return list(range(done + 1, due))
    places = np.geomspace(1, due, most + 1)[:-1] if done == 0 else np.geomspace(done, due, most + 2)[1:-1]
    return sorted({int(place) for place in places.round()} - {done, due})


class NearTargets:
    """The targets that are not yet reached, and the copies of weights since the last evaluation."""

    def __init__(self, trial: Prepared) -> None:
        self._trial, self._model = trial, trial.program.model
        self._open = list(trial.targets)
        self._kept: list[tuple[int, float, list[Any]]] = []
        size = sum(weights.nbytes for weights in self._model.get_weights())
        self._most = min(PAUSES, _ROOM // max(1, size))

    def pauses(self, done: int, due: int) -> list[int]:
        """Update counts at which to copy the weights before the next evaluation; none if all targets are reached."""
        self._kept = []
        return pauses(done, due, self._most) if self._open else []

    def keep(self, update: int, seconds: float) -> None:
        """Copy the current weights; `update` and `seconds` are the updates done and the training time so far."""
        self._kept.append((update, seconds, self._model.get_weights()))

    def score_kept(self, scores: Scores, score: Callable[[], Scores]) -> list[NearTarget]:
        """Scores of the copies, earliest first, until each target that the evaluation newly reached is reached.

        scores: scores of the evaluation; score: scores the model's current weights. Afterwards the model has its
        weights from before the call.
        """
        reached = [target for target in self._open if self._trial.is_reached(target, scores)]
        self._open = [target for target in self._open if target not in reached]
        points: list[NearTarget] = []
        if not reached or not self._kept:
            return points
        # All variables, including dropout seeds: Keras's layers advance them in evaluations too.
        before = [(variable, variable.numpy()) for variable in self._model.variables]
        for update, seconds, weights in self._kept:
            self._model.set_weights(weights)
            here = score()
            points.append(NearTarget(update=update, seconds=seconds, validation=plain(here)))
            reached = [target for target in reached if not self._trial.is_reached(target, here)]
            if not reached:
                break
        for variable, value in before:
            variable.assign(value)
        return points
