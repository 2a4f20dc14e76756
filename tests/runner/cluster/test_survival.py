"""1,000 trials on four workers that are killed and cut off at random, and a coordinator that is killed too."""

from __future__ import annotations

import itertools
import json
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing

import numpy as np
import pytest

from harness.store.sqlite import FILE_NAME
from tests.runner.cluster.processes import Processes
from tests.runner.place import HEAD, Place, finish, sweeps, without_times

SEEDS, SIZES = 50, range(20, 40)
TRIALS = SEEDS * len(SIZES)
WORKERS = range(4)
EVERY = 70
"""Number of records between two disturbances."""


def stored(place: Place) -> int:
    """Number of stored records."""
    if not (place.directory / FILE_NAME).exists():
        return 0
    with closing(sqlite3.connect(place.directory / FILE_NAME)) as connection:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'trial'").fetchone()
        return int(connection.execute("SELECT count(*) FROM trial").fetchone()[0]) if tables else 0


class Trouble:
    """Kills, restarts or suspends workers after every few stored records."""

    def __init__(self, processes: Processes, place: Place) -> None:
        self.happened: Counter[str] = Counter()
        self._processes = processes
        self._place = place
        self._chance = random.Random(11)
        self._kinds = itertools.cycle(("killed", "cut off for long", "cut off"))
        self._hanging: dict[int, float] = {}

    def until(self, run: subprocess.Popen[str], records: int) -> None:
        """Disturb a run until this number of records is stored, or the run has ended."""
        before = stored(self._place)
        while run.poll() is None and (now := stored(self._place)) < records:
            self._wake()
            if now >= before + EVERY:  # a fast machine stores several times as many between two checks
                before += EVERY
                self._make()
            time.sleep(self._chance.uniform(0.05, 0.3))
        while self._hanging:
            self._wake(anyway=True)

    def _wake(self, *, anyway: bool = False) -> None:
        for number, end in list(self._hanging.items()):
            if anyway or time.monotonic() > end:
                self._processes.workers[number].send_signal(signal.SIGCONT)
                del self._hanging[number]
        for number in WORKERS:
            if self._processes.workers[number].poll() is not None:  # it saw that it had been given up
                self._processes.start_worker(number)
                self.happened["started again"] += 1

    def _make(self) -> None:
        number = self._chance.choice([number for number in WORKERS if number not in self._hanging])
        what = next(self._kinds)
        self.happened[what] += 1
        if what == "killed":
            self._processes.kill_worker(number)
            self._processes.start_worker(number)
        else:
            self._processes.workers[number].send_signal(signal.SIGSTOP)
            self._hanging[number] = time.monotonic() + (6.0 if what == "cut off for long" else 0.3)


def test_a_thousand_trials_survive_their_workers_and_their_coordinator(
    place: Place, processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = HEAD.replace("seeds = 1", f"seeds = {SEEDS}") + sweeps("recall", sizes=SIZES)
    scheduler = processes.start_scheduler()
    for number in WORKERS:
        processes.start_worker(number)
    processes.wait_for_workers(len(WORKERS))
    trouble = Trouble(processes, place)
    first = place.start(text, arguments=["--scheduler", scheduler])
    trouble.until(first, TRIALS // 2)
    assert first.poll() is None, finish(first)
    first.kill()
    first.communicate(timeout=60)
    before = place.rows()
    assert TRIALS // 2 <= len(before) < TRIALS
    second = place.start(text, arguments=["--scheduler", scheduler])
    trouble.until(second, TRIALS * 19 // 20)
    output = finish(second)
    assert second.returncode == 0, output
    assert min(trouble.happened[what] for what in ("killed", "cut off", "cut off for long")) >= 3, trouble.happened

    rows = place.rows()
    assert {key: rows[key] for key in before} == before, "stored records are unchanged"
    records = [json.loads(text) for text in rows.values()]
    assert len({r["trial_id"] for r in records}) == len(records) == TRIALS, "none lost, none doubled"
    assert {(r["status"], r["attempt"]) for r in records} == {("ok", 1)}
    assert {r["host"] for r in records} == {f"host-{number}" for number in WORKERS}
    for record in records:
        drawn = np.random.default_rng(int(record["trial_id"], 16)).random(9)
        assert record["test"] == {"loss": drawn[-1]}, "the spec determines the result"

    alone = Place(tmp_path_factory.mktemp("alone"))
    few = HEAD.replace("seeds = 1", "seeds = 2") + sweeps("recall", sizes=SIZES)
    code, output = alone.run(few)
    assert code == 0, output
    for key, text in alone.rows().items():
        assert without_times(json.loads(rows[key])) == without_times(json.loads(text))
