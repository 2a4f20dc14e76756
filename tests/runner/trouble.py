"""Tasks and a cell that fail in the process of a trial, each in a different way."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from harness.cells import simple_rnn
from harness.tasks import Dataset, Split, Task
from harness.tasks.synthetic.recall import task as recall


def _task(make: Any) -> Task:
    return dataclasses.replace(recall, name=make.__name__, make=make)


@_task
def raising(*_: Any) -> Dataset:
    print("said before raising")
    raise ZeroDivisionError("on purpose")


@_task
def handling(*_: Any) -> Dataset:
    try:
        next(iter(()))
    except StopIteration:
        raise ZeroDivisionError("on purpose")  # noqa: B904 (the context is what is tested)


@_task
def babbling(*_: Any) -> Dataset:
    raise ZeroDivisionError("a name of bytes: \udcff")


@_task
def leaving(*_: Any) -> Dataset:
    print("said before leaving")
    os._exit(7)


@_task
def faulting(*_: Any) -> Dataset:
    ctypes.string_at(0)
    raise AssertionError("still alive")


@_task
def killed(*_: Any) -> Dataset:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def _start_a_process(**options: Any) -> None:
    sleep = "import time, sys; time.sleep(float(sys.argv[1]))"
    subprocess.Popen([sys.executable, "-c", sleep, "54321.5"], **options)


@_task
def stubborn(*_: Any) -> Dataset:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _start_a_process()
    _start_a_process(start_new_session=True)
    while True:
        pass


@_task
def parent(*arguments: Any) -> Dataset:
    _start_a_process()
    return recall.make(*arguments)


@_task
def sleeping(*_: Any) -> Dataset:
    time.sleep(1)
    raise ZeroDivisionError("slept")


@_task
def dozing(*_: Any) -> Dataset:
    while True:
        time.sleep(3600)


@_task
def diverging(*_: Any) -> Dataset:
    x = np.full((20, 5, 2), np.nan, dtype=np.float32)
    split = Split(x, np.zeros(20, dtype=np.int32))
    return Dataset(split, split, split, input_shape=(5, 2), classes=8, symbols=None, fingerprint="0" * 64)


@_task
def growing(*_: Any) -> Dataset:
    hoard = []
    while True:
        hoard.append(np.ones(2**22))  # 32 MiB at a time, touched
        time.sleep(0.01)


@_task
def greedy(*_: Any) -> Dataset:
    np.empty(2**55)
    raise AssertionError("that much memory")


@_task
def hungry(*_: Any) -> Dataset:
    hoard = np.ones(800 * 2**17)
    time.sleep(1.5)
    state = [name for name in ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_") if name in os.environ]
    raise ZeroDivisionError(f"held {hoard.nbytes >> 20} MiB, of the nanny's settings found {state}")


@_task
def flooding(*_: Any) -> Dataset:
    block = b"x" * 2**20
    for _i in range(1024):
        os.write(1, block)
    os.write(2, b"the end of the flood")
    raise ZeroDivisionError("flooded")


@_task
def boasting(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint="x" * (65 * 2**20))


@_task
def not_json(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint=b"bytes")  # type: ignore[arg-type]


@_task
def unfit(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint=["a", "list"])  # type: ignore[arg-type]


@_task
def telling(*_: Any) -> Dataset:
    import tensorflow as tf

    state = {
        "cores": sorted(os.sched_getaffinity(0)),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "temporary": tempfile.mkdtemp(),
        "kill_me_first": int(Path("/proc/self/oom_score_adj").read_text(encoding="ascii")),
    }
    raise ZeroDivisionError(state)


@_task
def configured(*_: Any) -> Dataset:
    import keras

    raise ZeroDivisionError([keras.backend.backend(), keras.config.floatx(), keras.config.epsilon()])


@_task
def slow(*arguments: Any) -> Dataset:
    time.sleep(3)
    return recall.make(*arguments)


def _identified(*arguments: Any) -> Dataset:
    """The process, and what an earlier trial may have left in it, as the data's fingerprint."""
    state = [os.getpid(), os.environ.get("LEFT_BEHIND", ""), str(Path.cwd())]
    os.environ["LEFT_BEHIND"] = "by an earlier trial"
    os.chdir(tempfile.gettempdir())
    return dataclasses.replace(recall.make(*arguments), fingerprint=json.dumps(state))


identifying = dataclasses.replace(recall, name="identifying", make=_identified)


@_task
def threading_on(*arguments: Any) -> Dataset:
    threading.Thread(target=time.sleep, args=(54321.5,), daemon=True).start()
    return _identified(*arguments)


@_task
def forking_on(*arguments: Any) -> Dataset:
    _start_a_process()
    return _identified(*arguments)


@_task
def failing_at_times(train_size: int, length: int, seed: int, options: Any) -> Dataset:
    if seed == 1:
        raise ZeroDivisionError("on purpose")
    return _identified(train_size, length, seed, options)


def _raise_in_a_step(*_: Any) -> Any:
    raise ZeroDivisionError("in a step")


raising_cell = dataclasses.replace(
    simple_rnn.cell, name="raising", step=_raise_in_a_step, backward=None, keras_layer=None
)
