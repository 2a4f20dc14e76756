"""The time budget of a run: which blocks of trials still fit, which are left out, and why.

A block holds all cells and backends of one condition and seed, because a paired comparison needs all of them. The first
seed of every condition comes before the second seed of any condition. A block starts only if it is expected to end
before the deadline, judging by the times of stored trials; if it does not fit, a later block that fits goes first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
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
"""Factor on the estimated seconds of a trial, because some trials take longer than the mean."""
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
    """The trials in blocks: first tuning, then the first seed of every condition, then the second seeds, and so on.

    The number of a seed is its rank among the planned seeds of its condition. Within a round the order of `left` stays.
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
    """A started accuracy trial, or the started trials of a timing block, which run one after another."""

    lane: Lane
    loads: dict[str, Load] = field(default_factory=dict)
    """By trial id."""
    since: float | None = None
    """The time at which it got a free slot, because an engine may accept trials before it has a slot for them."""


class Budget:
    """Hands out blocks of trials as long as they fit into the time left.

    blocks: in order of priority; estimator: estimates seconds from a load and is updated as trials finish;
    hosts: the number of slots on each host of the engine; deadline: the time on `clock`, in seconds.
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
        """In the order of their starts."""
        self._unfinished: set[str] = set()
        self._seconds_left = 0.0
        """Until the deadline, when the last check found no block that fits."""
        self._known_full = False
        """True if no trial has ended since that check, so that another check is not needed."""

    def next_block(self) -> Sequence[Trial]:
        """The first block that is expected to end in time; empty if no block fits now."""
        if self._known_full:
            return ()
        now = self._clock()
        places = self._places(now)
        for index, (block, loads) in enumerate(self._blocks):
            if now + self._done_in(deepcopy(places), loads) <= self._deadline:
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
        """A trial has ended. done: False if it was stopped."""
        for key, running in list(self._running.items()):
            if running.loads.pop(trial_id, None) and not running.loads:
                del self._running[key]
        self._note_begun()
        self._known_full = False
        if done:
            self._unfinished.discard(trial_id)

    def left_out(self) -> dict[str, str]:
        """After the run: the reason, by trial id, for each trial that was left out or did not finish."""
        why = dict.fromkeys(self._unfinished, "it had started, but had not finished when the budget was spent")
        left = duration(self._seconds_left)
        for block, loads in self._blocks:
            takes = duration(self._done_in(Places(self._hosts), loads))
            what = "it takes" if len(block) == 1 else f"its block of {len(block)} trials takes"
            why |= dict.fromkeys((trial.id for trial in block), f"{what} about {takes}, but only {left} were left")
        return why

    def _note_begun(self) -> None:
        """Set the start time of the trials that have a slot by now."""
        places = Places(self._hosts)
        for running in self._running.values():
            begin, _ = places.put(running.lane, 1.0)
            if begin == 0 and running.since is None:
                running.since = self._clock()

    def _places(self, now: float) -> Places:
        """The engine's slots, occupied by the running trials."""
        places = Places(self._hosts)
        for running in self._running.values():
            gone = 0.0 if running.since is None else now - running.since
            places.put(running.lane, max(0.0, sum(map(self._seconds, running.loads.values())) - gone))
        return places

    def _done_in(self, places: Places, loads: Sequence[Load]) -> float:
        """Seconds from now until a block would end if it started in the next free slots."""
        seconds = [self._seconds(load) for load in loads]
        if loads[0].lane == "speed":
            return places.put("speed", sum(seconds))[1]
        return max(places.put("accuracy", each)[1] for each in seconds)

    def _seconds(self, load: Load) -> float:
        return CAUTION * self._estimator.seconds(load)
