"""A run that has only so much time: which blocks of trials still fit into it, and which are left out, and why.

A block is what has to be run together for the comparison to stay paired: all cells and backends of a condition and
seed. Blocks go round by round, one seed of every condition before the second seed of any. A block is begun only where
it is expected to end in time by what stored trials took, so that one that does not fit lets a smaller one go first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import UserError
from harness.plan.estimate import Estimator, Load, load_of
from harness.runner.engine import Trial
from harness.runner.lanes import in_blocks
from harness.runner.places import Places
from harness.spec.factors import Lane
from harness.spec.trial import TrialSpec, block_of, condition_of
from harness.words import duration

CAUTION = 1.2
"""Trials are expected to take so many times their estimate: some take longer than the mean."""
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?")


def seconds_of(text: str) -> float:
    """A duration such as 90s, 10m or 1h30m in seconds. Raises UserError for anything else."""
    match = _DURATION.fullmatch(text.strip().lower().replace(" ", ""))
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    total = 3600 * hours + 60 * minutes + seconds
    if total <= 0:
        raise UserError(f"--budget {text!r}: expected a duration such as 90s, 10m or 1h30m")
    return total


def in_rounds(left: Sequence[Trial], planned: Mapping[str, TrialSpec]) -> list[list[Trial]]:
    """The trials in blocks: one seed of every condition before the second seed of any, tuning before all.

    What number a seed has in its condition is told by the whole plan. Within a round the order is that of `left`.
    """
    seeds: dict[tuple[object, ...], set[int]] = {}
    for spec in planned.values():
        seeds.setdefault(condition_of(spec), set()).add(spec.seed)
    numbers = {key: {seed: number for number, seed in enumerate(sorted(known))} for key, known in seeds.items()}

    def turn(block: list[Trial]) -> tuple[bool, int]:
        spec = block[0].spec
        return spec.purpose != "tuning", numbers[condition_of(spec)][spec.seed]

    return sorted(in_blocks(left), key=turn)


@dataclass
class _Running:
    """An accuracy trial that was started, or what was started of a block of speed trials, which run one by one."""

    lane: Lane
    loads: dict[str, Load] = field(default_factory=dict)
    """By the trials' ids."""
    since: float | None = None
    """When it had a place, on the clock: an engine may take trials before it has one for them."""


class Budget:
    """A source of trials that hands out blocks while they fit.

    blocks: in the order in which they are wanted; estimator: of seconds by load, taught by whoever watches the run;
    hosts: the places of each host of the engine; deadline: on the clock, in seconds.
    """

    def __init__(
        self,
        blocks: Sequence[Sequence[Trial]],
        estimator: Estimator,
        hosts: Sequence[int],
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._blocks = [(block, [load_of(trial.spec) for trial in block]) for block in blocks]
        self._estimator = estimator
        self._hosts = hosts
        self._deadline = deadline
        self._clock = clock
        self._running: dict[tuple[object, ...], _Running] = {}
        """In the order in which they were started."""
        self._unfinished: set[str] = set()
        self._seconds_left = 0.0
        """When last no block fitted."""
        self._known_full = False
        """Whether nothing has ended since no block fitted: then none does now."""

    def next_block(self) -> Sequence[Trial]:
        """The first block that is expected to end in time; none where there is no such block now."""
        if self._known_full:
            return ()
        now = self._clock()
        places = self._places(now)
        for index, (block, loads) in enumerate(self._blocks):
            if now + self._done_in(places.copy(), loads) <= self._deadline:
                del self._blocks[index]
                self._unfinished |= {trial.id for trial in block}
                return block
        self._seconds_left = max(0.0, self._deadline - now)
        self._known_full = True
        return ()

    def is_over(self) -> bool:
        """Whether the time is spent."""
        return self._clock() >= self._deadline

    def started(self, trial: Trial) -> None:
        """A trial was started."""
        key = block_of(trial.spec) if trial.spec.lane == "speed" else (trial.id,)
        self._running.setdefault(key, _Running(trial.spec.lane)).loads[trial.id] = load_of(trial.spec)
        self._note_begun()

    def ended(self, trial_id: str, *, done: bool) -> None:
        """A trial has ended; not done where it was stopped."""
        for key, running in list(self._running.items()):
            if running.loads.pop(trial_id, None) and not running.loads:
                del self._running[key]
        self._note_begun()
        self._known_full = False
        if done:
            self._unfinished.discard(trial_id)

    def left_out(self) -> dict[str, str]:
        """Once the run is over: why each trial (by id) was left out that was not run to its end."""
        why = dict.fromkeys(self._unfinished, "it had started, but had not finished when the budget was spent")
        left = duration(self._seconds_left)
        for block, loads in self._blocks:
            takes = duration(self._done_in(Places(self._hosts), loads))
            what = "it takes" if len(block) == 1 else f"its block of {len(block)} trials takes"
            why |= dict.fromkeys((trial.id for trial in block), f"{what} about {takes}, and {left} were left")
        return why

    def _note_begun(self) -> None:
        """Whatever has a place by now has begun."""
        places = Places(self._hosts)
        for running in self._running.values():
            begin, _ = places.put(running.lane, 1.0)
            if begin == 0 and running.since is None:
                running.since = self._clock()

    def _places(self, now: float) -> Places:
        """The engine's places, taken by what runs."""
        places = Places(self._hosts)
        for running in self._running.values():
            gone = 0.0 if running.since is None else now - running.since
            places.put(running.lane, max(0.0, sum(map(self._seconds, running.loads.values())) - gone))
        return places

    def _done_in(self, places: Places, loads: Sequence[Load]) -> float:
        """In how many seconds a block would be done that is started as soon as there is room."""
        seconds = [self._seconds(load) for load in loads]
        if loads[0].lane == "speed":
            return places.put("speed", sum(seconds))[1]
        return max(places.put("accuracy", each)[1] for each in seconds)

    def _seconds(self, load: Load) -> float:
        return CAUTION * self._estimator.seconds(load)
