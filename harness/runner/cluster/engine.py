"""The engine for a cluster: it assigns trials to hosts, and reassigns them when a host is lost.

An order is either a group of accuracy trials of one program, which run one after another in one slot of a host, or a
timing block, which takes all slots of a host. A host has one slot per thread of its worker. Each order is a Dask task
for a worker that this module chooses. Dask's scheduler could not choose: it does not track the resources of workers, so
it would send trials to a host that runs a timing block while other hosts are free.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING
from uuid import uuid4

from harness.errors import UserError
from harness.runner.cluster.host import Order, Worker
from harness.runner.cluster.versions import differences
from harness.runner.engine import LOOK_AHEAD, Trial
from harness.runner.limits import GRACE_SECONDS, Limits
from harness.runner.local.attempt import Attempt
from harness.runner.precision import EVERY_PAIR, Precision
from harness.spec.factors import Lane
from harness.store.record import Record

if TYPE_CHECKING:
    from harness.runner.cluster.link import DaskLink

MAX_LOST = 3
"""A run does not repeat a trial after this number of workers were lost with it, or stopped it."""
PATIENCE_SECONDS = 600.0
"""How long a run waits for new workers after the last one is lost."""
MAX_GROUP = 16
"""Maximum number of accuracy trials in an order."""
_STORED = "Finished trials are stored; the same command continues the run"
_INTERRUPT_SECONDS = GRACE_SECONDS + 8.0
"""Maximum time for stopped trials to send their records."""

Group = tuple[Trial, ...]
"""Accuracy trials of one program, or the trials of a timing block."""


@dataclass
class _Host:
    """A usable worker and its orders."""

    worker: Worker
    differences: tuple[str, ...]
    orders: dict[str, list[Attempt]] = field(default_factory=dict)
    """By key."""
    programs: set[str] = field(default_factory=set)
    """The programs that this host has compiled."""

    def has_block(self) -> bool:
        return any(attempts[0].trial.spec.lane == "speed" for attempts in self.orders.values())

    def free(self) -> int:
        """Number of free slots for accuracy trials."""
        return 0 if self.has_block() else self.worker.slots - len(self.orders)

    def sign(self, record: Record) -> Record:
        """The record with its machine, host and version differences."""
        worker = self.worker
        changes = {"machine": worker.machine, "host": worker.host, "version_differences": self.differences}
        return record.model_copy(update=changes)


class ClusterEngine:
    """Runs trials on the workers that `link` connects to.

    versions: those of the coordinator. Workers with other versions are refused; with `any_versions` they are used, and
    their records list the differences. precision: required in timing blocks. say: called with each message.
    """

    waits_for = "a worker that can be used"

    def __init__(
        self,
        link: DaskLink,
        limits: Limits,
        versions: Mapping[str, str],
        precision: Precision = EVERY_PAIR,
        *,
        any_versions: bool = False,
        say: Callable[[str], None] = lambda line: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._limits = limits
        self._versions = versions
        self._precision = precision
        self._any_versions = any_versions
        self._say = say
        self._clock = clock
        self._workers: dict[str, _Host] = {}
        """By id, in the order of joining. Only the first worker on a computer is used."""
        self._unfit: dict[str, str] = {}
        """By the address of a worker: the reason why it is not used."""
        self._waiting: deque[Group] = deque()
        """Groups without a host."""
        self._lost: defaultdict[str, set[str]] = defaultdict(set)
        """By trial id: ids of the workers that were lost while they ran it, and keys of its stopped orders."""
        self._ended: list[Record] = []
        self._host_seen = clock()
        self._any_lost = False
        """Whether any worker was lost; it may reconnect."""
        self._gone: str | None = None
        """The reason why the scheduler is not available any more."""
        self._started = self._stopping = False

    @property
    def hosts(self) -> Sequence[int]:
        return [host.worker.slots for host in self._used()] or [1]

    def _used(self) -> list[_Host]:
        """The hosts: the first worker on each computer."""
        first = {host.worker.computer: host for host in reversed(self._workers.values())}
        return [host for host in self._workers.values() if first[host.worker.computer] is host]

    def start(self, seconds: float, expected: int) -> None:
        """Wait until `expected` workers have answered, for at most this number of seconds.

        Raises UserError if no worker answers, a worker cannot be used, or two workers are on the same computer.
        """
        deadline = self._clock() + seconds
        while len(self._workers) + len(self._unfit) < expected and (left := deadline - self._clock()) > 0:
            self._hear(left)
            self._check_scheduler()
        used = {host.worker.computer: host.worker for host in self._used()}
        workers = [host.worker for host in self._workers.values()]
        shared = [f"{w.address} and {used[w.computer].address} on {w.host}" for w in workers if w != used[w.computer]]
        if shared:
            raise UserError(
                f"more than one worker on a host: {'; '.join(shared)}. Start one worker per host, with one thread per"
                " slot (docs/cluster.md)"
            )
        if self._unfit:
            raise UserError(f"some workers cannot be used. {self._why_unfit()}")
        if not workers:
            raise UserError("no worker answers the scheduler. Start workers, then repeat the command (docs/cluster.md)")
        self._started = True

    def has_room(self, lane: Lane) -> bool:
        waiting = sum(group[0].spec.lane == lane for group in self._waiting)
        if lane == "speed":
            return bool(self._workers) and not waiting
        free = [host.free() for host in self._used() if not host.has_block()]
        return sum(free) + len(free) > waiting  # one more per host, so that it has work while a record is stored

    def running(self) -> int:
        sent = sum(len(attempts) for host in self._workers.values() for attempts in host.orders.values())
        return sent + sum(map(len, self._waiting)) + len(self._ended)

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        """The first trial and others of the same program; some are left for slots that would have no work."""
        ahead = list(takewhile(lambda trial: trial.spec.lane == "accuracy", islice(waiting, LOOK_AHEAD)))
        same = [index for index, trial in enumerate(ahead) if trial.program == ahead[0].program]
        return same[: max(1, min(MAX_GROUP, len(ahead) // sum(self.hosts)))]

    def submit(self, trials: Sequence[Trial]) -> None:
        self._waiting.append(tuple(trials))
        self._send()

    def wait(self, seconds: float) -> Sequence[Record]:
        self._hear(0 if self._ended or self._gone else seconds)
        if not self._gone:
            self._send()
        ended, self._ended = self._ended, []
        if not ended:
            self._check_scheduler()
            self._check_patience()
        return ended

    def interrupt(self) -> Sequence[Record]:
        self._waiting.clear()
        self._stopping = True
        hosts = [host for host in self._workers.values() if host.orders]
        if hosts:
            self._link.stop([key for host in hosts for key in host.orders], [host.worker.address for host in hosts])
        deadline = self._clock() + (0 if self._gone else _INTERRUPT_SECONDS)
        while any(host.orders for host in hosts) and (left := deadline - self._clock()) > 0:
            self._hear(left)
        for host in hosts:
            for key in list(host.orders):
                self._link.drop(key)
                self._give_up(host, host.orders.pop(key), "stopped: its worker does not answer")
        self._stopping = False
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        self.interrupt()

    def joined(self, worker: Worker) -> None:
        """A worker has answered."""
        unlike = differences(self._versions, worker.versions)
        limit = self._limits.memory_bytes or 0
        if unlike and not self._any_versions:
            self.refuse(
                worker.address, f"{', '.join(unlike)}. --any-versions accepts it, and each record lists the differences"
            )
        elif limit > worker.machine.memory_bytes:
            has, takes = worker.machine.memory_bytes / 2**30, limit / 2**30
            limited = f"it has {has:.1f} GiB of memory, but the limit of a trial is {takes:.1f} GiB"
            self.refuse(worker.address, f"{limited} (memory_gib in the experiment)")
        else:
            self._workers[worker.id] = _Host(worker, unlike)
            self._host_seen = self._clock()

    def refuse(self, address: str, why: str) -> None:
        """A worker has joined but cannot be used."""
        self._unfit[address] = why
        if self._started:
            self._say(f"Worker {address} is not used: {why}")

    def left(self, worker_id: str) -> None:
        """A worker has left the scheduler."""
        host = self._workers.get(worker_id)
        if host is None:
            return
        if host in self._used():
            self._say(f"Worker {host.worker.address} on {host.worker.host} is lost. Another worker runs its trials")
            self._any_lost, self._host_seen = True, self._clock()
        self._leave(host, blame=True)

    def returned(self, key: str, records: Sequence[Record]) -> None:
        """An order has ended; `records` are those of its trials that have ended."""
        host = self._host_with(key)
        if host is None:
            return
        if not records and not self._stopping:
            self.failed(key, "it returned no records", lost=False)
            return
        attempts = host.orders.pop(key)
        records = [host.sign(record) for record in records]
        stopped = [record for record in records if record.status == "interrupted"]
        if stopped and attempts[0].trial.spec.lane == "speed":  # the worker is shutting down
            self._again(host, attempts, blame=key, stopped=records)
            return
        ended = [record for record in records if record not in stopped]
        self._ended += ended
        host.programs.add(attempts[0].trial.program)
        done = {record.trial_id for record in ended}
        for id in done:
            self._lost.pop(id, None)
        of_stopped = {record.trial_id: record for record in stopped}
        left = [attempt for attempt in attempts if attempt.trial.id not in done | of_stopped.keys()]
        if left:
            self._again(host, left)
        for attempt in attempts:
            if attempt.trial.id in of_stopped:
                self._again(host, [attempt], blame=key, stopped=[of_stopped[attempt.trial.id]])

    def failed(self, key: str, why: str, *, lost: bool) -> None:
        """An order failed. lost: it was lost on the network, so the worker is not refused."""
        host = self._host_with(key)
        if host is None:
            return
        if lost or self._stopping:
            self._lose(host, key, blame=True)
        else:
            self.refuse(host.worker.address, why)
            self._leave(host, blame=False)

    def ends(self, why: str) -> None:
        """The scheduler is not available any more."""
        self._gone = why

    def _hear(self, seconds: float) -> None:
        """Handle all events; without any, wait for one for at most this number of seconds."""
        event = self._link.next_event(seconds)
        while event is not None:
            event(self)
            event = self._link.next_event(0)

    def _host_with(self, key: str) -> _Host | None:
        return next((host for host in self._workers.values() if key in host.orders), None)

    def _leave(self, host: _Host, *, blame: bool) -> None:
        """Remove a worker; its orders go to other workers."""
        del self._workers[host.worker.id]
        for key in list(host.orders):
            self._link.drop(key)
            self._lose(host, key, blame=blame)

    def _lose(self, host: _Host, key: str, *, blame: bool) -> None:
        """Repeat a lost order. blame: one of its accuracy trials may be the cause, so each becomes a separate order."""
        attempts = host.orders.pop(key)
        apart = blame and attempts[0].trial.spec.lane == "accuracy"
        for group in reversed([[attempt] for attempt in attempts] if apart else [attempts]):
            self._again(host, group, blame=host.worker.id if blame else None)

    def _again(
        self, host: _Host, attempts: Sequence[Attempt], *, blame: str | None = None, stopped: Sequence[Record] = ()
    ) -> None:
        """Queue trials again, unless the run is stopping or MAX_LOST workers were lost with them or stopped them.

        blame: the id of the lost worker or the key of the stopped order; None if neither. stopped: the records of the
        trials if a worker stopped them; returned if the trials are not repeated.
        """
        first = attempts[0].trial
        if self._stopping:
            self._ended += stopped
            return
        if blame is not None:
            self._lost[first.id].add(blame)
        if len(self._lost[first.id]) < MAX_LOST:
            self._waiting.appendleft(tuple(attempt.trial for attempt in attempts))
            return
        del self._lost[first.id]
        self._ended += stopped
        if not stopped:
            self._give_up(host, attempts, f"{MAX_LOST} workers were lost while they ran it")

    def _give_up(self, host: _Host, attempts: Sequence[Attempt], why: str) -> None:
        self._ended += [host.sign(attempt.record("interrupted", None, why)) for attempt in attempts]

    def _send(self) -> None:
        """Send waiting groups to hosts with free slots.

        A timing block goes to the host with the fewest orders and starts there when these have ended. Accuracy trials
        prefer a host that has compiled their program, then the host with the most free slots.
        """
        for group in list(self._waiting):
            speed, program = group[0].spec.lane == "speed", group[0].program
            free = [host for host in self._used() if (not host.has_block() if speed else host.free() > 0)]
            if free:
                self._waiting.remove(group)
                best = max(free, key=lambda host: (not speed and program in host.programs, host.free()))
                self._send_to(best, group)

    def _send_to(self, host: _Host, group: Group) -> None:
        first = group[0]
        key = f"{first.id}-{first.attempt}-{uuid4().hex}"  # Dask runs tasks with the same key only once
        order = Order(
            trials=list(group), limits=self._limits, precision=self._precision, any_versions=self._any_versions
        )
        threads = host.worker.slots if first.spec.lane == "speed" else 1
        host.orders[key] = [Attempt(trial, threads) for trial in group]
        self._link.send(key, host.worker.address, order.model_dump_json())

    def _check_scheduler(self) -> None:
        if self._gone:
            raise UserError(f"{self._gone}. {_STORED} once the scheduler is available")

    def _check_patience(self) -> None:
        if self._workers:
            self._host_seen = self._clock()
        elif not self._any_lost:
            raise UserError(f"no usable worker is left. {self._why_unfit()} {_STORED}")
        elif self._clock() - self._host_seen > PATIENCE_SECONDS:
            raise UserError(f"no worker has been available for {PATIENCE_SECONDS:.0f} s. {self._why_unfit()} {_STORED}")

    def _why_unfit(self) -> str:
        return " ".join(f"{address}: {why}." for address, why in self._unfit.items())
