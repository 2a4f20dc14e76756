"""One attempt at a trial: turns the messages of the trial's process into a record."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from harness.runner.engine import Trial
from harness.stopping import STOP_SIGNALS
from harness.store.machine import git_state, telling_environment, this_machine
from harness.store.record import Failure, Record, Status

TAIL_BYTES = 8192
"""Maximum size of the stored end of a trial's output."""
MESSAGE_BYTES = 64 * 2**20
"""Maximum size of a message of a trial, which is a line of JSON (harness/trial/process.py)."""


class Attempt:
    """Collects the messages and the output of a trial. started: the start on the monotonic clock, in seconds."""

    def __init__(self, trial: Trial, threads: int) -> None:
        self.trial = trial
        self.threads = threads
        self.started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.started = time.monotonic()
        self.phase = "start"
        self.end: Status | None = None
        self.waits = False
        """Whether the trial has ended and its process waits for another trial."""
        self.turns: list[float] = []
        """In a timing block: seconds per update, first of the warm-up, then of each turn."""
        self.timing_block: str | None = None
        self.noisy: bool | None = None
        self._paused_at: float | None = None
        self._paused = 0.0
        self._measured: dict[str, Any] = {}
        self._failure: dict[str, Any] | None = None
        self._line = bytearray()
        self._tail = b""

    def receive(self, data: bytes) -> None:
        """Process a chunk of bytes from the trial's process. Raises ValueError for an invalid message."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._message(bytes(self._line + end))
            self._line.clear()
        self._line += rest
        if len(self._line) > MESSAGE_BYTES:
            raise ValueError(f"a message of more than {MESSAGE_BYTES >> 20} MiB")

    def _message(self, line: bytes) -> None:
        message = json.loads(line)
        self.phase = message.get("phase", self.phase)
        self._measured |= message.get("measured", {})
        self._failure = message.get("failure", self._failure)
        self.end = message.get("end", self.end)
        self.waits = message.get("waits", self.waits)
        if "turn" in message:
            self.turns.append(message["turn"])
            self._paused_at = time.monotonic()

    def goes_on(self) -> None:
        """A turn begins: the pause since the last turn does not count as time of the trial."""
        if self._paused_at is not None:
            self._paused += time.monotonic() - self._paused_at
            self._paused_at = None

    def seconds(self, now: float) -> float:
        """Seconds that the trial has taken so far, without pauses between turns. now: on the monotonic clock."""
        return (now if self._paused_at is None else self._paused_at) - self.started - self._paused

    def output(self, data: bytes) -> None:
        """Append to the trial's output; only the last TAIL_BYTES are kept."""
        self._tail = (self._tail + data)[-TAIL_BYTES:]

    def record(self, status: Status | None, exit_code: int | None, message: str | None = None) -> Record:
        """The record of the ended process. status: replaces the status that the trial reported, unless None.

        A trial that a stop signal ended is `interrupted`, because that is not a failure of its cell. So is a trial
        whose exit code is unknown because its fork server was killed.
        """
        stopped = exit_code is None or -exit_code in STOP_SIGNALS
        status = status or self.end or ("interrupted" if stopped else "crashed")
        commit, dirty = git_state()
        known = {
            "trial_id": self.trial.id,
            "attempt": self.trial.attempt,
            "spec": self.trial.spec,
            "started_at": self.started_at,
            "machine": this_machine(),
            "threads": self.threads,
            "environment": telling_environment(),
            "git_commit": commit,
            "git_dirty": dirty,
            "seconds_total": self.seconds(time.monotonic()),
            "timing_block": self.timing_block,
            "noisy": self.noisy,
        }
        failure = None if status == "ok" else self._why(message, exit_code)
        try:
            return Record.model_validate({**self._measured, **known, "status": status, "failure": failure})
        except ValidationError as error:
            unfit = {str(problem["loc"][0]): problem["msg"] for problem in error.errors()}
            fit = {name: value for name, value in self._measured.items() if name not in unfit}
            problems = ", ".join(f"{name}: {problem}" for name, problem in unfit.items())
            failure = self._why(f"its measurements cannot be stored ({problems})", exit_code)
            return Record.model_validate({**fit, **known, "status": "crashed", "failure": failure})

    def _why(self, message: str | None, exit_code: int | None) -> Failure:
        """The reason of a failure: `message` if given, else the trial's own report, else its exit code in words."""
        cause = self._failure or {"phase": self.phase, "message": describe_exit(exit_code)}
        if message is not None:
            cause = {"phase": self.phase, "message": message}
        text = {name: str(value).encode(errors="replace").decode()[:TAIL_BYTES] for name, value in cause.items()}
        return Failure(**text, stderr=self._tail.decode(errors="replace"), exit_code=exit_code)


def describe_exit(exit_code: int | None) -> str:
    """An exit code in words, as `subprocess` counts them: negative for a signal."""
    if exit_code is None:
        return "the process disappeared without an exit code"
    if exit_code >= 0:
        return f"the process ended with exit code {exit_code} before the trial was complete"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"the process was ended by {name}"
