"""A worker runs orders, with a simulated engine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import UserError
from harness.runner.cluster import host
from harness.runner.cluster.host import Order, run_trials
from harness.runner.engine import Trial
from harness.runner.lanes import MachineLock
from harness.runner.limits import Limits
from harness.runner.precision import EVERY_PAIR, Precision
from harness.spec.factors import Lane
from harness.store.record import Record
from tests.factories import record, spec

LONG = 30.0
GROUP = [Trial(of.id(), of) for of in (spec(seed=seed) for seed in range(3))]
BLOCK = [Trial(of.id(), of) for of in (spec(lane="speed", cell=cell) for cell in ("gru", "lstm"))]


class Pretend:
    """Ends every trial at the next `wait`, with the next status of `ends`, then 'ok'.

    fails: the exception that is raised once this number of trials has ended.
    """

    def __init__(self, *ends: str, fails: tuple[int, Exception] | None = None, programs: Sequence[str] = ()) -> None:
        self.begun: list[str] = []
        self.ended = 0
        self.closed = False
        self.rested_with: int | None = None
        self._ends = list(ends)
        self._fails = fails
        self._active: list[Trial] = []
        self._programs = set(programs)

    def has_room(self, lane: Lane) -> bool:
        if self._fails and self._fails[0] == self.ended:
            raise self._fails[1]
        return True

    def running(self) -> int:
        return len(self._active)

    def submit(self, trials: Sequence[Trial]) -> None:
        assert not self._active
        self.begun += [trial.id for trial in trials]
        self._active = list(trials)

    def wait(self, seconds: float) -> Sequence[Record]:
        active, self._active = self._active, []
        self.ended += len(active)
        return [ended(trial, self._ends.pop(0) if self._ends else "ok") for trial in active]

    def interrupt(self) -> Sequence[Record]:
        active, self._active = self._active, []
        return [ended(trial, "interrupted") for trial in active]

    def compiled(self) -> set[str]:
        return self._programs

    def rest(self, waiting: int = 0) -> None:
        self.rested_with = waiting

    def close(self) -> None:
        self.closed = True


def ended(trial: Trial, status: str) -> Record:
    return record(trial.spec, status=status, test={} if status == "interrupted" else {"loss": 0.5})


def run(engine: Pretend, trials: Sequence[Trial], is_over: Callable[[], bool] = lambda: False) -> list[Record]:
    return run_trials(engine, trials, is_over)  # type: ignore[arg-type]


def ids(trials: Sequence[Trial]) -> list[str]:
    return [trial.id for trial in trials]


def test_trials_of_a_program_run_one_after_another() -> None:
    engine = Pretend("ok", "crashed")
    assert [r.status for r in run(engine, GROUP)] == ["ok", "crashed", "ok"]
    assert engine.begun == ids(GROUP)


def test_all_trials_of_a_timing_block_start_together() -> None:
    engine = Pretend()
    assert [r.trial_id for r in run(engine, BLOCK)] == ids(BLOCK)


def test_an_order_that_takes_long_returns_the_finished_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "ORDER_SECONDS", -1.0)
    assert [r.trial_id for r in run(Pretend(), GROUP)] == [GROUP[0].id]


def test_a_cancelled_order_is_stopped_and_starts_no_further_trial() -> None:
    engine = Pretend()
    engine.wait = lambda seconds: []  # type: ignore[method-assign]
    assert [(r.trial_id, r.status) for r in run(engine, GROUP, lambda: bool(engine.begun))] == [
        (GROUP[0].id, "interrupted")
    ]
    assert run(Pretend(), GROUP, lambda: True) == []


def test_no_trial_starts_after_one_that_a_signal_stopped() -> None:
    """The worker is about to end."""
    engine = Pretend("ok", "interrupted")
    assert [r.status for r in run(engine, GROUP)] == ["ok", "interrupted"]
    assert engine.begun == ids(GROUP[:2])


def test_an_order_that_cannot_start_is_an_error_and_one_that_has_started_returns_the_finished_trials() -> None:
    error = UserError("/tmp/harness-lanes.lock: cannot open this lock file")
    with pytest.raises(UserError, match="cannot open this lock file"):
        run(Pretend(fails=(0, error)), GROUP)
    assert [r.trial_id for r in run(Pretend(fails=(1, error)), GROUP)] == [GROUP[0].id]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments with which local engines are created. Engine N, from 1, has compiled the program of N units."""
    engines: list[dict[str, Any]] = []

    def make(slots: int, limits: Limits, cache: Path, **options: Any) -> Pretend:
        engines.append({"limits": limits, **options})
        return Pretend(programs=[trial_of(len(engines)).program])

    monkeypatch.setattr(host, "_idle", type(host._idle)(list))
    monkeypatch.setattr(host, "_numbers", count())
    monkeypatch.setattr(host, "LocalEngine", make)
    monkeypatch.setattr(host, "memory_is_short", lambda: False)
    return engines


