"""The store keeps every attempt, says what is missing, and answers a bad file or disk in words."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.files import THIS_HOST, write_atomically
from harness.spec.trial import TrialSpec
from harness.store.folder import EXPERIMENT_NAME, exclusive, stored_experiment
from harness.store.interim import InterimAnalyses
from harness.store.sqlite import FILE_NAME, open_store
from harness.store.tables import SCHEMA_VERSION
from tests.factories import record, spec

MATTERS_TO_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def test_a_record_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    stored = record(test={"loss": 0.5, "perplexity": float("inf")}, curve=[])
    with open_store(tmp_path, create=True) as store:
        store.set_plan({stored.trial_id: stored.spec})
        store.add(stored)
    with open_store(tmp_path) as store:
        (read,) = store.records()
    assert type(stored).model_validate(read) == stored


def test_a_store_is_made_with_the_folders_it_lies_in(tmp_path: Path) -> None:
    with open_store(tmp_path / "of" / "many", create=True) as store:
        assert list(store.records()) == []


def test_records_come_in_the_order_of_the_plan(tmp_path: Path) -> None:
    specs = [spec(seed=seed) for seed in (3, 1, 2)]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({s.id(): s for s in specs})
        for s in reversed(specs):
            store.add(record(s))
        assert [r["spec"]["seed"] for r in store.records()] == [3, 1, 2]


def test_the_latest_attempt_counts_and_the_earlier_ones_stay(tmp_path: Path) -> None:
    crashed, ok = record(status="crashed", test={}), record(attempt=2)
    with open_store(tmp_path, create=True) as store:
        store.set_plan({ok.trial_id: ok.spec})
        store.add(crashed)
        store.add(ok)
        assert store.attempts() == {ok.trial_id: (2, "ok", 1)}
        assert [r["attempt"] for r in store.records()] == [2]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM trial").fetchone() == (2,)


def test_an_attempt_is_never_overwritten(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        store.add(record())
        with pytest.raises(KeyError, match="stored already"):
            store.add(record(seconds_total=99.0))
        assert [r["seconds_total"] for r in store.records(all_records=True)] == [1.5]


def test_records_that_the_plan_does_not_ask_for_are_kept_but_not_shown(tmp_path: Path) -> None:
    wanted, unwanted = record(), record(spec(seed=9))
    with open_store(tmp_path, create=True) as store:
        store.set_plan({wanted.trial_id: wanted.spec})
        store.add(wanted)
        store.add(unwanted)
        assert [r["trial_id"] for r in store.records()] == [wanted.trial_id]
        assert {r["trial_id"] for r in store.records(all_records=True)} == {wanted.trial_id, unwanted.trial_id}


def test_a_plan_lists_its_trials_and_the_seeds_of_its_comparison(tmp_path: Path) -> None:
    specs = [spec(seed=3), spec(seed=4, cell="lstm"), spec(seed=1_000_000, purpose="tuning")]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({of.id(): of for of in specs})
        trials = store.planned_trials()
        assert trials == {of.id(): ("recall", of.cell) for of in specs}
        assert list(trials) == [of.id() for of in specs]
        assert store.planned_seeds() == {3, 4}


def test_states_tell_what_is_there_and_what_is_missing(tmp_path: Path) -> None:
    specs = [spec(seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm")]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({s.id(): s for s in specs})
        store.add(record(specs[0]))
        store.add(record(specs[1], status="diverged", seconds_total=2.0))
        states = [(s.load.cell, s.status, s.crashes, s.trials, s.seconds, s.spent) for s in store.states()]
        assert states == [
            ("gru", "missing", 0, 1, 0, 0),
            ("gru", "ok", 0, 1, 1.5, 1.5),
            ("lstm", "missing", 0, 1, 0, 0),
            ("lstm", "diverged", 0, 1, 2.0, 2.0),
        ]


def test_a_folder_without_a_store_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no results here .* harness run FILE"), open_store(tmp_path / "nowhere"):
        pass
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("create", [True, False])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, create: bool) -> None:
    content = b"a diary, not a database. " * 100
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(UserError, match=r"not an SQLite file\. Move it away"), open_store(tmp_path, create=create):
        pass
    assert (tmp_path / FILE_NAME).read_bytes() == content


@pytest.mark.parametrize("create", [True, False])
def test_another_programs_database_is_left_as_it_is(tmp_path: Path, create: bool) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(UserError, match="database of another program"), open_store(tmp_path, create=create):
        pass
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path, create: bool) -> None:
    with open_store(tmp_path, create=True) as store:
        store.add(record())
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(UserError, match=r"newer harness .* Update the harness"), open_store(tmp_path, create=create):
        pass
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(UserError, match="an empty file"), open_store(tmp_path):
        pass


def test_a_results_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("not a folder", encoding="utf-8")
    with pytest.raises(UserError, match=r"results cannot be written here .* --results DIR"):
        open_store(tmp_path / "results" / "x", create=True).__enter__()
    assert (tmp_path / "results").read_text(encoding="utf-8") == "not a folder"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where not even root can make a folder")
def test_a_folder_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(UserError, match=r"results cannot be written here .* --results DIR"):
        open_store("/proc/results", create=True).__enter__()


@MATTERS_TO_ROOT
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written"), open_store(tmp_path, create=True):
        pass


def test_a_full_disk_is_one_message_and_what_was_stored_stays(tmp_path: Path) -> None:
    first, big = record(), record(spec(seed=1), data_fingerprint="x" * 200_000)
    with open_store(tmp_path, create=True) as store:
        store.set_plan({r.trial_id: r.spec for r in (first, big)})
        store.add(first)
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")  # SQLite's own way to be full
        with pytest.raises(UserError, match="the disk is full"):
            store.add(big)
        assert [r["trial_id"] for r in store.records()] == [first.trial_id]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


HOLD = """
import sys, time
from pathlib import Path
from harness.store.folder import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_in_the_same_folder_says_who_holds_it_until_that_one_dies(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"process {holder.pid} is running an experiment"), exclusive(tmp_path):
            pass
        holder.kill()
    with exclusive(tmp_path):
        pass


