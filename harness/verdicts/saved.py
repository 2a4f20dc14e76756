"""Verdicts on disk: `verdicts.json`, a list of objects with the fields of Verdict and the schema's version.

JSON has no infinity: an unbounded figure is the string "Infinity" or "-Infinity", one that is not a number is null.
docs/results.md has the schema; a test holds it to what is written here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.files import read_text, replacing, user_path
from harness.store.interim import InterimAnalysis
from harness.verdicts.verdict import Pair, Verdict

SCHEMA = 3
"""Grows when a key changes its meaning or is removed; further keys do not change it."""
_INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}
_FIGURES = tuple(field.name for field in fields(Verdict) if field.type == "float | None")


def write_verdicts(verdicts: Sequence[Verdict], path: str | Path) -> None:
    """Write them in one step: a reader sees the old file or the new one, never half of one. Raises UserError."""
    path = user_path(path)
    rows = [{"schema": SCHEMA, **_plain(asdict(verdict))} for verdict in verdicts]
    text = json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path, "Choose another place with --output") as file:
        file.write(f"{text}\n".encode())


def read_verdicts(path: str | Path) -> list[Verdict]:
    """The verdicts in a file of `write_verdicts`. Raises UserError where there is none, or it is something else."""
    path = user_path(path)
    text = read_text(path, "the verdicts that `harness run` or `harness judge` writes")
    try:
        rows = json.loads(text)
        newest = max((row.get("schema", 0) for row in rows), default=0)
        if newest > SCHEMA:
            raise UserError(
                f"{path}: written by a newer harness (schema {newest}, this one reads up to {SCHEMA});"
                " `harness judge` writes a new one"
            )
        return [_verdict(row) for row in rows]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise UserError(f"{path}: not a file of verdicts ({error}); `harness judge` writes a new one") from error


def _plain(value: Any) -> Any:
    """The value without what JSON lacks: infinities, NaN, NumPy's numbers."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _verdict(row: dict[str, Any]) -> Verdict:
    known = {field.name for field in fields(Verdict)}
    given = {key: value for key, value in row.items() if key in known}
    for name in _FIGURES:
        given[name] = _figure(given.get(name))
    given["pairs"] = tuple(_pair(pair) for pair in given.get("pairs", ()))
    given["trials"] = tuple(given.get("trials", ()))
    analyses = row.get("interim_analyses", row.get("looks", ()))  # `looks` up to schema 2
    given["interim_analyses"] = tuple(_analysis(analysis) for analysis in analyses)
    given["by_condition"] = tuple(_verdict(condition) for condition in given.get("by_condition", ()))
    return Verdict(**given)


def _pair(row: dict[str, Any]) -> Pair:
    numbers = {name: _figure(row[name]) for name in ("better", "than", "advantage")}
    return Pair(seed=row["seed"], **{name: math.nan if value is None else value for name, value in numbers.items()})


def _analysis(row: dict[str, Any]) -> InterimAnalysis:
    names = ("effect", "low", "high", "p_value", "p_sequential")
    numbers = {name: _figure(row[name]) for name in names}
    return InterimAnalysis(row["n"], **{name: math.nan if value is None else value for name, value in numbers.items()})


def _figure(value: Any) -> float | None:
    return _INFINITE[value] if isinstance(value, str) else value
