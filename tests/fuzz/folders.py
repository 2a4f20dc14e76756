"""A small results folder with every kind of content, and ways to damage it."""

from __future__ import annotations

import functools
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from harness.spec.trial import TrialSpec
from harness.store.folder import EXPERIMENT_NAME
from harness.store.record import PHASES, CurvePoint, Failure, Memory, Phase, Record
from harness.store.sqlite import FILE_NAME, open_store
from harness.tasks import Example
from tests.factories import EXPERIMENT, experiment, plan, record
from tests.fuzz import experiments
from tests.fuzz.mutation import TEXTS, mutated_bytes, mutated_text, mutated_value, odd_value, some
from tests.fuzz.target import odd_file

CLAIMS = """
[[claim]]
id = "smaller-error"
claim = "A GRU recalls better than an LSTM"
kind = "paired"
better = "gru"
than = "lstm"
on = "test_accuracy"
where = { train_size = "largest" }
margin = 0.05

[[claim]]
id = "faster"
claim = "A GRU reaches the target sooner"
kind = "time-to-target"
better = "gru"
than = "lstm"
margin = "10%"

[[claim]]
id = "solves"
claim = "A GRU solves it more often"
kind = "proportion"
better = "gru"
than = "lstm"
margin = 0.2

[[claim]]
id = "parameters"
claim = "A GRU has fewer parameters than an LSTM"
kind = "exact"
fact = "fewer-parameters"
"""
_TEXT = EXPERIMENT + CLAIMS


