"""Blocks of speed trials on a cluster: each runs on one host, one trial after another, and comes back whole."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from harness.record import Record
from harness.runner.engine import Trial

Key = tuple[object, ...]
"""What `lanes.block_of` gives."""


@dataclass
class Block:
    """A block that was begun, or waits for a host."""

    key: Key
    waiting: deque[Trial] = field(default_factory=deque)
    running: Trial | None = None
    done: list[tuple[Trial, Record]] = field(default_factory=list)
    """Held back until all are done: what a lost host had done of a block is done again by the next one."""
    worker: str | None = None
    """Whose it is, by id."""

    def next_trial(self) -> Trial | None:
        """The trial to be started now, if any; it counts as running."""
        if self.running is None and self.waiting:
            self.running = self.waiting.popleft()
            return self.running
        return None

    def ended(self, record: Record) -> None:
        """The running trial has ended."""
        assert self.running is not None
        self.done.append((self.running, record))
        self.running = None

    def begin_again(self) -> None:
        """All of it is to be done again, in the same order, on another host."""
        running = [self.running] if self.running else []
        self.waiting.extendleft(reversed([*(trial for trial, _ in self.done), *running]))
        self.done, self.running, self.worker = [], None, None

    def is_done(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.running is None and not self.waiting

    def size(self) -> int:
        """How many trials it has."""
        return len(self.waiting) + len(self.done) + (self.running is not None)
