"""How far a results folder is, told from indexes alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.plan.estimate import Estimator, load_of, seconds_in_all
from harness.store.record import MAX_CRASHES
from harness.store.sqlite import FILE_NAME, open_store
from harness.store.status import learned, status_of
from harness.store.tables import SCHEMA_VERSION
from tests.factories import record, spec

SPECS = [
    spec(seed=seed, cell=cell, lane=lane)
    for seed in (0, 1)
    for lane in ("accuracy", "speed")
    for cell in ("gru", "lstm")
]


def fill(directory: Path) -> None:
    with open_store(directory, create=True) as store:
        store.set_plan({s.id(): s for s in SPECS})
        store.add(record(SPECS[0], seconds_total=8.0))
        store.add(record(SPECS[1], seconds_total=2.0, status="crashed", test={}))
        store.add(record(SPECS[1], seconds_total=12.0, attempt=2))
        store.add(record(SPECS[2], seconds_total=5.0, status="diverged", test={}))
        store.add(record(SPECS[3], seconds_total=5.0, status="crashed", test={}))
        store.leave_out({SPECS[4].id(): "no time", SPECS[0].id(): "no time, but it has been run since"})


def test_trials_are_counted_by_cell_and_status_and_times_add_up(tmp_path: Path) -> None:
    fill(tmp_path)
    with open_store(tmp_path) as store:
        status = status_of(store, jobs=2)
    assert [(cell.cell, dict(cell.trials), cell.spent) for cell in status.cells] == [
        ("gru", {"missing": 2, "ok": 1, "diverged": 1}, 13.0),
        ("lstm", {"missing": 2, "ok": 1, "crashed": 1}, 19.0),
    ]
    assert status.spent == 32.0
    assert status.trials_left == 5, "what crashed is run again, what diverged is not"
    assert status.left_out == 1
    assert status.given_up == 0


def test_an_interrupted_trial_is_left_and_one_that_crashed_too_often_is_given_up(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        store.set_plan({s.id(): s for s in SPECS[:2]})
        for number in range(1, MAX_CRASHES + 1):
            store.add(record(SPECS[0], attempt=number, status="interrupted", test={}))
            store.add(record(SPECS[1], attempt=number, status="crashed", test={}))
        status = status_of(store, jobs=2)
    assert (status.trials_left, status.given_up) == (1, 1)
    gru, lstm = status.cells
    assert gru.left > 0
    assert lstm.left == 0


def test_the_time_left_is_estimated_from_similar_trials(tmp_path: Path) -> None:
    fill(tmp_path)
    with open_store(tmp_path) as store:
        status = status_of(store, jobs=2)
    gru, lstm = status.cells  # a speed trial has no evaluations, so a hundredth less is left
    assert gru.left == pytest.approx(8 + 8, rel=1e-2), (
        "one of each lane; of speed trials nothing is known but the cell's others"
    )
    assert lstm.left == pytest.approx(12 + 2 * 12, rel=1e-2)
    assert status.left == pytest.approx((8 + 12) / 2 + 8 + 2 * 12, rel=1e-2), (
        "accuracy trials side by side, speed trials alone"
    )


def test_neither_records_nor_specs_are_read_for_it(tmp_path: Path) -> None:
    """On 100,000 records this is what keeps it under two seconds; tests/benchmarks/test_large_store.py measures it."""
    fill(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("UPDATE trial SET record = 'unreadable'")
        connection.execute("UPDATE planned SET spec = 'unreadable'")
    with open_store(tmp_path) as store:
        assert status_of(store, jobs=2).spent == 32.0
        statements: list[str] = []
        store._connection.set_trace_callback(statements.append)
        store.states()
        (query,) = statements
        steps = [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    scans = [step for step in steps if "SCAN" in step and ("trial" in step or "planned" in step)]
    assert len(scans) == 2
    assert all("COVERING INDEX" in step for step in scans), steps


def test_a_trial_that_was_stopped_is_expected_to_take_longer_than_that() -> None:
    load = load_of(spec())
    estimator = Estimator()
    estimator.learn(load, 10.0)
    estimator.at_least(load, 5.0)
    assert estimator.seconds(load) == pytest.approx(10)
    estimator.at_least(load, 100.0)
    assert estimator.seconds(load) > 50


def test_estimates_are_by_the_trials_most_like_this_one() -> None:
    estimator = Estimator()
    short, long, other = spec(), spec(updates=600), spec(cell="lstm")
    estimator.learn(load_of(short), 7.0)
    assert estimator.seconds(load_of(short)) == pytest.approx(7)
    guesses = load_of(long).guess / load_of(short).guess
    assert estimator.seconds(load_of(long)) == pytest.approx(7 * guesses), "the same cell and backend, corrected alike"
    estimator.learn(load_of(long), 50.0)
    assert estimator.seconds(load_of(short)) == pytest.approx(7)
    assert estimator.seconds(load_of(long)) == pytest.approx(50)
    ratio = 57 / (load_of(short).guess + load_of(long).guess)
    assert estimator.seconds(load_of(other)) == pytest.approx(ratio * load_of(other).guess)


def test_speed_trials_have_the_machine_alone() -> None:
    estimator = Estimator()
    loads = [(load_of(spec(lane=lane)), 4) for lane in ("accuracy", "speed")]
    shared, alone = (load.guess for load, _ in loads)
    assert seconds_in_all(loads, estimator, (2,)) == pytest.approx(2 * shared + 4 * alone)
    assert seconds_in_all(loads, estimator, (3, 1)) == pytest.approx(shared + 2 * alone), (
        "two hosts: two of them at a time"
    )


OLD = """
CREATE TABLE trial (trial_id TEXT NOT NULL, attempt INTEGER NOT NULL, status TEXT NOT NULL, task TEXT NOT NULL,
    cell TEXT NOT NULL, seconds REAL, record TEXT NOT NULL, PRIMARY KEY (trial_id, attempt));
