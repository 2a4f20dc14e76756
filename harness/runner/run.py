"""Getting a plan done: what is left of it goes to the engine, what comes back goes to the store."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from harness.experiment import TrialSpec
from harness.record import Record
from harness.runner.engine import Engine, Trial
from harness.runner.lanes import speed_order
from harness.stopping import stop_on_signals
from harness.store import NONE, Attempts, Store

MAX_CRASHES = 5
"""After this number of crashes a trial is given up. Attempts that were interrupted do not count."""
MAX_REPEATS = 2
"""How often a speed trial that was disturbed is done again; the last attempt counts, and stays flagged if noisy too."""
TRY_AGAIN = frozenset({"crashed", "interrupted"})
"""The next run tries these again: an interrupted trial always, a crashed one MAX_CRASHES times in all.

All other statuses are outcomes.
"""
OTHER_MACHINE = "other-machine"
"""For `--retry`: the speed trials that another machine has timed."""
RETRIED = ("diverged", "timeout", "out_of_memory", "crashed", "interrupted", OTHER_MACHINE)
"""The statuses of which `--retry` can re-run the trials, and OTHER_MACHINE."""
_POLL_SECONDS = 0.2


class Watcher(Protocol):
    """Is told how a run goes on."""

    def started(self, trial: Trial) -> None:
        """A trial went to the engine."""

    def finished(self, record: Record) -> None:
        """A trial's record was stored."""

    def repeated(self, record: Record) -> None:
        """A noisy speed trial's record was stored; it is done again."""

    def held_up(self, waits_for: str) -> None:
        """Nothing runs, and what waits cannot start now, and for what; told again and again until it can."""


class Supply(Protocol):
    """Where the trials come from. Is told what is started and what has ended, and says when it is time to stop."""

    def next_block(self) -> Sequence[Trial]:
        """What is to be run next; nothing where there is nothing, or nothing now."""

    def is_over(self) -> bool:
        """Whether what still runs is to be stopped."""

    def started(self, trial: Trial) -> None:
        """A trial went to the engine."""

    def ended(self, trial_id: str, *, for_good: bool) -> None:
        """A trial came back; not for good where it is repeated."""


class _Everything:
    """The trials that are left, as one block."""

    def __init__(self, left: Sequence[Trial]) -> None:
        self._left = left

    def next_block(self) -> Sequence[Trial]:
        block, self._left = self._left, ()
        return block

    def is_over(self) -> bool:
        return False

    def started(self, trial: Trial) -> None: ...

    def ended(self, trial_id: str, *, for_good: bool) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """How a run ended, in numbers of trials."""

    planned: int
    stored_before: int
    finished: int
    failed: int
    """Of those finished now, how many are not 'ok'."""
    stopped: bool
    """Whether it was stopped (Ctrl-C) before the plan was done."""
    repeated: int = 0
    """How many trials that an earlier part of the run finished, with a crash, this part was to try again."""

    def then(self, next: Outcome) -> Outcome:
        """How both parts of a run ended, where the second one had the larger plan."""
        more_stored = next.stored_before + next.repeated - self.stored_before - self.finished
        return Outcome(
            next.planned,
            self.stored_before + max(0, more_stored),
            self.finished - next.repeated + next.finished,
            self.failed - next.repeated + next.failed,
            next.stopped,
        )


def is_left(status: str, crashes: int) -> bool:
    """Whether a trial is to be run (again): `status` of its last attempt, or 'missing'; how many attempts crashed."""
    return status in ("missing", "interrupted") or (status == "crashed" and crashes < MAX_CRASHES)


def is_given_up(status: str, crashes: int) -> bool:
    """Whether a trial has crashed too often to be tried again."""
    return status == "crashed" and not is_left(status, crashes)


def left_to_do(
    trials: Mapping[str, TrialSpec],
    attempts: Mapping[str, Attempts],
    retry: Mapping[str, int] = MappingProxyType({}),
) -> list[Trial]:
    """The trials without a final record, in the plan's order, accuracy trials before speed trials.

    `attempts` are those at each stored trial. A trial in `retry` is run again with any status, as long as it has no
    more than that number of attempts.
    """
    left = []
    for trial_id, spec in trials.items():
        stored = attempts.get(trial_id, NONE)
        if is_left(stored.status, stored.crashes) or stored.number <= retry.get(trial_id, 0):
            left.append(Trial(trial_id, spec, stored.number + 1))
    accuracy = [trial for trial in left if trial.spec.lane == "accuracy"]
    return accuracy + speed_order([trial for trial in left if trial.spec.lane == "speed"])


def run_plan(
    left: Sequence[Trial],
    planned: int,
    store: Store,
    engine: Engine,
    watcher: Watcher,
    budget: Supply | None = None,
) -> Outcome:
    """Do the trials that are left. Ctrl-C, SIGTERM or SIGHUP stops cleanly: what is finished is stored already.

    With a budget, which was made from the same trials, only those that it hands out; what still runs when its time is
    spent is interrupted. Raises UserError where a record cannot be stored (a full disk, say), or the engine cannot go
    on; what was stored before is intact, and what the engine has finished by then is stored too.
    """
    supply: Supply = budget or _Everything(left)
    waiting: deque[Trial] = deque()
    finished = failed = 0
    repeats = Counter[str]()

    def next_trial() -> Trial | None:
        if not waiting:
            waiting.extend(supply.next_block())
        return waiting[0] if waiting else None

    def take_in(records: Sequence[Record], *, repeat: bool) -> None:
        nonlocal finished, failed
        if records:
            store.add_all(records)
        for record in records:
            again = repeat and bool(record.noisy) and repeats[record.trial_id] < MAX_REPEATS
            done = not again and record.status != "interrupted"
            supply.ended(record.trial_id, for_good=done)
            if again:
                repeats[record.trial_id] += 1
                waiting.appendleft(Trial(record.trial_id, record.spec, record.attempt + 1))
                watcher.repeated(record)
            if done:
                finished += 1
                failed += record.status != "ok"
                watcher.finished(record)

    with stop_on_signals() as stopped:
        try:
            while not stopped() and not supply.is_over() and (next_trial() or engine.running()):
                while (trial := next_trial()) and engine.has_room(trial.spec.lane):
                    engine.submit(waiting.popleft())
                    supply.started(trial)
                    watcher.started(trial)
                if waiting and not engine.running():
                    watcher.held_up(engine.waits_for)
                take_in(engine.wait(_POLL_SECONDS), repeat=True)
            take_in(engine.interrupt(), repeat=False)
        except Exception:
            take_in([record for record in engine.interrupt() if record.status != "interrupted"], repeat=False)
            raise
        finally:
            engine.close()
        return Outcome(planned, planned - len(left), finished, failed, stopped=stopped())
