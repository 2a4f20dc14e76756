"""Updates, one after another: what is timed, without the drawing of batches."""

from __future__ import annotations

from harness.cells.gradient import States
from harness.tasks import Split
from harness.trial.batches import Shuffled, Streams
from harness.trial.prepare import Prepared
from harness.trial.progress import Progress
from harness.trial.schedule import rates
from harness.trial.update import to_tensors, zero_states

_CALL_BYTES = 8 * 2**20
"""Inputs handed to one call of the compiled step: several small updates share a call, a large one has its own."""


class Stretch:
    """Trains on, in calls of several updates; drawing batches and handing them over is not timed.

    Where the model carries its state the examples are read in streams, and each update goes on with the states that the
    one before left.
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
        """Do this number of further updates; seconds per update, the very first one left out."""
        seconds, timed = self.train_until(self._progress.updates + count)
        return seconds / max(1, timed)

    def train_until(self, due: int) -> tuple[float, int]:
        """Train until `due` updates are done; the seconds and the number of updates, the very first one left out."""
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
                before = progress.meter.clock()
                losses, self._states = self._update(self._states, *batches)
                seconds = progress.meter.clock() - before
            if not first:
                total, timed = total + seconds, timed + len(chosen)
            progress.add_updates(losses)
        return total, timed