def test_a_run_removes_what_a_killed_one_left_unfinished_and_nothing_else(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f".verdicts.json.{THIS_HOST}-{pid}-x.part").touch()
    with exclusive(tmp_path):
        left = f".verdicts.json.{THIS_HOST}-{os.getpid()}-x.part"
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", left]


KILLED_WHILE_WRITING = """
import os, signal, sys
from harness.store.sqlite import open_store
from tests.factories import record, spec
with open_store(sys.argv[1], create=True) as store:
    store.set_plan({spec().id(): spec()})
    store.add(record())
    store._connection.execute("PRAGMA cache_size = 1")  # so that the file is written to before the transaction ends
    store._connection.execute("BEGIN IMMEDIATE")
    store._connection.execute("UPDATE trial SET record = ?", ("x" * 200_000,))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_run_was_writing_when_it_was_killed_is_undone_by_the_next_reader(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path)]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -9
    assert (tmp_path / f"{FILE_NAME}-journal").exists()
    with open_store(tmp_path) as store:
        assert [r["trial_id"] for r in store.records()] == [spec().id()]
        with pytest.raises(UserError, match="read-only"):
            store.add(record(attempt=2))


def test_the_attempts_at_a_trial_are_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    first, again, other = record(status="crashed", test={}), record(attempt=2), record(spec(seed=9))
    with open_store(tmp_path, create=True) as store:
        for stored in (again, first, other):
            store.add(stored)
        for asked in (first.trial_id, first.trial_id[:6]):
            assert [attempt["attempt"] for attempt in store.attempts_at(asked)] == [1, 2]
        both = ", ".join(sorted((first.trial_id, other.trial_id)))
        for asked, message in (
            ("", f"2 trials have ids that begin with it: {both}"),
            ("xyz", "no record"),
            ("%z", "no record"),
            ("_", both),
        ):
            with pytest.raises(UserError, match=re.escape(message)) as caught:
                store.attempts_at(asked)
            assert str(caught.value).startswith(f"{tmp_path}: trial {asked!r}: ")
            assert str(caught.value).endswith("`harness export` lists the ids")
        assert [(attempt["spec"]["seed"], attempt["attempt"]) for attempt in store.every_attempt()] in (
            [(0, 1), (0, 2), (9, 1)],
            [(9, 1), (0, 1), (0, 2)],
        )


def test_trials_that_a_run_left_out_are_listed_until_they_run(tmp_path: Path) -> None:
    specs = [spec(seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm")]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({of.id(): of for of in specs})
        store.leave_out({of.id(): "no time" for of in specs[1:]} | {"0" * 16: "not planned"})
        store.add(record(specs[1], status="interrupted", test={}))
        stored = store.left_out()
        assert [(of.cell, of.seeds, of.trials) for of in stored] == [("lstm", (0, 1), 2), ("gru", (1,), 1)]
        assert stored[0].why == "size 20, length 5, accuracy lane, seeds 0, 1: no time"
        assert stored[1].why == "size 20, length 5, accuracy lane, seed 1: no time"
        assert store.left_out_ids() == {of.id() for of in specs[1:]}
        store.add(record(specs[2]))
        assert len(store.left_out_ids()) == 2


def test_interim_analyses_are_kept_by_claim_in_the_order_of_their_seeds(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        store.add_analyses({"a": 9, "b": 9}, 20)
        store.add_analyses({"a": 4}, 20)
        assert store.analyses() == {"a": InterimAnalyses((4, 9), 20), "b": InterimAnalyses((9,), 20)}


def test_more_records_than_are_read_at_a_time_come_once_each_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.store.sqlite._AT_A_TIME", 2)
    specs = [spec(seed=seed) for seed in range(5)]
    with open_store(tmp_path, create=True) as store:
        store.set_plan({of.id(): of for of in specs})
        store.add(*(record(of) for of in specs if of.seed != 1))
        assert [stored["spec"]["seed"] for stored in store.records()] == [0, 2, 3, 4]
        ids = [stored["trial_id"] for stored in store.records(all_records=True)]
        assert ids == sorted(of.id() for of in specs if of.seed != 1)
        assert [TrialSpec.model_validate_json(one.spec) for one in store.plan()] == specs
        assert [one.trial_id for one in store.plan()] == [of.id() for of in specs]


def test_whoever_reads_every_attempt_holds_up_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.store.sqlite._AT_A_TIME", 2)
    first, *others = (record(spec(seed=seed)) for seed in range(5))
    with open_store(tmp_path, create=True) as store, open_store(tmp_path) as reader:
        store._connection.execute("PRAGMA busy_timeout = 0")
        store.add(first, *others)
        attempts = reader.every_attempt()
        stored = [next(attempts)]
        store.add(record(spec(seed=5)))
        store.add(*(record(one.spec, attempt=2) for one in others))
        stored += attempts
    places = [(one["trial_id"], one["attempt"]) for one in stored]
    assert places == sorted(set(places))
    assert {(one.trial_id, 1) for one in (first, *others)} <= set(places)


def test_the_experiment_of_a_folder_is_read_back_or_the_reason_is_stated(tmp_path: Path) -> None:
    write_atomically(tmp_path / EXPERIMENT_NAME, "name = 'café'")
    assert stored_experiment(tmp_path) == "name = 'café'"
    (tmp_path / EXPERIMENT_NAME).write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"experiment\.toml: not UTF-8 text \(invalid start byte"):
        stored_experiment(tmp_path)


def test_a_folder_whose_lock_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with (
        pytest.raises(UserError, match=r"\.lock: cannot be written \(Is a directory\).*--results DIR"),
        exclusive(tmp_path),
    ):
        pass
