"""The local engine with real processes and real training; test_faults.py has further failures of trials."""

from __future__ import annotations

import ast
import math
import multiprocessing.forkserver
import multiprocessing.util
import os
import signal
import statistics
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.cells import BACKENDS, cells
from harness.cgroup import usable_cores
from harness.errors import UserError
from harness.runner.engine import Trial
from harness.runner.lanes import MachineLock
from harness.runner.local.engine import LocalEngine
from harness.spec.trial import TrialSpec
from harness.store.record import PHASES, Record
from harness.tasks.synthetic.recall import task as recall
from harness.verdicts.rounds import FEWEST_ROUNDS
from tests.factories import spec
from tests.runner.place import without_times

TROUBLE = "tests.runner.trouble"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEngine]:
    """An engine for two parallel trials on any machine; checks after the test that no temporary file is left."""
    monkeypatch.setattr("harness.runner.lanes.LOCK_FILE", tmp_path / "lanes.lock")
    engine = LocalEngine(jobs=2)
    yield engine
    engine.close()
    assert list(Path(multiprocessing.util.get_temp_dir()).glob("trial-*")) == []


def run(engine: LocalEngine, *specs: TrialSpec) -> list[Record]:
    """The records of the trials, in the order of the specs."""
    records: dict[str, Record] = {}
    waiting = [Trial(s.id(), s) for s in specs]
    deadline = time.monotonic() + 120
    while (waiting or engine.running()) and time.monotonic() < deadline:
        while waiting and engine.has_room(waiting[0].spec.lane):
            engine.submit([waiting.pop(0)])
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
    assert record.memory.method.startswith("VmHWM" if Path("/proc/self/clear_refs").exists() else "resident set")
    assert record.updates == 6
    assert [point.update for point in record.curve] == [2, 4, 6]
    assert record.seconds_per_update is not None
    assert record.seconds_per_update > 0
    assert record.seconds_total is not None
    assert record.seconds_total > sum(phase.wall_seconds for phase in record.phases.values())
    layer = 4 * 4 * (8 + 4 + 1)  # blocks x units x (symbols + units + bias)
    assert (record.recurrent_parameters, record.parameters) == (layer, layer + 4 * 8 + 8)
    for scores in (record.validation, record.test):
        assert set(scores) == {"loss", "accuracy"}
        assert all(map(math.isfinite, scores.values()))
    assert record.baselines["chance"]["accuracy"] == pytest.approx(1 / 8)
    assert record.machine.tensorflow != "not installed"
    assert record.threads == 1


