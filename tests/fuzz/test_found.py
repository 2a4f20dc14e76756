"""Inputs for which the fuzz found a traceback; each now gives one message."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.cli.diff import diff_results
from harness.errors import UserError
from harness.plan.expand import MOST_TRIALS
from harness.results import judged, render_beside, render_results
from harness.spec.load import load_claims, load_experiment
from harness.store.damage import found_damage
from harness.store.folder import EXPERIMENT_NAME
from harness.store.frame import to_frame
from harness.store.merge import merge
from harness.store.sqlite import FILE_NAME, open_store
from harness.store.status import status_of
from harness.tasks.sound.recordings import read_sound
from tests.factories import EXPERIMENT, experiment, plan
from tests.fuzz import folders
from tests.fuzz.commands import harness, pretended
from tests.fuzz.target import limited


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = " + "[" * 20_000, "nested too deeply"),
        ("seeds = " + "9" * 5000, "not valid TOML: .*4300 digits"),
    ],
)
def test_toml_that_python_cannot_read_is_one_message(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        load_experiment(tmp_path / "x.toml")


def test_a_pipe_is_not_an_experiment_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.toml")
    folders.write(tmp_path / "tiny")
    (tmp_path / "tiny" / EXPERIMENT_NAME).unlink()
    os.mkfifo(tmp_path / "tiny" / EXPERIMENT_NAME)
    for use, path in ((load_experiment, "x.toml"), (load_claims, "x.toml"), (judged, "tiny"), (render_results, "tiny")):
        with limited(20), pytest.raises(UserError, match=rf"{path}.*: is not a regular file"):
            use(tmp_path / path)


def test_more_trials_than_fit_into_memory_are_refused_before_they_are_planned() -> None:
    large = experiment(EXPERIMENT, ("seeds = 2", "seeds = 100_000"), ("units = 4", "units = [4, 5, 6]"))
    with pytest.raises(UserError, match=rf"sweep\[0\] \(recall\): 1,200,000 trials, expected at most {MOST_TRIALS:,}"):
        plan(large)


def test_counts_of_hundreds_of_digits_are_refused() -> None:
    with pytest.raises(UserError, match=r"units.*less than or equal to 1000000000000"):
        experiment(EXPERIMENT, ("units = 4", f"units = {10**200}"))


@pytest.mark.parametrize("key", ["sequence_length = 5", "evaluate_lengths = [5]"])
def test_lengths_above_one_million_are_refused(key: str) -> None:
    """The task computes the number of different sequences, 10 to the power of the length."""
    text = EXPERIMENT.replace("updates = 6", "updates = 6\nevaluate_lengths = [5]")
    with pytest.raises(UserError, match="less than or equal to 1000000"):
        experiment(text, (key, key.replace("5", str(10**15))))


def test_a_circle_of_links_is_not_a_results_folder(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for use in (
        lambda: merge([loop, tmp_path], tmp_path / "new"),
        lambda: render_beside([loop, tmp_path], tmp_path / "new"),
        lambda: open_store(loop).__enter__(),
        lambda: load_experiment(loop / "x.toml"),
    ):
        with pytest.raises(UserError, match=str(loop)):
            use()


def test_a_name_that_is_too_long_for_the_system_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no results here"):
        open_store(tmp_path / ("a" * 300)).__enter__()
    with pytest.raises(UserError, match="aaaaaaaa"):
        load_experiment("a" * 300)


def test_a_folder_whose_name_is_not_text_is_printed(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    folder = os.fsdecode(b"\xff")
    with pretended(tmp_path):
        assert "trials to do" in harness("check", "tiny.toml", "--results", folder)
        harness("status", folder)


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("trial", "record", "[]", r"record of attempt 1: .*object"),
        ("trial", "record", "true", r"record of attempt 1: .*object"),
        ("trial", "record", "[" * 3000, r"record of attempt 1: .*recursion"),
        ("trial", "record", '{"trial_id": 5}', r"record of attempt 1: "),
        ("planned", "spec", "[]", r"plan: .*object"),
        ("planned", "guess", "soon", r"table planned, row \d+: guess is text, expected real"),
    ],
)
def test_values_of_a_wrong_type_are_named(tmp_path: Path, table: str, column: str, value: str, message: str) -> None:
    folders.write(tmp_path / "tiny")
    with closing(sqlite3.connect(tmp_path / "tiny" / FILE_NAME)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ?", (value,))
    with pytest.raises(UserError, match=rf"{FILE_NAME}: damaged \(.*{message}"):
        read(tmp_path / "tiny")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("'{}'", "record of attempt 1: trial_id: this key is missing"),
        ("'x'", "record of attempt 1: .*JSON"),
        ("json_remove(record, '$.failure')", "record of attempt 1: failure: this key is missing"),
        (
            "json_set(json_remove(record, '$.parameters'), '$.x', 5)",
            "record of attempt 1: parameters: this key is missing",
        ),
        ("json_set(record, '$.machine', 5)", "record of attempt 1: machine: "),
        ("json_set(record, '$.example', 5)", "record of attempt 1: example: "),
    ],
)
def test_invalid_values_that_only_verdicts_or_report_use_are_named(tmp_path: Path, change: str, message: str) -> None:
    folder, other = tmp_path / "tiny", tmp_path / "other"
    folders.write(folder)
    folders.write(other)
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.execute(f"UPDATE trial SET record = {change}")
    with pytest.raises(UserError, match=rf"tiny.*{FILE_NAME}: damaged \(trial \w+, {message}"):
        render_results(folder, format="md")
    if "example" in change:  # which verdicts and differences do without
        return
    for use in (judged, lambda path: diff_results(path, other), lambda path: diff_results(other, path)):
        with pytest.raises(UserError, match=rf"tiny.*{FILE_NAME}: damaged \(trial \w+, {message}"):
            use(folder)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            "trial SET attempt = x'31' WHERE rowid = 1",
            TypeError(),
            r"table trial, row \d+: attempt is blob, expected integer",
        ),
        ("planned SET task = 'copying'", KeyError(()), r"plan: task is 'copying', and 'recall' in its spec"),
        ("planned SET guess = 9e999", OverflowError(), r"row \d+: guess is inf, expected at most 1e\+12"),
        (
            "trial SET record = json_set(json_remove(record, '$.curve[0].validation'), '$.curve[0].x', 5)",
            KeyError("validation"),
            r"record of attempt 1: validation: this key is missing",
        ),
        (
            "trial SET record = replace(record, '\"updates\":6', '\"updates\":' || printf('%.*c', 40, '9'))",
            OverflowError(),
            r"record of attempt 1: [\w.]*updates is an integer of 133 bits, expected at most 63",
        ),
    ],
)
def test_the_damaged_value_is_found(tmp_path: Path, change: str, error: Exception, message: str) -> None:
    folders.write(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection:
        connection.execute(f"UPDATE {change}")
        assert re.search(message, found_damage(connection, error) or "")


@pytest.mark.parametrize(
    "change", ["trial SET attempt = x'31' WHERE rowid = 1", "planned SET cell = x'31'", "planned SET guess = 9e999"]
)
def test_damage_that_appears_after_the_store_was_read_is_named(tmp_path: Path, change: str) -> None:
    folders.write(tmp_path / "results" / "tiny")
    (tmp_path / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "results" / "tiny" / FILE_NAME)) as connection, connection:
        connection.execute(f"UPDATE {change}")
    with pretended(tmp_path):
        harness("status", "results/tiny")
        harness("check", "tiny.toml")


def test_sqlite_waits_for_no_pipe_beside_the_store(tmp_path: Path) -> None:
    """Opening a pipe waits for its writer, and SQLite repeats the call after a signal."""
    folders.write(tmp_path / "tiny")
    for name in (f"{FILE_NAME}-journal", f"{FILE_NAME}-wal"):
        path = tmp_path / "tiny" / name
        for make in (Path.mkdir, os.mkfifo):  # the pipe last: without the check nothing ends it
            make(path)
            with pytest.raises(UserError, match=rf"{name}: is not a regular file"):
                read(tmp_path / "tiny")
            path.rmdir() if path.is_dir() else path.unlink()


def test_sound_of_unknown_length_is_read(tmp_path: Path) -> None:
    """Samples of GSM 6.10, and of other compressed kinds, can only be read from the first to the last."""
    samples = np.sin(np.arange(1600) / 3) / 2
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="GSM610")
    assert np.corrcoef(read_sound(tmp_path / "a.wav")[:1600], samples)[0, 1] > 0.98


def read(directory: Path) -> None:
    with open_store(directory) as store:
        status_of(store, 1)
        to_frame(store.records())
        store.left_out()


@pytest.mark.parametrize("option", ["--seeds", "--most-seeds"])
def test_more_seeds_than_can_be_counted_are_refused(tmp_path: Path, option: str) -> None:
    (tmp_path / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    with pretended(tmp_path):
        harness("run", "tiny.toml", "--until-decided", option, str(2**70))
