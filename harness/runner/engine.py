"""The interface of engines, which execute trials: on this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from harness.spec.factors import Lane
from harness.spec.trial import TrialSpec
from harness.store.record import Record

LOOK_AHEAD = 1000
"""The number of waiting trials from which an engine chooses the next one."""


@dataclass(frozen=True)
class Trial:
    """A trial to run: its id, its spec and the number of the attempt, from 1."""

    id: str
    spec: TrialSpec
    attempt: int = 1

    @cached_property
    def program(self) -> str:
        """Trials with the same program can share compiled code."""
        return self.spec.program()


class Engine(Protocol):
    """Takes trials and returns records: exactly one record for each trial, also if the trial fails."""

    waits_for: str
    """Shown as "Waiting for ..." while no trial can start."""

    @property
    def hosts(self) -> Sequence[int]:
        """Number of parallel accuracy trials on each host; in the speed lane a host runs one trial at a time."""

    def has_room(self, lane: Lane) -> bool:
        """Whether a trial of that lane could start now."""

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        """Choose the accuracy trials to start next: indices of `waiting`, in rising order.

        The first of `waiting` is an accuracy trial. Several chosen trials share one program and run one after another.
        """

    def submit(self, trials: Sequence[Trial]) -> None:
        """Start the chosen accuracy trials, or all trials of a timing block. Call it only if `has_room` is true."""

    def running(self) -> int:
        """Number of submitted trials without a returned record."""

    def wait(self, seconds: float) -> Sequence[Record]:
        """Wait for at most this number of seconds; return the records of the trials that ended."""

    def interrupt(self) -> Sequence[Record]:
        """Stop all running trials; return their records, with status 'interrupted'."""

    def close(self) -> None:
        """Stop all trials and processes."""
