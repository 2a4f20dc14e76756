"""When a speed trial counts as disturbed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.trial.surroundings import is_noisy, read_surroundings, spread

QUIET = {"steal_seconds": 5.0, "cpu_seconds": 100.0}


@pytest.mark.parametrize(
    ("rounds", "noisy"),
    [([1.0] * 7, False), ([1.0, 1.02, 0.99, 1.01, 1.0, 1.03, 5.0], False), ([1.0, 1.2, 0.9, 1.3, 1.0, 0.8, 1.1], True)],
)
def test_rounds_that_spread_are_noisy_and_one_outlier_is_not(rounds: list[float], noisy: bool) -> None:
    assert is_noisy(rounds, QUIET, QUIET | {"cpu_seconds": 110.0}) is noisy


@pytest.mark.parametrize(("stolen", "noisy"), [(0.05, False), (0.5, True)])
def test_time_taken_by_the_hypervisor_is_noise(stolen: float, noisy: bool) -> None:
    after = {"steal_seconds": 5.0 + stolen, "cpu_seconds": 110.0}
    assert is_noisy([1.0] * 7, QUIET, after) is noisy


def test_what_the_system_does_not_tell_is_no_noise() -> None:
    assert not is_noisy(
        [1.0] * 7, {"steal_seconds": None, "cpu_seconds": 1.0}, {"steal_seconds": None, "cpu_seconds": 2.0}
    )


def test_spread_is_the_interquartile_range_over_the_median() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 3)
    assert spread([1.0]) == 0


def test_this_machine_can_be_read() -> None:
    reading = read_surroundings()
    assert reading["load_average"] is not None
    assert (reading["cpu_seconds"] or 0) > 0


SWITCHES = """
import hashlib, os, threading
from harness.trial.surroundings import read_surroundings
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
stop, block = threading.Event(), b"x" * 2**24
def work():
    while not stop.is_set():
        hashlib.sha256(block)  # without the interpreter's lock
before = read_surroundings()["involuntary_switches"]
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
stop.wait(0.5)
stop.set()
for thread in threads: thread.join()
print(read_surroundings()["involuntary_switches"] - before)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be put on one core here")
def test_switches_of_threads_count_too() -> None:
    done = subprocess.run([sys.executable, "-c", SWITCHES], capture_output=True, text=True, check=True)
    assert float(done.stdout) >= 10


def test_where_the_frequency_cannot_be_read_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> None:
        raise FileNotFoundError("no cpufreq")

    monkeypatch.setattr("psutil.cpu_freq", unreadable)
    assert read_surroundings()["cpu_mhz"] is None
