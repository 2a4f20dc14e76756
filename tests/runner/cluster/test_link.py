"""Events of a cluster, from a simulated Dask client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from threading import Thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from harness.runner.cluster import link
from harness.runner.cluster.host import Worker
from harness.runner.cluster.link import DaskLink
from harness.store.machine import this_machine

LONG = 30.0
FACTS = {"host": "h", "computer": "c", "slots": 2, "machine": this_machine().model_dump(), "versions": {}}


class Client:
    """Each query for the workers gets the next answer of `looks`, and the last answer from then on."""

    looks: Iterator[Any]
    facts: dict[str, Any]

    def __init__(self, address: str, **options: Any) -> None:
        self.status = "running"
        self.scheduler = SimpleNamespace(identity=self._identity)
        self._last: Any = None
        loop = asyncio.new_event_loop()
        self.loop = SimpleNamespace(asyncio_loop=loop)
        self._thread = Thread(target=loop.run_forever)
        self._thread.start()

    async def _identity(self, n_workers: int) -> dict[str, Any]:
        self._last = next(self.looks, self._last)
        self.status = "running"
        if isinstance(self._last, AttributeError):
            self.status = "connecting"
        if isinstance(self._last, Exception):
            raise self._last
        return {"workers": {f"tcp://{name}:1": {"id": name} for name in self._last}}

    async def run(self, function: object, *, workers: list[str], on_error: str) -> dict[str, Any]:
        return {workers[0]: dict(self.facts)}

    def close(self, timeout: float) -> None:
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), self.loop.asyncio_loop).result(LONG)
        self.loop.asyncio_loop.call_soon_threadsafe(self.loop.asyncio_loop.stop)
        self._thread.join()
        self.loop.asyncio_loop.close()


def joined(name: str) -> tuple[str, str]:
    return "joined", f"{name} at tcp://{name}:1"


def events_until(
    last: tuple[str, str], monkeypatch: pytest.MonkeyPatch, *looks: Any, facts: dict[str, Any] = FACTS
) -> list[tuple[str, str]]:
    monkeypatch.setattr(link, "Client", Client)
    monkeypatch.setattr(link, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(Client, "looks", iter(looks), raising=False)
    monkeypatch.setattr(Client, "facts", facts, raising=False)
    engine, events = Mock(), []
    with closing(DaskLink("tcp://s:1")) as dask:
        while last not in events:
            event = dask.next_event(LONG)
            assert event is not None, events
            event(engine)
            name, (*_, what), _ = engine.method_calls[-1]
            events.append((name, what.id if isinstance(what, Worker) else what))
    return events


def test_a_busy_scheduler_has_lost_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = TimeoutError()
    events = events_until(joined("b"), monkeypatch, ["a"], ["a"], slow, slow, ["a"], slow, ["a", "b"])
    assert events == [joined("a"), joined("b")]


def test_workers_join_again_after_a_reconnection_to_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = [["a"]] * 9, [["a"]] * 9  # a worker needs several queries to answer
    events = events_until(joined("b"), monkeypatch, *before, AttributeError(), *after, ["a", "b"])
    assert events == [joined("a"), ("left", "a at tcp://a:1"), joined("a"), joined("b")]


def test_a_scheduler_that_does_not_answer_for_long_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_SILENT_SECONDS", 0.1)
    gone = ("ends", "the scheduler tcp://s:1 does not answer")
    assert events_until(gone, monkeypatch, ["a"], TimeoutError()) == [gone]


def test_a_worker_with_an_incomplete_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {name: fact for name, fact in FACTS.items() if name != "machine"}
    gone = ("ends", "the scheduler tcp://s:1 does not answer")
    monkeypatch.setattr(link, "_SILENT_SECONDS", 0.1)
    (call, why), last = events_until(gone, monkeypatch, ["a"], ["a"], TimeoutError(), facts=facts)
    assert call == "refuse"
    assert "its description failed (ValidationError: 1 validation error for Worker\nmachine" in why
    assert last == gone