CREATE TABLE planned (position INTEGER PRIMARY KEY, trial_id TEXT NOT NULL UNIQUE, cell TEXT NOT NULL,
    spec TEXT NOT NULL);
PRAGMA application_id = 1380863560;
PRAGMA user_version = 1;
"""


def old_store(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    done = record(SPECS[0], seconds_total=8.0)
    with closing(sqlite3.connect(directory / FILE_NAME)) as connection, connection:
        connection.executescript(OLD)
        connection.execute(
            "INSERT INTO trial VALUES (?, 1, 'ok', 'recall', 'gru', 8.0, ?)", (done.trial_id, done.model_dump_json())
        )
        for position, s in enumerate([*SPECS[:2], spec(cell="nowhere:cell")]):
            row = (position, s.id(), s.cell, s.model_dump_json())
            connection.execute("INSERT INTO planned VALUES (?, ?, ?, ?)", row)
        connection.execute("INSERT INTO planned VALUES (9, 'damaged', 'gru', '[]')")


def test_a_store_of_the_first_version_is_read_as_it_was(tmp_path: Path) -> None:
    old_store(tmp_path)
    with open_store(tmp_path) as store:
        status = status_of(store, jobs=1)
        assert [(cell.cell, dict(cell.trials)) for cell in status.cells] == [
            ("gru", {"ok": 1}),
            ("lstm", {"missing": 1}),
        ]
        (read,) = store.records()
    assert type(record()).model_validate(read) == record(SPECS[0], seconds_total=8.0, started_at=read["started_at"])
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_store_that_cannot_be_migrated_is_reported_and_stays_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_store(tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    monkeypatch.setattr(
        "harness.store.tables.INSERT_PLANNED", "INSERT INTO no_such_table VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    )
    with pytest.raises(UserError, match=r"damaged \(no such table: \w+\)\. Restore"), open_store(tmp_path):
        pass
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_an_old_store_that_is_read_only_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_store(tmp_path)
    opened = sqlite3.connect

    def read_only(name: str, **options: Any) -> sqlite3.Connection:  # file permissions do not matter to root
        return opened(name.replace("mode=rw", "mode=ro"), **options)

    monkeypatch.setattr("harness.store.sqlite.sqlite3.connect", read_only)
    with (
        pytest.raises(UserError, match=r"must be migrated, but it is read-only\. Copy the folder"),
        open_store(tmp_path),
    ):
        pass


def test_what_was_learned_is_what_finished_and_what_was_stopped(tmp_path: Path) -> None:
    slow = spec(seed=5, units=64)
    with open_store(tmp_path, create=True) as store:
        store.set_plan({s.id(): s for s in (SPECS[0], slow)})
        store.add(record(SPECS[0], seconds_total=8.0))
        store.add(record(slow, seconds_total=500.0, status="interrupted", test={}))
        estimator = learned(store.states())
    assert estimator.seconds(load_of(SPECS[0])) == pytest.approx(8)
    assert estimator.seconds(load_of(slow)) >= 499
