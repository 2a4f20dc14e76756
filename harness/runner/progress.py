"""The progress display of a run: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.plan.estimate import Estimator, load_of, seconds_in_all
from harness.runner.engine import Trial
from harness.spec.trial import TrialSpec
from harness.store.data_names import names_of_tasks
from harness.store.record import Record
from harness.words import duration

_LINE_EVERY_SECONDS = 10.0
_FAILURES_SHOWN = 10
_HELD_UP_SECONDS = 5.0


def describe(record: Record, planned: Collection[TrialSpec] = ()) -> str:
    """One line on a failed trial: status, factors, reason; and the data, if the plan has several of the task."""
    spec = record.spec
    distinct = {(one.task, repr(one.options), repr(one.data)): one for one in (*planned, spec)}
    task = names_of_tasks(one.model_dump(mode="json") for one in (spec, *distinct.values()))[0]
    reason = record.failure.message.splitlines()[0] if record.failure and record.failure.message else ""
    return (
        f"{record.status}: {spec.cell}/{spec.backend} {task} size {spec.train_size} length {spec.sequence_length}"
        f" seed {spec.seed} ({record.trial_id}): {reason}"
    )


class ShowProgress:
    """Shows the finished, running and failed trials and the time left. Use as a context manager.

    It updates the estimator with the time of each trial. hosts: the number of parallel trials on each host. deadline:
    the time at which the run will stop, on the monotonic clock.
    """

    def __init__(
        self,
        console: Console,
        left: Sequence[Trial],
        estimator: Estimator,
        hosts: Sequence[int],
        before: int,
        deadline: float = math.inf,
        planned: Collection[TrialSpec] = (),
    ) -> None:
        """planned: all trials of the run, including those with a record. before: the number of those."""
        self._planned = planned
        self._deadline = deadline
        self._console = console
        self._estimator = estimator
        self._hosts = hosts
        self._waiting = Counter(load_of(trial.spec) for trial in left)
        self._total = before + len(left)
        self._done = before
        self._running = 0
        self._failed = 0
        self._last_line = time.monotonic()
        self._held_since, self._held_shown = math.inf, False
        self._bar = Progress(
            SpinnerColumn(),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("trials", total=self._total, completed=before, state="starting")

    def __enter__(self) -> ShowProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def started(self, trial: Trial) -> None:
        """A trial went to the engine."""
        self._held_since, self._held_shown = math.inf, False
        self._running += 1
        self._update()

    def finished(self, record: Record) -> None:
        """A trial's record was stored."""
        self._running -= 1
        self._done += 1
        load = load_of(record.spec)
        self._waiting[load] -= 1
        if record.status == "ok" and record.seconds_total is not None:
            self._estimator.learn(load, record.seconds_total)
        else:
            self._failed += 1
            if self._failed <= _FAILURES_SHOWN:
                self._console.print(f"[yellow]{escape(describe(record, self._planned))}[/yellow]", soft_wrap=True)
            if self._failed == _FAILURES_SHOWN:
                self._console.print("Further failures are counted here and listed in the report.", soft_wrap=True)
        self._update()

    def held_up(self, waits_for: str) -> None:
        """No trial runs and none can start; called until one can. waits_for: the reason, shown after 5 seconds."""
        now = time.monotonic()
        self._held_since = min(self._held_since, now)
        if not self._held_shown and now - self._held_since >= _HELD_UP_SECONDS:
            self._held_shown = True
            self._console.print(f"Waiting for {waits_for}.", soft_wrap=True)

    def _update(self) -> None:
        state = f"{self._running} running, {self._failed} failed, about {duration(self._seconds_left())} left"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=self._done, state=state)
        elif time.monotonic() - self._last_line > _LINE_EVERY_SECONDS or self._done == self._total:
            self._last_line = time.monotonic()
            self._console.print(f"{self._done} of {self._total} trials done, {state}", soft_wrap=True)

    def _seconds_left(self) -> float:
        seconds = seconds_in_all(self._waiting.items(), self._estimator, self._hosts)
        return max(0.0, min(seconds, self._deadline - time.monotonic()))
