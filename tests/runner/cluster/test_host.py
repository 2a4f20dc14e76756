"""What a worker does with orders: an engine in a thread, which only pretends here."""

from __future__ import annotations

import queue
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.runner.cluster import host
from harness.runner.cluster.host import HostEngine
from harness.runner.engine import Trial
from harness.runner.limits import Limits
from harness.runner.precision import EVERY_PAIR, Precision
from harness.spec.factors import Lane
from harness.store.record import Record
from tests.factories import record, spec

TRIAL = Trial(spec().id(), spec())
LONG = 30.0


class Pretend:
    """An engine in which a trial ends once the test puts its record, or what is to be raised, into `ends`."""

    jobs = 2
    lock_error: str | None = None

    def __init__(self) -> None:
        self.ends: queue.SimpleQueue[Record | Exception] = queue.SimpleQueue()
        self.calls: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def has_room(self, lane: Lane) -> bool:
        if self.lock_error:
            raise UserError(self.lock_error)
        return True

    def submit(self, trials: Sequence[Trial]) -> None:
        self.calls.put(("submit", trials[0].id))

    def stop(self, trial_ids: Collection[str]) -> None:
        self.calls.put(("stop", set(trial_ids)))

    def wait(self, seconds: float) -> Sequence[Record]:
        try:
            end = self.ends.get(timeout=0.01)
        except queue.Empty:
            return []
        if isinstance(end, Exception):
            raise end
        return [end]

    def close(self) -> None:
        self.calls.put(("close", None))


def test_runs_that_ask_for_other_limits_or_precision_have_engines_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(host, "_hosts", {})
    monkeypatch.setattr(host, "LocalEngine", lambda *arguments, precision: made.append((arguments[1], precision)))
    monkeypatch.setattr(host, "HostEngine", lambda engine: object())
    asked = [(Limits(), EVERY_PAIR), (Limits(), Precision(most_rounds=7)), (Limits(1.0), EVERY_PAIR)]
    hosts = [host._host(limits, precision, 2, "folder") for limits, precision in asked * 2]
    assert made == asked
    assert hosts[:3] == hosts[3:]


def host_of(engine: Pretend) -> HostEngine:
    return HostEngine(engine)  # type: ignore[arg-type]


def begun(engine: Pretend, host: HostEngine, key: str) -> Future[list[Record]]:
    """An order that the engine has begun."""
    order = host.run(key, [TRIAL])
    assert engine.calls.get(timeout=LONG) == ("submit", TRIAL.id)
    return order


def refusal(order: Future[list[Record]]) -> str:
    with pytest.raises(UserError) as refused:
        order.result(LONG)
    return str(refused.value)


def test_an_order_whose_machine_lock_cannot_be_opened_is_refused_and_the_next_one_is_heard() -> None:
    engine = Pretend()
    engine.lock_error = "/tmp/harness-lanes.lock: the machine's lock cannot be opened"
    host = host_of(engine)
    for key in ("first", "second"):
        assert refusal(host.run(key, [TRIAL])) == engine.lock_error
    engine.lock_error = None
    third = begun(engine, host, "third")
    engine.ends.put(record())
    assert third.result(LONG)[0].status == "ok"


def test_an_engine_that_fails_leaves_no_order_without_an_answer() -> None:
    engine = Pretend()
    host = host_of(engine)
    running, waiting = begun(engine, host, "running"), host.run("waiting", [TRIAL])
    engine.ends.put(OSError("no more files"))
    later = host.run("later", [TRIAL])
    for order in (running, waiting, later):
        assert refusal(order) == "its engine has failed (OSError: no more files); start the worker again"
    assert engine.calls.get(timeout=LONG) == ("close", None), "nothing is left running"


