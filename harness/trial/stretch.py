"""Timed series of updates; the time to select batches is not included."""

from __future__ import annotations

import time

from harness.cells.gradient import States
from harness.tasks import Split
from harness.trial.batches import Shuffled, Streams
from harness.trial.prepare import Prepared
from harness.trial.progress import Progress
from harness.trial.schedule import rates
from harness.trial.update import to_tensors, zero_states

_CALL_BYTES = 8 * 2**20
"""Bytes of inputs per call of the compiled step: small updates share a call, a large one has a separate call."""


class Stretch:
    """Continues training, in calls of several updates. Selecting batches and copying them to tensors is not timed.

    A model that carries its state reads the examples in streams, and each update begins with the final states of the
    previous one.
    """

    def __init__(self, trial: Prepared, progress: Progress) -> None:
        spec = trial.spec
        self._spec = spec
        self._split: Split = trial.dataset.train
        self._update, self._progress = trial.program.update, progress
        self._zeros: States = zero_states(trial.program.model, spec.batch_size)
        self._states = self._zeros
        count = len(self._split.x)
        self._order = Streams(count, spec.batch_size) if self._zeros else Shuffled(count, spec.batch_size, spec.seed)
        self._per_call = max(1, _CALL_BYTES // max(1, spec.batch_size * self._split.x[:1].nbytes))

    def repeat(self, count: int) -> float:
        """Do `count` more updates; returns seconds per update, not counting the very first update."""
        seconds, timed = self.train_until(self._progress.updates + count)
        return seconds / max(1, timed)

    def train_until(self, due: int) -> tuple[float, int]:
        """Train until `due` updates are done; returns seconds and updates, not counting the very first update."""
        progress, spec, total, timed = self._progress, self._spec, 0.0, 0
        while progress.updates < due:
            first = progress.updates == 0 and not progress.reuses_program
            chosen, begins = self._order.take(1 if first else min(self._per_call, due - progress.updates))
            if begins:
                self._states = self._zeros
            weight = None if self._split.weight is None else self._split.weight[chosen]
            scheduled = rates(spec.schedule, spec.learning_rate, spec.updates, progress.updates, len(chosen))
            batches = to_tensors(self._split.x[chosen], self._split.y[chosen], weight, scheduled)
            with progress.meter.phase("first_step" if first else "train"):
                before = time.perf_counter()
                losses, self._states = self._update(self._states, *batches)
                seconds = time.perf_counter() - before
            if not first:
                total, timed = total + seconds, timed + len(chosen)
            progress.add_updates(losses)
        return total, timed
