"""On a worker: what runs the orders that Dask brings, and what the coordinator may ask of it.

Every trial runs as on one machine, in a process forked by a local engine, with its lanes, pinning, limits and statuses.
An order has an engine to itself, in the thread in which Dask runs it. The machine's lock keeps timing blocks apart from
all other orders.
"""

from __future__ import annotations

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
"""What a worker's host is called, where that is not to be the computer's name."""
ORDER_SECONDS = 30.0
"""After this time an order begins no further accuracy trial, and gives the records of those that are done. So a run
shows what is done, and little is lost with a worker."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_LOOK_SECONDS = 0.2
"""Between two looks whether anybody still waits for the records."""

Records = TypeAdapter(list[Record])
"""What an order gives: a record for each of its trials; for some of its accuracy trials where it ended early."""


class Order(BaseModel):
    """What the coordinator sends: accuracy trials of one program, or the trials of a timing block.

    Each is (id, attempt, spec).
    """

    trials: list[tuple[str, int, TrialSpec]]
    limits: Limits
    precision: Precision
    any_versions: bool


class Worker(BaseModel):
    """A worker as it describes itself."""

    id: str
    """Of this start of the worker: one that is started again has another."""
    address: str
    host: str
    """The computer's name."""
    computer: str
    """What identifies the computer: the same for all workers, and all containers, on it."""
    slots: int
    machine: Machine
    versions: Mapping[str, str]


_engines: defaultdict[tuple[Limits, Precision], list[LocalEngine]] = defaultdict(list)
_busy: list[LocalEngine] = []
_stopped: set[str] = set()
"""Keys of orders that are to end."""
_starting = threading.Lock()
"""Held to choose an engine, and to start a process: multiprocessing's fork server is for one thread at a time."""


def run_order(text: str) -> str:
    """The task that Dask runs in one of the worker's threads: an order as JSON in, a list of records as JSON out."""
    from distributed import get_worker

    order = Order.model_validate_json(text)
    if not order.any_versions:
        for _, _, spec in order.trials:
            _check_code(spec)
    worker = get_worker()
    key = str(worker.get_current_task())
    trials = [Trial(id, spec, attempt) for id, attempt, spec in order.trials]
    with _an_engine(order, trials[0].program, worker.state.nthreads, worker.local_directory) as engine:
        records = run_trials(engine, trials, lambda: key in _stopped or not _is_wanted(worker, key))
    _stopped.discard(key)
    return Records.dump_json(records).decode()


def run_trials(engine: LocalEngine, trials: Sequence[Trial], is_over: Callable[[], bool]) -> list[Record]:
    """Run a timing block, or accuracy trials one after another, until `is_over`; the records of those that were begun.

    Raises UserError where none can be begun.
    """
    lane = trials[0].spec.lane
    waiting = deque([list(trials)] if lane == "speed" else [[trial] for trial in trials])
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
                break  # the next order fails as this one does
        records += engine.wait(_LOOK_SECONDS)
        if any(record.status == "interrupted" for record in records) and not engine.running():
            break
    return records


@contextmanager
def _an_engine(order: Order, program: str, slots: int, folder: str) -> Iterator[LocalEngine]:
    """An engine that has nothing to do, if possible one with a process that has compiled the program."""
    with _starting:
        engines = _engines[order.limits, order.precision]
        idle = [engine for engine in engines if engine not in _busy]
        if not idle:
            cache = Path(os.environ.get(CACHE_VARIABLE) or Path(folder) / "harness-cache")
            new = LocalEngine(slots, order.limits, cache, precision=order.precision, first_core=len(engines))
            engines.append(new)
            idle = [new]
        engine = max(idle, key=lambda one: program in one.compiled())
        _busy.append(engine)
        if memory_is_short():
            for other in (other for group in _engines.values() for other in group if other not in _busy):
                other.rest()
    try:
        yield engine
        engine.rest(max(1, MAX_WAITING // slots))
    except BaseException:
        engines.remove(engine)
        with suppress(Exception):
            engine.close()
        raise
    finally:
        _busy.remove(engine)


def _check_code(spec: TrialSpec) -> None:
    """Cells and tasks may come from elsewhere than the harness's own files."""
    here = code_version(spec.task, spec.cell)
    if here != spec.code:
        raise UserError(f"the code of {spec.task} and {spec.cell} is another one here ({here}, asked for {spec.code})")


def _is_wanted(worker: DaskWorker, key: str) -> bool:
    """Whether the scheduler still asks for a task; not once the coordinator is gone or has given it up."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state in ("executing", "long-running")


def stop_orders(keys: Collection[str]) -> None:
    """Have the worker's orders among these stopped; run by the worker itself, not by one of its threads."""
    _stopped.update(keys)


def describe(dask_worker: DaskWorker) -> dict[str, Any]:
    """What the coordinator must know of a worker before it sends it trials; makes the worker's process fit for them."""
    _lift_what_the_nanny_imposes()
    host = os.environ.get(HOST_VARIABLE)
    return {
        "host": host or socket.gethostname(),
        "computer": host or _boot_id() or socket.gethostname(),
        "slots": dask_worker.state.nthreads,
        "machine": this_machine().model_dump(),
        "versions": own_versions(),
    }


def _boot_id() -> str:
    """The same for all containers on one computer."""
    with suppress(OSError):
        return _BOOT.read_text(encoding="ascii").strip()
    return ""


def _lift_what_the_nanny_imposes() -> None:
    """A nanny starts workers that may have no children, with one thread for NumPy and an allocator of its own."""
    multiprocessing.current_process().daemon = False
    import dask

    imposed: Mapping[str, Any] = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    for name, value in imposed.items():
        if os.environ.get(name) == str(value):
            del os.environ[name]
