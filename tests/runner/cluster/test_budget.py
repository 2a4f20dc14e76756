"""The time budget of a run on a cluster: all blocks that fit are started, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plan.estimate import Estimator, load_of
from harness.runner.budget import CAUTION, Budget, in_rounds
from harness.runner.cluster.host import Worker
from harness.runner.loop import left_to_do, run_plan
from harness.spec.trial import TrialSpec
from harness.store.sqlite import open_store
from tests.runner.cluster.test_engine import Event, Pretend, accuracy, blocks, engine_of, worker
from tests.runner.test_loop import Silent

SECONDS = 10.0


class Timed(Pretend):
    """Each trial of an order takes ten seconds of its clock."""

    def __init__(self, *workers: Worker) -> None:
        super().__init__(*workers)
        self.ends: dict[str, float] = {}

    def send(self, key: str, address: str, order: str) -> None:
        super().send(key, address, order)
        self.ends[key] = self.now + SECONDS * len(self.sent[key][1].trials)

    def next_event(self, seconds: float) -> Event | None:
        first = min(self.sent, key=self.ends.__getitem__, default=None)
        if not self.events and first is not None and self.ends[first] <= self.now + seconds:
            self.now = max(self.now, self.ends[first])
            self.done(first)
        return super().next_event(seconds)


@pytest.mark.parametrize(
    ("hosts", "specs", "done", "end"),
    [
        (1, blocks(4, size=3), 6, 60),
        (2, blocks(4, size=3), 12, 60),
        (2, blocks(9, size=3), 12, 60),
        (2, accuracy(99), 28, 70),
    ],
)
def test_all_blocks_that_fit_are_started_and_every_started_block_ends(
    tmp_path: Path, hosts: int, specs: list[TrialSpec], done: int, end: float
) -> None:
    link = Timed(*(worker(f"h{number}") for number in range(hosts)))
    engine = engine_of(link)
    assert link.now == 0
    estimator = Estimator()
    for spec in specs:
        estimator.learn(load_of(spec), SECONDS)
    plan = {spec.id(): spec for spec in specs}
    deadline = 6 * CAUTION * SECONDS + 8
    with open_store(tmp_path, create=True) as store:
        store.set_plan(plan)
        left = left_to_do(plan, store.attempts())
        budget = Budget(in_rounds(left, plan), estimator, engine.hosts, deadline, link.clock)
        run_plan(left, store, engine, Silent(), budget)
        records = list(store.records())
    assert [r["status"] for r in records] == ["ok"] * done
    assert end <= link.now < end + 1