def trial_of(units: int) -> Trial:
    """A trial; trials of other units have another program."""
    return Trial("a", spec(units=units))


def an_engine(units: int = 9, limits: Limits | None = None, precision: Precision = EVERY_PAIR) -> Any:
    order = Order(trials=[trial_of(units)], limits=limits or Limits(), precision=precision, any_versions=False)
    return host._an_engine(order, 2, "folder")


def test_orders_with_other_limits_or_precision_have_other_engines(engines: list[dict[str, Any]]) -> None:
    for options in ({}, {"precision": Precision(most_rounds=7)}, {"limits": Limits(1.0)}) * 2:
        with an_engine(**options):
            pass
    assert [(one["limits"], one["precision"]) for one in engines] == [
        (Limits(), EVERY_PAIR), (Limits(), Precision(most_rounds=7)), (Limits(1.0), EVERY_PAIR),
    ]  # fmt: skip


def test_parallel_orders_have_different_engines_and_cores(engines: list[dict[str, Any]]) -> None:
    with an_engine() as first, an_engine() as second:
        assert first is not second
    assert [one["first_core"] for one in engines] == [0, 1]
    assert first.rested_with == second.rested_with == 16, "of 32 waiting processes, for two slots"
    with an_engine(2) as one, an_engine(2) as other:
        assert (one, other) == (second, first), "the one that has compiled the program"


def test_no_process_of_an_idle_engine_waits_for_a_trial_if_memory_is_short(
    engines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with an_engine() as first, an_engine() as second:
        pass
    monkeypatch.setattr(host, "memory_is_short", lambda: True)
    with an_engine(1) as one:
        assert one is first
        assert second.rested_with == 0
        assert first.rested_with == 16


def test_an_engine_that_fails_is_closed_and_not_used_again(engines: list[dict[str, Any]]) -> None:
    with pytest.raises(OSError, match="no more files"), an_engine() as failing:
        raise OSError("no more files")
    assert failing.closed
    with an_engine() as other:
        assert other is not failing


def test_a_block_waits_for_the_other_orders_of_its_worker(tmp_path: Path) -> None:
    """Accuracy orders share the machine's lock; a timing block holds it alone, also within one process."""
    lock = tmp_path / "lock"
    others = [MachineLock(lock), MachineLock(lock)]
    assert all(other.take("accuracy") for other in others)
    mine = MachineLock(lock)
    engine = Pretend()
    engine.has_room = mine.take  # type: ignore[method-assign]
    engine.wait = lambda seconds, wait=engine.wait: (time.sleep(0.01), wait(0))[1]  # type: ignore[method-assign, misc]
    with ThreadPoolExecutor(1) as pool:
        block: Future[list[Record]] = pool.submit(run, engine, BLOCK)
        for other in others:
            time.sleep(0.1)
            assert not engine.begun
            other.release()
        assert len(block.result(LONG)) == 2
    assert not others[0].take("accuracy")
    mine.release()


def test_workers_on_one_computer_have_its_boot_id_unless_their_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers on a computer share its boot id but not its name."""
    worker: Any = SimpleNamespace(state=SimpleNamespace(nthreads=2))
    monkeypatch.delenv(host.HOST_VARIABLE, raising=False)
    facts = host.describe(worker)
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert (facts["host"], facts["computer"], facts["slots"]) == (socket.gethostname(), boot_id, 2)
    monkeypatch.setenv(host.HOST_VARIABLE, "node1")
    facts = host.describe(worker)
    assert (facts["host"], facts["computer"]) == ("node1", "node1")