def _stored(at: int, of: TrialSpec) -> Record:
    """The record of one trial; there are four kinds in turn."""
    scores = {"loss": 1.0 + at / 10, "accuracy": 0.3 + at / 20}
    curve = [
        CurvePoint(
            update=update, seconds=update / 10, train_loss=2.0 / update, validation_loss=2.1 / update, validation=scores
        )
        for update in (2, 4, 6)
    ]
    common: dict[str, Any] = {
        "phases": {name: Phase(wall_seconds=0.5, cpu_seconds=0.4, memory_peak_bytes=10**8) for name in PHASES},
        "parameters": 300, "recurrent_parameters": 200, "updates": 6, "seconds_per_update": 0.01,
        "memory": Memory(baseline_bytes=10**8, peak_bytes=2 * 10**8, method="sampled"),
        "curve": curve, "train": scores, "validation": scores,
        "test": scores, "baselines": {"chance": {"loss": 2.3, "accuracy": 0.1}}, "git_commit": "a" * 40,
        "git_dirty": True,
    }  # fmt: skip
    match at % 4:
        case 1:
            failed = Failure(phase="train", message="the training loss is nan", stderr="é\n", exit_code=1)
            return record(of, status=("diverged", "crashed")[at % 8 // 4], test={}, failure=failed)
        case 2:
            picture = Example(
                picture=("0f", "f0"), axis=("frequency", "0 Hz", "4 kHz"), seconds=1.0, labels=("a", "b"),
                there=("01", "10"), heard=("11", "00"),
            )  # fmt: skip
            more = {"example": picture, "test_at": {10: scores}, "gradient_reach": {"trained": [(0, 1.0), (1, 0.5)]}}
            return record(of, **common, **more)
        case 3:
            return record(of, **common, host="node1", version_differences=("numpy 1 instead of 2",), rounds=[0.1, 0.2])
        case _:
            return record(of, **common)


@functools.cache
def _files() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        trials = plan(experiment(_TEXT))
        ids = list(trials)
        with open_store(directory, create=True) as store:
            store.set_plan(trials)
            store.add(*(_stored(at, of) for at, of in enumerate(trials.values()) if at != 7))
            store.add(_stored(4, trials[ids[5]]).model_copy(update={"attempt": 2}))
            store.leave_out({ids[7]: "no time"})
            store.add_analyses({"solves": 1}, 40)
        (directory / EXPERIMENT_NAME).write_text(_TEXT, encoding="utf-8")
        (directory / "summaries").mkdir()
        (directory / "summaries" / "gru.txt").write_text('Model: "gru"\n', encoding="utf-8")
        (directory / "verdicts.json").write_text('{"schema": 1, "verdicts": []}', encoding="utf-8")
        return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def write(directory: Path) -> None:
    """A valid folder."""
    for name, content in _files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@functools.cache
def some_trial() -> str:
    """The id of a stored trial."""
    return next(iter(plan(experiment(_TEXT))))


def small_experiment(random: Random) -> bytes:
    """An experiment of few trials, mutated."""
    return experiments.mutated(random, _TEXT)


def damage(random: Random, directory: Path) -> None:
    """One to four kinds of damage."""
    for _ in some(random, 4):
        random.choice(_DAMAGES)(random, directory)


def _bytes_of_the_store(random: Random, directory: Path) -> None:
    path = directory / FILE_NAME
    if path.is_file():
        path.write_bytes(mutated_bytes(random, path.read_bytes()))


def _a_byte_of_the_store(random: Random, directory: Path) -> None:
    path = directory / FILE_NAME
    if path.is_file() and path.stat().st_size:
        content = bytearray(path.read_bytes())
        for _ in some(random, 20):
            content[random.randrange(len(content))] = random.randrange(256)
        path.write_bytes(content)


def _execute(directory: Path, statement: str, *values: Any) -> list[Any]:
    """Execute a statement, if possible. SQLite would wait for a pipe beside the store."""
    if not (directory / FILE_NAME).is_file() or any(path.is_fifo() for path in directory.glob(f"{FILE_NAME}-*")):
        return []
    try:
        with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()
    except (sqlite3.Error, OverflowError, UnicodeError):
        return []


def _json(random: Random, directory: Path) -> None:
    """Change JSON values in the store: records more often than specs."""
    table, column = random.choice((("trial", "record"), ("trial", "record"), ("planned", "spec")))
    rows = _execute(directory, f"SELECT rowid, {column} FROM {table}")
    if not rows:
        return
    for row, text in random.sample(rows, random.choice((1, 1, len(rows)))):
        try:
            value = _as_text(mutated_value(random, json.loads(text)))
        except (RecursionError, ValueError, TypeError):
            value = random.choice(("", "null", "[]", "{}", "{", '{"a": 1, "a": 2}', "[" * 5000))
        _execute(directory, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", value, row)


def _as_text(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        return "[" * 3000 + "]" * 3000


_COLUMNS = {
    "trial": ("trial_id", "attempt", "status", "task", "cell", "seconds", "record"),
    "planned": ("position", "trial_id", "task", "lane", "backend", "cell", "guess", "spec"),
    "left_out": ("trial_id", "reason"),
    "look": ("claim", "through", "most"),
}


def _column(random: Random, directory: Path) -> None:
    table = random.choice(list(_COLUMNS))
    value = random.choice((odd_value(random), random.randbytes(4), None))
    value = _as_text(value) if isinstance(value, list | dict) else value
    some_rows = random.choice(("", " WHERE abs(random()) % 3 = 0"))
    _execute(directory, f"UPDATE OR IGNORE {table} SET {random.choice(_COLUMNS[table])} = ?{some_rows}", value)


def _structure(random: Random, directory: Path) -> None:
    table = random.choice(list(_COLUMNS))
    column = random.choice(_COLUMNS[table])
    statements = (
        f"DROP TABLE {table}", f"DELETE FROM {table}", f"ALTER TABLE {table} RENAME TO other",
        f"ALTER TABLE {table} RENAME COLUMN {column} TO other", f"ALTER TABLE {table} ADD COLUMN other",
        f"PRAGMA user_version = {random.choice((0, 1, 2, 3, -1, 2**31 - 1))}",
        f"PRAGMA application_id = {random.choice((0, 1, -1))}", "PRAGMA journal_mode = WAL",
        "DROP INDEX trial_state", f"CREATE VIEW v AS SELECT * FROM {table}",
        f"CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END",
    )  # fmt: skip
    _execute(directory, random.choice(statements))


def _older(random: Random, directory: Path) -> None:
    """A store of the first schema version, which is migrated when it is opened."""
    for statement in (
        "CREATE TABLE new AS SELECT position, trial_id, cell, spec FROM planned", "DROP TABLE planned",
        "ALTER TABLE new RENAME TO planned", "DROP TABLE left_out", "DROP TABLE look", "DROP INDEX trial_state",
        "PRAGMA user_version = 1",
    ):  # fmt: skip
        _execute(directory, statement)


def _experiment(random: Random, directory: Path) -> None:
    path = directory / EXPERIMENT_NAME
    if path.is_file():
        path.write_bytes(experiments.mutated(random, _TEXT))


def _other_text(random: Random, directory: Path) -> None:
    for name in ("verdicts.json", "summaries/gru.txt", "summaries/\udcff.txt", "summaries/x.txt"):
        path = directory / name
        if random.random() < 0.4 and (directory / "summaries").is_dir() and (path.is_file() or not path.exists()):
            path.write_bytes(mutated_text(random, '{"schema": 1}'))


def _odd(random: Random, directory: Path) -> None:
    names = (FILE_NAME, EXPERIMENT_NAME, "verdicts.json", "summaries/gru.txt", "report.html", "report.md", ".lock")
    path = directory / random.choice((*names, f"{FILE_NAME}-journal", f"{FILE_NAME}-wal", "records.csv", "figures"))
    if path.parent.is_dir():
        odd_file(random, path)
    if random.random() < 0.2 and (directory / "summaries").is_dir():
        shutil.rmtree(directory / "summaries")
        odd_file(random, directory / "summaries")


def _journal(random: Random, directory: Path) -> None:
    name = random.choice(("-journal", "-wal", "-shm"))
    path = directory / f"{FILE_NAME}{name}"
    if not path.exists() and not path.is_symlink():
        path.write_bytes(random.choice((b"", random.randbytes(600), random.choice(TEXTS).encode())))


_DAMAGES = (
    _bytes_of_the_store, _a_byte_of_the_store, _json, _json, _json, _json, _column, _structure, _older, _experiment,
    _other_text, _odd, _journal,
)  # fmt: skip
