"""How long a trial will take: counted operations times a rough speed, corrected by what the store has seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from harness.cells import cells
from harness.experiment import TrialSpec

_START_SECONDS = 1.0
_FIRST_STEP_SECONDS = {"document": 12.0, "keras": 3.0, "fused": 2.5}
_STEP_SECONDS = {"document": 4e-4, "keras": 2e-4, "fused": 2e-5}
"""One time step of one layer, forward and backward, at batch 32 and 32 units on one core."""
_OPERATIONS_PER_SECOND = 2e10


def estimated_seconds(spec: TrialSpec) -> float:
    """Wall time in seconds of one trial on one core, by order of magnitude, before anything was measured."""
    blocks = len(cells[spec.cell].blocks)
    weights = blocks * spec.units * (spec.units + 32)
    operations = 6 * weights * spec.sequence_length * spec.batch_size
    step = _STEP_SECONDS.get(spec.kernel, 2e-4)
    update = spec.layers * (spec.sequence_length * step + operations / _OPERATIONS_PER_SECOND) + 1e-3
    return _START_SECONDS + _FIRST_STEP_SECONDS.get(spec.kernel, 3.0) + 1.2 * spec.updates * update


class Estimator:
    """Estimates corrected by the ratio of measured to estimated seconds, per kernel and cell, of stored trials."""

    def __init__(self, records: Iterable[Mapping[str, Any]] = ()) -> None:
        self._measured: dict[tuple[str, str], float] = defaultdict(float)
        self._estimated: dict[tuple[str, str], float] = defaultdict(float)
        for record in records:
            if record["status"] == "ok":
                self.learn(TrialSpec.model_validate(record["spec"]), record["seconds_total"])

    def learn(self, spec: TrialSpec, seconds: float) -> None:
        """Take a measured trial into account."""
        self._measured[spec.kernel, spec.cell] += seconds
        self._estimated[spec.kernel, spec.cell] += estimated_seconds(spec)

    def seconds(self, spec: TrialSpec) -> float:
        """Expected wall time of a trial, in seconds."""
        key = (spec.kernel, spec.cell)
        if key in self._measured:
            ratio = self._measured[key] / self._estimated[key]
        elif self._measured:
            ratio = sum(self._measured.values()) / sum(self._estimated.values())
        else:
            ratio = 1.0
        return ratio * estimated_seconds(spec)
