"""Outdated names in experiment files and stores, with their present names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import UserError

KEYS = {"kernel": "backend"}
BACKENDS = {"document": "article"}


def with_new_names(table: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's spec, a table of an experiment file, or a claim's `where`, with present names.

    Raises UserError if a key occurs under both its old and its new name.
    """
    for old, new in KEYS.items():
        if old in table and new in table:
            raise UserError(f"{old!r} is the old name of {new!r}: give {new!r} alone")
    if KEYS.keys().isdisjoint(table):
        renamed = dict(table)  # the usual case: plans have thousands
    else:
        renamed = {KEYS.get(key, key): value for key, value in table.items()}
    if "backend" in renamed:
        renamed["backend"] = _backends(renamed["backend"])
    return renamed


def _backends(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return type(given)(map(_backends, given))
    return BACKENDS.get(given, given) if isinstance(given, str) else given


def rename_in_experiment(content: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The content of an experiment file with present names, and a note for each old name in it.

    Raises UserError if a table has a key under both its old and its new name.
    """
    notes: dict[str, None] = {}

    def renamed(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        new = with_new_names(table)
        notes.update(dict.fromkeys(f"{old!r} is called {KEYS[old]!r} now" for old in KEYS if old in table))
        if "backend" in new and new["backend"] != table.get("kernel", table.get("backend")):
            notes.update(dict.fromkeys(f"the backend {old!r} is called {now!r} now" for old, now in BACKENDS.items()))
        return new

    def with_renamed_conditions(claim: Any) -> Any:
        has_conditions = isinstance(claim, Mapping) and "where" in claim
        return {**claim, "where": renamed(claim["where"])} if has_conditions else claim

    result = renamed(content)
    for key, change in (("sweep", renamed), ("claim", with_renamed_conditions)):
        if isinstance(tables := result.get(key), list):
            result[key] = [change(table) for table in tables]
        elif tables is not None:
            result[key] = change(tables)
    return result, tuple(notes)
