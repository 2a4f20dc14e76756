"""The engine for many machines: which trial goes to which host, and what becomes of it where a host is lost.

An order is a group of accuracy trials of one program, which run one after another in one slot of a host, or a timing
block, which takes all slots. A host has as many slots as its worker has threads. What Dask does is behind `Link`; here
is only what follows from it.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, takewhile
from uuid import uuid4

from pydantic import ValidationError

from harness.errors import UserError
from harness.runner.cluster.events import Event, Failed, Gone, Joined, Left, Link, Returned, Unfit, Worker
from harness.runner.cluster.host import Order, Records
from harness.runner.cluster.versions import differences
from harness.runner.engine import LOOK_AHEAD, Trial
from harness.runner.limits import GRACE_SECONDS, Limits
from harness.runner.local.attempt import Attempt
from harness.runner.precision import EVERY_PAIR, Precision
from harness.spec.factors import Lane
from harness.store.record import Record, Status

MAX_LOST = 3
"""After this number of workers that were lost, or stopped a trial, a run does not try the trial again."""
PATIENCE_SECONDS = 600.0
"""How long a run waits for workers once all of them are lost."""
_STORED = "What is finished is stored; the same command goes on from there"
_INTERRUPT_SECONDS = GRACE_SECONDS + 8.0
"""How long stopped trials have to send their records."""


MAX_GROUP = 16
"""Accuracy trials of an order at most."""

Group = tuple[Trial, ...]
"""Accuracy trials of one program, or the trials of a timing block."""


@dataclass
class _UsedWorker:
    """A worker that trials are sent to."""

    worker: Worker
    differences: tuple[str, ...]
    running: set[str] = field(default_factory=set)
    """Keys of orders."""
    block: Group | None = None
    """The timing block that waits until nothing else runs there, or runs."""
    programs: set[str] = field(default_factory=set)
    """Those that were compiled there."""

    def free(self) -> int:
        """Slots for accuracy trials."""
        return 0 if self.block else self.worker.slots - len(self.running)

    def sign(self, record: Record) -> Record:
        """The record, with where it comes from."""
        worker = self.worker
        changes = {"machine": worker.machine, "host": worker.host, "version_differences": self.differences}
        return record.model_copy(update=changes)


@dataclass(frozen=True)
class _Sent:
    """An order on its way."""

    attempts: tuple[Attempt, ...]
    host: _UsedWorker

    @property
    def group(self) -> Group:
        """The trials that were ordered."""
        return tuple(attempt.trial for attempt in self.attempts)

    def given_up(self, group: Group, status: Status, why: str) -> list[Record]:
        """The records of those of its trials of which their worker gave none."""
        lost = [attempt for attempt in self.attempts if attempt.trial in group]
        return [self.host.sign(attempt.record(status, None, why)) for attempt in lost]


class ClusterEngine:
    """Trials on the workers that `link` leads to.

    `versions` are the coordinator's; workers that have others are refused, or used and marked with `any_versions`.
    `precision`: of the timing blocks. `say` shows a line.
    """

    waits_for = "a worker: there is none now that can be used"

    def __init__(
        self,
        link: Link,
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
        self._hosts: dict[str, _UsedWorker] = {}
        self._spare: dict[str, Worker] = {}
        """Workers on a computer that has one in use, by id."""
        self._unfit: dict[str, str] = {}
        """Why workers (by address) are not used."""
        self._queue: deque[Group] = deque()
        """Accuracy trials that have no host yet."""
        self._blocks: deque[Group] = deque()
        """Timing blocks that have no host yet."""
        self._sent: dict[str, _Sent] = {}
        self._lost: defaultdict[str, set[str]] = defaultdict(set)
        """Ids of the workers that were lost while they ran a trial, keys of orders that were stopped; by trial."""
        self._ended: list[Record] = []
        self._host_seen = clock()
        self._any_lost = False
        """Whether any worker was lost, which may come back."""
        self._gone: str | None = None
        """Why there is no scheduler any more."""
        self._started = False

    @property
    def jobs(self) -> int:
        return sum(self.hosts)

    @property
    def hosts(self) -> Sequence[int]:
        return [host.worker.slots for host in self._hosts.values()] or [1]

    def start(self, seconds: float, expected: int | None = None) -> None:
        """Hear of the workers that are there: until `expected` have answered, or for so many seconds at most.

        Raises UserError where the plan could never be run: no worker, or none that may be used.
        """
        deadline = self._clock() + seconds
        while (expected is None or len(self._hosts) + len(self._spare) + len(self._unfit) < expected) and (
            (left := deadline - self._clock()) > 0
        ):
            event = self._link.next_event(left)
            if event is not None:
                self._take_in(event)
            self._check_scheduler()
        if self._spare:
            named = {host.worker.computer: host.worker for host in self._hosts.values()}
            shared = [f"{w.address} and {named[w.computer].address} on {w.host}" for w in self._spare.values()]
            raise UserError(
                f"more than one worker on a host: {'; '.join(shared)}. Start one worker a host, with as many threads"
                " as it has slots (docs/cluster.md)"
            )
        if self._unfit:
            raise UserError(f"workers that cannot be used. {self._why_unfit()}")
        if not self._hosts:
            raise UserError("the scheduler has no workers that answer. Start some, and run again (docs/cluster.md)")
        self._started = True

    def has_room(self, lane: Lane) -> bool:
        if lane == "speed":
            return bool(self._hosts) and not self._blocks
        free = [host.free() for host in self._hosts.values() if host.block is None]
        return sum(free) + len(free) > len(self._queue)  # one a host ahead, to be sent before a record is stored

    def running(self) -> int:
        sent = {id for order in self._sent.values() for id in map(_id, order.group)}
        held = {id for host in self._hosts.values() for id in map(_id, host.block or ())}
        return sum(map(len, (*self._queue, *self._blocks))) + len(sent | held) + len(self._ended)

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        """The first trial and others of its program, so few that all slots have work."""
        ahead = list(takewhile(lambda trial: trial.spec.lane == "accuracy", islice(waiting, LOOK_AHEAD)))
        same = [index for index, trial in enumerate(ahead) if trial.program == ahead[0].program]
        return same[: max(1, min(MAX_GROUP, len(ahead) // self.jobs))]

    def submit(self, trials: Sequence[Trial]) -> None:
        if trials[0].spec.lane == "speed":
            self._blocks.append(tuple(trials))
        else:
            self._queue.append(tuple(trials))
        self._send()

    def wait(self, seconds: float) -> Sequence[Record]:
        event = self._link.next_event(0 if self._ended or self._gone else seconds)
        while event is not None:
            self._take_in(event)
            event = self._link.next_event(0)
        if not self._gone:
            self._send()
        ended, self._ended = self._ended, []
        if not ended:
            self._check_scheduler()
            self._check_patience()
        return ended

    def interrupt(self) -> Sequence[Record]:
        self._queue.clear()
        self._blocks.clear()
        for host in self._hosts.values():
            host.block = None
        if self._sent:
            self._link.stop(self._sent.keys(), [host.worker.address for host in self._hosts.values() if host.running])
        deadline = self._clock() + (0 if self._gone else _INTERRUPT_SECONDS)
        while self._sent and (left := deadline - self._clock()) > 0:
            event = self._link.next_event(left)
            if event is not None:
                self._take_in_at_the_end(event)
        for key in list(self._sent):
            self._link.drop(key)
            sent = self._forget(key)
            self._ended += sent.given_up(sent.group, "interrupted", "stopped; its worker did not answer any more")
        ended, self._ended = self._ended, []
        return ended

    def _take_in_at_the_end(self, event: Event) -> None:
        """What happens once all is being stopped: nothing is tried again."""
        match event:
            case Returned(key, text) if key in self._sent:
                with suppress(ValidationError):  # as if it had not answered
                    self._ended += self._records(key, text)
                    self._forget(key)
            case Failed(key) if key in self._sent:
                self._forget(key)
            case Left(worker_id):
                self._hosts.pop(worker_id, None)
            case Joined() | Unfit() | Gone():
                self._take_in(event)

    def close(self) -> None:
        self.interrupt()

    def _take_in(self, event: Event) -> None:
        match event:
            case Joined(worker):
                self._joined(worker)
            case Unfit(address, why):
                self._refuse(address, why)
            case Left(worker_id):
                self._left(worker_id)
            case Returned():
                self._returned(event)
            case Failed():
                self._failed(event)
            case Gone(why):
                self._gone = why

    def _joined(self, worker: Worker) -> None:
        unlike = differences(self._versions, worker.versions)
        limit = self._limits.memory_bytes
        if unlike and not self._any_versions:
            self._refuse(worker.address, f"{', '.join(unlike)}. --any-versions uses it all the same, and records this")
        elif limit is not None and limit > worker.machine.memory_bytes:
            has, takes = worker.machine.memory_bytes / 2**30, limit / 2**30
            self._refuse(
                worker.address,
                f"it has {has:.1f} GiB of memory, and a trial may take {takes:.1f} GiB (memory_gib in the experiment)",
            )
        elif any(host.worker.computer == worker.computer for host in self._hosts.values()):
            self._spare[worker.id] = worker
        else:
            self._hosts[worker.id] = _UsedWorker(worker, unlike)
            self._host_seen = self._clock()

    def _refuse(self, address: str, why: str) -> None:
        self._unfit[address] = why
        if self._started:
            self._say(f"Worker {address} is not used: {why}")

    def _left(self, worker_id: str) -> None:
        self._spare.pop(worker_id, None)
        host = self._hosts.pop(worker_id, None)
        if host is None:
            return
        self._say(f"Worker {host.worker.address} on {host.worker.host} is lost; its trials are tried elsewhere")
        self._any_lost, self._host_seen = True, self._clock()
        self._try_elsewhere(host, blame=True)
        self._promote_spares(host.worker.computer)

    def _promote_spares(self, computer: str) -> None:
        """The worker in use on a computer is used no longer: take another one there, if there is any."""
        for spare in list(self._spare.values()):
            if spare.computer == computer:
                self._joined(self._spare.pop(spare.id))

    def _try_elsewhere(self, host: _UsedWorker, *, blame: bool) -> None:
        """What a host was to do that is used no longer."""
        for key in list(host.running):
            self._link.drop(key)
            self._lose(key, blame=blame)
        if host.block is not None:
            self._blocks.appendleft(host.block)

    def _lose(self, key: str, *, blame: bool) -> None:
        """An order came to nothing. With blame its accuracy trials go on one by one: any of them may be the reason."""
        sent = self._forget(key)
        apart = blame and sent.group[0].spec.lane == "accuracy"
        for group in reversed([(trial,) for trial in sent.group] if apart else [sent.group]):
            self._again(sent, group, blame=sent.host.worker.id if blame else None)

    def _again(self, sent: _Sent, group: Group, *, blame: str | None, stopped: Sequence[Record] = ()) -> None:
        """Order trials of an order again, unless too many workers were lost, or stopped them, while they ran.

        blame: the worker that was lost, or the order that was stopped; None: neither. stopped: the records of trials
        that were stopped on their worker, kept where they are not tried again.
        """
        first = group[0]
        if blame is not None:
            self._lost[first.id].add(blame)
        if len(self._lost[first.id]) >= MAX_LOST:
            self._lost.pop(first.id)
            why = f"its worker was lost while it ran, {MAX_LOST} times"
            self._ended += stopped or sent.given_up(group, "interrupted", why)
        elif first.spec.lane == "speed":
            self._blocks.appendleft(group)
        else:
            self._queue.appendleft(group)

    def _returned(self, event: Returned) -> None:
        if event.key not in self._sent:
            return
        try:
            records = self._records(event.key, event.records)
        except ValidationError as error:
            self._failed(Failed(event.key, f"what it sends is no record: {error.errors()[0]['msg']}", lost=False))
            return
        if not records:
            self._failed(Failed(event.key, "it sends no record", lost=False))
            return
        sent = self._forget(event.key)
        stopped = {record.trial_id: record for record in records if record.status == "interrupted"}
        if stopped and sent.group[0].spec.lane == "speed":  # its worker was about to end
            self._again(sent, sent.group, blame=event.key, stopped=records)
            return
        ended = {record.trial_id: record for record in records if record.trial_id not in stopped}
        self._ended += ended.values()
        for id in ended:
            self._lost.pop(id, None)
        sent.host.programs.add(sent.group[0].program)
        left = tuple(trial for trial in sent.group if trial.id not in ended.keys() | stopped.keys())
        if left:
            self._again(sent, left, blame=None)
        for trial in sent.group:
            if trial.id in stopped:
                self._again(sent, (trial,), blame=event.key, stopped=[stopped[trial.id]])

    def _records(self, key: str, text: str) -> list[Record]:
        """The records as their worker sent them, with where they come from. Raises ValidationError."""
        return [self._sent[key].host.sign(record) for record in Records.validate_json(text)]

    def _failed(self, event: Failed) -> None:
        sent = self._sent.get(event.key)
        if sent is None:
            return
        if event.lost:
            self._lose(event.key, blame=True)
            return
        host = self._hosts.pop(sent.host.worker.id)
        self._refuse(host.worker.address, event.why)
        self._try_elsewhere(host, blame=False)
        self._promote_spares(host.worker.computer)

    def _forget(self, key: str) -> _Sent:
        sent = self._sent.pop(key)
        sent.host.running.discard(key)
        if sent.host.block == sent.group:
            sent.host.block = None
        return sent

    def _send(self) -> None:
        """Send what there is room for: blocks to hosts of their own, accuracy trials to a host with their program.

        Where no such host has room they go to where most is free.
        """
        free = [host for host in self._hosts.values() if host.block is None]
        for host in sorted(free, key=lambda host: len(host.running)):  # the one that has least to finish first
            if self._blocks:
                host.block = self._blocks.popleft()
        for host in self._hosts.values():
            if host.block and not host.running:
                self._send_to(host, host.block)
        while self._queue and (free := [host for host in self._hosts.values() if host.free() > 0]):
            group = self._queue.popleft()
            program = group[0].program
            self._send_to(max(free, key=lambda host: (program in host.programs, host.free())), group)

    def _send_to(self, host: _UsedWorker, group: Group) -> None:
        first = group[0]
        key = f"{first.id}-{first.attempt}-{uuid4().hex}"  # Dask takes orders of one key for one, whoever sends them
        order = Order(
            trials=[(trial.id, trial.attempt, trial.spec) for trial in group],
            seconds=self._limits.seconds,
            memory_bytes=self._limits.memory_bytes,
            precision=self._precision,
            any_versions=self._any_versions,
        )
        threads = host.worker.slots if host.block else 1
        self._sent[key] = _Sent(tuple(Attempt(trial, threads) for trial in group), host)
        host.running.add(key)
        self._link.send(key, host.worker.address, order.model_dump_json())

    def _check_scheduler(self) -> None:
        if self._gone:
            raise UserError(f"{self._gone}. {_STORED}, once it is back")

    def _check_patience(self) -> None:
        if self._hosts:
            self._host_seen = self._clock()
        elif not self._any_lost:
            raise UserError(f"no worker is left that can be used. {self._why_unfit()} {_STORED}")
        elif self._clock() - self._host_seen > PATIENCE_SECONDS:
            raise UserError(f"no worker for {PATIENCE_SECONDS:.0f} s. {self._why_unfit()} {_STORED}")

    def _why_unfit(self) -> str:
        return " ".join(f"{address}: {why}." for address, why in self._unfit.items())


def _id(trial: Trial) -> str:
    return trial.id
