"""On a worker: the local engine of that machine, in a thread of its own, and what the coordinator may ask of it.

Every trial runs as on one machine, in a process forked by the local engine, with its lanes, pinning, limits and
statuses. Dask only carries the order here and the records back; one of its threads waits for each order.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import queue
import socket
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from harness.errors import UserError
from harness.plan.digest import code_version
from harness.runner.cluster.versions import own_versions
from harness.runner.engine import Trial
from harness.runner.limits import Limits
from harness.runner.local.engine import LocalEngine
from harness.runner.precision import Precision
from harness.spec.trial import TrialSpec
from harness.store.machine import this_machine
from harness.store.record import Record
from harness.tasks.common.cache import VARIABLE as CACHE_VARIABLE

if TYPE_CHECKING:
    from distributed import Worker

HOST_VARIABLE = "HARNESS_HOST"
"""What a worker's host is called, where that is not to be the computer's name."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NEWS_SECONDS = 0.2
_ROOM_SECONDS = 0.02
"""How long an order waits at most while other trials run and there is room for one more."""
_WANTED_SECONDS = 1.0
"""Between two looks whether anybody still waits for a trial's record."""


ORDER_SECONDS = 30.0
"""After this time an order begins no further accuracy trial, and gives the records of those that are done. So a run
shows what is done, and little is lost with a worker."""

Records = TypeAdapter(list[Record])
"""What an order gives: a record for each of its trials; for some of its accuracy trials where it ended early."""


class Order(BaseModel):
    """What the coordinator sends: accuracy trials of one program, or the trials of a timing block.

    Each is (id, attempt, spec).
    """

    trials: list[tuple[str, int, TrialSpec]]
    seconds: float
    memory_bytes: int | None
    precision: Precision
    any_versions: bool


@dataclass(eq=False)
class _Asked:
    """An order that was asked for, by its key: a trial may be ordered again while its last order still ends."""

    key: str
    left: list[Trial]
    """Its trials that were not begun."""
    records: Future[list[Record]] = field(default_factory=Future)
    done: list[Record] = field(default_factory=list)
    until: float = math.inf
    """When it begins no further trial, on the monotonic clock."""

    def next(self) -> list[Trial]:
        """What to start next: a timing block as a whole, else one trial."""
        return self.left if self.left[0].spec.lane == "speed" else self.left[:1]

    def has_begun(self, trials: Sequence[Trial]) -> None:
        """Note that these trials were started."""
        if not self.done:
            self.until = time.monotonic() + ORDER_SECONDS
        self.left = self.left[len(trials) :]