def test_stopping_an_order_leaves_a_newer_one_of_the_same_trial_alone() -> None:
    engine = Pretend()
    host = host_of(engine)
    old = begun(engine, host, "old")
    new = host.run("new", [TRIAL])
    host.stop(["old"])
    assert engine.calls.get(timeout=LONG) == ("stop", {TRIAL.id})
    engine.ends.put(record(status="interrupted", test={}))
    assert old.result(LONG)[0].status == "interrupted"
    assert engine.calls.get(timeout=LONG) == ("submit", TRIAL.id)
    host.stop(["old"])
    assert engine.calls.get(timeout=LONG) == ("stop", set()), "the old one is no more"
    engine.ends.put(record())
    assert new.result(LONG)[0].status == "ok"


def test_an_order_that_is_stopped_before_it_was_begun_is_cancelled() -> None:
    engine = Pretend()
    host = host_of(engine)
    running, waiting = begun(engine, host, "running"), host.run("waiting", [TRIAL])
    host.stop(["waiting"])
    engine.ends.put(record())
    assert running.result(LONG)[0].status == "ok"
    deadline = time.monotonic() + LONG
    while not waiting.cancelled():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_block_is_answered_once_all_its_trials_have_ended() -> None:
    engine = Pretend()
    host = host_of(engine)
    specs = [spec(lane="speed", cell=cell) for cell in ("gru", "lstm")]
    order = host.run("block", [Trial(s.id(), s) for s in specs])
    assert engine.calls.get(timeout=LONG) == ("submit", specs[0].id())
    engine.ends.put(record(specs[0]))
    time.sleep(0.1)
    assert not order.done()
    engine.ends.put(record(specs[1]))
    assert [r.trial_id for r in order.result(LONG)] == [s.id() for s in specs]


GROUP = [Trial(of.id(), of) for of in (spec(seed=seed) for seed in range(3))]


def next_call(engine: Pretend) -> Any:
    return engine.calls.get(timeout=LONG)


def test_the_trials_of_a_program_run_one_after_another_and_are_answered_together() -> None:
    engine = Pretend()
    order = host_of(engine).run("group", GROUP)
    for trial in GROUP:
        assert not order.done()
        assert next_call(engine) == ("submit", trial.id)
        assert engine.calls.empty()
        engine.ends.put(record(trial.spec, status="crashed" if trial is GROUP[1] else "ok"))
    assert [r.status for r in order.result(LONG)] == ["ok", "crashed", "ok"]


def test_an_order_that_takes_long_gives_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "ORDER_SECONDS", 0.0)
    engine = Pretend()
    order = host_of(engine).run("group", GROUP)
    assert next_call(engine) == ("submit", GROUP[0].id)
    engine.ends.put(record(GROUP[0].spec))
    assert [r.trial_id for r in order.result(LONG)] == [GROUP[0].id]


def test_an_order_that_is_stopped_begins_no_further_trial() -> None:
    engine = Pretend()
    host = host_of(engine)
    order = host.run("group", GROUP)
    assert next_call(engine) == ("submit", GROUP[0].id)
    engine.ends.put(record(GROUP[0].spec))
    assert next_call(engine) == ("submit", GROUP[1].id)
    host.stop(["group"])
    assert next_call(engine) == ("stop", {GROUP[1].id})
    engine.ends.put(record(GROUP[1].spec))  # it was done at that moment
    assert [r.trial_id for r in order.result(LONG)] == [trial.id for trial in GROUP[:2]]


def test_an_order_whose_next_trial_cannot_be_started_gives_what_is_done() -> None:
    engine = Pretend()
    order = host_of(engine).run("group", GROUP)
    assert next_call(engine) == ("submit", GROUP[0].id)
    engine.lock_error = "no temporary folder can be made"
    engine.ends.put(record(GROUP[0].spec))
    assert [r.trial_id for r in order.result(LONG)] == [GROUP[0].id]


def test_two_workers_on_one_computer_are_known_as_such() -> None:
    """By the computer's start, which containers on it share, and not by its name, which each has of its own."""
    assert host._boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
