"""Wall time, CPU time and peak memory of phases."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from harness.trial.measure import Meter

MIB = 2**20
SPIKE = """
import sys, time
import numpy as np
from harness.trial.measure import Meter

ballast = bytearray(int(sys.argv[1]) * 2**20)
for place in range(0, len(ballast), 4096):
    ballast[place] = 1
del ballast
meter = Meter()
with meter.phase("build"):
    pass
with meter.phase("train"):
    spike = np.ones(300 * 2**20, dtype=np.uint8)
    time.sleep(0.005)
    del spike
with meter.phase("evaluate"):
    pass
peaks = {name: phase.memory_peak_bytes for name, phase in meter.phases.items()}
print(peaks["train"] - peaks["build"], peaks["evaluate"] - peaks["build"], meter.memory_method.split()[0])
"""


@pytest.mark.parametrize("freed_before_mib", [0, 700])
def test_a_peak_of_five_milliseconds_is_measured_in_its_phase_alone(freed_before_mib: int) -> None:
    command = [sys.executable, "-c", SPIKE, str(freed_before_mib)]
    train, after, method = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    if method != "VmHWM,":
        pytest.skip("no /proc/self/clear_refs here")
    assert 290 * MIB < int(train) < 320 * MIB
    assert abs(int(after)) < 20 * MIB


def test_the_memory_of_a_parent_process_is_not_counted() -> None:
    ballast = bytearray(500 * MIB)
    ballast[::4096] = b"x" * len(ballast[::4096])
    command = [
        sys.executable,
        "-c",
        "from harness.trial.measure import Meter\nm = Meter()\n"
        "with m.phase('build'): pass\nprint(m.phases['build'].memory_peak_bytes)",
    ]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert len(ballast) == 500 * MIB
    assert peak < 300 * MIB


def test_wall_and_cpu_time_are_distinguished() -> None:
    meter = Meter()
    with meter.phase("data"):
        time.sleep(0.2)
    with meter.phase("train"):
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
    assert meter.phases["data"].wall_seconds >= 0.2
    assert meter.phases["data"].cpu_seconds < 0.1
    assert meter.phases["train"].cpu_seconds >= 0.2


def test_a_phase_entered_again_adds_up_and_keeps_its_highest_peak() -> None:
    meter = Meter()
    for _ in range(3):
        with meter.phase("evaluate"):
            time.sleep(0.05)
    assert meter.phases["evaluate"].wall_seconds >= 0.15
    assert list(meter.phases) == ["evaluate"]


def test_the_phase_that_raised_is_measured_and_the_latest() -> None:
    meter = Meter()
    with pytest.raises(ZeroDivisionError), meter.phase("build"):
        raise ZeroDivisionError
    assert meter.latest == "build"
    assert "build" in meter.phases


def test_without_proc_the_memory_method_states_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.trial.measure._reset_peak", lambda: False)
    meter = Meter()
    with meter.phase("build"):
        pass
    assert meter.memory_method == "resident set at the end of each phase"
    assert (meter.phases["build"].memory_peak_bytes or 0) > 10 * MIB
