"""Stop signals to a run, to its trials, and to all processes of a job: the status of the trials that they stop."""

from __future__ import annotations

import itertools
import os
import pty
import signal
import subprocess
import time
from contextlib import suppress

import psutil
import pytest

from harness.store.record import MAX_CRASHES, Record
from harness.store.sqlite import FILE_NAME, open_store
from tests.runner.place import HEAD, Place, finish, sweeps, wait_until

TRIALS = 5
RUNNING = 2
TEXT = HEAD + sweeps("dozing", sizes=range(20, 20 + TRIALS))


def trials(place: Place) -> list[psutil.Process]:
    """The processes of trials: each leads a group, and so does the run."""
    runs = {run.pid for run in place.started}
    return [process for process in place.processes() if os.getpgid(process.pid) == process.pid not in runs]


def dozing(place: Place, **options: object) -> subprocess.Popen[str]:
    """A run with two running trials, in a separate process group."""
    process = place.start(TEXT, start_new_session=True, **options)
    wait_until(lambda: len(trials(place)) == RUNNING, process)
    time.sleep(0.3)  # each sleeps in its task by now
    return process


def statuses(place: Place) -> set[str]:
    return {record["status"] for record in place.all_records()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_ends_a_run_with_interrupted_trials(place: Place, number: signal.Signals) -> None:
    process = dozing(place)
    process.send_signal(number)
    assert f"Stopped: {TRIALS} trials left" in finish(process)
    assert process.returncode == 130
    assert statuses(place) == {"interrupted"}


@pytest.mark.parametrize(
    ("number", "order"),
    [
        (signal.SIGTERM, "the run first"),
        (signal.SIGTERM, "the trials first"),
        (signal.SIGTERM, "the fork server first"),
        (signal.SIGINT, "the trials first"),
        (signal.SIGHUP, "the fork server first"),
    ],
)
def test_a_signal_to_all_processes_of_the_job_interrupts_trials_in_any_order(
    place: Place, number: signal.Signals, order: str
) -> None:
    process = dozing(place)
    place_processes = {process.pid, *(trial.pid for trial in trials(place))}
    others = [other for other in place.processes() if other.pid not in place_processes]
    assert any("forkserver" in " ".join(other.cmdline()) for other in others)
    groups = {"the run first": [psutil.Process(process.pid)], "the trials first": trials(place)}
    groups["the fork server first"] = others
    first = groups.pop(order)
    for one in itertools.chain(first, *groups.values()):
        with suppress(psutil.NoSuchProcess):
            one.send_signal(number)
        if one in first:
            time.sleep(0.15)  # what follows from it begins before the next one has its signal
    output = finish(process)
    assert process.returncode == 130, output
    assert statuses(place) == {"interrupted"}
    assert "Traceback" not in output


def test_a_trial_stopped_by_a_signal_is_interrupted_and_a_problem_of_the_run(place: Place) -> None:
    process = place.start(HEAD + sweeps("dozing", "recall"))
    wait_until(lambda: len(place.rows()) == 1 and len(trials(place)) == 2, process)
    time.sleep(0.3)
    for trial in trials(place):  # the one that runs, and the process that waits for a trial
        trial.send_signal(signal.SIGTERM)
    output = finish(process)
    assert process.returncode == 1, output
    assert "1 trial is interrupted" in output
    assert {name: record["status"] for (name, _), record in place.records().items()} == {
        "dozing": "interrupted", "recall": "ok",
    }  # fmt: skip


def test_interrupted_attempts_do_not_count_against_a_trial(place: Place) -> None:
    process = dozing(place)
    process.send_signal(signal.SIGTERM)
    finish(process)
    with open_store(place.directory) as store:
        stopped = [Record.model_validate(record) for record in store.records()]
    assert len(stopped) == RUNNING
    with open_store(place.directory, create=True) as store:
        for number in range(2, MAX_CRASHES + 1):
            store.add(*[record.model_copy(update={"attempt": number}) for record in stopped])
    process = dozing(place)
    process.send_signal(signal.SIGINT)
    assert f"{TRIALS} trials, 0 done before, {TRIALS} to do" in finish(process)
    assert len(place.rows()) == RUNNING * (MAX_CRASHES + 1)


def test_a_hang_up_ends_a_run_whose_terminal_is_gone(place: Place) -> None:
    parent_end, child_end = pty.openpty()
    process = place.start(TEXT, start_new_session=True, pass_fds=[child_end], terminal=child_end)
    os.close(child_end)
    os.set_blocking(parent_end, False)

    def both_run() -> bool:
        with suppress(BlockingIOError):  # nothing to read now
            os.read(parent_end, 4096)
        return len(trials(place)) == RUNNING

    wait_until(both_run, process)
    os.close(parent_end)  # the terminal is gone: from now on writing to it is an error
    os.kill(process.pid, signal.SIGHUP)
    process.wait(60)
    assert process.returncode == 130
    assert statuses(place) == {"interrupted"}


def test_a_run_under_nohup_does_not_end_at_a_hang_up(place: Place) -> None:
    process = dozing(place, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    assert len(trials(place)) == RUNNING
    process.send_signal(signal.SIGTERM)
    finish(process)
    assert (place.directory / FILE_NAME).is_file()
    assert process.returncode == 130
