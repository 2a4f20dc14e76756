"""Events of a cluster, from a pretended Dask client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from harness.runner.cluster import link
from harness.runner.cluster.host import Worker
from harness.runner.cluster.link import DaskLink
from harness.store.machine import this_machine

LONG = 30.0
FACTS = {"host": "h", "computer": "c", "slots": 2, "machine": this_machine().model_dump(), "versions": {}}


class Heard:
    """Replaces the engine; records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def joined(self, worker: Worker) -> None:
        self.calls.append(("joined", worker.id))

    def left(self, worker_id: str) -> None:
        self.calls.append(("left", worker_id))

    def refuse(self, address: str, why: str) -> None:
        self.calls.append(("refuse", why))

    def ends(self, why: str) -> None:
        self.calls.append(("ends", why))


class Client:
    """Asked for the workers' names, it gives one answer of `looks` after the other, the last one again and again."""

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
    heard = Heard()
    with closing(DaskLink("tcp://s:1")) as dask:
        while last not in heard.calls:
            event = dask.next_event(LONG)
            assert event is not None, heard.calls
            event(heard)  # type: ignore[arg-type]
    return heard.calls


def test_a_scheduler_that_is_busy_has_lost_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = TimeoutError()
    events = events_until(joined("b"), monkeypatch, ["a"], ["a"], slow, slow, ["a"], slow, ["a", "b"])
    assert events == [joined("a"), joined("b")]


def test_workers_join_again_after_a_reconnection_to_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = [["a"]] * 9, [["a"]] * 9  # a worker takes some looks to answer
    events = events_until(joined("b"), monkeypatch, *before, AttributeError(), *after, ["a", "b"])
    assert events == [joined("a"), ("left", "a at tcp://a:1"), joined("a"), joined("b")]


def test_a_scheduler_that_never_answers_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_SILENT_SECONDS", 0.1)
    gone = ("ends", "the scheduler tcp://s:1 does not answer")
    assert events_until(gone, monkeypatch, ["a"], TimeoutError()) == [gone]


def test_a_worker_that_describes_itself_otherwise_is_unfit(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {name: fact for name, fact in FACTS.items() if name != "machine"}
    gone = ("ends", "the scheduler tcp://s:1 does not answer")
    monkeypatch.setattr(link, "_SILENT_SECONDS", 0.1)
    (call, why), last = events_until(gone, monkeypatch, ["a"], ["a"], TimeoutError(), facts=facts)
    assert call == "refuse"
    assert "its description failed (ValidationError: 1 validation error for Worker\nmachine" in why
    assert last == gone
