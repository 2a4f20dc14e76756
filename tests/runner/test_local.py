"""The local engine with real processes: what a trial leaves behind, however it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from harness.experiment import TrialSpec
from harness.record import PHASES, Record
from harness.runner.engine import Trial
from harness.runner.lanes import MachineLock
from harness.runner.limits import Limits
from harness.runner.local import LocalEngine
from harness.tasks.recall import task as recall
from tests.factories import spec

TROUBLE = "tests.runner.trouble"


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    engine = LocalEngine(jobs=2)
    yield engine
    engine.close()


def run(engine: LocalEngine, *specs: TrialSpec) -> list[Record]:
    """The records of the trials, in the order in which they were asked for."""
    records: dict[str, Record] = {}
    waiting = [Trial(s.id(), s) for s in specs]
    deadline = time.monotonic() + 120
    while (waiting or engine.running()) and time.monotonic() < deadline:
        while waiting and engine.has_room(waiting[0].spec.lane):
            engine.submit(waiting.pop(0))
        records |= {record.trial_id: record for record in engine.wait(0.2)}
    return [records[s.id()] for s in specs]


def trouble(name: str, **changes: Any) -> TrialSpec:
    return spec(task=f"{TROUBLE}:{name}", **changes)


def test_a_record_holds_every_measurement(engine: LocalEngine) -> None:
    (record,) = run(engine, spec(options=recall.options().model_dump(mode="json"), cell="lstm", updates=6))
    assert record.status == "ok", record.failure
    assert list(record.phases) == list(PHASES)
    assert all(phase.wall_seconds > 0 and phase.memory_peak_bytes for phase in record.phases.values())
    assert record.memory is not None
    assert 50e6 < record.memory.baseline_bytes <= record.memory.peak_bytes
    assert record.updates == 6
    assert [point.update for point in record.curve] == [2, 4, 6]
    assert record.seconds_per_update is not None
    assert record.seconds_per_update > 0
    assert record.seconds_total is not None
    assert record.seconds_total > sum(phase.wall_seconds for phase in record.phases.values())
    layer = 4 * 4 * (8 + 4 + 1)  # blocks x units x (symbols + units + bias)
    assert (record.recurrent_parameters, record.parameters) == (layer, layer + 4 * 8 + 8)
    for scores in (record.train, record.validation, record.test):
        assert set(scores) == {"loss", "accuracy"}
        assert all(map(math.isfinite, scores.values()))
    assert record.baselines["chance"]["accuracy"] == pytest.approx(1 / 8)
    assert record.machine.tensorflow != "not installed"
    assert record.threads == 1


def test_the_same_spec_gives_the_same_result_to_the_bit_alone_or_beside_others(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    specs = [
        spec(options=options, cell=cell, kernel=kernel) for cell in ("gru", "lstm") for kernel in ("keras", "fused")
    ]
    together = run(engine, *specs)
    for one, again in zip(together, [run(engine, s)[0] for s in reversed(specs)][::-1], strict=True):
        assert one.status == "ok"
        assert [(p.train_loss, p.validation_loss) for p in one.curve] == [
            (p.train_loss, p.validation_loss) for p in again.curve
        ]
        assert (one.train, one.validation, one.test) == (again.train, again.validation, again.test)


def test_trials_that_fail_are_records_and_their_neighbours_are_untouched(engine: LocalEngine) -> None:
    good = spec(options=recall.options().model_dump(mode="json"))
    raising, leaving, faulting, killed, diverging, ok = run(
        engine,
        trouble("raising"),
        trouble("leaving"),
        trouble("faulting"),
        trouble("killed"),
        trouble("diverging"),
        good,
    )
    assert ok.status == "ok"
    assert [r.status for r in (raising, leaving, faulting, killed)] == ["crashed"] * 4
    assert raising.failure is not None
    assert raising.failure.phase == "data"
    assert raising.failure.message == "ZeroDivisionError: on purpose"
    assert "trouble.py" in raising.failure.stderr
    assert leaving.failure is not None
    assert leaving.failure.exit_code == 7
    assert "said before leaving" in leaving.failure.stderr
    assert faulting.failure is not None
    assert "SIGSEGV" in faulting.failure.message
    assert killed.failure is not None
    assert "SIGKILL" in killed.failure.message
    assert diverging.status == "diverged"
    assert diverging.failure is not None
    assert "loss is nan" in diverging.failure.message
    assert diverging.parameters is not None
    assert diverging.updates >= 1


def test_interrupting_ends_even_a_trial_that_ignores_it_and_what_it_started(engine: LocalEngine) -> None:
    stubborn = trouble("stubborn")
    engine.submit(Trial(stubborn.id(), stubborn))
    grandchild = None
    deadline = time.monotonic() + 60
    while grandchild is None and time.monotonic() < deadline:
        assert not engine.wait(0.2)
        started = [p for p in psutil.process_iter(["cmdline"]) if "54321.5" in (p.info["cmdline"] or [])]
        grandchild = started[0] if started else None
    assert grandchild is not None
    (record,) = engine.interrupt()
    assert record.status == "interrupted"
    psutil.wait_procs([grandchild], timeout=10)
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE


def test_a_speed_trial_has_the_machine_to_itself(engine: LocalEngine) -> None:
    slow, fast = trouble("sleeping"), trouble("sleeping", lane="speed")
    engine.submit(Trial(slow.id(), slow))
    assert engine.has_room("accuracy")
    assert not engine.has_room("speed")
    while engine.running():
        engine.wait(0.2)
    engine.submit(Trial(fast.id(), fast))
    assert not engine.has_room("accuracy")
    assert not engine.has_room("speed")


def test_a_trial_over_its_time_is_ended_even_if_it_ignores_that_and_the_rest_goes_on() -> None:
    engine = LocalEngine(jobs=2, limits=Limits(seconds=8))
    good = spec(options=recall.options().model_dump(mode="json"), updates=2)
    stubborn, ok = run(engine, trouble("stubborn"), good)
    engine.close()
    assert ok.status == "ok"
    assert stubborn.status == "timeout"
    assert stubborn.failure is not None
    assert stubborn.failure.phase == "data"
    assert "8 s it is allowed" in stubborn.failure.message
    assert stubborn.failure.exit_code == -9


def test_a_trial_over_its_memory_is_ended_and_the_rest_goes_on() -> None:
    engine = LocalEngine(jobs=2, limits=Limits(memory_bytes=2 * 2**30))
    good = spec(options=recall.options().model_dump(mode="json"), updates=2)
    growing, ok = run(engine, trouble("growing"), good)
    engine.close()
    assert ok.status == "ok"
    assert growing.status == "out_of_memory"
    assert growing.failure is not None
    assert "2,048 MiB allowed" in growing.failure.message
    assert max(resident for _, resident in growing.memory_timeline) > 1.5 * 2**30


def test_a_flood_of_output_is_swallowed_but_for_its_end(engine: LocalEngine) -> None:
    (record,) = run(engine, trouble("flooding"))
    assert record.status == "crashed"
    assert record.failure is not None
    assert record.failure.message == "ZeroDivisionError: flooded"
    assert len(record.model_dump_json()) < 100_000


def test_results_too_large_or_not_to_be_written_down_are_crashes(engine: LocalEngine) -> None:
    boasting, not_json = run(engine, trouble("boasting"), trouble("not_json"))
    assert [boasting.status, not_json.status] == ["crashed", "crashed"]
    assert boasting.failure is not None
    assert "no message of at most 64 MiB" in boasting.failure.message
    assert not_json.failure is not None
    assert "not JSON serializable" in not_json.failure.message


def test_a_killed_fork_server_is_started_again_and_its_trials_finish(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    slow = trouble("slow", options=options, updates=2)
    engine.submit(Trial(slow.id(), slow))
    for _ in range(10):
        assert not engine.wait(0.1)
    server = psutil.Process(engine._running[0].pid).parent()
    assert server is not None
    server.kill()
    records: list[Record] = []
    while engine.running():
        records += engine.wait(0.2)
    assert [record.status for record in records] == ["ok"]
    (after,) = run(engine, spec(options=options, updates=2))
    assert after.status == "ok"


def test_a_speed_trial_times_rounds_and_tells_what_else_went_on(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    (record,) = run(engine, spec(options=options, lane="speed", updates=14))
    assert record.status == "ok", record.failure
    assert len(record.rounds) == 7
    assert all(seconds > 0 for seconds in record.rounds)
    assert record.seconds_per_update == pytest.approx(sorted(record.rounds)[3])
    assert record.updates == 1 + 2 + 14
    assert record.noisy in (True, False)
    assert set(record.surroundings) == {"before", "after"}
    assert record.test == {}


def test_another_runs_lane_is_respected(engine: LocalEngine) -> None:
    other = MachineLock()
    assert other.take("speed")
    assert not engine.has_room("accuracy")
    assert not engine.has_room("speed")
    other.release()
    assert engine.has_room("accuracy")
