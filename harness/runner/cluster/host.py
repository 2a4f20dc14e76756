"""The functions that the coordinator calls on a worker: run orders, stop orders, describe the worker.

Every trial runs as on one machine: in a process forked by a local engine, with the same lanes, pinning, limits and
statuses. Each order uses one engine, in the thread in which Dask runs it. The machine's lock prevents other orders from
running during a timing block.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from harness.errors import UserError
from harness.plan.digest import code_version
from harness.runner.cluster.versions import own_versions
from harness.runner.engine import Trial
from harness.runner.limits import Limits
from harness.runner.local.engine import MAX_WAITING, LocalEngine, memory_is_short
from harness.runner.precision import Precision
from harness.spec.trial import TrialSpec
from harness.store.machine import this_machine
from harness.store.record import Machine, Record
from harness.tasks.common.cache import VARIABLE as CACHE_VARIABLE

if TYPE_CHECKING:
    from distributed import Worker as DaskWorker

HOST_VARIABLE = "HARNESS_HOST"
"""Environment variable with the name of a worker's host; default: the computer's name."""
ORDER_SECONDS = 30.0
"""After this time an order starts no further accuracy trial and returns the records it has. This updates the progress
of the run, and limits the loss if the worker is lost."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
"""The id of the computer's boot, which is the same in all its containers."""
_LOOK_SECONDS = 0.2
"""Interval between checks whether the coordinator still waits for the records."""

Records = TypeAdapter(list[Record])
"""The result of an order: one record per trial; fewer if an order of accuracy trials ended early."""


class Order(BaseModel):
    """A message of the coordinator: accuracy trials of one program, or the trials of a timing block."""

    trials: list[Trial]
    limits: Limits
    precision: Precision
    any_versions: bool


class Worker(BaseModel):
    """A worker's description of itself."""

    id: str
    """A restarted worker has another id."""
    address: str
    host: str
    """The computer's name."""
    computer: str
    """Identifies the computer: all workers and containers on it have the same value."""
    slots: int
    machine: Machine
    versions: Mapping[str, str]


_idle: defaultdict[tuple[Limits, Precision], list[LocalEngine]] = defaultdict(list)
"""Engines without an order."""
_numbers = itertools.count()
"""Of the engines, which begin with different cores."""
_stopped: set[str] = set()
"""Keys of orders to stop."""
_starting = threading.Lock()
"""Held while an engine is chosen or a process starts, because multiprocessing's fork server is not thread-safe."""


def run_order(text: str) -> str:
    """The Dask task that runs an order in one of the worker's threads. Takes an Order and returns Records, as JSON."""
    from distributed import get_worker

    order = Order.model_validate_json(text)
    if not order.any_versions:
        for trial in order.trials:
            _check_code(trial.spec)
    worker = get_worker()
    key = str(worker.get_current_task())
    with _an_engine(order, worker.state.nthreads, worker.local_directory) as engine:
        records = run_trials(engine, order.trials, lambda: key in _stopped or not _is_wanted(worker, key))
    _stopped.discard(key)
    return Records.dump_json(records).decode()


def run_trials(engine: LocalEngine, trials: Sequence[Trial], is_over: Callable[[], bool]) -> list[Record]:
    """Run a timing block, or accuracy trials one after another, until `is_over`; records of the started ones.

    Raises UserError if no trial can start.
    """
    lane = trials[0].spec.lane
    waiting = deque([trials] if lane == "speed" else [[trial] for trial in trials])
    records: list[Record] = []
    begun = time.monotonic()
    while waiting or engine.running():
        if is_over():
            return records + list(engine.interrupt())
        if not engine.running():
            if records and time.monotonic() > begun + ORDER_SECONDS:
                break
            try:
                with _starting:
                    if engine.has_room(lane):
                        engine.submit(waiting.popleft())
            except UserError:
                if not records:
                    raise
                break  # the next order will raise the same error
        records += engine.wait(_LOOK_SECONDS)
        if any(record.status == "interrupted" for record in records) and not engine.running():
            break
    return records


@contextmanager
def _an_engine(order: Order, slots: int, folder: str) -> Iterator[LocalEngine]:
    """An idle engine, preferably one with a process that has compiled the program. One that fails is not used again."""
    with _starting:
        idle = _idle[order.limits, order.precision]
        if idle:
            engine = max(idle, key=lambda one: order.trials[0].program in one.compiled())
            idle.remove(engine)
        else:
            cache = Path(os.environ.get(CACHE_VARIABLE) or Path(folder) / "harness-cache")
            number = next(_numbers)
            engine = LocalEngine(slots, order.limits, cache, precision=order.precision, first_core=number)
        if memory_is_short():
            for other in itertools.chain(*_idle.values()):
                other.rest()
    try:
        yield engine
        engine.rest(max(1, MAX_WAITING // slots))
    except BaseException:
        with suppress(Exception):
            engine.close()
        raise
    idle.append(engine)


def _check_code(spec: TrialSpec) -> None:
    """Raises UserError if the worker has other code of the cell or the task, which may be outside of the harness."""
    here = code_version(spec.task, spec.cell)
    if here != spec.code:
        raise UserError(f"the code of {spec.task} and {spec.cell} differs: version {here} here, {spec.code} in the run")


def _is_wanted(worker: DaskWorker, key: str) -> bool:
    """Whether the scheduler still wants a task; False after the coordinator has left or has cancelled it."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state in ("executing", "long-running")


def stop_orders(keys: Collection[str]) -> None:
    """Stop the orders with these keys on this worker. The worker's event loop calls this, not a task thread."""
    _stopped.update(keys)


def describe(dask_worker: DaskWorker) -> dict[str, Any]:
    """The fields of Worker that a worker knows. Also prepares the worker's process for running trials."""
    _lift_what_the_nanny_imposes()
    host = computer = os.environ.get(HOST_VARIABLE)
    if not computer:
        with suppress(OSError):
            computer = _BOOT.read_text(encoding="ascii").strip()
    return {
        "host": host or socket.gethostname(),
        "computer": computer or socket.gethostname(),
        "slots": dask_worker.state.nthreads,
        "machine": this_machine().model_dump(),
        "versions": own_versions(),
    }


def _lift_what_the_nanny_imposes() -> None:
    """Undo settings of Dask's nanny: no child processes, one thread for NumPy, and options of the memory allocator."""
    multiprocessing.current_process().daemon = False
    import dask

    imposed: Mapping[str, Any] = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    for name, value in imposed.items():
        if os.environ.get(name) == str(value):
            del os.environ[name]
