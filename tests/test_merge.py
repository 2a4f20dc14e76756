"""Results folders become one: copies once, contradictions kept and told."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.merge import merge
from harness.record import Record
from harness.store import EXPERIMENT_NAME, open_store
from tests.factories import EXPERIMENT, record, spec

SPECS = [spec(seed=seed) for seed in range(6)]


def folder(path: Path, planned: Iterable[int], *records: Record, text: str = EXPERIMENT) -> Path:
    """A results folder with these of SPECS planned."""
    with open_store(path, create=True) as store:
        store.set_plan({SPECS[index].id(): SPECS[index] for index in planned})
        store.add_all(records)
    (path / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
    return path


def stored(path: Path) -> list[dict[str, object]]:
    with open_store(path) as store:
        return list(store.every_attempt())


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
        assert list(store.plan()) == [SPECS[index].id() for index in (0, 1, 2, 3)]
    assert (tmp_path / "ab" / EXPERIMENT_NAME).read_text(encoding="utf-8") == EXPERIMENT
    assert (tmp_path / "ab" / "summaries" / "gru.txt").read_text(encoding="utf-8") == "a's"


@pytest.mark.parametrize("change", [{"test": {"loss": 2.0}}, {"seconds_total": 1.6}, {"host": "b"}])
def test_records_that_differ_are_kept_and_told_and_the_last_begun_counts(
    tmp_path: Path, change: dict[str, object]
) -> None:
    late = record(SPECS[0], started_at="2026-02-01T00:00:00+00:00")
    early = record(SPECS[0], started_at="2026-01-01T00:00:00+00:00", **change)
    a, b = folder(tmp_path / "a", [0], late), folder(tmp_path / "b", [0], early)
    merged = merge([a, b], tmp_path / "ab")
    (conflict,) = merged.conflicts
    assert (conflict.trial_id, set(conflict.folders)) == (SPECS[0].id(), {a, b})
    assert set(conflict.fields) == {"started_at", *change}
    assert [(r["attempt"], r["started_at"][:7]) for r in stored(tmp_path / "ab")] == [(1, "2026-01"), (2, "2026-02")]  # type: ignore[index]


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


def test_what_cannot_be_merged_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", [0], record(SPECS[0]))
    b = folder(tmp_path / "b", [1], record(SPECS[1]))
    other = folder(tmp_path / "o", [1], text=EXPERIMENT.replace('"tiny"', '"other"'))
    for sources, into, message in (
        ([a], tmp_path / "x", "two results folders or more"),
        ([a, a], tmp_path / "x", "given twice"),
        ([a, b], a, "is one of those to be merged"),
        ([a, other], tmp_path / "x", r"results of the experiment 'other', not of 'tiny'"),
        ([a, tmp_path / "none"], tmp_path / "x", "none"),
    ):
        with pytest.raises(UserError, match=message):
            merge(sources, into)
        assert not (tmp_path / "x").exists()
    merge([a, b], tmp_path / "ab")
    with pytest.raises(UserError, match="results in it already"):
        merge([a, b], tmp_path / "ab")
    assert len(stored(tmp_path / "ab")) == 2
    assert len(stored(a)) == 1


def test_the_command_tells_conflicts_and_counts(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from harness.cli import app

    a = folder(tmp_path / "a", (0, 1), record(SPECS[0]), record(SPECS[1]))
    b = folder(tmp_path / "b", (0, 1), record(SPECS[0], seconds_total=2.5), record(SPECS[1]))
    done = CliRunner().invoke(app, ["merge", str(a), str(b), "--into", str(tmp_path / "ab")])
    assert done.exit_code == 0, done.output
    conflict, counts = done.output.splitlines()
    assert conflict.startswith(f"conflict: trial {SPECS[0].id()} differs in seconds_total ({a}, {b})")
    assert counts == f"{tmp_path / 'ab'}: 3 records of 2 trials; 1 copies left out, 1 trials in conflict."
