"""`dask worker` whose trials only sleep, and leave a record of the size that real ones have."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence

from distributed.cli.dask_worker import main

from harness.runner.cluster import host
from harness.runner.engine import Trial
from harness.spec.factors import Lane
from harness.spec.trial import TrialSpec
from harness.store.record import Record
from tests.factories import record

SECONDS = "SLEEPING_SECONDS"
"""How long a trial takes, in the environment."""
_CURVE_POINTS = 10
"""Evaluations that a trial plans by default."""


def real_size(spec: TrialSpec, attempt: int) -> Record:
    """A record with all that a trial of the accuracy lane measures."""
    draw = random.Random(spec.id()).random
    phase = {"wall_seconds": draw(), "cpu_seconds": draw(), "memory_peak_bytes": 654_321_012}
    scores = {"loss": draw(), "accuracy": draw()}
    curve = [
        {"update": update, "seconds": draw(), "train_loss": draw(), "validation_loss": draw(), "validation": scores}
        for update in range(_CURVE_POINTS)
    ]
    return record(
        spec,
        attempt=attempt,
        phases=dict.fromkeys(("data", "build", "first_step", "train", "evaluate"), phase),
        memory={"baseline_bytes": 523_456_789, "peak_bytes": 654_321_012, "method": "VmHWM of /proc/self/status"},
        curve=curve,
        data_fingerprint="0123456789abcdef" * 4,
        train=scores,
        validation=scores,
        test=scores,
        baselines={"chance": scores, "most frequent": scores},
        seconds_per_update=draw(),
        seconds_total=draw(),
    )


class Sleeping:
    """In the local engine's place."""

    def __init__(self, jobs: int, *_: object, **__: object) -> None:
        self.jobs = jobs
        self.hosts = (1,) * jobs  # the lanes sleep alike
        self._seconds = float(os.environ[SECONDS])
        self._active: dict[str, tuple[float, Trial]] = {}

    def has_room(self, lane: Lane) -> bool:
        return len(self._active) < self.jobs

    def submit(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._active[trial.id] = (time.monotonic() + self._seconds, trial)

    def wait(self, seconds: float) -> Sequence[Record]:
        now = time.monotonic()
        first = min((end for end, _ in self._active.values()), default=now)
        time.sleep(max(0.0, min(first - now, seconds)))
        ended = [trial for end, trial in self._active.values() if end <= time.monotonic()]
        for trial in ended:
            del self._active[trial.id]
        return [real_size(trial.spec, trial.attempt) for trial in ended]

    def running(self) -> int:
        return len(self._active)

    def compiled(self) -> set[str]:
        return set()

    def interrupt(self) -> Sequence[Record]:
        self._active.clear()
        return []

    def rest(self, waiting: int = 0) -> None: ...

    def close(self) -> None: ...


if __name__ == "__main__":
    host.LocalEngine = Sleeping  # type: ignore[misc, assignment]
    main()
