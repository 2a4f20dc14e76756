"""One attempt at a trial as the runner sees it: messages come in, a record comes out."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime
from typing import Any

from harness.machine import git_state, this_machine
from harness.record import Failure, Record, Status
from harness.runner.engine import Trial
from harness.runner.limits import Timeline

TAIL_BYTES = 8192
"""How much of the end of a trial's output is kept."""
MESSAGE_BYTES = 64 * 2**20
"""The largest message a trial may send."""


class Attempt:
    """Collects what a trial tells. `now` is the monotonic time at which it was started, in seconds."""

    def __init__(self, trial: Trial, threads: int) -> None:
        self.trial = trial
        self.threads = threads
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.started = time.monotonic()
        self.phase = "start"
        self.end: Status | None = None
        self.timeline = Timeline()
        self._measured: dict[str, Any] = {}
        self._failure: dict[str, Any] | None = None
        self._tail = b""

    def message(self, data: bytes) -> None:
        """Take in one message of the trial's process."""
        message = json.loads(data)
        self.phase = message.get("phase", self.phase)
        self._measured |= message.get("measured", {})
        self._failure = message.get("failure", self._failure)
        self.end = message.get("end", self.end)

    def output(self, data: bytes) -> None:
        """Take in what the trial printed; only the tail is kept."""
        self._tail = (self._tail + data)[-TAIL_BYTES:]

    def record(self, status: Status | None, exit_code: int | None, message: str | None = None) -> Record:
        """The record, once the process is gone. `status` overrules what the trial said of itself."""
        status = status or self.end or "crashed"
        failure = None
        if status != "ok":
            told = self._failure or {"phase": self.phase, "message": message or describe_exit(exit_code)}
            if message is not None:
                told = {"phase": self.phase, "message": message}
            tail = self._tail.decode("utf-8", errors="replace")
            failure = Failure(**{"stderr": tail, **told}, exit_code=exit_code)
        commit, dirty = git_state()
        return Record.model_validate(
            {
                **self._measured,
                "trial_id": self.trial.id,
                "attempt": self.trial.attempt,
                "spec": self.trial.spec,
                "status": status,
                "started_at": self.started_at,
                "machine": this_machine(),
                "threads": self.threads,
                "git_commit": commit,
                "git_dirty": dirty,
                "seconds_total": time.monotonic() - self.started,
                "memory_timeline": self.timeline.samples,
                "failure": failure,
            }
        )


def describe_exit(exit_code: int | None) -> str:
    """An exit code in words, as `subprocess` counts them: negative for a signal."""
    if exit_code is None:
        return "the process is gone and left no exit code"
    if exit_code >= 0:
        return f"the process ended with exit code {exit_code} before it was done"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"the process was ended by {name}"
