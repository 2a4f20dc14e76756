"""The progress of a trial's training, and its measurements so far."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.store.record import CurvePoint, Measured, Memory, NearTarget, PhaseName
from harness.tasks.common.task import Array, Scores
from harness.trial.measure import Meter
from harness.trial.prepare import Prepared, Report, plain


class Diverged(Exception):
    """The loss is not finite any more."""


class Progress:
    """Counts updates, collects their losses and times, and reports new measurements immediately."""

    def __init__(self, trial: Prepared, meter: Meter, report: Report) -> None:
        self.meter = meter
        self.measured = trial.measured
        self.reuses_program = trial.program.reused
        """Whether the program is compiled already, so that the first update takes no longer than others."""
        self._spec, self._baseline_bytes, self._report = trial.spec, trial.baseline_bytes, report
        self._losses: list[float] = []
        """Training losses of the updates since the last point of the curve."""
        self._rounds: list[float] = []
        """Seconds per update, for each stretch between evaluations or each timed round, without the first step."""

    @property
    def updates(self) -> int:
        """The number of updates done."""
        return self.measured.updates

    @property
    def seconds(self) -> float:
        """Training time so far, including the first step."""
        phases = self.meter.phases
        return sum(phases[name].wall_seconds for name in ("first_step", "train") if name in phases)

    def report(self, measured: Measured) -> None:
        """Report the measurements, with current memory and time per update."""
        seconds = float(np.median(self._rounds)) if self._rounds else None
        self.measured = replace(measured, seconds_per_update=seconds, memory=self._memory())
        self._report(self.measured)

    def report_rounds(self) -> None:
        """Report the times of a speed trial's rounds."""
        self.report(replace(self.measured, rounds=tuple(self._rounds)))

    def add_updates(self, losses: Array) -> None:
        """Count further updates, one per loss. Raises Diverged if a loss is not finite."""
        self.measured = replace(self.measured, updates=self.updates + len(losses))
        self._losses += losses.tolist()
        if not np.isfinite(losses).all():
            first = self.updates - len(losses) + int(np.flatnonzero(~np.isfinite(losses))[0]) + 1
            self.report(self.measured)
            raise Diverged(f"the training loss is {losses[~np.isfinite(losses)][0]} at update {first}")

    def add_round(self, seconds: float) -> None:
        """Add the seconds per update of a timed round, or of the updates between two evaluations."""
        self._rounds.append(seconds)

    def add_point(self, validation: Scores, near_target: list[NearTarget]) -> None:
        """Add the evaluation after the updates so far, and scores of earlier weights near a target; report them."""
        point = CurvePoint(
            update=self.updates,
            seconds=self.seconds,
            train_loss=float(np.mean(self._losses)),
            validation_loss=validation["loss"],
            validation=plain(validation),
        )
        self._losses = []
        curve, near = (*self.measured.curve, point), (*self.measured.near_target, *near_target)
        self.report(replace(self.measured, curve=curve, near_target=near))

    def _memory(self) -> Memory | None:
        if self._baseline_bytes is None:
            return None
        phases = self.meter.phases
        work: PhaseName = "evaluate" if self._spec.purpose == "prediction" else "train"
        peaks = [phases[name].memory_peak_bytes or 0 for name in ("first_step", work) if name in phases]
        return Memory(
            baseline_bytes=self._baseline_bytes,
            peak_bytes=max(peaks, default=self._baseline_bytes),
            method=self.meter.memory_method,
        )