def test_the_memory_of_a_trial_does_not_depend_on_that_of_the_runner(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    (before,) = run(engine, spec(options=options, updates=2))
    ballast = bytearray(600 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    engine.close()  # no process waits for a trial, which would keep the server
    multiprocessing.forkserver._forkserver._stop()  # the next one is started by a large process
    (after,) = run(engine, spec(options=options, updates=2))
    assert before.memory is not None
    assert after.memory is not None
    assert abs(after.memory.peak_bytes - before.memory.peak_bytes) < 200 * 2**20
    assert len(ballast) == 600 * 2**20


def test_results_are_equal_to_the_bit_in_parallel_and_alone_in_any_order(
    engine: LocalEngine,
) -> None:
    options = recall.options(validation_size=10, test_size=10).model_dump(mode="json")
    changes = {"options": options, "dropout": 0.2, "recurrent_dropout": 0.2}
    specs = [spec(cell=cell, backend=backend, **changes) for cell, backend in zip(cells, BACKENDS, strict=True)]
    side_by_side = run(engine, *specs)
    assert {record.status for record in side_by_side} == {"ok"}
    alone = LocalEngine(jobs=1)
    one_by_one = run(alone, *reversed(specs))[::-1]
    alone.close()
    first, second = ([without_times(record.model_dump()) for record in ran] for ran in (side_by_side, one_by_one))
    assert first == second
    losses = [record.curve[-1].train_loss for record in side_by_side]
    assert len(set(losses)) == len(BACKENDS), "different trials have different results"


def test_a_loss_that_is_not_finite_is_divergence_in_the_train_phase(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    (record,) = run(engine, spec(options=options, learning_rate=1e38))
    assert record.status == "diverged"
    assert record.failure is not None
    assert "loss is inf" in record.failure.message
    assert record.failure.phase == "train"
    assert record.parameters is not None
    assert record.updates >= 1


def test_the_start_of_the_server_is_not_time_of_the_first_trial(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = multiprocessing.forkserver.connect_to_new_process

    def as_if_it_had_to_be_started(fds: list[int]) -> Any:
        time.sleep(0.5)
        return connect(fds)

    monkeypatch.setattr("multiprocessing.forkserver.connect_to_new_process", as_if_it_had_to_be_started)
    began = time.monotonic()
    (record,) = run(engine, trouble("raising"))
    assert record.seconds_total is not None
    assert record.seconds_total <= time.monotonic() - began - 0.5


def state_in(record: Record) -> dict[str, Any]:
    """The facts about its process that a trial of the task `telling` reports."""
    assert record.failure is not None
    printed: dict[str, Any] = ast.literal_eval(record.failure.message.removeprefix("ZeroDivisionError: "))
    return printed


def test_accuracy_trials_have_a_core_and_a_thread_and_a_temporary_folder_each(engine: LocalEngine) -> None:
    first, second = map(state_in, run(engine, trouble("telling", seed=0), trouble("telling", seed=1)))
    assert (first["threads"], second["threads"]) == (1, 1)
    assert len(first["cores"]) == len(second["cores"]) == 1
    assert usable_cores() == 1 or first["cores"] != second["cores"]
    assert first["temporary"] != second["temporary"]
    assert not os.path.lexists(first["temporary"])
    assert first["kill_me_first"] > int(Path("/proc/self/oom_score_adj").read_text(encoding="ascii"))


def test_a_speed_trial_has_all_cores(engine: LocalEngine) -> None:
    (alone,) = map(state_in, run(engine, trouble("telling", lane="speed")))
    assert (alone["threads"], len(alone["cores"])) == (usable_cores(), usable_cores())


def test_trials_ignore_the_users_settings_of_keras_and_records_state_them(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "float64", "epsilon": 0.5}', encoding="utf-8")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    multiprocessing.forkserver._forkserver._stop()  # the next one has these settings
    (record,) = run(engine, trouble("configured"))
    multiprocessing.forkserver._forkserver._stop()
    assert record.failure is not None
    assert record.failure.message == "ZeroDivisionError: ['tensorflow', 'float32', 1e-07]"
    assert record.device == "CPU"
    assert record.environment["KERAS_BACKEND"] == "jax"


def test_a_kill_because_of_memory_differs_from_other_kills(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter([3, 4])
    monkeypatch.setattr("harness.runner.local.child.kills_by_the_kernel", lambda: next(kills, 4))
    (record,) = run(engine, trouble("killed"))
    assert record.status == "out_of_memory"
    assert record.failure is not None
    assert "killed by the operating system because memory ran out" in record.failure.message
    (record,) = run(engine, trouble("killed"))
    assert record.status == "crashed"


def test_an_error_in_traced_code_is_reported_by_its_type_and_message(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    (record,) = run(engine, spec(options=options, cell=f"{TROUBLE}:raising_cell", backend="fused"))
    assert record.failure is not None
    assert record.failure.message == "ZeroDivisionError: in a step"


def test_an_error_that_replaces_another_one_is_the_reported_one(engine: LocalEngine) -> None:
    (record,) = run(engine, trouble("handling"))
    assert record.failure is not None
    assert record.failure.message == "ZeroDivisionError: on purpose"


@pytest.mark.parametrize("failures", [3, 99])
def test_a_process_that_cannot_be_started_is_an_error_after_retries(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    connect = multiprocessing.forkserver.connect_to_new_process
    errors = islice(cycle([ConnectionRefusedError, BrokenPipeError, EOFError]), failures)

    def refuse(fds: list[int]) -> Any:
        for error in errors:
            raise error("nobody there")
        return connect(fds)

    monkeypatch.setattr("multiprocessing.forkserver.connect_to_new_process", refuse)
    monkeypatch.setattr("harness.runner.local.child._PAUSES", (0.0,) * 5)
    if failures == 3:
        (record,) = run(engine, trouble("raising"))
        assert record.status == "crashed"
    else:
        with pytest.raises(UserError, match="cannot start a process for a trial: nobody there"):
            run(engine, trouble("raising"))


def test_a_new_fork_server_starts_after_the_end_of_a_killed_one(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = run(engine, trouble("raising"))
    server = multiprocessing.forkserver._forkserver._forkserver_pid
    os.kill(server, signal.SIGKILL)
    os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)  # from now on it refuses
    waitpid, gone = os.waitpid, time.monotonic() + 0.3

    def not_yet(pid: int, options: int) -> tuple[int, int]:
        return (0, 0) if pid == server and time.monotonic() < gone else waitpid(pid, options)

    monkeypatch.setattr("os.waitpid", not_yet)
    (second,) = run(engine, trouble("raising", seed=1))
    assert time.monotonic() > gone
    assert first.failure is not None
    assert second.failure is not None
    assert first.failure.message == second.failure.message == "ZeroDivisionError: on purpose"


def test_an_interrupt_ends_a_trial_that_ignores_signals_and_its_child_processes(engine: LocalEngine) -> None:
    stubborn = trouble("stubborn")
    engine.submit([Trial(stubborn.id(), stubborn)])
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


def test_no_other_trial_runs_beside_a_speed_trial(engine: LocalEngine) -> None:
    slow, fast = trouble("sleeping"), trouble("sleeping", lane="speed")
    engine.submit([Trial(slow.id(), slow)])
    assert engine.has_room("accuracy")
    assert not engine.has_room("speed")
    while engine.running():
        engine.wait(0.2)
    engine.submit([Trial(fast.id(), fast)])
    assert not engine.has_room("accuracy")
    assert not engine.has_room("speed")


def test_a_killed_fork_server_is_started_again_and_its_trials_finish(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    slow = trouble("slow", options=options, updates=2)
    engine.submit([Trial(slow.id(), slow)])
    for _ in range(10):
        assert not engine.wait(0.1)
    server = psutil.Process(engine._running[0]._pid).parent()
    assert server is not None
    server.kill()
    records: list[Record] = []
    while engine.running():
        records += engine.wait(0.2)
    assert [record.status for record in records] == ["ok"]
    (after,) = run(engine, spec(options=options, updates=2))
    assert after.status == "ok"


def test_a_speed_trial_times_rounds_and_records_noise(engine: LocalEngine) -> None:
    options = recall.options().model_dump(mode="json")
    (record,) = run(engine, spec(options=options, lane="speed", updates=14))
    assert record.status == "ok", record.failure
    assert len(record.rounds) == FEWEST_ROUNDS
    assert all(seconds > 0 for seconds in record.rounds)
    assert record.seconds_per_update == pytest.approx(statistics.median(record.rounds))
    assert record.updates > 1 + 2 + FEWEST_ROUNDS
    assert record.noisy is False, "a trial alone has no ratio that could be wide"
    assert record.memory is not None
    assert record.phases["first_step"].wall_seconds > 0
    assert record.test == {}


def test_trials_wait_for_the_speed_trials_of_another_run(engine: LocalEngine) -> None:
    other = MachineLock()
    assert other.take("speed")
    assert not engine.has_room("accuracy")
    assert not engine.has_room("speed")
    other.release()
    assert engine.has_room("accuracy")
