"""What can happen on a cluster, as the coordinator hears it, and what it can ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness.store.record import Machine


@dataclass(frozen=True)
class Worker:
    """A worker as it described itself (host.py)."""

    id: str
    """Of this start of the worker: one that is started again has another."""
    address: str
    host: str
    """The computer's name."""
    computer: str
    """What identifies the computer: the same for all workers, and all containers, on it."""
    slots: int
    machine: Machine
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Joined:
    """A worker has answered."""

    worker: Worker


@dataclass(frozen=True)
class Unfit:
    """A worker is there, but cannot be used."""

    address: str
    why: str


@dataclass(frozen=True)
class Left:
    """The scheduler no longer knows a worker."""

    worker_id: str


@dataclass(frozen=True)
class Returned:
    """An order was done; `records` is the JSON of a list."""

    key: str
    records: str


@dataclass(frozen=True)
class Failed:
    """An order was not done."""

    key: str
    why: str
    lost: bool
    """Whether its result was lost on the way, so that it tells nothing of the worker."""


@dataclass(frozen=True)
class Gone:
    """There is no scheduler any more."""

    why: str


Event = Joined | Unfit | Left | Returned | Failed | Gone


class Link(Protocol):
    """The way to the workers. None of its methods waits, but for `next_event` and `close`."""

    def send(self, key: str, address: str, order: str) -> None:
        """Have an order done by that worker; `Returned` or `Failed` comes of it, unless it is dropped."""

    def drop(self, key: str) -> None:
        """Want an order's record no longer."""

    def stop(self, keys: Collection[str], addresses: Collection[str]) -> None:
        """Have these orders stopped; their records come as 'interrupted'."""

    def next_event(self, seconds: float) -> Event | None:
        """The next event; None where none comes in so many seconds."""

    def close(self) -> None:
        """Give up all orders, and the connection."""
