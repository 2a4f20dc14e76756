"""What is wrong with the values in a store that SQLite itself finds intact: somebody, or a disk, has changed them."""

from __future__ import annotations

import json
import sqlite3

from pydantic import BaseModel, ValidationError

from harness.experiment import TrialSpec
from harness.explain import explain
from harness.record import Record

_TYPES = {
    "trial": {"trial_id": "text", "attempt": "integer", "status": "text", "task": "text", "cell": "text"},
    "planned": {
        "trial_id": "text", "task": "text", "lane": "text", "kernel": "text", "cell": "text", "guess": "real",
        "spec": "text",
    },
    "left_out": {"trial_id": "text", "reason": "text"},
    "look": {"claim": "text", "through": "integer", "most": "integer"},
}  # fmt: skip


def found_damage(connection: sqlite3.Connection, error: Exception) -> str | None:
    """The first value of a wrong type, or the first record without the key that a KeyError names, with its place.

    None where there is none. Reads the whole store.
    """
    key = str(error.args[0]) if isinstance(error, KeyError) and error.args else None
    for table, types in _TYPES.items():
        for column, expected in types.items():
            query = f"SELECT rowid, typeof({column}) FROM {table} WHERE typeof({column}) <> ? LIMIT 1"
            if table in ("left_out", "look"):
                query = query.replace("rowid", "1")
            for row, found in connection.execute(query, (expected,)):
                return f"table {table}, row {row}: {column} is {found}, expected {expected}"
    for query, model in (
        ("SELECT trial_id, 'record of attempt ' || attempt, record FROM trial", Record),
        ("SELECT trial_id, 'plan', spec FROM planned", TrialSpec),
    ):
        for trial_id, what, text in connection.execute(query):
            wrong = _wrong(text, model, key)
            if wrong:
                return f"trial {trial_id}, {what}: {wrong}"
    return None


def _wrong(text: object, model: type[BaseModel], key: str | None) -> str:
    """What the JSON has of a wrong type, or lacks: a required key, or an optional one if it is `key`.

    Keys of another version of the harness are not damage.
    """
    if not isinstance(text, str):
        return f"{type(text).__name__}, expected JSON text"
    try:
        model.model_validate_json(text)
    except ValidationError as error:
        if any(mistake["type"] != "extra_forbidden" for mistake in error.errors()):
            lines = explain(error, source="", model=model).splitlines()
            return next(line for line in lines if "unknown key" not in line).removeprefix(": ")
    return f"{key}: this key is missing" if key in model.model_fields.keys() - json.loads(text).keys() else ""
