"""Find damaged values in a database that is intact for SQLite."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.spec.explain import explain
from harness.spec.trial import TrialSpec
from harness.store.record import Record

_TYPES = {
    "trial": {"trial_id": "text", "attempt": "integer", "status": "text", "task": "text", "cell": "text"},
    "planned": {
        "trial_id": "text", "task": "text", "lane": "text", "backend": "text", "cell": "text", "guess": "real",
        "spec": "text",
    },
    "left_out": {"trial_id": "text", "reason": "text"},
    "look": {"claim": "text", "through": "integer", "most": "integer"},
}  # fmt: skip


_LARGEST = 2**63 - 1
"""The largest integer of a table's column, in pandas and in SQLite."""
_LONGEST = 1e12
"""Seconds."""


def found_damage(connection: sqlite3.Connection, error: Exception) -> str | None:
    """The first damaged value with its place, or None. Reads the whole store.

    Damaged are values of a wrong type and rows of the plan that disagree with their spec; after a KeyError, a record
    without that key; after an OverflowError or a ValueError, a number that is too large.
    """
    key = str(error.args[0]) if isinstance(error, KeyError) and error.args else None
    for table, types in _TYPES.items():
        for column, expected in types.items():
            query = f"SELECT rowid, typeof({column}) FROM {table} WHERE typeof({column}) <> ? LIMIT 1"
            if table in ("left_out", "look"):
                query = query.replace("rowid", "1")
            for row, value in connection.execute(query, (expected,)):
                return f"table {table}, row {row}: {column} is {value}, expected {expected}"
    for table, column in (
        (("planned", "guess"), ("trial", "seconds")) if isinstance(error, OverflowError | ValueError) else ()
    ):
        query = f"SELECT rowid, {column} FROM {table} WHERE abs({column}) > ? LIMIT 1"
        for row, value in connection.execute(query, (_LONGEST,)):
            return f"table {table}, row {row}: {column} is {value}, expected at most {_LONGEST:g}"
    for query, model in (
        ("SELECT trial_id, 'record of attempt ' || attempt, record FROM trial", Record),
        ("SELECT trial_id, 'plan', spec FROM planned", TrialSpec),
    ):
        for trial_id, what, text in connection.execute(query):
            wrong = _wrong(text, model, key)
            if not wrong and isinstance(error, OverflowError | ValueError):
                wrong = _too_large(json.loads(text))
            if wrong:
                return f"trial {trial_id}, {what}: {wrong}"
    for column in ("task", "lane", "backend", "cell"):
        query = f"SELECT trial_id, {column}, json_extract(spec, '$.{column}') AS own FROM planned WHERE {column} <> own"
        for trial_id, value, in_spec in connection.execute(query):
            return f"trial {trial_id}, plan: {column} is {value!r}, and {in_spec!r} in its spec"
    return None


def _wrong(text: object, model: type[BaseModel], key: str | None) -> str:
    """What is wrong with the JSON: a value of a wrong type, or a missing key (an optional one only if it is `key`).

    Keys of another version of the harness are not damage.
    """
    if not isinstance(text, str):
        return f"{type(text).__name__}, expected JSON text"
    try:
        given = model.model_validate_json(text)
    except ValidationError as error:
        if any(mistake["type"] != "extra_forbidden" for mistake in error.errors()):
            lines = explain(error, source="", model=model).splitlines()
            return next(line for line in lines if "unknown key" not in line).removeprefix(": ")
        known = _without(json.loads(text), [mistake["loc"] for mistake in error.errors()])
        given = model.model_validate_json(json.dumps(known))
    lacks = key is not None and _lacks(given.model_dump(mode="json"), json.loads(text), key)
    return f"{key}: this key is missing" if lacks else ""


def _without(stored: Any, places: list[tuple[int | str, ...]]) -> Any:
    """The JSON, changed: without the keys at these places."""
    for *above, name in places:
        inside = stored
        for part in above:
            inside = inside[part]
        del inside[name]
    return stored


def _lacks(whole: Any, stored: Any, key: str) -> bool:
    """Whether an object in the stored JSON lacks the key that it has with its default values."""
    if isinstance(whole, dict) and isinstance(stored, dict):
        below = ((inner, stored[name]) for name, inner in whole.items() if name in stored)
        return (key in whole and key not in stored) or any(_lacks(*pair, key) for pair in below)
    if isinstance(whole, list) and isinstance(stored, list):
        return any(_lacks(*pair, key) for pair in zip(whole, stored, strict=False))
    return False


def _too_large(value: Any, place: str = "") -> str:
    """The first integer that no table's column holds, with its place in the JSON; empty where there is none."""
    if isinstance(value, dict | list):
        below = value.items() if isinstance(value, dict) else enumerate(value)
        return next(filter(None, (_too_large(inner, f"{place}.{name}".strip(".")) for name, inner in below)), "")
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"{place} is an integer of {value.bit_length()} bits, expected at most 63"
    return ""
