"""An engine with a simulated clock, which advances only in `wait`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.runner.engine import Trial
from harness.spec.factors import Lane
from harness.store.record import Record
from tests.factories import record


class Simulated:
    """Runs `jobs` trials in parallel. seconds: returns the time of a trial. result: returns its record."""

    waits_for = "nothing"

    def __init__(
        self,
        seconds: Callable[[Trial], float] = lambda trial: 10.0,
        result: Callable[[Trial], Record] = lambda trial: record(trial.spec, attempt=trial.attempt),
        jobs: int = 2,
    ) -> None:
        self.now = 0.0
        self.closed = False
        self.jobs = jobs
        self.ran: list[Trial] = []
        self.interrupted: list[Trial] = []
        self._seconds = seconds
        self._result = result
        self._active: list[tuple[float, Trial]] = []

    def clock(self) -> float:
        return self.now

    @property
    def hosts(self) -> Sequence[int]:
        return (self.jobs,)

    def has_room(self, lane: Lane) -> bool:
        lanes = {trial.spec.lane for _, trial in self._active}
        return not lanes or (lane == "accuracy" and lanes == {"accuracy"} and len(self._active) < self.jobs)

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        return [0]

    def submit(self, trials: Sequence[Trial]) -> None:
        end = self.now
        for trial in trials:  # those of a timing block one after another
            end += self._seconds(trial)
            self._active.append((end, trial))

    def running(self) -> int:
        return len(self._active)

    def wait(self, seconds: float) -> Sequence[Record]:
        end, trial = min(self._active, key=lambda entry: entry[0], default=(self.now + seconds, None))
        if trial is None or end > self.now + seconds:
            self.now += seconds
            return []
        self.now = end
        self._active.remove((end, trial))
        self.ran.append(trial)
        return [self._result(trial)]

    def interrupt(self) -> Sequence[Record]:
        self.interrupted = [trial for _, trial in self._active]
        self._active.clear()
        return [record(t.spec, attempt=t.attempt, status="interrupted", test={}) for t in self.interrupted]

    def close(self) -> None:
        self._active.clear()
        self.closed = True
