"""What is read of the machine around a speed trial."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.trial.surroundings import read_surroundings


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
