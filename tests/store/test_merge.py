"""Results folders become one: copies once, contradictions kept and told."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import harness.store.merge
from harness.errors import UserError
from harness.results import judge_results
from harness.store.folder import EXPERIMENT_NAME, exclusive
from harness.store.interim import InterimAnalyses
from harness.store.merge import merge
from harness.store.record import Record
from harness.store.sqlite import FILE_NAME, Store, open_store
from tests.factories import EXPERIMENT, record, spec

SPECS = [spec(seed=seed) for seed in range(6)]


def folder(path: Path, planned: Iterable[int], *records: Record, text: str = EXPERIMENT) -> Path:
    """A results folder with these of SPECS planned."""
    with open_store(path, create=True) as store:
        store.set_plan({SPECS[index].id(): SPECS[index] for index in planned})
        store.add(*records)
    (path / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
    return path


def stored(path: Path) -> list[dict[str, Any]]:
    with open_store(path) as store:
        return list(store.every_attempt())


def rewrite(path: Path, table: str, column: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what is stored in a way that only another version of the harness would."""
    with closing(sqlite3.connect(path / FILE_NAME)) as connection, connection:
        for row, text in connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
            value = json.loads(text)
            change(value)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (json.dumps(value), row))


def test_what_each_has_is_kept_and_a_copy_once(tmp_path: Path) -> None:
    diverged = record(SPECS[1], status="diverged", test={"loss": math.nan})
    a = folder(tmp_path / "a", (0, 1), record(SPECS[0]), diverged)
    b = folder(tmp_path / "b", (1, 2, 3), diverged, record(SPECS[2]))
    (a / "summaries").mkdir()
    (a / "summaries" / "gru.txt").write_text("a's", encoding="utf-8")
    merged = merge([a, b], tmp_path / "ab")
    assert (merged.trials, merged.records, merged.copies, merged.conflicts) == (3, 3, 1, [])
    kept = {r["trial_id"]: r["status"] for r in stored(tmp_path / "ab")}
    assert kept == {SPECS[0].id(): "ok", SPECS[1].id(): "diverged", SPECS[2].id(): "ok"}
    with open_store(tmp_path / "ab") as store:
        assert [one.trial_id for one in store.plan()] == [SPECS[index].id() for index in (0, 1, 2, 3)]
    assert (tmp_path / "ab" / EXPERIMENT_NAME).read_text(encoding="utf-8") == EXPERIMENT
    assert (tmp_path / "ab" / "summaries" / "gru.txt").read_text(encoding="utf-8") == "a's"


@pytest.mark.parametrize("change", [{"test": {"loss": 2.0}}, {"seconds_total": 1.6}, {"host": "b"}])
def test_conflicting_records_are_kept_and_listed_and_the_latest_counts(
    tmp_path: Path, change: dict[str, object]
) -> None:
    late = record(SPECS[0], started_at="2026-02-01T00:00:00+00:00")
    early = record(SPECS[0], started_at="2026-01-01T00:00:00+00:00", **change)
    a, b = folder(tmp_path / "a", [0], late), folder(tmp_path / "b", [0], early)
    merged = merge([a, b], tmp_path / "ab")
    (conflict,) = merged.conflicts
    assert (conflict.trial_id, set(conflict.folders)) == (SPECS[0].id(), {a, b})
    assert set(conflict.fields) == {"started_at", *change}
    assert [(r["attempt"], r["started_at"][:7]) for r in stored(tmp_path / "ab")] == [(1, "2026-01"), (2, "2026-02")]


def test_a_trial_that_one_finished_and_another_did_not_is_no_conflict(tmp_path: Path) -> None:
    done = record(SPECS[0], started_at="2026-01-01T00:00:00+00:00")
    for name, status in (("b", "interrupted"), ("c", "crashed")):
        folder(tmp_path / name, [0], record(SPECS[0], status=status, test={}, started_at="2026-02-01T00:00:00+00:00"))
    merged = merge([folder(tmp_path / "a", [0], done), tmp_path / "b", tmp_path / "c"], tmp_path / "abc")
    assert (merged.records, merged.conflicts) == (3, [])
    assert [r["status"] for r in stored(tmp_path / "abc")][-1] == "ok"


def test_attempts_of_one_folder_stay_as_they_are(tmp_path: Path) -> None:
    attempts = [
        record(SPECS[0], attempt=1, noisy=True, started_at="2026-03-01T00:00:00+00:00"),
        record(SPECS[0], attempt=2, noisy=False, started_at="2026-02-01T00:00:00+00:00"),
    ]
    a, b = folder(tmp_path / "a", [0], *attempts), folder(tmp_path / "b", [1], record(SPECS[1]))
    assert merge([a, b], tmp_path / "ab").conflicts == []
    assert sorted((r["attempt"], r["noisy"]) for r in stored(tmp_path / "ab") if r["trial_id"] == SPECS[0].id()) == [
        (1, True), (2, False),
    ]  # fmt: skip
    again = merge([tmp_path / "ab", a], tmp_path / "aab")
    assert (again.copies, again.conflicts) == (2, [])


