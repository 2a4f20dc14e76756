"""Write and read `verdicts.json`: a list of objects with the fields of Verdict and the schema version.

JSON has no infinity: an infinite figure is the string "Infinity" or "-Infinity", the outcome of a failed trial is null.
docs/results.md documents the schema; a test compares it with this module.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import from_json

from harness.errors import UserError
from harness.files import read_text, replacing, user_path
from harness.verdicts.verdict import Verdict

SCHEMA = 3
"""Schema version: grows if a key changes its meaning or is removed, not if a key is added."""
_VERDICTS = TypeAdapter(list[Verdict], config=ConfigDict(ser_json_inf_nan="strings"))


def write_verdicts(verdicts: Sequence[Verdict], path: str | Path) -> None:
    """Write the verdicts atomically: a reader sees the old file or the new one. Raises UserError."""
    path = user_path(path)
    rows = [{"schema": SCHEMA, **row} for row in from_json(_VERDICTS.dump_json(list(verdicts)))]
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    with replacing(path, "Choose another file with --output") as file:
        file.write(f"{text}\n".encode())


def read_verdicts(path: str | Path) -> list[Verdict]:
    """Read the verdicts from a file of `write_verdicts`. Raises UserError if it is missing or not such a file."""
    path = user_path(path)
    text = read_text(path, "the verdicts that `harness run` or `harness judge` writes")
    try:
        rows = from_json(text)
        newest = max((row.get("schema", 0) for row in rows), default=0)
        if newest > SCHEMA:
            raise UserError(
                f"{path}: a newer harness wrote this file (schema {newest}; this harness reads up to {SCHEMA})."
                " Run `harness judge` to write a new one"
            )
        return _VERDICTS.validate_python(rows)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a file of verdicts ({error}). Run `harness judge` to write a new one") from error
