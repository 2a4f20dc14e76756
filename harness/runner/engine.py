"""What an engine is: the thing that gets trials done. The runner does not know which one it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from harness.spec.factors import Lane
from harness.spec.trial import TrialSpec
from harness.store.record import Record

LOOK_AHEAD = 1000
"""How many of the waiting trials an engine chooses from."""


@dataclass(frozen=True)
class Trial:
    """A trial to be done: its id, what to do, and the how-manieth attempt it is."""

    id: str
    spec: TrialSpec
    attempt: int = 1

    @cached_property
    def program(self) -> str:
        """Trials with the same one can share compiled code."""
        return self.spec.program()


class Engine(Protocol):
    """Takes trials, gives records. Every trial taken comes back as one record, whatever becomes of it."""

    waits_for: str
    """What it waits for where nothing runs and it has no room: how a sentence ends that begins 'Waiting for'."""

    @property
    def jobs(self) -> int:
        """How many accuracy trials it runs side by side."""

    @property
    def hosts(self) -> Sequence[int]:
        """How many of them on each of its hosts; in the speed lane each host runs one trial at a time."""

    def has_room(self, lane: Lane) -> bool:
        """Whether a trial of that lane could start now."""

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        """Which of the waiting accuracy trials, the first of which is one, to start next: indices, in rising order.

        Where there are several they have one program, and run one after another.
        """

    def submit(self, trials: Sequence[Trial]) -> None:
        """Start the accuracy trials chosen, or all speed trials of a timing block. Call it only where there is room."""

    def running(self) -> int:
        """How many trials were taken and have not come back."""

    def wait(self, seconds: float) -> Sequence[Record]:
        """The records of trials that ended, after at most so many seconds."""

    def interrupt(self) -> Sequence[Record]:
        """Stop what runs; its records, with status 'interrupted'."""

    def close(self) -> None:
        """Leave nothing running."""
