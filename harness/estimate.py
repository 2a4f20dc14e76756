"""How long a trial will take: counted operations times a rough speed, corrected by what the store has seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.cells import cells
from harness.experiment import Lane, TrialSpec

_START_SECONDS = 1.0
_FIRST_STEP_SECONDS = {"document": 12.0, "keras": 3.0, "fused": 2.5}
_STEP_SECONDS = {"document": 4e-4, "keras": 2e-4, "fused": 2e-5}
"""One time step of one layer, forward and backward, at batch 32 and 32 units on one core."""
_OPERATIONS_PER_SECOND = 2e10


class Load(NamedTuple):
    """What a trial's time is estimated by; trials of equal load are expected to take equally long."""

    task: str
    lane: Lane
    kernel: str
    cell: str
    guess: float
    """`guessed_seconds` of its spec."""


def guessed_seconds(spec: TrialSpec) -> float:
    """Wall time in seconds of one trial on one core, by order of magnitude, before anything was measured."""
    blocks = len(cells[spec.cell].blocks)
    weights = blocks * spec.units * (spec.units + 32)
    operations = 6 * weights * spec.sequence_length * spec.batch_size
    step = _STEP_SECONDS.get(spec.kernel, 2e-4)
    update = spec.layers * (spec.sequence_length * step + operations / _OPERATIONS_PER_SECOND) + 1e-3
    return _START_SECONDS + _FIRST_STEP_SECONDS.get(spec.kernel, 3.0) + 1.2 * spec.updates * update


def load_of(spec: TrialSpec) -> Load:
    """The load of a trial."""
    return Load(spec.task, spec.lane, spec.kernel, spec.cell, guessed_seconds(spec))


class Estimator:
    """Guesses corrected by the ratio of measured to guessed seconds of trials as much like this one as there are.

    That is, of trials of the same load; else of the same task, lane, kernel and cell; else of the kernel and cell; else
    of any.
    """

    def __init__(self) -> None:
        self._measured: dict[tuple[object, ...], float] = defaultdict(float)
        self._guessed: dict[tuple[object, ...], float] = defaultdict(float)

    def learn(self, load: Load, seconds: float, trials: int = 1) -> None:
        """Take measured trials into account; `seconds` is what they took together."""
        for key in _likeness(load):
            self._measured[key] += seconds
            self._guessed[key] += trials * load.guess

    def at_least(self, load: Load, seconds: float) -> None:
        """Take a trial into account that was stopped after so many seconds: it would have taken longer than that."""
        if seconds > self.seconds(load):
            self.learn(load, seconds)

    def seconds(self, load: Load) -> float:
        """Expected wall time of a trial, in seconds."""
        for key in _likeness(load):
            if key in self._measured:
                return load.guess * self._measured[key] / self._guessed[key]
        return load.guess


def _likeness(load: Load) -> Iterable[tuple[object, ...]]:
    """From the trials most like this one to all."""
    return load, load[:-1], (load.kernel, load.cell), ()


def seconds_in_all(loads: Iterable[tuple[Load, int]], estimator: Estimator, hosts: Sequence[int]) -> float:
    """Expected wall time, in seconds, of so many trials of each load.

    `hosts` are how many trials each host runs side by side; in the speed lane it is one a host.
    """
    shared = alone = 0.0
    for load, trials in loads:
        seconds = trials * estimator.seconds(load)
        if load.lane == "speed":
            alone += seconds
        else:
            shared += seconds
    return shared / sum(hosts) + alone / len(hosts)
