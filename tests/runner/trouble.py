"""Tasks that fail in a process of their own, each in its way."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np

from harness.tasks import Dataset, Split, Task
from harness.tasks.recall import task as recall


def _task(name: str, make: Any) -> Task:
    return dataclasses.replace(recall, name=name, make=make)


def _raise(*_: Any) -> Dataset:
    raise ZeroDivisionError("on purpose")


def _leave(*_: Any) -> Dataset:
    print("said before leaving", flush=True)
    os._exit(7)


def _fault(*_: Any) -> Dataset:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError("still alive")


def _be_killed(*_: Any) -> Dataset:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def _ignore_everything(*_: Any) -> Dataset:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time, sys; time.sleep(float(sys.argv[1]))", "54321.5"])
    while True:
        time.sleep(1)


def _sleep(*_: Any) -> Dataset:
    time.sleep(1)
    raise ZeroDivisionError("slept")


def _not_a_number(*_: Any) -> Dataset:
    x = np.full((20, 5, 2), np.nan, dtype=np.float32)
    split = Split(x, np.zeros(20, dtype=np.int32))
    return Dataset(split, split, split, input_shape=(5, 2), classes=8, symbols=None, fingerprint="0" * 64)


def _grow(*_: Any) -> Dataset:
    hoard = []
    while True:
        hoard.append(np.ones(2**24))  # 128 MiB at a time, touched
        time.sleep(0.01)


def _flood(*_: Any) -> Dataset:
    block = b"x" * 2**20
    for _i in range(1024):
        os.write(1, block)
    os.write(2, b"the end of the flood")
    raise ZeroDivisionError("flooded")


def _boast(*arguments: Any) -> Dataset:
    dataset = recall.make(*arguments)
    return dataclasses.replace(dataset, fingerprint="x" * (65 * 2**20))


def _not_json(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint=b"bytes")  # type: ignore[arg-type]


def _slow(*arguments: Any) -> Dataset:
    time.sleep(3)
    return recall.make(*arguments)


raising = _task("raising", _raise)
leaving = _task("leaving", _leave)
faulting = _task("faulting", _fault)
killed = _task("killed", _be_killed)
stubborn = _task("stubborn", _ignore_everything)
sleeping = _task("sleeping", _sleep)
diverging = _task("diverging", _not_a_number)
growing = _task("growing", _grow)
flooding = _task("flooding", _flood)
boasting = _task("boasting", _boast)
not_json = _task("not_json", _not_json)
slow = _task("slow", _slow)
