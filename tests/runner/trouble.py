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


def _task(name: str, make: Any) -> Task:
    return dataclasses.replace(recall, name=name, make=make)


def _raise(*_: Any) -> Dataset:
    print("said before raising")
    raise ZeroDivisionError("on purpose")


def _raise_while_handling(*_: Any) -> Dataset:
    try:
        next(iter(()))
    except StopIteration:
        raise ZeroDivisionError("on purpose")  # noqa: B904 (the context is what is tested)


def _raise_what_is_no_text(*_: Any) -> Dataset:
    raise ZeroDivisionError("a name of bytes: \udcff")


def _leave(*_: Any) -> Dataset:
    print("said before leaving")
    os._exit(7)


def _fault(*_: Any) -> Dataset:
    ctypes.string_at(0)
    raise AssertionError("still alive")


def _be_killed(*_: Any) -> Dataset:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def _start_a_process(**options: Any) -> None:
    sleep = "import time, sys; time.sleep(float(sys.argv[1]))"
    subprocess.Popen([sys.executable, "-c", sleep, "54321.5"], **options)


def _ignore_everything(*_: Any) -> Dataset:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _start_a_process()
    _start_a_process(start_new_session=True)
    while True:
        pass


def _leave_a_process(*arguments: Any) -> Dataset:
    _start_a_process()
    return recall.make(*arguments)


def _sleep(*_: Any) -> Dataset:
    time.sleep(1)
    raise ZeroDivisionError("slept")


def _sleep_long(*_: Any) -> Dataset:
    while True:
        time.sleep(3600)


def _not_a_number(*_: Any) -> Dataset:
    x = np.full((20, 5, 2), np.nan, dtype=np.float32)
    split = Split(x, np.zeros(20, dtype=np.int32))
    return Dataset(split, split, split, input_shape=(5, 2), classes=8, symbols=None, fingerprint="0" * 64)


def _grow(*_: Any) -> Dataset:
    hoard = []
    while True:
        hoard.append(np.ones(2**22))  # 32 MiB at a time, touched
        time.sleep(0.01)


def _ask_for_too_much(*_: Any) -> Dataset:
    np.empty(2**55)
    raise AssertionError("that much memory")


def _hold_much(*_: Any) -> Dataset:
    hoard = np.ones(800 * 2**17)
    time.sleep(1.5)
    state = [name for name in ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_") if name in os.environ]
    raise ZeroDivisionError(f"held {hoard.nbytes >> 20} MiB, of the nanny's settings found {state}")


def _flood(*_: Any) -> Dataset:
    block = b"x" * 2**20
    for _i in range(1024):
        os.write(1, block)
    os.write(2, b"the end of the flood")
    raise ZeroDivisionError("flooded")


def _boast(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint="x" * (65 * 2**20))


def _not_json(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint=b"bytes")  # type: ignore[arg-type]


def _unfit(*arguments: Any) -> Dataset:
    return dataclasses.replace(recall.make(*arguments), fingerprint=["a", "list"])  # type: ignore[arg-type]


def _tell(*_: Any) -> Dataset:
    import tensorflow as tf

    state = {
        "cores": sorted(os.sched_getaffinity(0)),
        "threads": tf.config.threading.get_intra_op_parallelism_threads(),
        "temporary": tempfile.mkdtemp(),
        "kill_me_first": int(Path("/proc/self/oom_score_adj").read_text(encoding="ascii")),
    }
    raise ZeroDivisionError(state)


def _configuration(*_: Any) -> Dataset:
    import keras

    raise ZeroDivisionError([keras.backend.backend(), keras.config.floatx(), keras.config.epsilon()])


def _slow(*arguments: Any) -> Dataset:
    time.sleep(3)
    return recall.make(*arguments)


def _identify(*arguments: Any) -> Dataset:
    """The process, and what an earlier trial may have left in it, as the data's fingerprint."""
    state = [os.getpid(), os.environ.get("LEFT_BEHIND", ""), str(Path.cwd())]
    os.environ["LEFT_BEHIND"] = "by an earlier trial"
    os.chdir(tempfile.gettempdir())
    return dataclasses.replace(recall.make(*arguments), fingerprint=json.dumps(state))


def _leave_a_thread(*arguments: Any) -> Dataset:
    threading.Thread(target=time.sleep, args=(54321.5,), daemon=True).start()
    return _identify(*arguments)


def _leave_a_child(*arguments: Any) -> Dataset:
    _start_a_process()
    return _identify(*arguments)


def _fail_at_times(train_size: int, length: int, seed: int, options: Any) -> Dataset:
    if seed == 1:
        raise ZeroDivisionError("on purpose")
    return _identify(train_size, length, seed, options)


raising = _task("raising", _raise)
babbling = _task("babbling", _raise_what_is_no_text)
leaving = _task("leaving", _leave)
faulting = _task("faulting", _fault)
killed = _task("killed", _be_killed)
stubborn = _task("stubborn", _ignore_everything)
parent = _task("parent", _leave_a_process)
sleeping = _task("sleeping", _sleep)
dozing = _task("dozing", _sleep_long)
handling = _task("handling", _raise_while_handling)
diverging = _task("diverging", _not_a_number)
growing = _task("growing", _grow)
hungry = _task("hungry", _hold_much)
greedy = _task("greedy", _ask_for_too_much)
flooding = _task("flooding", _flood)
boasting = _task("boasting", _boast)
not_json = _task("not_json", _not_json)
unfit = _task("unfit", _unfit)
telling = _task("telling", _tell)
configured = _task("configured", _configuration)
slow = _task("slow", _slow)
identifying = _task("identifying", _identify)
threading_on = _task("threading_on", _leave_a_thread)
forking_on = _task("forking_on", _leave_a_child)
failing_at_times = _task("failing_at_times", _fail_at_times)


def _raise_in_a_step(*_: Any) -> Any:
    raise ZeroDivisionError("in a step")


raising_cell = dataclasses.replace(
    simple_rnn.cell, name="raising", step=_raise_in_a_step, backward=None, keras_layer=None
)
