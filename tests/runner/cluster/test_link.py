"""What happens on a cluster, as Dask's client tells it: a client that only pretends."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from harness.runner.cluster import link
from harness.runner.cluster.events import Event, Gone, Joined, Left, Unfit, Worker
from harness.runner.cluster.link import DaskLink
from harness.store.machine import this_machine

LONG = 30.0
FACTS = {"host": "h", "computer": "c", "slots": 2, "machine": this_machine().model_dump(), "versions": {}}


class Client:
    """Asked for the workers' names, it gives one answer of `looks` after the other, the last one again and again."""

    looks: Iterator[Any]
    facts: dict[str, Any]

    def __init__(self, address: str, **options: Any) -> None:
        self.status = "running"
        self.scheduler = SimpleNamespace(identity=self._identity)
        self._last: Any = None

    def __await__(self) -> Generator[None, None, Client]:
        yield from ()
        return self

    async def _identity(self, n_workers: int) -> dict[str, Any]:
        self._last = next(self.looks, self._last)
        self.status = "running"
        if isinstance(self._last, AttributeError):
            self.status = "connecting"
        if isinstance(self._last, Exception):
            raise self._last
        return {"workers": {f"tcp://{name}:1": {"id": f"id-{name}"} for name in self._last}}

    async def run(self, function: object, *, workers: list[str], on_error: str) -> dict[str, Any]:
        return {workers[0]: dict(self.facts)}

    async def close(self) -> None: ...


def joined(name: str) -> Joined:
    facts = {**FACTS, "machine": this_machine()}
    return Joined(Worker(id=f"id-{name}", address=f"tcp://{name}:1", **facts))  # type: ignore[arg-type]


def events_until(
    last: Event, monkeypatch: pytest.MonkeyPatch, *looks: Any, facts: dict[str, Any] = FACTS
) -> list[Event | None]:
    monkeypatch.setattr(link, "Client", Client)
    monkeypatch.setattr(link, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(Client, "looks", iter(looks), raising=False)
    monkeypatch.setattr(Client, "facts", facts, raising=False)
    events: list[Event | None] = []
    with closing(DaskLink("tcp://s:1")) as dask:
        while last not in events:
            events.append(dask.next_event(LONG))
            assert events[-1] is not None, events
    return events


def test_a_scheduler_that_is_busy_has_lost_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = TimeoutError()
    found = events_until(joined("b"), monkeypatch, ["a"], ["a"], slow, slow, ["a"], slow, ["a", "b"])
    assert found == [joined("a"), joined("b")]


def test_a_scheduler_that_is_connected_anew_has_its_workers_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = [["a"]] * 9, [["a"]] * 9  # a worker takes some looks to answer
    found = events_until(joined("b"), monkeypatch, *before, AttributeError(), *after, ["a", "b"])
    assert found == [joined("a"), Left("id-a"), joined("a"), joined("b")]


def test_a_scheduler_that_never_answers_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_SILENT_SECONDS", 0.1)
    gone = Gone("the scheduler tcp://s:1 does not answer")
    assert events_until(gone, monkeypatch, ["a"], TimeoutError()) == [gone]


def test_a_worker_that_describes_itself_otherwise_is_unfit(monkeypatch: pytest.MonkeyPatch) -> None:
    unfit = Unfit("tcp://a:1", "it does not describe itself (KeyError: 'machine')")
    facts = {name: fact for name, fact in FACTS.items() if name != "machine"}
    assert events_until(unfit, monkeypatch, ["a"], facts=facts) == [unfit]