class HostEngine:
    """A local engine in a thread, for callers in any thread."""

    def __init__(self, engine: LocalEngine) -> None:
        self._engine = engine
        self._news: queue.SimpleQueue[_Asked | Collection[str]] = queue.SimpleQueue()
        """Orders, and keys of orders to be stopped."""
        self._waiting: deque[_Asked] = deque()
        self._running: dict[str, _Asked] = {}
        """By the trial's id: the engine runs no trial twice at a time."""
        threading.Thread(target=self._serve, name="harness-host", daemon=True).start()

    def run(self, key: str, trials: Sequence[Trial]) -> Future[list[Record]]:
        """Run trials, as soon as there is room. The future raises UserError where that cannot be done."""
        asked = _Asked(key, list(trials))
        self._news.put(asked)
        return asked.records

    def stop(self, keys: Collection[str]) -> None:
        """Stop these orders; the records of those that run come with the status 'interrupted'."""
        self._news.put(keys)

    def _serve(self) -> None:
        try:
            while True:
                self._hear()
                while self._waiting and self._start_next():
                    pass
                full = not self._running or len(self._running) >= self._engine.jobs or bool(self._waiting)
                for record in self._engine.wait(_NEWS_SECONDS if full else _ROOM_SECONDS):
                    self._ended(self._running.pop(record.trial_id), record)
        except Exception as error:
            self._refuse_all(f"its engine has failed ({type(error).__name__}: {error}); start the worker again")

    def _ended(self, asked: _Asked, record: Record) -> None:
        """A trial of an order has ended: go on with the next one, or answer."""
        asked.done.append(record)
        if asked in self._running.values():
            return
        if asked.left and record.status != "interrupted" and time.monotonic() < asked.until:
            self._waiting.appendleft(asked)
        else:
            asked.records.set_result(asked.done)

    def _refuse_all(self, why: str) -> None:
        """Tell all who wait for a record, and all who will, that there will be none."""
        for asked in (*self._running.values(), *self._waiting):
            if not asked.records.done():
                asked.records.set_exception(UserError(why))
        with suppress(Exception):
            self._engine.close()
        while True:
            news = self._news.get()
            if isinstance(news, _Asked):
                news.records.set_exception(UserError(why))

    def _hear(self) -> None:
        """Take in what was asked; with nothing else to do, wait for it, and leave the machine to others meanwhile."""
        idle = not self._running and not self._waiting
        if idle:
            self._engine.wait(0)
        with suppress(queue.Empty):
            while True:
                news = self._news.get(block=idle)
                idle = False
                if isinstance(news, _Asked):
                    self._waiting.append(news)
                else:
                    self._forget(news)

    def _forget(self, keys: Collection[str]) -> None:
        for asked in [asked for asked in self._waiting if asked.key in keys]:
            self._waiting.remove(asked)
            if asked.done:
                asked.records.set_result(asked.done)
            else:
                asked.records.cancel()
        for asked in self._running.values():
            if asked.key in keys:
                asked.left = []
        self._engine.stop({trial_id for trial_id, asked in self._running.items() if asked.key in keys})

    def _start_next(self) -> bool:
        """Start the order that waits longest, where there is room; whether it waits no longer."""
        asked = self._waiting[0]
        trials = asked.next()
        ids = {trial.id for trial in trials}
        try:
            if ids & self._running.keys() or not self._engine.has_room(trials[0].spec.lane):
                return False
            self._engine.submit(trials)
            asked.has_begun(trials)
            self._running |= dict.fromkeys(ids, asked)
        except UserError as error:
            if asked.done:
                asked.records.set_result(asked.done)  # the next order fails as this one does
            else:
                asked.records.set_exception(error)
        self._waiting.popleft()
        return True


_hosts: dict[tuple[Limits, Precision], HostEngine] = {}
_making = threading.Lock()


def run_order(text: str) -> str:
    """The task that Dask runs in one of the worker's threads: an order as JSON in, a list of records as JSON out."""
    from distributed import get_worker

    order = Order.model_validate_json(text)
    if not order.any_versions:
        for _, _, spec in order.trials:
            _check_code(spec)
    worker = get_worker()
    key = str(worker.get_current_task())
    limits = Limits(order.seconds, order.memory_bytes)
    host = _host(limits, order.precision, worker.state.nthreads, worker.local_directory)
    records = host.run(key, [Trial(id, spec, attempt) for id, attempt, spec in order.trials])
    while True:
        try:
            return Records.dump_json(records.result(_WANTED_SECONDS)).decode()
        except TimeoutError:
            if not _is_wanted(worker, key):
                host.stop([key])


def _check_code(spec: TrialSpec) -> None:
    """Cells and tasks may come from elsewhere than the harness's own files."""
    here = code_version(spec.task, spec.cell)
    if here != spec.code:
        raise UserError(f"the code of {spec.task} and {spec.cell} is another one here ({here}, asked for {spec.code})")


def _is_wanted(worker: Worker, key: str) -> bool:
    """Whether the scheduler still asks for a task; not once the coordinator is gone or has given it up."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state in ("executing", "long-running")


def _host(limits: Limits, precision: Precision, slots: int, folder: str) -> HostEngine:
    with _making:
        key = limits, precision
        if key not in _hosts:
            cache = Path(os.environ.get(CACHE_VARIABLE) or Path(folder) / "harness-cache")
            _hosts[key] = HostEngine(LocalEngine(slots, limits, cache, precision=precision))
        return _hosts[key]


def stop_orders(keys: Collection[str]) -> None:
    """Have the worker's orders among these stopped; run by the worker itself, not by one of its threads."""
    for host in _hosts.values():
        host.stop(keys)


def describe(dask_worker: Worker) -> dict[str, Any]:
    """What the coordinator must know of a worker before it sends it trials; makes the worker's process fit for them."""
    _lift_what_the_nanny_imposes()
    return {
        "host": os.environ.get(HOST_VARIABLE) or socket.gethostname(),
        "computer": os.environ.get(HOST_VARIABLE) or _boot_id() or socket.gethostname(),
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
