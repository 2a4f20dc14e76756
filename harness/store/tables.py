"""The tables of the store, and the migration of older files. A migration never changes records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

from harness.errors import UserError
from harness.plan.estimate import load_of
from harness.spec.renamed import with_new_names
from harness.spec.trial import TrialSpec

SCHEMA_VERSION = 3
_APPLICATION_ID = 0x52_4E_4E_48  # 'RNNH'; tells this database from those of other programs

_TRIALS = """
CREATE TABLE trial (
    trial_id TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    status   TEXT NOT NULL,
    task     TEXT NOT NULL,
    cell     TEXT NOT NULL,
    seconds  REAL,
    record   TEXT NOT NULL,
    PRIMARY KEY (trial_id, attempt)
);
"""
_PLAN = """
CREATE TABLE planned (
    position INTEGER PRIMARY KEY,
    trial_id TEXT NOT NULL UNIQUE,
    task     TEXT NOT NULL,
    lane     TEXT NOT NULL,
    backend  TEXT NOT NULL,
    cell     TEXT NOT NULL,
    guess    REAL NOT NULL,
    spec     TEXT NOT NULL
);
CREATE INDEX planned_load ON planned (task, lane, backend, cell, guess, trial_id);
"""
_SINCE_2 = """
CREATE INDEX trial_state ON trial (trial_id, attempt, status, seconds);
CREATE TABLE left_out (
    trial_id TEXT NOT NULL PRIMARY KEY,
    reason   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE look (
    claim   TEXT NOT NULL,
    through INTEGER NOT NULL,
    most    INTEGER NOT NULL,
    PRIMARY KEY (claim, through)
) WITHOUT ROWID;
"""
"""The indexes contain everything that `harness status` counts, so that it reads neither records nor specs.

A row of `look` is an interim analysis of a claim with all seeds up to `through`; `most` is the largest number of seeds,
fixed beforehand."""


def check_schema(connection: sqlite3.Connection, path: Path, *, create: bool) -> None:
    """Create or migrate the tables of the open database; `create` allows an empty file.

    Raises UserError for an empty file otherwise, another program's database, one of a newer harness, and one of an
    older harness that cannot be written.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == application == tables == 0:
        if not create:
            raise UserError(f"{path}: an empty file, no records. Delete it and run the experiment again")
        _change(connection, 0, lambda: _execute(connection, _TRIALS + _PLAN + _SINCE_2))
    elif application != _APPLICATION_ID:
        raise UserError(f"{path}: a database of another program. Name another results folder")
    elif version > SCHEMA_VERSION:
        raise UserError(
            f"{path}: written by a newer harness (schema {version}, this one reads up to {SCHEMA_VERSION})."
            " Update the harness, or name another results folder"
        )
    elif version < SCHEMA_VERSION:
        try:
            _change(connection, version, lambda: _migrate(connection, version))
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_READONLY:
                raise
            raise UserError(
                f"{path}: this database has an old schema and must be migrated, but it is read-only. Copy the folder to"
                " a writable place and use the copy"
            ) from error


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary error code, such as SQLITE_READONLY; 0 if the error has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _change(connection: sqlite3.Connection, version: int, work: Callable[[], None]) -> None:
    """Do the work in one transaction, unless another process has done it meanwhile."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN EXCLUSIVE")
    if connection.execute("PRAGMA user_version").fetchone() == (version,):
        work()
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in filter(str.strip, statements.split(";")):
        connection.execute(statement)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Version 1 had fewer tables, and version 2 called a backend a kernel: rewrite the plan with present names.

    Planned trials whose cell no longer exists or whose spec is damaged are dropped; the next run plans them again.
    """
    plan = connection.execute("SELECT trial_id, spec FROM planned ORDER BY position").fetchall()
    connection.execute("DROP TABLE planned")
    _execute(connection, _PLAN + (_SINCE_2 if version == 1 else ""))
    rows = []
    for position, (trial_id, text) in enumerate(plan):
        try:
            spec = with_new_names(json.loads(text))
            rows.append((position, trial_id, *load_of(TrialSpec.model_construct(**spec)), json.dumps(spec)))
        except Exception:  # the spec may be anything, and the module of its task a user's
            continue
    connection.executemany(INSERT_PLANNED, rows)


INSERT_PLANNED = "INSERT INTO planned VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
"""A row: position, trial_id, the fields of its load, its spec."""
