"""Getting a plan done: what is left of it goes to the engine, what comes back goes to the store."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

from harness.experiment import TrialSpec
from harness.record import Record
from harness.runner.engine import Engine, Trial
from harness.runner.lanes import speed_order
from harness.store import Store

MAX_ATTEMPTS = 5
"""How often a trial that crashed or was interrupted is tried in all."""
MAX_REPEATS = 2
"""How often a speed trial that was disturbed is done again; the last attempt counts, and stays flagged if noisy too."""
TRY_AGAIN = frozenset({"crashed", "interrupted"})
"""These say nothing of the cell; the next run tries again. All other statuses are outcomes."""
_POLL_SECONDS = 0.2


class Watcher(Protocol):
    """Is told how a run goes on."""

    def started(self, trial: Trial) -> None:
        """A trial went to the engine."""

    def finished(self, record: Record) -> None:
        """A trial's record was stored."""

    def repeated(self, record: Record) -> None:
        """A noisy speed trial's record was stored; it is done again."""


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


def left_to_do(trials: Mapping[str, TrialSpec], attempts: Mapping[str, tuple[int, str]]) -> list[Trial]:
    """The trials without a final record, in the plan's order, accuracy trials before speed trials.

    `attempts` gives, for each stored trial, the number of attempts and the last status.
    """
    left = []
    for trial_id, spec in trials.items():
        attempt, status = attempts.get(trial_id, (0, "missing"))
        if attempt == 0 or (status in TRY_AGAIN and attempt < MAX_ATTEMPTS):
            left.append(Trial(trial_id, spec, attempt + 1))
    accuracy = [trial for trial in left if trial.spec.lane == "accuracy"]
    return accuracy + speed_order([trial for trial in left if trial.spec.lane == "speed"])


def run_plan(left: Sequence[Trial], planned: int, store: Store, engine: Engine, watcher: Watcher) -> Outcome:
    """Do the trials that are left. Ctrl-C or SIGTERM stops cleanly: what is finished is stored already.

    Raises UserError where a record cannot be stored (a full disk, say); what was stored before is intact.
    """
    waiting = deque(left)
    finished = failed = 0
    with stop_on_signals() as stopped:
        try:
            while (waiting or engine.running()) and not stopped():
                while waiting and engine.has_room(waiting[0].spec.lane):
                    trial = waiting.popleft()
                    engine.submit(trial)
                    watcher.started(trial)
                for record in engine.wait(_POLL_SECONDS):
                    store.add(record)
                    if record.noisy and record.attempt <= MAX_REPEATS:
                        waiting.appendleft(Trial(record.trial_id, record.spec, record.attempt + 1))
                        watcher.repeated(record)
                        continue
                    finished += 1
                    failed += record.status != "ok"
                    watcher.finished(record)
            for record in engine.interrupt():
                store.add(record)
        finally:
            engine.close()
        return Outcome(planned, planned - len(left), finished, failed, stopped=stopped())


@contextmanager
def stop_on_signals() -> Iterator[Callable[[], bool]]:
    """Within, SIGINT and SIGTERM only set a flag, which the callable tells; the second one ends at once."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        flag.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, stop)
    try:
        yield flag.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