def test_folders_that_cannot_be_merged_are_reported_and_nothing_is_lost(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", [0], record(SPECS[0]))
    b = folder(tmp_path / "b", [1], record(SPECS[1]))
    other = folder(tmp_path / "o", [1], text=EXPERIMENT.replace('"tiny"', '"other"'))
    for sources, into, message in (
        ([a], tmp_path / "x", "two results folders or more"),
        ([a, a], tmp_path / "x", "given twice"),
        ([a, b], a, "is one of the folders to merge"),
        ([a, other], tmp_path / "x", r"results of the experiment 'other', not of 'tiny'"),
        ([a, tmp_path / "none"], tmp_path / "x", "none"),
    ):
        with pytest.raises(UserError, match=message):
            merge(sources, into)
        assert not (tmp_path / "x").exists()
    merge([a, b], tmp_path / "ab")
    with pytest.raises(UserError, match="already contains results"):
        merge([a, b], tmp_path / "ab")
    assert len(stored(tmp_path / "ab")) == 2
    assert len(stored(a)) == 1


def test_the_command_prints_conflicts_and_counts(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from harness.cli.main import app

    a = folder(tmp_path / "a", (0, 1), record(SPECS[0]), record(SPECS[1]))
    b = folder(tmp_path / "b", (0, 1), record(SPECS[0], seconds_total=2.5), record(SPECS[1]))
    done = CliRunner().invoke(app, ["merge", str(a), str(b), "--into", str(tmp_path / "ab")])
    assert done.exit_code == 0, done.output
    conflict, counts = done.output.splitlines()
    assert conflict.startswith(f"conflict: trial {SPECS[0].id()} differs in seconds_total ({a}, {b})")
    assert counts == f"{tmp_path / 'ab'}: 3 records of 2 trials; 1 copy left out, 1 trial in conflict."


CLAIM = """
[[claim]]
id = "lower"
claim = "GRUs reach a lower loss than LSTMs"
kind = "paired"
better = "gru"
than = "lstm"
on = "test_loss"
margin = 0.05
"""


def analysed(path: Path, seeds: Iterable[int], through: Iterable[int], most: int = 40) -> Path:
    """A results folder of a run that added seeds: losses of both cells for each, and when its claim was analysed."""
    of = {(seed, cell): spec(seed=seed, cell=cell) for seed in seeds for cell in ("gru", "lstm")}
    with open_store(path, create=True) as store:
        store.set_plan({one.id(): one for one in of.values()})
        store.add(
            *(
                record(one, test={"loss": 1.0 + seed % 3 * 0.1 + (cell == "lstm") * seed % 4 * 0.1})
                for (seed, cell), one in of.items()
            )
        )
        for last in through:
            store.add_analyses({"lower": last}, most)
    (path / EXPERIMENT_NAME).write_text(EXPERIMENT + CLAIM, encoding="utf-8")
    return path


def test_interim_analyses_stay_on_record_and_the_merged_verdict_allows_for_all_of_them(tmp_path: Path) -> None:
    a = analysed(tmp_path / "a", range(10), (4, 9))
    b = analysed(tmp_path / "b", range(20, 25), (24,))
    plain = analysed(tmp_path / "plain", range(30, 35), ())
    merge([a, b, plain], tmp_path / "all")
    with open_store(tmp_path / "all") as store:
        assert store.analyses() == {"lower": InterimAnalyses((4, 9, 24), 40)}
    (verdict,) = judge_results(tmp_path / "all")
    assert [analysis.n for analysis in verdict.interim_analyses] == [5, 10, 15]
    assert verdict.most_seeds == 40
    assert "5 seeds came after the last interim analysis" in verdict.reason
    merge([plain, a], tmp_path / "two")
    with open_store(tmp_path / "two") as store:
        assert store.analyses() == {"lower": InterimAnalyses((4, 9), 40)}


def test_interim_analyses_with_different_most_seeds_in_mind_cannot_be_merged(tmp_path: Path) -> None:
    a = analysed(tmp_path / "a", range(5), (4,), most=40)
    b = analysed(tmp_path / "b", range(5, 10), (9,), most=20)
    with pytest.raises(UserError, match=rf"b: .* at most 20 .* in .*a with at most 40.*harness report {a} {b}"):
        merge([a, b], tmp_path / "ab")
    assert not (tmp_path / "ab").exists()


@pytest.mark.parametrize("change", [lambda r: (r.pop("host"), r.pop("version_differences")), lambda r: r.update(new=1)])
def test_records_of_another_version_are_copied_as_they_are(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    a = folder(tmp_path / "a", [0], record(SPECS[0], test={"loss": math.inf}))
    b = folder(tmp_path / "b", [1], record(SPECS[1]))
    rewrite(a, "trial", "record", change)
    rewrite(a, "planned", "spec", lambda planned: planned.update(new=1))
    merge([a, b], tmp_path / "ab")
    (copy,) = (one for one in stored(tmp_path / "ab") if one["trial_id"] == SPECS[0].id())
    assert [copy] == stored(a)
    again = merge([tmp_path / "ab", a], tmp_path / "aab")
    assert (again.copies, again.conflicts) == (1, [])


def test_a_record_with_the_keys_that_it_lacked_filled_in_is_a_copy(tmp_path: Path) -> None:
    a, b = (folder(tmp_path / name, [0], record(SPECS[0])) for name in "ab")
    rewrite(a, "trial", "record", lambda r: (r.pop("host"), r.pop("version_differences")))
    merged = merge([a, b], tmp_path / "ab")
    assert (merged.records, merged.copies, merged.conflicts) == (1, 1, [])


def test_of_a_block_of_the_speed_lane_all_trials_count_as_one_folder_ran_them(tmp_path: Path) -> None:
    gru, lstm = (spec(lane="speed", cell=cell, options={}) for cell in ("gru", "lstm"))

    def place(name: str, *begun: tuple[str, object]) -> Path:
        records = [record(of, started_at=f"2026-01-{day}T00:00:00+00:00", host=name) for day, of in begun]
        with open_store(tmp_path / name, create=True) as store:
            store.set_plan({gru.id(): gru, lstm.id(): lstm})
            store.add(
                *(
                    one.model_copy(update={"spec": one.spec.model_copy(update={"options": {"files": name}})})
                    for one in records
                )
            )
        (tmp_path / name / EXPERIMENT_NAME).write_text(EXPERIMENT, encoding="utf-8")
        return tmp_path / name

    def counted(*folders: Path) -> list[object]:
        into = tmp_path / "+".join(one.name for one in folders)
        merge(folders, into)
        with open_store(into) as store:
            return [one["host"] for one in store.records()]

    a = place("a", ("01", gru), ("04", lstm))
    b = place("b", ("02", gru), ("03", lstm))
    half = place("half", ("05", gru))
    assert counted(a, b) == counted(b, a) == ["a", "a"]
    assert counted(half, b) == ["b", "b"]
    assert counted(half, place("c", ("02", lstm))) == ["half", "c"]


@pytest.mark.parametrize("step", ["write_atomically", "_without_copies"])
def test_a_merge_that_was_ended_before_it_was_done_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    a = analysed(tmp_path / "a", range(5), (4,))
    b = analysed(tmp_path / "b", range(5, 10), (9,))
    (a / "summaries").mkdir()
    (a / "summaries" / "gru.txt").write_text("a's", encoding="utf-8")
    real, calls = getattr(harness.store.merge, step), 0

    def ends_at_the_second(*arguments: Any) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(f"harness.store.merge.{step}", ends_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            merge([a, b], tmp_path / "ab")
    assert judge_results(tmp_path / "ab")[0].verdict == "undecided", "it can be reported"
    assert merge([a, b], tmp_path / "ab").records == 20
    with open_store(tmp_path / "ab") as store:
        assert store.analyses() == {"lower": InterimAnalyses((4, 9), 40)}


def test_a_folder_in_which_a_run_goes_on_can_be_merged_and_the_run_is_not_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.store.sqlite._AT_A_TIME", 1)
    a, b = folder(tmp_path / "a", range(6), *map(record, SPECS[:3])), folder(tmp_path / "b", [5], record(SPECS[5]))
    kept = Store.fill
    with open_store(a, create=True) as running, exclusive(a):
        running._connection.execute("PRAGMA busy_timeout = 0")

        def fill(store: Store, plan: Any, analyses: Any, records: Iterator[Any]) -> None:
            first = next(records)
            running.set_plan({one.id(): one for one in SPECS[:5]})
            running.add(record(SPECS[3]))
            kept(store, plan, analyses, chain([first], records))

        monkeypatch.setattr(Store, "fill", fill)
        merged = merge([a, b], tmp_path / "ab")
    assert merged.records in (4, 5)
    assert {record(one).trial_id for one in (*SPECS[:3], SPECS[5])} <= {
        one["trial_id"] for one in stored(tmp_path / "ab")
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folders_that_cannot_be_written_can_be_merged(tmp_path: Path) -> None:
    sources = [folder(tmp_path / name, [index], record(SPECS[index])) for index, name in enumerate("ab")]
    for source in sources:
        (source / FILE_NAME).chmod(0o400)
        source.chmod(0o500)
    assert merge(sources, tmp_path / "ab").records == 2
    for source in sources:
        source.chmod(0o700)
