"""Assignment of trials to hosts, and reassignment when a host is lost, on a simulated cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from operator import methodcaller
from typing import Any

import pytest

from harness.errors import UserError
from harness.runner.cluster.engine import MAX_GROUP, MAX_LOST, PATIENCE_SECONDS, ClusterEngine
from harness.runner.cluster.host import Order, Worker
from harness.runner.engine import Trial
from harness.runner.limits import Limits
from harness.runner.precision import Precision
from harness.spec.trial import TrialSpec, block_of
from harness.store.machine import this_machine
from harness.store.record import Record
from tests.factories import record, spec

Event = Callable[[ClusterEngine], None]
VERSIONS = {"harness": "abc", "python": "3.11.2", "tensorflow": "2.20.0", "keras": "3.13.0"}


def worker(name: str, slots: int = 2, **changes: Any) -> Worker:
    machine = this_machine().model_copy(update={"fingerprint": f"machine-{name}", "memory_bytes": 2**33})
    fields = {"id": f"id-{name}", "address": f"tcp://{name}:1", "host": name, "computer": name, "slots": slots}
    return Worker(**{**fields, "machine": machine, "versions": VERSIONS, **changes})


joined, left, returned, failed, ends, refuse = (
    partial(methodcaller, name) for name in ("joined", "left", "returned", "failed", "ends", "refuse")
)


class Pretend:
    """A link whose workers do what the test says. Its clock advances while the engine waits."""

    def __init__(self, *workers: Worker) -> None:
        self.events: deque[Event] = deque(map(joined, workers))
        self.sent: dict[str, tuple[str, Order]] = {}
        self.history: list[tuple[str, Order]] = []
        self.dropped: list[str] = []
        self.stopped: list[str] = []
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def send(self, key: str, address: str, order: str) -> None:
        self.sent[key] = (address, Order.model_validate_json(order))
        self.history.append(self.sent[key])

    def drop(self, key: str) -> None:
        self.dropped.append(key)
        self.sent.pop(key, None)

    def stop(self, keys: Collection[str], addresses: Collection[str]) -> None:
        self.stopped += keys
        for key in list(keys):
            self.done(key, status="interrupted", test={})

    def next_event(self, seconds: float) -> Event | None:
        if self.events:
            return self.events.popleft()
        self.now += seconds
        return None

    def close(self) -> None: ...

    def done(self, key: str, **changes: Any) -> None:
        """The worker sends the records."""
        _, order = self.sent.pop(key)
        self.events.append(returned(key, records_of(order, **changes)))

    def fail(self, key: str, why: str, *, lost: bool) -> None:
        """The order fails."""
        del self.sent[key]
        self.events.append(failed(key, why, lost=lost))

    def at(self, name: str) -> list[str]:
        """Keys of the orders at a host."""
        return [key for key, (address, _) in self.sent.items() if address == f"tcp://{name}:1"]


def records_of(order: Order, **changes: Any) -> list[Record]:
    """The records that a worker sends after an order."""
    return [record(trial.spec, attempt=trial.attempt, **changes) for trial in order.trials]


def ids(order: Order) -> list[str]:
    return [trial.id for trial in order.trials]


def engine_of(link: Pretend, **options: Any) -> ClusterEngine:
    limits = options.pop("limits", Limits())
    engine = ClusterEngine(link, limits, VERSIONS, clock=link.clock, **options)
    engine.start(1.0, len(link.events))
    return engine


def trials_of(specs: Sequence[TrialSpec]) -> list[Trial]:
    return [Trial(of.id(), of) for of in specs]


def submit_what_fits(engine: ClusterEngine, waiting: list[TrialSpec]) -> None:
    """Submit trials while the engine accepts them, as the runner does."""
    while waiting and engine.has_room(waiting[0].lane):
        first = waiting[0]
        group = [of for of in waiting if block_of(of) == block_of(first)] if first.lane == "speed" else [first]
        del waiting[: len(group)]
        engine.submit(trials_of(group))


def accuracy(count: int) -> list[TrialSpec]:
    return [spec(seed=seed) for seed in range(count)]


def blocks(count: int, size: int = 2) -> list[TrialSpec]:
    """Speed trials; those of a seed are a block."""
    cells = ("gru", "lstm", "simple_rnn")[:size]
    return [spec(lane="speed", seed=seed, cell=cell) for seed in range(count) for cell in cells]


def run_to_the_end(engine: ClusterEngine, link: Pretend, waiting: list[TrialSpec]) -> list[Record]:
    """All orders end, one after another."""
    records: list[Record] = []
    for _ in range(1000):
        submit_what_fits(engine, waiting)
        if not engine.running() and not waiting:
            break
        if link.sent:
            link.done(next(iter(link.sent)))
        records += engine.wait(0.1)
    return records


def test_an_accuracy_trial_takes_a_slot_of_the_host_with_most_free_slots() -> None:
    link = Pretend(worker("small", 1), worker("large", 3))
    engine = engine_of(link)
    assert sum(engine.hosts) == 4
    waiting = accuracy(9)
    submit_what_fits(engine, waiting)
    assert (len(link.at("small")), len(link.at("large")), len(waiting)) == (1, 3, 3), (
        "one trial per host is accepted ahead"
    )
    link.done(link.at("small")[0])
    assert len(engine.wait(0.1)) == 1
    assert len(link.at("small")) == 1, "the next trial is sent before the record is stored"


def test_a_timing_block_is_one_order_for_one_host() -> None:
    link = Pretend(worker("a", 4), worker("b", 4))
    engine = engine_of(link)
    waiting = blocks(3)
    records: list[Record] = []
    while waiting or engine.running():
        submit_what_fits(engine, waiting)
        assert len(link.at("a")) <= 1
        assert len(link.at("b")) <= 1
        link.done(link.at("a")[0] if link.at("a") else link.at("b")[0])
        came = list(engine.wait(0.1))
        assert len(came) == 2
        assert len({(r.spec.seed, r.host) for r in came}) == 1
        records += came
    assert sorted(r.trial_id for r in records) == sorted(s.id() for s in blocks(3))
    assert {r.host for r in records} == {"a", "b"}


def test_an_order_has_the_required_precision_of_ratios() -> None:
    link = Pretend(worker("a"))
    precision = Precision((("gru", "lstm", 0.01),), most_rounds=7)
    engine = engine_of(link, precision=precision)
    submit_what_fits(engine, blocks(1))
    ((_, order),) = link.history
    assert order.precision == precision


def test_a_host_with_a_timing_block_gets_no_accuracy_trials() -> None:
    link = Pretend(worker("only", 2))
    engine = engine_of(link)
    first, fast, last = spec(seed=1), spec(lane="speed"), spec(seed=2)
    submit_what_fits(engine, [first, fast])
    before, block = link.at("only")
    assert link.sent[block][1].trials[0].spec.lane == "speed"
    assert not engine.has_room("accuracy")
    link.done(before)
    engine.wait(0.1)
    assert not engine.has_room("accuracy")
    link.done(block)
    engine.wait(0.1)
    submit_what_fits(engine, [last])
    assert len(link.at("only")) == 1


def test_another_host_runs_the_trials_of_a_lost_host_as_the_same_attempt() -> None:
    link = Pretend(worker("a"), worker("b"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(4))
    lost = {id for key in link.at("a") for id in ids(link.sent[key][1])}
    link.events.append(left("id-a"))
    engine.wait(0.1)
    assert len(link.dropped) == 2
    for key in link.at("b"):
        link.done(key)
    records = list(engine.wait(0.1))
    assert {id for key in link.at("b") for id in ids(link.sent[key][1])} == lost
    records += run_to_the_end(engine, link, [])
    assert [(r.attempt, r.status) for r in records] == [(1, "ok")] * 4
    assert len({r.trial_id for r in records}) == 4


def test_another_host_repeats_the_timing_block_of_a_lost_host() -> None:
    link = Pretend(worker("a"), worker("b"))
    engine = engine_of(link)
    waiting = blocks(1, size=3)
    submit_what_fits(engine, waiting)
    assert engine.running() == 3
    home = "a" if link.at("a") else "b"
    other = {"a": "b", "b": "a"}[home]
    link.events.append(left(f"id-{home}"))
    assert engine.wait(0.1) == []
    assert engine.running() == 3
    records = run_to_the_end(engine, link, waiting)
    assert {r.host for r in records} == {other}
    assert [ids(order) for address, order in link.history if other in address] == [[s.id() for s in blocks(1, size=3)]]


def test_another_host_gets_a_block_that_waited_on_a_lost_host() -> None:
    link = Pretend(worker("a"))
    engine = engine_of(link)
    submit_what_fits(engine, [spec(seed=9), *blocks(1)])
    assert len(link.at("a")) == 2, "the block waits there for the end of the other order"
    link.events += [left("id-a"), joined(worker("b"))]
    assert engine.wait(0.1) == []
    assert engine.running() == 3
    assert sorted(r.host or "" for r in run_to_the_end(engine, link, [])) == ["b"] * 3


@pytest.mark.parametrize("specs", [accuracy(1), blocks(1, size=3)])
def test_an_order_that_loses_three_workers_is_interrupted(specs: list[TrialSpec]) -> None:
    link = Pretend(worker("a"))
    engine = engine_of(link)
    submit_what_fits(engine, list(specs))
    records: list[Record] = []
    for number in range(MAX_LOST):
        assert len(link.at("a")) == 1
        link.events += [left("id-a" if number == 0 else f"id-{number}"), joined(worker("a", id=f"id-{number + 1}"))]
        records += engine.wait(0.1)
    assert [r.status for r in records] == ["interrupted"] * len(specs)
    assert {(r.host, r.machine.fingerprint) for r in records} == {("a", "machine-a")}
    assert all(r.failure and f"{MAX_LOST} workers were lost" in r.failure.message for r in records)
    assert engine.running() == 0


def test_a_worker_that_fails_and_then_leaves_counts_as_one_lost_worker() -> None:
    """A client that loses the scheduler cancels all orders, then finds no worker."""
    link = Pretend(worker("a"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(1))
    for _ in range(MAX_LOST):
        link.fail(link.at("a")[0], "scheduler-connection-lost", lost=True)
        assert engine.wait(0.1) == []
        assert len(link.at("a")) == 1
        link.events += [left("id-a"), joined(worker("a"))]
        assert engine.wait(0.1) == []
    assert [r.status for r in run_to_the_end(engine, link, [])] == ["ok"]


def test_orders_of_two_coordinators_have_different_keys() -> None:
    keys: list[str] = []
    for _ in range(2):
        link = Pretend(worker("a"))
        submit_what_fits(engine_of(link), accuracy(2))
        keys += link.sent
    assert len(set(keys)) == 4


def test_a_trial_that_is_stopped_three_times_on_its_worker_is_interrupted() -> None:
    link = Pretend(worker("a"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(1))
    records: list[Record] = []
    for _ in range(MAX_LOST):
        assert records == []
        link.done(link.at("a")[0], status="interrupted", test={})
        records += engine.wait(0.1)
    assert [r.status for r in records] == ["interrupted"]
    assert engine.running() == 0


def ordered(link: Pretend) -> list[list[int]]:
    """The seeds of each order that has not returned."""
    return [[trial.spec.seed for trial in order.trials] for _, order in link.sent.values()]


def test_trials_of_one_program_form_an_order_if_every_slot_has_work() -> None:
    engine = engine_of(Pretend(worker("a"), worker("b")))
    both = [spec(seed=seed, cell=cell) for seed in range(40) for cell in ("gru", "lstm")]
    assert engine.choose(trials_of(both)) == list(range(0, 2 * MAX_GROUP, 2))
    assert engine.choose(trials_of(both[1:25])) == [0, 2, 4, 6, 8, 10], (
        "a quarter of the waiting trials, because there are four slots"
    )
    assert engine.choose(trials_of(both[:7])) == [0]
    assert engine.choose(trials_of([*accuracy(4), *blocks(20)])) == [0], "timing blocks do not fill slots"
    assert engine.choose(trials_of([spec(seed=seed, train_size=20 + seed) for seed in range(8)])) == [0, 1]


def test_an_order_of_several_trials_takes_one_slot() -> None:
    link = Pretend(worker("only", 2))
    engine = engine_of(link)
    engine.submit(trials_of(accuracy(3)))
    engine.submit(trials_of(accuracy(5)[3:]))
    assert ordered(link) == [[0, 1, 2], [3, 4]]
    assert engine.running() == 5
    assert engine.has_room("accuracy"), "one order per host is accepted ahead"
    engine.submit(trials_of(accuracy(6)[5:]))
    assert not engine.has_room("accuracy")
    link.done(link.at("only")[0])
    assert [r.spec.seed for r in engine.wait(0.1)] == [0, 1, 2]
    assert ordered(link) == [[3, 4], [5]]


def test_trials_that_an_order_did_not_start_go_to_a_host_that_has_compiled_the_program() -> None:
    link = Pretend(worker("small", 1), worker("large", 4))
    engine = engine_of(link)
    engine.submit(trials_of([spec(cell="lstm")]))
    engine.submit(trials_of([spec(cell="lstm", seed=1)]))
    engine.submit(trials_of(accuracy(3)))
    home = next(name for name in ("small", "large") for key in link.at(name) if len(link.sent[key][1].trials) == 3)
    (key,) = [key for key in link.sent if len(link.sent[key][1].trials) == 3]
    order = link.sent.pop(key)[1]
    link.events.append(returned(key, records_of(order.model_copy(update={"trials": order.trials[:1]}))))
    assert [r.spec.seed for r in engine.wait(0.1)] == [0]
    assert engine.running() == 4
    address, again = next(sent for sent in link.sent.values() if len(sent[1].trials) == 2)
    assert ids(again) == ids(order)[1:]
    assert home in address
    assert [(r.attempt, r.status) for r in run_to_the_end(engine, link, [])] == [(1, "ok")] * 4


def test_a_host_that_has_compiled_a_program_is_preferred() -> None:
    link = Pretend(worker("small", 1), worker("large", 4))
    engine = engine_of(link)
    filling = [spec(cell="lstm", seed=seed) for seed in range(4)]
    engine.submit(trials_of(filling))
    for of in (spec(cell="simple_rnn", seed=1), spec(cell="simple_rnn", seed=2), spec(cell="simple_rnn", seed=3)):
        engine.submit(trials_of([of]))
    engine.submit(trials_of([spec()]))
    (at_small,) = link.at("small")
    cell = link.sent[at_small][1].trials[0].spec.cell
    link.done(at_small)
    engine.wait(0.1)
    engine.submit(trials_of([spec(cell=cell, seed=9)]))
    (at_small,) = link.at("small")
    assert link.sent[at_small][1].trials[0].spec.seed == 9


def test_trials_of_a_lost_order_run_one_by_one_and_only_the_cause_is_interrupted() -> None:
    link = Pretend(worker("a", 1))
    engine = engine_of(link)
    engine.submit(trials_of(accuracy(3)))
    fatal, records = 1, []
    for number in range(20):
        for key in link.at("a"):
            if fatal in ordered(link)[0]:
                old = "id-a" if not link.dropped else f"id-{len(link.dropped) - 1}"
                link.events += [left(old), joined(worker("a", 1, id=f"id-{len(link.dropped)}"))]
            else:
                link.done(key)
        records += engine.wait(0.1)
        assert number or ordered(link) == [[0]]
    assert {r.spec.seed: r.status for r in records} == {0: "ok", 1: "interrupted", 2: "ok"}
    assert len(records) == 3
    assert engine.running() == 0
    assert len(link.dropped) == MAX_LOST


def test_finished_trials_of_a_stopped_order_are_kept() -> None:
    link = Pretend(worker("a", 1))
    engine = engine_of(link)
    engine.submit(trials_of(accuracy(4)))
    ((key, (_, order)),) = link.sent.items()
    del link.sent[key]
    done, stopped = (order.model_copy(update={"trials": order.trials[at : at + 1]}) for at in (0, 1))
    both = [*records_of(done), *records_of(stopped, status="interrupted", test={})]
    link.events.append(returned(key, both))
    assert [r.spec.seed for r in engine.wait(0.1)] == [0]
    assert ordered(link) == [[1]]
    assert [(r.spec.seed, r.status, r.attempt) for r in run_to_the_end(engine, link, [])] == [
        (1, "ok", 1), (2, "ok", 1), (3, "ok", 1),
    ]  # fmt: skip


def test_a_worker_that_sends_no_record_is_not_used() -> None:
    link = Pretend(worker("a"), worker("b"))
    engine = engine_of(link)
    engine.submit(trials_of(accuracy(2)))
    ((key, (address, _)),) = link.sent.items()
    link.events.append(returned(key, []))
    assert engine.wait(0.1) == []
    (left,) = [name for name in ("a", "b") if name not in address]
    assert {r.host for r in run_to_the_end(engine, link, [])} == {left}


def test_other_versions_are_refused_or_recorded() -> None:
    other = worker("b", versions={**VERSIONS, "keras": "3.9.0"})
    with pytest.raises(UserError, match=r"tcp://b:1: keras 3.9.0 there, 3.13.0 here. --any-versions"):
        engine_of(Pretend(worker("a"), other))
    link = Pretend(other)
    engine = engine_of(link, any_versions=True)
    records = run_to_the_end(engine, link, accuracy(1))
    assert [r.version_differences for r in records] == [("keras 3.9.0 there, 3.13.0 here",)]


def test_a_second_worker_on_a_host_is_refused_at_the_start_and_waits_later() -> None:
    twin = worker("a", id="id-twin", address="tcp://twin:1")
    with pytest.raises(UserError, match=r"more than one worker on a host: tcp://twin:1 and tcp://a:1 on a"):
        engine_of(Pretend(worker("a"), twin))
    link = Pretend(worker("a"))
    engine = engine_of(link)
    link.events.append(joined(twin))
    engine.wait(0.1)
    assert sum(engine.hosts) == 2
    submit_what_fits(engine, accuracy(2))
    link.events.append(left("id-a"))
    engine.wait(0.1)
    assert len(link.at("twin")) == 2


def test_a_second_worker_on_a_host_replaces_one_that_is_refused() -> None:
    link = Pretend(worker("a"))
    engine = engine_of(link)
    link.events.append(joined(worker("a", id="id-twin", address="tcp://twin:1")))
    engine.wait(0.1)
    submit_what_fits(engine, accuracy(1))
    link.fail(link.at("a")[0], "its engine has failed", lost=False)
    engine.wait(0.1)
    assert len(link.at("twin")) == 1


@pytest.mark.parametrize(
    ("workers", "limits", "message"),
    [
        ([], Limits(), "no worker answers the scheduler"),
        ([worker("a")], Limits(60.0, 2**34), r"8.0 GiB of memory, but the limit of a trial is 16.0 GiB"),
    ],
)
def test_a_plan_that_no_worker_can_run_is_an_error_at_the_start(
    workers: Sequence[Worker], limits: Limits, message: str
) -> None:
    link = Pretend(*workers)
    with pytest.raises(UserError, match=message):
        engine_of(link, limits=limits)
    assert link.now == 0


def test_an_unusable_worker_is_reported_with_the_reason() -> None:
    link = Pretend()
    why = "its description failed (ModuleNotFoundError: No module named 'harness')"
    link.events.append(refuse("tcp://x:1", why))
    with pytest.raises(UserError, match=r"tcp://x:1: its description failed .*No module named 'harness'"):
        engine_of(link)


def test_a_host_that_cannot_start_trials_is_reported_and_not_used() -> None:
    lines: list[str] = []
    link = Pretend(worker("a"), worker("b"))
    engine = engine_of(link, say=lines.append)
    submit_what_fits(engine, accuracy(1))
    (key,) = link.sent
    bad = link.sent[key][0]
    link.fail(key, "cannot create a temporary folder", lost=False)
    engine.wait(0.1)
    assert lines == [f"Worker {bad} is not used: cannot create a temporary folder"]
    ((address, _),) = link.sent.values()
    assert address != bad


def test_a_run_without_workers_waits_ten_minutes_for_others() -> None:
    link = Pretend(worker("a"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(1))
    link.events.append(left("id-a"))
    assert engine.wait(0.1) == []
    assert not engine.has_room("accuracy")
    assert engine.running() == 1
    engine.wait(PATIENCE_SECONDS / 2)
    link.events.append(joined(worker("a", id="again")))
    engine.wait(0.1)
    assert len(link.at("a")) == 1
    link.events.append(left("again"))
    engine.wait(0.1)
    engine.wait(PATIENCE_SECONDS)
    with pytest.raises(UserError, match="no worker has been available for 600 s"):
        engine.wait(1)


def test_a_run_whose_workers_are_all_refused_ends_at_once_with_the_reasons() -> None:
    link = Pretend(worker("a"), worker("b"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(1))
    for _ in range(2):
        engine.wait(0)
        (key,) = link.sent
        link.fail(key, "ModuleNotFoundError: No module named 'cells'", lost=False)
    began = link.now
    with pytest.raises(UserError, match=r"no usable worker is left. tcp://.:1: ModuleNotFoundError.*stored"):
        engine.wait(0.1)
    assert link.now == began


def test_a_lost_scheduler_ends_the_run_after_the_records_that_have_arrived() -> None:
    link = Pretend(worker("a"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(2))
    done, _ = link.at("a")
    link.done(done)
    link.events.append(ends("the scheduler tcp://s:1 is gone"))
    assert [r.status for r in engine.wait(0.1)] == ["ok"]
    with pytest.raises(UserError, match=r"tcp://s:1 is gone. Finished trials are stored"):
        engine.wait(0.1)
    began = link.now
    engine.close()
    assert link.now == began, "no worker can answer"


def test_an_interrupt_returns_the_records_of_the_stopped_trials() -> None:
    link = Pretend(worker("a"), worker("b", 1))
    engine = engine_of(link)
    submit_what_fits(engine, [*accuracy(3), *blocks(1)])
    assert engine.running() == 5
    sent = set(link.sent)
    records = engine.interrupt()
    assert set(link.stopped) == sent
    assert [r.status for r in records] == ["interrupted"] * 5
    assert engine.running() == 0


def test_trials_that_did_not_start_before_a_stop_have_no_record() -> None:
    lines: list[str] = []
    link = Pretend(worker("a", 1))
    link.stop = lambda keys, addresses: link.events.extend(returned(key, []) for key in keys)  # type: ignore[method-assign]
    engine = engine_of(link, say=lines.append)
    submit_what_fits(engine, [*accuracy(1), *blocks(1)])
    assert engine.interrupt() == []
    assert (engine.running(), sum(engine.hosts), lines) == (0, 1, [])


def test_an_interrupt_waits_less_than_a_minute_for_a_worker_that_does_not_answer() -> None:
    link = Pretend(worker("a"))
    link.stop = lambda keys, addresses: None  # type: ignore[method-assign]
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(1))
    (stopped,) = engine.interrupt()
    assert stopped.status == "interrupted"
    assert stopped.failure is not None
    assert "does not answer" in stopped.failure.message
    assert (stopped.host, stopped.machine.fingerprint) == ("a", "machine-a")
    assert 0 < link.now < 60
    assert len(link.dropped) == 1


def test_a_late_record_of_a_lost_worker_is_ignored() -> None:
    link = Pretend(worker("a"), worker("b"))
    engine = engine_of(link)
    submit_what_fits(engine, accuracy(1))
    ((key, (address, order)),) = link.sent.items()
    late = returned(key, records_of(order))
    link.events += [left("id-a" if "a:1" in address else "id-b"), late]
    assert engine.wait(0.1) == []
    assert len(run_to_the_end(engine, link, [])) == 1
