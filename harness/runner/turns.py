"""A timing block: trials that are timed in turn, each in a process of its own, one at work at a time.

The processes compile one after another. Then, round by round and in random order, each does some updates, or some
predictions, while the others wait at a pipe. What disturbs the machine slows a whole round, so that the ratio of two
trials within a round is steady where their seconds are not. Rounds are added until the ratios are known well enough.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Collection, Sequence
from itertools import combinations
from uuid import uuid4

import numpy as np

from harness.analysis.rounds import are_enough, half_width
from harness.machine import usable_cores
from harness.record import Record
from harness.runner.attempt import Attempt
from harness.runner.child import Child
from harness.runner.engine import Trial
from harness.runner.precision import Precision

TURN_SECONDS = 0.05
"""How long a turn takes at least, as far as can be told beforehand."""


class TimingBlock:
    """The trials of a block; `start` starts the process of one of them. Use: `advance` whenever a process has news."""

    def __init__(self, trials: Sequence[Trial], start: Callable[[Trial], Child], precision: Precision) -> None:
        self._waiting = deque(trials)
        self._start = start
        self._precision = precision
        self._id = uuid4().hex[:12]
        self._random = random.Random(" ".join(trial.id for trial in trials))
        self._children: list[Child] = []
        self._at_work: Child | None = None
        self._turns_before = 0
        self._round: list[Child] = []
        self._records: list[Record] = []
        self._is_over = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._children) + len(self._records)

    def advance(self) -> None:
        """Give the next turn, where no process is at work: to compile, or to do its work of the present round."""
        at_work = self._at_work if self._at_work in self._children else None
        if at_work is not None and len(at_work.turns) == self._turns_before:
            return
        self._at_work, self._turns_before = None, 0
        if self._is_over:
            return
        if self._waiting:
            self._at_work = self._start(self._waiting.popleft())
            self._at_work.note(self._id)
            self._children.append(self._at_work)
            return
        self._round = [child for child in self._round if child in self._children]
        if not self._round:
            if self._is_known_well_enough():
                self._end_turns()
                return
            self._round = self._random.sample(self._children, len(self._children))
        self._at_work = child = self._round.pop()
        self._turns_before = len(child.turns)
        child.take_turn(max(1, math.ceil(TURN_SECONDS / min(child.turns))))

    def ended(self, child: Child, record: Record) -> Sequence[Record]:
        """Take in the record of a process that has ended; all records once it was the last one, none before."""
        self._children.remove(child)
        self._records.append(record)
        return self._records if not self._children and not self._waiting else ()

    def ids(self) -> list[str]:
        """Of the trials that have not ended."""
        return [trial.id for trial in self._waiting] + [child.trial.id for child in self._children]

    def stop(self, trial_ids: Collection[str]) -> None:
        """Give no more turns where one of these trials is in the block; those not yet started are interrupted."""
        if not set(trial_ids) & set(self.ids()):
            return
        self._is_over = True
        for trial in self._waiting:
            self._records.append(Attempt(trial, usable_cores()).record("interrupted", None, "stopped before its start"))
        self._waiting.clear()

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
        """Of the 95 % intervals of the compared ratios: the largest half-width over the wanted one."""
        widest = 0.0
        for first, second in combinations(self._children, 2):
            wanted = self._precision.half_width(first.trial.spec, second.trial.spec)
            if wanted is not None:
                count = min(len(first.turns), len(second.turns))
                ratios = np.log(first.turns[1:count]) - np.log(second.turns[1:count])
                widest = max(widest, float(half_width(np.asarray(ratios))) / wanted)
        return widest
