"""A timing block: trials that are timed in turns, each in a separate process, with one process working at a time.

The processes compile one after another. Then, in every round, each runs some updates or predictions while the others
wait at a pipe; the order is random. A disturbance of the machine slows a whole round, so the ratio of two trials within
a round is more stable than their seconds. Rounds are added until the ratios have the required precision.

If memory cannot hold all processes at once, the block is split into groups. A reference trial is timed in every group,
so that trials of different groups can be compared through it.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from itertools import combinations
from uuid import uuid4

import numpy as np

from harness.cgroup import free_memory, usable_cores
from harness.runner.engine import Trial
from harness.runner.local.attempt import Attempt
from harness.runner.local.child import Child
from harness.runner.precision import Precision
from harness.store.record import Record
from harness.verdicts.rounds import are_enough, half_width

TURN_SECONDS = 0.05
"""Target for the minimum length of a turn; the number of updates follows from the fastest turn so far."""
CAUTION = 1.5
"""The next process of a block is expected to take this many times the memory of the largest one so far."""


class TimingBlock:
    """The trials of a block. start: starts the process of a trial. Call `advance` after each message of a process."""

    def __init__(self, trials: Sequence[Trial], start: Callable[[Trial], Child], precision: Precision) -> None:
        self._waiting = deque(_in_order(trials, precision))
        self._reference = self._waiting[0]
        self._start = start
        self._precision = precision
        self._id = uuid4().hex[:12]
        self._random = random.Random(" ".join(trial.id for trial in trials))
        self._children: list[Child] = []
        """The processes of the current group."""
        self._largest = 0
        """Memory of the largest process so far, in bytes."""
        self._group = 1
        self._is_full = False
        """Whether memory cannot hold another process, so that the remaining trials belong to later groups."""
        self._reference_rounds: list[float] = []
        self._at_work: Child | None = None
        self._turns_before = 0
        self._round: list[Child] = []
        self._of_group: list[Record] = []
        """The records of the current group."""
        self._records: list[Record] = []
        """The records of earlier groups."""
        self._is_over = False

    def __len__(self) -> int:
        left = {trial.id for trial in self._waiting} | {child.trial.id for child in self._children}
        return len(left | {record.trial_id for record in (*self._records, *self._of_group)})

    def advance(self) -> None:
        """If no process is working, start the next turn: a compilation, or the work of one process in this round."""
        at_work = self._at_work if self._at_work in self._children else None
        if at_work is not None and len(at_work.turns) == self._turns_before:
            return
        if at_work is not None and not self._turns_before:
            self._largest = max(self._largest, at_work.own_bytes())
        self._at_work, self._turns_before = None, 0
        if self._is_over:
            return
        if self._waiting and not self._is_full:
            if len(self._children) < 2 or free_memory() >= CAUTION * self._largest:
                self._at_work = self._start(self._waiting[0])
                self._waiting.popleft()
                self._at_work.note(self._id)
                self._children.append(self._at_work)
                return
            self._is_full = True
        self._round = [child for child in self._round if child in self._children]
        if not self._round:
            if self._is_known_well_enough():
                self._end_turns()
                return
            self._round = self._random.sample(self._children, len(self._children))
        self._at_work = child = self._round.pop()
        self._turns_before = len(child.turns)
        child.take_turn(max(1, math.ceil(TURN_SECONDS / min(child.turns))))

    def ended(self, child: Child, record: Record) -> None:
        """A process has ended with this record."""
        self._children.remove(child)
        is_reference = child.trial is self._reference
        if is_reference:
            self._reference_rounds = list(child.turns[1:])
        if not is_reference or self._group == 1:
            self._of_group.append(record)
        if not self._children and (self._is_full or not self._waiting):
            self._end_group()

    def finished(self) -> Sequence[Record]:
        """All records after the end of the last trial; empty before."""
        return () if self._children or self._waiting else [*self._records, *self._of_group]

    def stop(self) -> None:
        """Start no further process or turn. Trials without a process end as interrupted."""
        self._is_over = True
        for trial in self._waiting:
            if trial is not self._reference or self._group == 1:
                record = Attempt(trial, usable_cores()).record("interrupted", None, "stopped before the trial started")
                self._records.append(record)
        self._waiting.clear()

    def _end_group(self) -> None:
        """Add the group to its records, if there are several groups, and start the next one with the reference."""
        noted = {"timing_group": self._group, "reference_rounds": self._reference_rounds}
        is_split = bool(self._waiting) or self._group > 1
        self._records += [record.model_copy(update=noted) if is_split else record for record in self._of_group]
        self._of_group, self._reference_rounds = [], []
        if self._waiting:
            self._group += 1
            self._is_full = self._is_over = False
            self._waiting.appendleft(self._reference)

    def _end_turns(self) -> None:
        self._is_over = True
        noisy = self._widest() > 1
        for child in self._children:
            child.note(self._id, noisy)
            child.take_turn(0)

    def _is_known_well_enough(self) -> bool:
        most = self._precision.most_rounds
        rounds = min((len(child.turns) - 1 for child in self._children), default=most)
        return bool(are_enough(rounds, self._widest(), 1.0, most))

    def _widest(self) -> float:
        """The largest half-width of the compared ratios' 95 % intervals, divided by the required half-width."""
        widest = 0.0
        for first, second in combinations(self._children, 2):
            wanted = self._precision.half_width(first.trial.spec, second.trial.spec)
            if wanted is not None:
                count = min(len(first.turns), len(second.turns))
                ratios = np.log(first.turns[1:count]) - np.log(second.turns[1:count])
                widest = max(widest, float(half_width(ratios)) / wanted)
        return widest


def _in_order(trials: Sequence[Trial], precision: Precision) -> list[Trial]:
    """Sort the trials so that compared trials are neighbours; the first, the reference, has most comparisons."""

    def compared(trial: Trial, others: Sequence[Trial]) -> int:
        return sum(precision.half_width(trial.spec, other.spec) is not None for other in others if other is not trial)

    left = list(trials)
    ordered: list[Trial] = []
    while left:
        with_those = max(left, key=lambda trial: (compared(trial, ordered) > 0, compared(trial, trials)))
        left.remove(with_those)
        ordered.append(with_those)
    return ordered
